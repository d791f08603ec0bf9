"""Leads through trials on a robot, one scene after the other: goal, start, run, verdict.

Plain Python: everything that touches the robot, the camera or the operator is behind `Rig`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crl_learning.demo_verdict import picture_difference
from crl_learning.real_eval.log import RealLog, RealTrial
from crl_learning.real_eval.overlay import scene_overlay
from crl_learning.real_eval.scenes import Scenes
from crl_learning.trials import episode_seed

Image = NDArray[np.uint8]
Draw = Callable[[Image], Image]

PHOTOGRAPH, BEGIN, YES, NO, AGAIN = "goal", "start", "keep", "drop", "goal"
"""Session buttons, by what they mean here."""


@dataclass(frozen=True)
class Opinion:
    """What a run came to, and what the learned signal says of it; None where there is no signal."""

    reached: bool | None
    reached_any: bool | None
    score: float | None
    ended: str
    ticks: int
    run: str

    @property
    def words(self) -> str:
        """In one clause."""
        if self.reached is None:
            return "there is no learned signal"
        score = "" if self.score is None else f" (score {self.score:.2f})"
        return f"the learned signal says {'reached' if self.reached else 'not reached'}{score}"


class Rig(Protocol):
    """Robot, camera and operator. Every method raises GraphError when something is gone."""

    def view(self) -> Image:
        """What the camera sees now, uint8 (H, W, 3) RGB."""
        ...

    def say(self, words: str) -> None:
        """One line for the operator."""
        ...

    def ask(self, words: str, keys: dict[str, str], draw: Draw | None = None) -> str:
        """Wait for one of ``keys``, each with its meaning; meanwhile the live view is shown as ``draw`` makes it."""
        ...

    def home(self) -> None:
        """Bring the arm to where trials begin; it is disabled afterwards."""
        ...

    def run(self, goal: Image, ticks: int) -> Opinion:
        """Enable the arm, let the policy act towards ``goal`` for so many control ticks, disable the arm."""
        ...

    def record_verdict(self, success: bool) -> None:
        """Mark the recorded run, where runs are recorded."""
        ...


class Stage(Protocol):
    """Who prepares scenes and judges runs: an operator, or a simulation that plays the robot."""

    @property
    def judge(self) -> str:
        """Who it is, for the log."""
        ...

    def prepare(self, scene: int, name: str) -> tuple[Image, float | None]:
        """Bring goal and start about; returns the goal image, and how far the start is from its picture."""
        ...

    def verdict(self, opinion: Opinion, name: str) -> bool | None:
        """Whether the run was a success; None to throw it away and try the scene again."""
        ...


@dataclass(frozen=True)
class Plan:
    """What is to be tried: ``trials`` scenes of ``task`` by ``policy``, ``ticks`` control ticks each."""

    task: str
    policy: str
    trials: int
    ticks: int
    seed: int
    seeded: bool
    """Whether the scenes are those that a simulation draws with the seed."""


def walk(rig: Rig, stage: Stage, plan: Plan, log: RealLog) -> None:
    """Go through all scenes that the policy has not been through yet."""
    done = log.done(plan.task, plan.policy)
    left = [scene for scene in range(plan.trials) if scene not in done]
    rig.say(f"{plan.policy} on {plan.task}: {len(left)} of {plan.trials} trials to go; results are in {log.folder}")
    for scene in left:
        while (trial := _trial(rig, stage, plan, scene)) is None:
            rig.say(f"scene {scene} is tried again")
        log.add(trial)
    rig.say(f"all {plan.trials} trials are done: {_result(log, plan)}")


class OperatorStage:
    """A person puts things in place with the help of the overlay, and judges with a key."""

    judge = "operator"

    def __init__(self, rig: Rig, scenes: Scenes) -> None:
        self._rig, self._scenes = rig, scenes

    def prepare(self, scene: int, name: str) -> tuple[Image, float | None]:
        """Photograph the goal where there is none; bring the arm home; wait until the start is in place."""
        goal = self._scenes.load(scene, "goal")
        if goal is None:
            self._rig.ask(
                f"{name}: make the scene look as it should in the end, arm included, then photograph it",
                {PHOTOGRAPH: "photograph the goal"},
                lambda live: scene_overlay(live, None, None),
            )
            goal = self._rig.view()
            self._scenes.save(scene, "goal", goal)
        self._rig.ask(f"{name}: hands off, the arm moves to its start", {BEGIN: "move"})
        self._rig.home()
        start = self._scenes.load(scene, "start")
        self._rig.ask(
            f"{name}: put things where the start picture has them, then hands off",
            {BEGIN: "enable the arm and run"},
            lambda live: scene_overlay(live, start, goal),
        )
        live = self._rig.view()
        if start is None:
            self._scenes.save(scene, "start", live)
            return goal, None
        return goal, picture_difference(live, start)

    def verdict(self, opinion: Opinion, name: str) -> bool | None:
        """Ask; the signal's opinion is told after the answer, so that it does not make it."""
        keys = {YES: "success", NO: "failure", AGAIN: "throw away, try again"}
        key = self._rig.ask(
            f"{name}: did it succeed? (run ended: {opinion.ended}, {opinion.ticks} control ticks)", keys
        )
        if key == AGAIN:
            return None
        self._rig.say(f"{name}: you say {keys[key]}; {opinion.words}")
        return key == YES


def _trial(rig: Rig, stage: Stage, plan: Plan, scene: int) -> RealTrial | None:
    name = f"[{scene + 1} of {plan.trials}]"
    goal, apart = stage.prepare(scene, name)
    opinion = rig.run(goal, plan.ticks)
    success = stage.verdict(opinion, name)
    if success is None:
        return None
    rig.record_verdict(success)
    return RealTrial(
        plan.task,
        plan.policy,
        plan.seed,
        scene,
        episode_seed(plan.seed, scene) if plan.seeded else scene,
        int(success),
        stage.judge,
        "" if opinion.reached is None else int(opinion.reached),
        "" if opinion.reached_any is None else int(opinion.reached_any),
        "" if opinion.score is None else round(opinion.score, 4),
        opinion.ended,
        opinion.ticks,
        opinion.run,
        "" if apart is None else round(apart, 2),
    )


def _result(log: RealLog, plan: Plan) -> str:
    found = log.summary()["policies"][plan.policy]["tasks"][plan.task]
    low, high = (100 * found[f"success_final_{end}"] for end in ("low", "high"))
    return f"{100 * found['success_final']:.1f} % [{low:.1f}, {high:.1f}] of {found['episodes']}"
