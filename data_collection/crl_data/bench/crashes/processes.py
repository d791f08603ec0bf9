"""Children that start within milliseconds, can be killed at any moment, and whose last words are kept."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from crl_data.bench.crashes.children import Child
from crl_robot.errors import StoreError

PATIENCE_S = 120.0


@dataclass
class Words:
    """What a child told before it ended, and how it ended.

    Attributes:
        told: (kind, what) in order.
        exit_code: of the process; negative is the signal that ended it.
        seconds: from 'ready' to its end.
    """

    told: list[tuple[str, Any]] = field(default_factory=list)
    exit_code: int = 0
    seconds: float = 0.0

    def of(self, kind: str) -> list[Any]:
        """Everything told of one kind."""
        return [what for name, what in self.told if name == kind]


class ChildProcess:
    """One child; ends with the object's use as a context manager."""

    def __init__(self, child: Child, *arguments: Any, die_after: int | None = None) -> None:
        context = multiprocessing.get_context("forkserver")  # importing takes longer than most children live
        context.set_forkserver_preload(["crl_data.bench.crashes.children"])
        self.pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(target=child, args=(theirs, die_after, *arguments), daemon=True)
        self._process.start()
        theirs.close()
        self.words = Words()
        self._wait_for_ready()
        self._started = time.monotonic()

    def _wait_for_ready(self) -> None:
        if not self.pipe.poll(PATIENCE_S) or self.pipe.recv()[0] != "ready":
            self._process.kill()
            raise StoreError("a writing child did not start; run it alone to see why")

    def end(self, after_s: float | None = None, how: signal.Signals = signal.SIGKILL) -> Words:
        """Let it run for that long and send the signal, or let it end by itself; returns what it told."""
        deadline = self._started + (PATIENCE_S if after_s is None else after_s)
        self._listen(deadline)
        if after_s is not None and self._process.is_alive() and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError):  # it ended in this very moment
                os.kill(self._process.pid, how)
        self._listen(self._started + PATIENCE_S)
        self.words.seconds = time.monotonic() - self._started
        self._process.join(PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            raise StoreError(f"a writing child still runs after {PATIENCE_S:.0f} s; its last words: {self.words.told}")
        self.words.exit_code = self._process.exitcode or 0
        return self.words

    def _listen(self, deadline: float) -> None:
        """Keep what it tells until then, or until its end of the pipe is closed."""
        while (left := deadline - time.monotonic()) > 0 and not self.pipe.closed:
            if self.pipe.poll(left):
                _receive(self.pipe, self.words)


def _receive(pipe: Connection, words: Words) -> None:
    try:
        words.told.append(pipe.recv())
    except (EOFError, ConnectionResetError):
        pipe.close()
