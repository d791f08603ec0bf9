"""What the machine at hand is good at: device, number format, threads, memory."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from crl_learning.config import DEVICES
from crl_robot.errors import ConfigError, CrlError, nearest

CPU = torch.device("cpu")

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # malloc.h


def choose_device(name: str) -> torch.device:
    """'auto', 'cpu' or 'cuda' -> device. Raises ConfigError for another word, and for CUDA where it is not there."""
    if name not in DEVICES:
        raise ConfigError(f"device is '{name}'; {nearest(name, DEVICES)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device is 'cuda', but PyTorch sees no CUDA device; use device cpu or auto")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


@contextmanager
def computing_on(device: torch.device, what: object) -> Iterator[None]:
    """Turns what goes wrong within on a device other than the CPU, for want of memory perhaps, into a ConfigError.

    Args:
        what: is computed there, for the message.
    """
    try:
        yield
    except RuntimeError as error:
        if device.type == CPU.type or isinstance(error, CrlError):
            raise
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"device '{device}' cannot run {what}: {reason}; use device cpu, or free the memory of the device"
        ) from error


@contextmanager
def enough_memory(device: torch.device, what: str, advice: str) -> Iterator[None]:
    """Turns a want of the device's memory within into a ConfigError.

    Args:
        what: takes it, for the message.
        advice: what to do then.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        reason = ". ".join(str(error).split(". ")[:3])
        raise ConfigError(f"device '{device}' has too little memory for {what} ({reason}); {advice}") from error


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """The same on ``device``, without waiting for what is computed there: from the host it goes by pinned memory.

    A copy from other memory may wait for all that the device was asked for before.
    """
    if tensor.device.type == CPU.type and device.type == "cuda":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """'auto', 'bf16' or 'fp32' -> dtype of the autocast regions; float32 means no autocast.

    'auto' takes bfloat16 where the hardware computes in it; elsewhere it is emulated and slower than float32.
    """
    if precision == "auto":
        native = torch.cuda.is_bf16_supported(including_emulation=False) if device.type == "cuda" else cpu_has_bf16()
        precision = "bf16" if native else "fp32"
    return torch.bfloat16 if precision == "bf16" else torch.float32


@cache
def cpu_has_bf16() -> bool:
    """Whether this CPU has bfloat16 instructions (avx512_bf16 or AMX on x86, bf16 on ARM)."""
    info = Path("/proc/cpuinfo")
    if not info.is_file():
        return False
    flags = {word for line in info.read_text().splitlines() if line.lower().startswith(("flags", "features"))
             for word in line.split()}  # fmt: skip
    return bool(flags & {"avx512_bf16", "amx_bf16", "bf16"})


def set_threads(threads: int) -> None:
    """CPU threads for tensor operations, 0 for PyTorch's own choice."""
    if threads:
        torch.set_num_threads(threads)


def keep_freed_memory() -> None:
    """Let glibc reuse large blocks instead of returning them to the system after every step.

    Otherwise each activation is mapped and zeroed anew, page by page, which costs a third of a training step.
    Other C libraries are left alone.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_MAX, 0)
        libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)
