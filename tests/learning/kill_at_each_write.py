"""Kills a run after each of its writes in turn, resumes it, and compares what it ends with: `FOLDER FIRST STRIDE`.

A process of its own because it forks, and to die for real. Prints how many moments were tried.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from small_run import bar_data, config_for, equal_networks

from crl_learning.train import Trainer
from crl_robot import durable

WORDS = ("steps=4", "checkpoint_every=2", "log_every=1", "validate_every=3")


def run(folder: Path, *words: str) -> None:
    Trainer(config_for(folder, *WORDS, *words), bar_data()).run()


def killed_after(writes: int, folder: Path) -> bool:
    """Run in a child that dies after so many writes; False when it was done before."""
    child = os.fork()
    if child == 0:
        left = writes

        def die(*_: object) -> None:
            nonlocal left
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        with durable.observe(die):
            run(folder)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def resumes_to(straight: Path, folder: Path) -> bool:
    child = os.fork()
    if child == 0:
        words = ("resume=true",) if (folder / "settings.json").is_file() else ()
        if not words:
            shutil.rmtree(folder, ignore_errors=True)
        run(folder, *words)
        left = [path for path in folder.rglob("*.partial-*")]
        os._exit(0 if equal_networks(folder / "checkpoint", straight / "checkpoint") and not left else 1)
    return os.waitpid(child, 0)[1] == 0


def main(folder: Path, first: int, stride: int) -> None:
    straight = folder / "straight"
    run(straight)
    tried = first
    while killed_after(tried, folder / str(tried)):
        if not resumes_to(straight, folder / str(tried)):
            sys.exit(f"a run killed after write {tried} did not continue as if it had not been")
        tried += stride
    sys.stdout.write(f"{(tried - first) // stride}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
