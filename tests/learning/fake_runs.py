"""What a policy node would publish of its runs, and a data recorder that only remembers."""

import numpy as np

from crl_learning.runs import open_run
from crl_learning.runs.judging import Recorded
from crl_learning.runs.keeping import RunKeeper
from crl_robot.errors import StoreError

GOAL = np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)
ENDED = {"verdict": "reached", "sentence": "there", "stage": 0, "seconds": 1.5}


class FakeData:
    """Remembers what it was asked for; ``fails`` makes it refuse, ``untold`` to take goals and progress."""

    def __init__(self, fails=False, untold=""):
        self.fails, self.untold, self.calls = fails, untold, []
        self.told = None

    def begin(self, store, run, by_clock):
        self.calls.append(("begin", store.name, run, by_clock))
        if self.fails:
            raise StoreError("the disk is full, expected room; make some")

    def end(self, facts, told):
        self.calls.append(("end", facts["ended"]["verdict"]))
        self.told = told
        return Recorded("r1", 7, {"arm": 1}, self.untold)

    def accept(self, success):
        self.calls.append(("accept", success))


def status(state, run="r1", ended=None, **more):
    facts = {
        "state": state,
        "run": run,
        "ended": ended,
        "reason": "",
        "stage": 0,
        "goal": "goal.png",
        "goal_refused": "",
        "goal_warnings": [],
        "goal_stamp_ns": 1,
        "counters": {},
        "seconds": 1.0,
        "checks": [],
        "checkpoint": "models/reach",
        "image_spec": "abc",
        "goal_camera": "over_shoulder",
        "cameras": ["over_shoulder"],
        "native": [320, 240],
        "dry_run": False,
        "speed": 1.0,
        "time_limit_s": 0.0,
        "action_spec": {"rate_hz": 5.0},
    }
    return facts | more


def tick(number, run="r1", **more):
    return {"tick": number, "run": run, "stamp_ns": number, "preview": False} | more


def ready(tmp_path, data=None, **settings):
    """A keeper that has heard a goal, and that the policy is ready."""
    keeper = RunKeeper(tmp_path / "runs", data or FakeData(), **settings)
    hear_goal(keeper, 1, GOAL)
    keeper.on_status(status("ready", run=""), 1, 0.0)
    return keeper


def hear_goal(keeper, stamp_ns, image):
    keeper.on_goal(stamp_ns, "native", image)
    keeper.on_goal(stamp_ns, "seen", image[::4, ::4].copy())


def opened(tmp_path, run="r1"):
    return open_run(tmp_path / "runs" / run)
