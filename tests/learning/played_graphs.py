"""CUDA graphs played on the CPU: a recording holds operations, their memory and the numbers that Python passed.

A replay runs them again on the same memory, as a GPU does. What Python computes anew from step to step it does not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def tensors_in(*trees: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(trees) if isinstance(leaf, Tensor)]


def memory_of(tensors: list[Tensor]) -> set[int]:
    return {tensor.untyped_storage().data_ptr() for tensor in tensors}


class PlayedGraph:
    """Stands for `torch.cuda.CUDAGraph`."""

    def __init__(self) -> None:
        self.operations: list[tuple[Any, Any, Any, list[Tensor]]] = []

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, made in self.operations:
            again = func(*args, **kwargs)
            if made:
                for old, new in zip(made, tensors_in(again), strict=True):
                    old.copy_(new)


class Recorder(TorchDispatchMode):
    """Writes down what computes. It computes itself, as a GPU does not, so `undo` brings back what was overwritten."""

    def __init__(self, graph: PlayedGraph) -> None:
        super().__init__()
        self._graph = graph
        self._before: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, given = kwargs or {}, tensors_in(args, kwargs)
        if func._schema.is_mutable:
            self._before += [(one, one.detach().clone()) for one in given]
            self._graph.operations.append((func, args, kwargs, []))
            return func(*args, **kwargs)
        made = func(*args, **kwargs)
        fresh = tensors_in(made)
        if not memory_of(fresh) <= memory_of(given):  # a view computes nothing
            self._graph.operations.append((func, args, kwargs, fresh))
        return made

    @torch.no_grad()
    def undo(self) -> None:
        for tensor, value in reversed(self._before):
            tensor.detach().copy_(value)


class PlayedStream:
    """Stands for `torch.cuda.Stream`."""

    capturing = False

    def wait_stream(self, other: PlayedStream) -> None: ...

    def is_capturing(self) -> bool:
        return self.capturing


@contextmanager
def recording(graph: PlayedGraph, stream: PlayedStream) -> Iterator[None]:
    """Stands for `torch.cuda.graph`."""
    recorder, stream.capturing = Recorder(graph), True
    try:
        with recorder:
            yield
    finally:
        stream.capturing = False
        recorder.undo()


def play_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets `GraphedStep` record on the CPU, and the optimiser make the checks that it makes where there is a GPU."""
    stream = PlayedStream()
    fakes = {"Stream": lambda: stream, "current_stream": lambda: stream, "stream": lambda _: nullcontext()}
    for name, fake in (fakes | {"CUDAGraph": PlayedGraph, "graph": recording}).items():
        monkeypatch.setattr(torch.cuda, name, fake)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "current_stream", lambda: stream)
