"""From the data to one training batch on the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from crl_learning.action_scale import ActionScale
from crl_learning.augment import jitter_colours
from crl_learning.batch import Batch
from crl_learning.config import BatchNeeds, TrainConfig
from crl_learning.dataset import TrajectoryData, Transitions
from crl_learning.draws import Draws, DrawSettings, draw
from crl_learning.image_source import image_source
from crl_learning.machine import send
from crl_learning.sampler import chunk_positions, sample_goals
from crl_robot.contracts import ACTION_DIM, ACTION_NAMES

GRIPPER = ACTION_NAMES.index("gripper")


@dataclass(frozen=True)
class BatchSettings:
    """How batches are drawn; see configs/train.yaml and `BatchNeeds`. ``chunk``: actions in a row."""

    size: int
    needs: BatchNeeds
    crop_pixels: int
    crop_probability: float
    critic_sees_crop: bool = True
    chunk: int = 1
    colour_jitter: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
    jitter_probability: float = 0.0

    def of_draws(self) -> DrawSettings:
        """Which random numbers a batch takes."""
        jitter = any(self.colour_jitter)
        return DrawSettings(
            self.size, self.needs, self.crop_pixels, self.crop_probability, jitter, self.jitter_probability
        )


def batch_settings(config: TrainConfig) -> BatchSettings:
    """How a run draws its batches."""
    return BatchSettings(
        config.batch_size,
        config.algorithm.needs,
        config.crop_pixels,
        config.crop_probability,
        config.critic_sees_crop,
        config.network.chunk,
        config.colour_jitter,
        config.jitter_probability,
    )


class Batches:
    """Draws batches. Everything random comes from the generator passed in; see `generator_device`."""

    def __init__(self, data: TrajectoryData, scale: ActionScale, settings: BatchSettings, device: torch.device) -> None:
        self._settings, self._device = settings, device
        self._draws = settings.of_draws()
        self._images = image_source(data.images, device)
        self._crops = data.images.ndim == 4
        self._actions = torch.from_numpy(scale.normalise(data.actions)).to(device)
        self._proprio = None if data.proprio is None else torch.from_numpy(data.proprio).to(device)
        self._jitter = torch.tensor(settings.colour_jitter, dtype=torch.float32, device=device)

    @property
    def generator_device(self) -> torch.device:
        """Where `draw` wants its generator and its transitions: the device, unless the host gathers the images."""
        return self._images.index_device

    def draw(self, transitions: Transitions, generator: torch.Generator) -> Batch:
        """One batch of random transitions."""
        width = self._settings.chunk * self._actions.shape[1]
        return self.build(transitions, draw(self._draws, len(transitions), width, generator))

    def build(self, transitions: Transitions, draws: Draws) -> Batch:
        """The batch of these random numbers; the images of a sample are cropped alike, so that what moved differs."""
        needs = self._settings.needs
        state, remaining = transitions.index[draws.row], transitions.remaining[draws.row]
        goal, offset = sample_goals(needs.goals, transitions, state, remaining, draws.goals)
        actor_goal, actor_offset = goal, offset
        if needs.actor_goals is not None and draws.actor_goals is not None:
            actor_goal, actor_offset = sample_goals(needs.actor_goals, transitions, state, remaining, draws.actor_goals)
        wanted = self._wanted(state, remaining, goal, actor_goal, actor_offset)
        images = self._take(wanted, draws)
        actions, valid = self._chunk(state, transitions.run[draws.row])
        return Batch(
            actions=actions,
            action_valid=valid,
            noise=self._here(draws.noise),
            next_noise=None if draws.next_noise is None else self._here(draws.next_noise),
            goal_offsets=self._here(offset) if needs.next_states else None,
            proprio=self._arm(state),
            next_proprio=self._arm(state + 1) if needs.next_states else None,
            **images,
        )

    def _wanted(
        self, state: Tensor, remaining: Tensor, goal: Tensor, actor_goal: Tensor, actor_offset: Tensor
    ) -> dict[str, Tensor]:
        """Field of the batch -> positions int64 (B,) of its images in the data."""
        needs = self._settings.needs
        wanted = {"states": state, "goals": goal}
        if needs.next_states:
            wanted["next_states"] = state + 1
        if needs.actor_goals is not None:
            wanted["actor_goals"] = actor_goal
        if needs.subgoal_steps:
            ahead = remaining.clamp(max=needs.subgoal_steps)
            on_the_way = torch.where(actor_offset >= 0, torch.minimum(ahead, actor_offset), ahead)
            wanted |= {"subgoals": state + ahead, "subgoal_targets": state + on_the_way}
        if self._crops and not self._settings.critic_sees_crop:
            wanted |= {"cloned_states": state, "cloned_goals": actor_goal}
        return wanted

    def _take(self, wanted: dict[str, Tensor], draws: Draws) -> dict[str, Tensor]:
        """All images in one gather, augmented where the network should see them so."""
        if not self._crops:
            taken = self._images.take(torch.cat(list(wanted.values())), None)
            return dict(zip(wanted, taken.chunk(len(wanted)), strict=True))
        augmented = [self._settings.critic_sees_crop or name.startswith("cloned") for name in wanted]
        shifts = torch.cat([draws.shifts if yes else torch.zeros_like(draws.shifts) for yes in augmented])
        taken = self._images.take(torch.cat(list(wanted.values())), shifts).chunk(len(wanted))
        if draws.colours is not None:
            change = self._here(draws.colours) * self._jitter
            taken = [
                jitter_colours(images, change) if yes else images for images, yes in zip(taken, augmented, strict=True)
            ]
        return dict(zip(wanted, taken, strict=True))

    def _chunk(self, state: Tensor, run: Tensor) -> tuple[Tensor, Tensor | None]:
        """Normalised actions (B, K * A), and bool (B, K) which of them the trajectory has where K > 1."""
        if self._settings.chunk == 1:
            return self._actions.index_select(0, self._here(state)), None
        positions, valid = (self._here(tensor) for tensor in chunk_positions(state, run, self._settings.chunk))
        actions = self._actions[positions]  # (B, K, A)
        held = torch.where(valid[..., None], actions, 0)
        if actions.shape[-1] == ACTION_DIM:
            held[..., GRIPPER] = actions[..., GRIPPER]  # the last one of the run: an open hand stays open
        return held.flatten(1), valid

    def _arm(self, position: Tensor) -> Tensor | None:
        return None if self._proprio is None else self._proprio.index_select(0, self._here(position))

    def _here(self, tensor: Tensor) -> Tensor:
        return send(tensor, self._device)
