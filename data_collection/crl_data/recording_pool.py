"""Simulated episodes recorded by several processes, each with a world of its own; their number changes no episode."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from typing import Protocol

from crl_data.progress import progress_bar
from crl_data.store import Store
from crl_robot.errors import StoreError


class Player(Protocol):
    """Records episodes one after the other; what is in one depends on its number only."""

    def record(self, index: int) -> int:
        """Record and commit episode ``index``; returns its number of steps."""
        ...

    def close(self) -> None:
        """Release the simulation."""
        ...


def fill_store(
    store: Store, ids: Sequence[str], make_player: Callable[[], Player], steps: int, workers: int, *, progress: bool
) -> None:
    """Record those of the episodes ``ids`` that the store lacks; number i of the player is ``ids[i]``.

    Args:
        steps: of one episode, for the progress bar.

    Raises StoreError as `record_episodes`.
    """
    present = set(store.episode_ids())
    missing = [index for index, episode_id in enumerate(ids) if episode_id not in present]
    with progress_bar("recording", enabled=progress) as bar:
        total = len(ids) * steps
        task = bar.add_task("", total=total, completed=total - len(missing) * steps)
        for recorded in record_episodes(make_player, missing, workers, str(store.path)):
            bar.advance(task, recorded)


def record_episodes(make_player: Callable[[], Player], indices: Sequence[int], workers: int, out: str) -> Iterator[int]:
    """Yield the steps of each recorded episode as it is committed; with one worker all happens in this process.

    Args:
        make_player: called once in every process, so it must be picklable.
        out: the store, for messages.

    Raises:
        StoreError: a recording process died.
    """
    if not indices:
        return
    if workers == 1 or len(indices) < 2:
        with closing(make_player()) as player:
            yield from map(player.record, indices)
        return
    with _worker_pool(make_player, min(workers, len(indices))) as pool:
        try:
            for future in as_completed([pool.submit(_record_one, index) for index in indices]):
                yield future.result()
        except BrokenProcessPool as error:
            raise StoreError(
                f"a recording process died, for lack of memory perhaps; what was committed to {out} is whole, "
                "continue with resume=true and fewer workers"
            ) from error


@contextmanager
def _worker_pool(make_player: Callable[[], Player], workers: int) -> Iterator[ProcessPoolExecutor]:
    context = multiprocessing.get_context("spawn")  # a forked GL context does not work
    pool = ProcessPoolExecutor(workers, context, initializer=_start_worker, initargs=(make_player,))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_player: Player | None = None


def _start_worker(make_player: Callable[[], Player]) -> None:
    global _player
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which lets running episodes finish
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _player = make_player()


def _leave_with_parent() -> None:
    """A parent killed without warning cannot stop its workers; they would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _record_one(index: int) -> int:
    if _player is None:
        raise RuntimeError("the worker was not started by _start_worker")
    return _player.record(index)
