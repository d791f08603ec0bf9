"""A CUDA device that is not there: tensors with a shape and a device but no values, and what must not be done with it.

Gradients cannot be computed on it, because PyTorch asks the driver for a stream: zeros stand for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from crl_learning import training_step
from crl_learning.algorithms.make import make_algorithm

CUDA = torch.device("cuda")
WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "unique", "_unique", "_unique2")
"""Operations that give a number to Python, or whose result has a size that depends on values."""
SENDING = ("lift_fresh", "lift_fresh_copy")
"""What `torch.tensor(numbers)` does: it copies them from memory that is not pinned."""
MOVING = ("_to_copy", "copy_")


class WaitingError(AssertionError):
    """Something in a step waits for the device, or mixes it with the host."""


class NeverWaits(TorchDispatchMode):
    """Raises WaitingError at an operation that would wait for a GPU, or that takes tensors of two devices."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        masks = name in ("index", "index_put", "index_put_") and any(one.dtype == torch.bool for one in given[1:])
        if name in (*WAITING, *SENDING) or masks:
            raise WaitingError(f"{func} waits for the device")
        made = func(*args, **(kwargs or {}))
        out = [leaf for leaf in tree_leaves(made) if isinstance(leaf, Tensor)]
        kinds = {one.device.type for one in (given + out if name in MOVING else given)}
        if len(kinds) > 1:
            raise WaitingError(f"{func} takes tensors of {', '.join(sorted(kinds))}")
        return made


class PretendedGenerator(torch.Generator):
    """Says that it is one of the device."""

    device = CUDA

    def __new__(cls, *_: object) -> PretendedGenerator:
        return super().__new__(cls)


@contextmanager
def pretended_cuda() -> Iterator[None]:
    """Within, modules can be moved to `CUDA`, and tensors be made there; the two devices do not mix."""
    before = torch.__future__.get_overwrite_module_params_on_conversion()
    torch.__future__.set_overwrite_module_params_on_conversion(True)
    try:
        with FakeTensorMode(allow_non_fake_inputs=True):
            yield
    finally:
        torch.__future__.set_overwrite_module_params_on_conversion(before)


def backward_with_zeros(loss: Tensor, **_: object) -> None:
    """Gives every parameter that a loss depends on a gradient of zeros."""
    seen, left = set(), [loss.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        variable = getattr(node, "variable", None)
        if variable is not None:
            variable.grad = torch.zeros_like(variable)
        left += [one for one, _ in node.next_functions]


def pretend_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers what is asked of the driver: there is one GPU, with memory for all."""
    answers = {"mem_get_info": (10**12, 10**12), "is_bf16_supported": True}
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, answer=answer, **__: answer)
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    monkeypatch.setattr(torch, "Generator", PretendedGenerator)
    monkeypatch.setattr(Tensor, "backward", backward_with_zeros)
    monkeypatch.setattr(training_step, "make_algorithm", unset_fake_temporarily()(make_algorithm))
