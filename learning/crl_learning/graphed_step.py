"""A training step recorded once as a CUDA graph and replayed with other batches: one launch instead of hundreds.

What is recorded reads and writes the same memory again and again, so all that changes from step to step must lie there:
the batch is copied into places of its own, and a learning rate is a tensor on the device.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch

from crl_learning.algorithms.algorithm import Info
from crl_learning.batch import Batch
from crl_robot.errors import ConfigError

Step = Callable[[Batch], Info]


class GraphedStep:
    """Runs one and the same step, on batches of one shape.

    The first steps run as they are, on a stream of their own, as recording wants it: they are steps like any other.
    """

    WARM_UP = 3

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch: Batch | None = None
        self._info: Info = {}
        self._warmed = 0

    def run(self, step: Step, batch: Batch) -> Info:
        """Do ``step`` with ``batch``; returns its metrics, which the next step leaves as they are.

        Raises ConfigError where the step cannot be recorded.
        """
        placed = self._placed(batch)
        if self._graph is None and self._warmed < self.WARM_UP:
            self._warmed += 1
            return self._beside(step, placed)
        if self._graph is None:
            self._graph = self._recorded(step, placed)
        self._graph.replay()
        return {name: value.clone() for name, value in self._info.items()}

    def _placed(self, batch: Batch) -> Batch:
        """The batch that is computed with, always the same memory, with the values of ``batch``."""
        fields = {name: value for name, value in vars(batch).items() if value is not None}
        if self._batch is None:
            self._batch = Batch(**{name: value.clone() for name, value in fields.items()})
        else:
            for name, value in fields.items():
                getattr(self._batch, name).copy_(value)
        return self._batch

    def _beside(self, step: Step, batch: Batch) -> Info:
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")  # recorded later
            info = step(batch)
        torch.cuda.current_stream().wait_stream(self._stream)
        return info

    def _recorded(self, step: Step, batch: Batch) -> torch.cuda.CUDAGraph:
        """A graph of the step. Nothing is computed yet. A want of memory is one, as in any other step."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph, stream=self._stream):
                self._info = step(batch)
        except RuntimeError as error:
            first = _first(error)
            if isinstance(first, torch.OutOfMemoryError):
                raise first from None
            reason = str(first).partition("\n")[0]
            raise ConfigError(f"a step cannot be recorded as a CUDA graph: {reason}; use cuda_graph=false") from error
        return graph


def _first(error: BaseException) -> BaseException:
    """What broke a recording; ending it raises an error that says less."""
    found, before = error, error.__context__
    while before is not None:
        found, before = (before if isinstance(before, RuntimeError) else found), before.__context__
    return found
