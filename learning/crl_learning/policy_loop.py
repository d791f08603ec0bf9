"""What the policy node does at each control tick, without ROS: newest frame in, action out, everything measured."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from crl_learning.views import Views
from crl_robot.contracts import Action, ActionSpec, JointReading, Observation
from crl_robot.image_spec import ImageSpec

if TYPE_CHECKING:
    import torch

DELTAS = 6
"""Entries of an Action that a speed below 1 makes smaller; the gripper's opening is no delta."""


class Policy(Protocol):
    """A goal-image policy; images are uint8 (H, W, 3 * cameras) RGB at native size, stacked as `views` does."""

    @property
    def image_spec(self) -> ImageSpec: ...

    @property
    def views(self) -> Views: ...

    @property
    def action_spec(self) -> ActionSpec: ...

    @property
    def device(self) -> torch.device:
        """Where its networks compute."""
        ...

    @property
    def distances(self) -> NDArray[np.float32]:
        """(D,) how far the image that was acted on last is from the goal, 0 at the goal; (0,) where it cannot tell."""
        ...

    def rehearse(self) -> float:
        """Act once for practice and forget the goal; returns how many ms an action takes."""
        ...

    def require_robot(self, action_spec: ActionSpec, native: tuple[int, int], robot: str = "") -> None:
        """Raise MismatchError when it was made for another robot."""
        ...

    def set_goal(self, native_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns the goal as the network sees it, uint8 (h, w, 3 * cameras)."""
        ...

    def set_seen_goal(self, seen: NDArray[np.uint8]) -> None:
        """Takes a goal that is as the network sees it already, uint8 (h, w, 3 * cameras)."""
        ...

    def act(
        self, native_image: NDArray[np.uint8], joints: JointReading | None = None
    ) -> tuple[NDArray[np.float32], float]:
        """Action values (7,) and the critic's estimate, NaN where there is no critic."""
        ...

    def interrupt(self) -> None:
        """Forget actions that were planned ahead: the arm has held since."""
        ...


@dataclass(frozen=True)
class Tick:
    """One control tick.

    Attributes:
        action: what to send; None when there was nothing fresh to act on, or the result came too late: the arm then
            holds by itself.
        estimate: the critic's; NaN without an observation or without a critic.
        lateness_ms: how long after its scheduled time the tick began.
        age_ms: of the camera's newest frame when the tick began; NaN without an observation.
        inference_ms: time the policy took; NaN without an observation.
        distances: (D,) of the view from the goal, as the policy sees them; empty without an observation.
        goal: number of the goal that was acted towards; see `PolicyLoop.goal`.
        late: whether an action was dropped because its period was over.
        stamp_ns: of the camera's frame; 0 without an observation.
    """

    action: Action | None
    estimate: float
    lateness_ms: float
    age_ms: float
    inference_ms: float
    distances: tuple[float, ...] = ()
    goal: int = 0
    late: bool = False
    stamp_ns: int = 0


class PolicyLoop:
    """Runs one policy; ``set_goal`` may be called from another thread than ``tick``.

    ``counters`` counts 'actions', 'skipped' ticks without an observation, actions on a 'repeated' frame, and 'late'
    results: computed after their period was over, and dropped.

    Args:
        drop_late: False where the world waits for the policy.
    """

    def __init__(self, policy: Policy, drop_late: bool = True) -> None:
        self._policy, self._drop_late = policy, drop_late
        self._period_ms = 1e3 * policy.action_spec.period_s
        self._lock = threading.Lock()
        self._last_stamp_ns = 0
        self.goal = 0
        """How many goals were set so far; 0: none."""
        self.counters: Counter[str] = Counter()

    @property
    def has_goal(self) -> bool:
        return self.goal > 0

    def set_goal(self, native_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Replace the goal; the next tick acts towards it. Returns it as the network sees it."""
        with self._lock:
            seen = self._policy.set_goal(native_image)
            self.goal += 1
        return seen

    def set_seen_goal(self, seen: NDArray[np.uint8]) -> None:
        """Replace the goal by one that is as the network sees it already."""
        with self._lock:
            self._policy.set_seen_goal(seen)
            self.goal += 1

    def interrupt(self) -> None:
        """Forget actions that were planned ahead."""
        with self._lock:
            self._policy.interrupt()

    def tick(self, observation: Observation | None, lateness_ms: float, speed: float = 1.0) -> Tick:
        """Act on an observation put together when the tick began; None when it was not complete and fresh.

        Raises:
            ContractError: the policy computed something that is no Action.
        """
        if observation is None or not self.has_goal:
            self.counters["skipped"] += 1
            self.interrupt()
            return Tick(None, math.nan, lateness_ms, math.nan, math.nan)
        tick = self.look(observation, lateness_ms, speed)
        if self._drop_late and lateness_ms + tick.inference_ms > self._period_ms:
            self.counters["late"] += 1
            self.interrupt()
            return Tick(**{**vars(tick), "action": None, "late": True})
        self.counters["actions"] += 1
        self.counters["repeated"] += int(tick.stamp_ns == self._last_stamp_ns)
        self._last_stamp_ns = tick.stamp_ns
        return tick

    def look(self, observation: Observation, lateness_ms: float = 0.0, speed: float = 1.0) -> Tick:
        """What would be done, counted nowhere. Raises ContractError as `tick`."""
        camera = self._policy.image_spec.camera
        frame, picture = observation.frames[camera], self._policy.views.stack(observation.frames)
        begin = time.perf_counter()
        with self._lock:
            values, estimate = self._policy.act(picture, observation.arm.joints)
            distances, goal = tuple(float(one) for one in self._policy.distances), self.goal
        inference_ms = 1e3 * (time.perf_counter() - begin)
        if speed != 1.0:
            values = np.concatenate([speed * values[:DELTAS], values[DELTAS:]]).astype(np.float32)
        action = Action(values, observation.newest_stamp_ns)
        age_ms = observation.age_ms(camera)
        return Tick(action, estimate, lateness_ms, age_ms, inference_ms, distances, goal, False, frame.stamp_ns)
