"""A checkpoint that acts: one goal image, then one action per camera image.

torch is imported here first; a process that also renders must import this module before it opens a GL context.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from crl_learning.checkpoint import Checkpoint, load_checkpoint
from crl_learning.networks import Critic, Policy, pair_scores
from crl_robot.contracts import ACTION_DIM, ActionSpec
from crl_robot.errors import CheckpointError, ContractError, MismatchError
from crl_robot.image_spec import ImageSpec


class GoalPolicy:
    """Deterministic policy with the critic's estimate of how near the goal is. Not safe to share between threads."""

    def __init__(self, checkpoint: Checkpoint, device: str = "cpu") -> None:
        meta = checkpoint.meta
        self.meta = meta
        self._device = torch.device(device)
        self._policy = Policy(meta.image_spec.size, meta.network, torch.from_numpy(meta.action_scale.free))
        self._critic = Critic(meta.image_spec.size, meta.network) if checkpoint.critic is not None else None
        _fill(self._policy, checkpoint.policy, "policy")
        self._policy.eval().to(self._device)
        if self._critic is not None:
            _fill(self._critic, checkpoint.critic or {}, "critic")
            self._critic.eval().to(self._device)
        self._goal: Tensor | None = None
        self._psi = self._offset = torch.zeros(0)
        self._warm_up()

    @classmethod
    def load(cls, folder: str | Path, device: str = "cpu") -> GoalPolicy:
        """Load a checkpoint folder and run it once, so that the first action is not slower than the others.

        Raises:
            CheckpointError: it is missing, incomplete, damaged, of another schema, or its tensors do not fit.
        """
        return cls(load_checkpoint(folder), device)

    @property
    def image_spec(self) -> ImageSpec:
        """What it sees of which camera."""
        return self.meta.image_spec

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
        """Take a goal image uint8 (H, W, 3) RGB at native size; returns it as the network sees it, uint8 (h, w, 3).

        Raises:
            ContractError: another size or type.
        """
        seen = self.image_spec.apply(native_image)
        goal = self._to_device(seen)
        if self._critic is not None:
            encoded = self._critic.encoder(goal)
            self._psi = self._critic.goal(encoded)
            self._offset = self._score(encoded, self._policy(goal, goal))
        self._goal = goal
        return seen

    @torch.inference_mode()
    def act(self, native_image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """The action for a camera image uint8 (H, W, 3) RGB at native size.

        Returns:
            values float32 (7,) in the units of the Action contract, and the critic's estimate: the smaller of the
            twins' f(s, pi(s, g), g) - f(g, pi(g, g), g), 0 at the goal and lower the farther; nan without a critic.
            The second term removes what the critic cannot know, how likely the goal is in itself.

        Raises:
            ContractError: no goal is set, or the image has another size or type.
        """
        if self._goal is None:
            raise ContractError("no goal is set; call set_goal with a goal image first")
        state = self._to_device(self.image_spec.apply(native_image))
        action = self._policy(state, self._goal)
        values = self.meta.action_scale.denormalise(action[0].cpu().numpy())
        if self._critic is None:
            return values, float("nan")
        score = self._score(self._critic.encoder(state), action)
        return values, float((score - self._offset).min())

    def _score(self, encoded: Tensor, action: Tensor) -> Tensor:
        """(1, F), (1, 7) -> (2, 1), with the goal that is set."""
        assert self._critic is not None
        return pair_scores(self._critic.state_action(encoded, action), self._psi)

    def _to_device(self, seen: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(seen)[None].to(self._device)

    def _warm_up(self) -> None:
        width, height = self.image_spec.native
        blank = np.zeros((height, width, 3), dtype=np.uint8)
        self.set_goal(blank)
        self.act(blank)
        self._goal = None


class NullPolicy:
    """Never moves and needs no checkpoint: what measures everything around the policy."""

    def __init__(self, action_spec: ActionSpec | None = None, image_spec: ImageSpec | None = None) -> None:
        self.action_spec = action_spec or ActionSpec()
        self.image_spec = image_spec or ImageSpec()
        self._values = np.zeros(ACTION_DIM, dtype=np.float32)

    def require_robot(self, action_spec: ActionSpec, native: tuple[int, int], robot: str = "") -> None:
        """Fits every robot."""

    def set_goal(self, native_image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Checks the image as a policy would."""
        return self.image_spec.apply(native_image)

    def act(self, native_image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
        """Zero deltas, gripper closed, no estimate."""
        self.image_spec.apply(native_image)
        return self._values.copy(), float("nan")


def _fill(module: torch.nn.Module, state: dict[str, Tensor], name: str) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CheckpointError(f"{name}.safetensors does not fit checkpoint.json: {reason}") from error
