"""What the policy node does at each control tick, without ROS: newest frame in, action out, everything measured."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from crl_robot.contracts import Action, ActionSpec, Observation
from crl_robot.image_spec import ImageSpec


class Policy(Protocol):
    """A goal-image policy; images are uint8 (H, W, 3) RGB at the camera's native size."""

    @property
    def image_spec(self) -> ImageSpec: ...

    @property
    def action_spec(self) -> ActionSpec: ...

    def require_robot(self, action_spec: ActionSpec, native: tuple[int, int], robot: str = "") -> None:
        """Raise MismatchError when it was made for another robot."""
        ...

    def set_goal(self, native_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Returns the goal as the network sees it, uint8 (h, w, 3)."""
        ...

    def act(self, native_image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """Action values (7,) and the critic's estimate, NaN where there is no critic."""
        ...


@dataclass(frozen=True)
class Tick:
    """One control tick.

    Attributes:
        action: what to send; None when there was nothing fresh to act on, and the arm holds by itself.
        estimate: the critic's; NaN without an action or without a critic.
        lateness_ms: how long after its scheduled time the tick began.
        age_ms: of the camera's newest frame when the tick began; NaN without an action.
        inference_ms: time the policy took; NaN without an action.
    """

    action: Action | None
    estimate: float
    lateness_ms: float
    age_ms: float
    inference_ms: float


class PolicyLoop:
    """Runs one policy; ``set_goal`` may be called from another thread than ``tick``.

    ``counters`` counts 'actions', 'skipped' ticks without one, and actions on a 'repeated' frame.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._has_goal = False
        self._last_stamp_ns = 0
        self.counters: Counter[str] = Counter()

    @property
    def has_goal(self) -> bool:
        return self._has_goal

    def set_goal(self, native_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Replace the goal; the next tick acts towards it. Returns it as the network sees it."""
        with self._lock:
            seen = self._policy.set_goal(native_image)
            self._has_goal = True
        return seen

    def tick(self, observation: Observation | None, lateness_ms: float) -> Tick:
        """Act on an observation put together when the tick began; None when it was not complete and fresh.

        Raises:
            ContractError: the policy computed something that is no Action.
        """
        if observation is None or not self._has_goal:
            self.counters["skipped"] += 1
            return Tick(None, math.nan, lateness_ms, math.nan, math.nan)
        camera = self._policy.image_spec.camera
        frame = observation.frames[camera]
        begin = time.perf_counter()
        with self._lock:
            values, estimate = self._policy.act(frame.image)
        inference_ms = 1e3 * (time.perf_counter() - begin)
        self.counters["actions"] += 1
        self.counters["repeated"] += int(frame.stamp_ns == self._last_stamp_ns)
        self._last_stamp_ns = frame.stamp_ns
        action = Action(values, observation.newest_stamp_ns)
        return Tick(action, estimate, lateness_ms, observation.age_ms(camera), inference_ms)
