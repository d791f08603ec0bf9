"""The networks of a checkpoint, ready to act: observations as tensors in, actions in their own units out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from crl_learning.algorithms.make import make_critic, make_policy
from crl_learning.checkpoint import Checkpoint
from crl_learning.networks.critic import Critic, pair_scores
from crl_robot.errors import CheckpointError, ContractError


class ActingNetworks:
    """Deterministic policy with its critic's opinion of how near the goal is. Not safe to share between threads.

    Args:
        checkpoint: networks and what they mean.
        size: (width, height) of the network's images, or (D,) of states.
        device: where they compute.
    """

    def __init__(self, checkpoint: Checkpoint, size: Sequence[int], device: torch.device) -> None:
        meta = checkpoint.meta
        self._scale, self._network, self.device = meta.action_scale, meta.network, device
        free = torch.from_numpy(meta.action_scale.free)
        self.policy = make_policy(meta.algorithm, size, meta.network, free)
        _fill(self.policy, checkpoint.policy, "policy")
        self.policy.eval().to(device)
        self.critic = None
        if checkpoint.critic is not None:
            self.critic = make_critic(meta.algorithm, size, meta.network, len(free))
            _fill(self.critic, checkpoint.critic, "critic")
            self.critic.eval().to(device)
        self._goal: Tensor | None = None
        self._prepared = self._offset = torch.zeros(0)
        self._waiting: list[NDArray[np.float32]] = []
        self.seen: tuple[Tensor, Tensor] | None = None
        """What a contrastive critic made of the state that was acted on last: (1, F) encoded, phi (T, 1, R) there."""

    @torch.inference_mode()
    def set_goal(self, goal: Tensor) -> None:
        """Take a goal, uint8 (1, H, W, C) or float32 (1, D)."""
        self._goal, self._waiting = goal, []
        if self.critic is not None:
            self._prepared = self.critic.prepare(goal)
            self._offset = self._score_at_goal(goal, self.neutral_arm(1))

    @torch.inference_mode()
    def act(self, state: Tensor, proprio: Tensor | None = None) -> tuple[NDArray[np.float32], float]:
        """The action (A,) in its own units, and the estimate of `GoalPolicy.act`.

        ``proprio`` is the arm's state, float32 (1, P), for networks that see it.

        Of a chunk of actions `network.execute` are executed before the next ones are taken; the estimate is new every
        time.

        Raises:
            ContractError: no goal is set, or the arm's state has another size.
        """
        if self._goal is None:
            raise ContractError("no goal is set; call set_goal with a goal first")
        if (0 if proprio is None else proprio.shape[-1]) != self._network.proprio:
            got = "none" if proprio is None else proprio.shape[-1]
            raise ContractError(f"got {got} numbers of the arm's state, the networks expect {self._network.proprio}")
        self.seen = None
        action = self.policy(state, self._goal, proprio)
        if not self._waiting:
            self._waiting = self._in_units(action)[: self._network.execute]
        return self._waiting.pop(0), self._estimate(state, action, proprio)

    def neutral_arm(self, count: int) -> Tensor | None:
        """(count, P) of an arm that is nowhere in particular, for networks that see one, where none is known."""
        numbers = self._network.proprio
        return torch.zeros(count, numbers, device=self.device) if numbers else None

    def interrupt(self) -> None:
        """Drop the rest of a chunk: it was meant for the instants after the last one."""
        self._waiting = []

    def forget_goal(self) -> None:
        """As before the first goal."""
        self._goal, self._waiting = None, []

    def _in_units(self, action: Tensor) -> list[NDArray[np.float32]]:
        """Normalised actions (1, K * A) -> K actions (A,); a linear policy's are clipped to what the data hold."""
        chunk = action[0].clamp(-1, 1).cpu().numpy().reshape(self._network.chunk, -1)
        return list(self._scale.denormalise(chunk))

    def _estimate(self, state: Tensor, action: Tensor, proprio: Tensor | None) -> float:
        """A goal tells nothing of the arm's joints, so the critic compares both views for an arm as it is now."""
        if self.critic is None or self._goal is None:
            return float("nan")
        offset = self._offset if proprio is None else self._score_at_goal(self._goal, proprio)
        return float((self._score(state, action, proprio) - offset).min())

    def _score(self, state: Tensor, action: Tensor, proprio: Tensor | None) -> Tensor:
        """(T, 1)."""
        critic = self.critic
        assert critic is not None
        if not isinstance(critic, Critic):
            return critic.score(state, action, self._prepared, proprio)
        encoded = critic.encoder(state)
        self.seen = encoded, critic.state_action(encoded, action, proprio)
        return pair_scores(self.seen[1], self._prepared)

    def _score_at_goal(self, goal: Tensor, proprio: Tensor | None) -> Tensor:
        """(T, 1)."""
        assert self.critic is not None
        return self.critic.score(goal, self.policy(goal, goal, proprio), self._prepared, proprio)


def _fill(module: nn.Module, state: dict[str, Tensor], name: str) -> None:
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise CheckpointError(f"{name}.safetensors does not fit checkpoint.json: {reason}") from error
