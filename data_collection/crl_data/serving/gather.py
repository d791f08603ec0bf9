"""Batches out of frames in memory: rows copied side by side by several threads, into memory that is used again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crl_robot.errors import ContractError

Images = NDArray[np.uint8]


def require_within(indices: NDArray[np.int64], count: int) -> None:
    """Raise ContractError unless ``indices`` is one row of numbers from 0 to below ``count``."""
    if indices.ndim != 1 or (len(indices) and (indices.min() < 0 or indices.max() >= count)):
        span = f"{indices.min()} to {indices.max()}" if indices.size else "nothing"
        raise ContractError(f"indices of shape {indices.shape} hold {span}, expected (B,) of 0 to {count - 1}")


class Gather:
    """Takes rows of uint8 (N, ...) by index.

    Args:
        workers: threads, the calling one included; one for each core by default. Memory is what limits them.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(max(1, self._workers - 1), thread_name_prefix="gather")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def take(self, images: Images, indices: ArrayLike, out: Images | None = None) -> Images:
        """Rows at ``indices`` (B,) -> uint8 (B, ...), in ``out`` if given. Raises ContractError on misfits."""
        wanted = np.asarray(indices, np.int64)
        require_within(wanted, len(images))
        rows = _output(out, (len(wanted), *images.shape[1:]))
        self._copy(images, [(wanted, rows)])
        return rows

    def transitions(
        self,
        images: Images,
        states: ArrayLike,
        goals: ArrayLike,
        pairs_out: Images | None = None,
        goals_out: Images | None = None,
    ) -> tuple[Images, Images]:
        """The images of (s, s', g), s' being the row after s.

        Args:
            states, goals: (B,) rows of s and of g.
            pairs_out, goals_out: filled if given; made anew otherwise.

        Returns:
            uint8 (B, 2, ...) with s beside s', and uint8 (B, ...).

        Raises:
            ContractError: an index or an output does not fit.
        """
        first, later = np.asarray(states, np.int64), np.asarray(goals, np.int64)
        require_within(first, len(images) - 1)
        require_within(later, len(images))
        shape = images.shape[1:]
        pairs = _output(pairs_out, (len(first), 2, *shape))
        ends = _output(goals_out, (len(later), *shape))
        both = np.stack([first, first + 1], axis=1).reshape(-1)
        self._copy(images, [(both, pairs.reshape(-1, *shape)), (later, ends)])
        return pairs, ends

    def _copy(self, images: Images, jobs: list[tuple[NDArray[np.int64], Images]]) -> None:
        """Each thread does its part of each job."""

        def part(worker: int) -> None:
            for wanted, out in jobs:
                start, stop = (len(wanted) * number // self._workers for number in (worker, worker + 1))
                # 'clip' checks nothing twice; with 'raise' numpy would fill a copy of ``out`` first.
                np.take(images, wanted[start:stop], axis=0, out=out[start:stop], mode="clip")

        others = [self._pool.submit(part, worker) for worker in range(1, self._workers)]
        part(0)
        for other in others:
            other.result()


def _output(out: Images | None, shape: tuple[int, ...]) -> Images:
    if out is None:
        return np.empty(shape, np.uint8)
    if out.shape != shape or out.dtype != np.uint8 or not out.flags.c_contiguous:
        raise ContractError(f"the output is {out.dtype} {out.shape}, expected C-contiguous uint8 {shape}")
    return out
