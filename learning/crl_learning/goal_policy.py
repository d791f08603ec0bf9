"""A checkpoint that acts: one goal image, then one action per camera image.

torch is imported here first; a process that also renders must import this module before it opens a GL context.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crl_learning.acting import ActingNetworks
from crl_learning.checkpoint import Checkpoint, CheckpointMeta, load_checkpoint
from crl_learning.machine import CPU, computing_on
from crl_learning.networks.critic import Critic
from crl_learning.progress.distances import GoalDistances
from crl_learning.proprio import arm_numbers
from crl_learning.views import Views
from crl_robot.contracts import ACTION_DIM, ActionSpec, JointReading
from crl_robot.errors import CheckpointError, MismatchError
from crl_robot.image_spec import ImageSpec


class GoalPolicy:
    """Deterministic policy with the critic's estimate of how near the goal is. Not safe to share between threads."""

    def __init__(self, checkpoint: Checkpoint, device: torch.device = CPU) -> None:
        meta = checkpoint.meta
        self.meta, self.views = meta, views_of(meta)
        self._networks = ActingNetworks(checkpoint, self.image_spec.size, device)
        self._distances = GoalDistances(self._networks)
        self._state: Tensor | None = None
        self.rehearse()

    @classmethod
    def load(cls, folder: str | Path, device: torch.device = CPU) -> GoalPolicy:
        """Load a checkpoint folder and run it once, so that the first action is not slower than the others.

        Raises:
            CheckpointError: it is missing, incomplete, damaged, of another schema, or its tensors do not fit.
            ConfigError: the device cannot run it, for want of memory perhaps.
        """
        checkpoint = load_checkpoint(folder)
        with computing_on(device, folder):
            return cls(checkpoint, device)

    @property
    def image_spec(self) -> ImageSpec:
        """What it sees of its first camera, and of the others alike."""
        return self.views.spec

    @property
    def device(self) -> torch.device:
        """Where its networks compute."""
        return self._networks.device

    @property
    def action_spec(self) -> ActionSpec:
        """What its actions mean, control rate included."""
        return self.meta.action_spec

    def require_robot(self, action_spec: ActionSpec, native: tuple[int, int], robot: str = "") -> None:
        """Raise MismatchError, naming both values, where the robot's actions or the camera's native size differ.

        So where both robots are known and have different names; ``robot`` is its name in stores.
        """
        self.action_spec.require_equal(action_spec, "the checkpoint", "the robot")
        if robot and self.meta.robot and robot != self.meta.robot:
            raise MismatchError(
                f"the checkpoint was trained with data of '{self.meta.robot}', the robot is '{robot}'; use a "
                "checkpoint of this robot"
            )
        if tuple(native) != self.image_spec.native:
            raise MismatchError(
                f"the checkpoint expects images of camera '{self.image_spec.camera}' at {self.image_spec.native}, "
                f"the robot's have {tuple(native)}; set the camera's size or use a checkpoint for this camera"
            )

    @torch.inference_mode()
    def set_goal(self, native_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Take a goal image uint8 (H, W, 3 * cameras) RGB at native size; returns it as the network sees it.

        That is uint8 (h, w, 3 * cameras). Pictures of several cameras are stacked as `views` does.

        Raises:
            ContractError: another size or type.
        """
        seen = self.views.apply(native_image)
        self.set_seen_goal(seen)
        return seen

    @torch.inference_mode()
    def set_seen_goal(self, seen: NDArray[np.uint8]) -> None:
        """Take a goal image uint8 (h, w, 3 * cameras) RGB as the network sees it, such as a waypoint."""
        goal = self._to_device(seen)
        self._networks.set_goal(goal)
        self._distances.set_goal(goal)
        self._state = None

    @torch.inference_mode()
    def act(
        self, native_image: NDArray[np.uint8], joints: JointReading | None = None
    ) -> tuple[NDArray[np.float32], float]:
        """The action for an image uint8 (H, W, 3 * cameras) RGB at native size, stacked as `views` does.

        Args:
            joints: for networks that see the arm.

        Returns:
            values float32 (7,) in the units of the Action contract, and the critic's estimate: the smaller of the
            twins' f(s, pi(s, g), g) - f(g, pi(g, g), g), 0 at the goal and lower the farther; nan without a critic.
            The second term removes what the critic cannot know, how likely the goal is in itself.

        Raises:
            ContractError: no goal is set, the image has another size or type, or joints are missing.
        """
        self._state = self._to_device(self.views.apply(native_image))
        return self._networks.act(self._state, self._arm(joints))

    @property
    def distances(self) -> NDArray[np.float32]:
        """(D,) how far the networks see the image that was acted on last from the goal; (0,) before one was."""
        return self._distances.of_acted(self._state).numpy() if self._state is not None else np.zeros(0, np.float32)

    def compare(self, states: NDArray[np.uint8], goals: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Distances float32 (N, D) of states from goals, uint8 (N, h, w, 3 * cameras) each as seen, or from one."""
        one, other = (torch.from_numpy(np.ascontiguousarray(images)).to(self.device) for images in (states, goals))
        return self._distances.between(one, other).numpy()

    @property
    def encodes(self) -> bool:
        """Whether there is a network that sees one image by itself: that of a contrastive critic."""
        return isinstance(self._networks.critic, Critic)

    @torch.inference_mode()
    def encode(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the critic makes of images uint8 (N, h, w, 3 * cameras) as seen: (N, F). Only if `encodes`."""
        critic = self._networks.critic
        assert isinstance(critic, Critic)
        return critic.encoder(torch.from_numpy(np.ascontiguousarray(images)).to(self.device)).float().cpu().numpy()

    def interrupt(self) -> None:
        """Forget the rest of a chunk of actions: the arm has held since."""
        self._networks.interrupt()

    def _arm(self, joints: JointReading | None) -> Tensor | None:
        """(1, P) for networks that see the arm."""
        if joints is None or not self.meta.network.proprio:
            return None
        return torch.from_numpy(arm_numbers(joints.position, joints.gripper))[None].to(self.device)

    def _to_device(self, seen: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(seen)[None].to(self.device)

    def rehearse(self) -> float:
        """Act once on a black picture, and forget the goal; returns the ms from a native picture to its action."""
        width, height = self.image_spec.native
        blank = np.zeros((height, width, 3 * len(self.views.cameras)), dtype=np.uint8)
        self.set_goal(blank)
        began_s = time.perf_counter()
        self._state = self._to_device(self.views.apply(blank))
        self._networks.act(self._state, self._networks.neutral_arm(1))
        _ = self.distances
        took_ms = 1e3 * (time.perf_counter() - began_s)
        self._networks.forget_goal()
        self._state = None
        return took_ms


def views_of(meta: CheckpointMeta) -> Views:
    """What it sees of which cameras. Raises CheckpointError for networks of a state, which no camera delivers."""
    if meta.image_spec is None:
        raise CheckpointError(
            f"the checkpoint learned from the {meta.state_size} numbers of a state of '{meta.robot}', expected images "
            "of a camera; it acts in that environment only: crl-eval task=ogbench/..."
        )
    if meta.network.cameras != 1 + len(meta.more_cameras):
        raise CheckpointError(
            f"the checkpoint learned from {meta.network.cameras} cameras and names {1 + len(meta.more_cameras)}; "
            "train it anew, with image.more_cameras=[...]"
        )
    return Views(meta.image_spec, meta.more_cameras)


class NullPolicy:
    """Never moves and needs no checkpoint: what measures everything around the policy."""

    def __init__(self, action_spec: ActionSpec | None = None, image_spec: ImageSpec | None = None) -> None:
        self.action_spec = action_spec or ActionSpec()
        self.image_spec = image_spec or ImageSpec()
        self.views, self.device = Views(self.image_spec), CPU
        self._values = np.zeros(ACTION_DIM, dtype=np.float32)
        self.distances = np.zeros(0, np.float32)

    def rehearse(self) -> float:
        """Takes no time worth telling."""
        return 0.0

    def require_robot(self, action_spec: ActionSpec, native: tuple[int, int], robot: str = "") -> None:
        """Fits every robot."""

    def set_goal(self, native_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Checks the image as a policy would."""
        return self.image_spec.apply(native_image)

    def set_seen_goal(self, seen: NDArray[np.uint8]) -> None:
        """Takes everything."""

    def act(
        self, native_image: NDArray[np.uint8], joints: JointReading | None = None
    ) -> tuple[NDArray[np.float32], float]:
        """Zero deltas, gripper closed, no estimate."""
        self.image_spec.apply(native_image)
        return self._values.copy(), float("nan")

    def interrupt(self) -> None:
        """Nothing is planned ahead."""
