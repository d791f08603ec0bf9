"""One training batch, as losses see it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """What a loss sees. Which of the optional ones are there follows from `AlgorithmConfig.needs`.

    Attributes:
        states: uint8 (B, H, W, 3 * cameras), cameras side by side on the channel axis, or float32 (B, D).
        goals: like states; goal i comes later in the trajectory of state i, or is drawn as `needs.goals` says.
        actions: float32 (B, A), normalised, taken in the states; of a chunk of K side by side, (B, K * A).
        noise: standard normal, like actions, for the actor's sample.
        next_states, next_noise: one control tick later, and the noise for an action there.
        goal_offsets: int64 (B,) ticks from state to goal, 0 for the state itself, -1 for a random goal.
        actor_goals: like states, where the actor has goals of its own.
        cloned_states, cloned_goals: states and the actor's goals as cropped, where the critic sees no crop.
        subgoals: the states `needs.subgoal_steps` ticks later, or at the end of the trajectory.
        subgoal_targets: the same, but not past the actor's goal where that is in the trajectory.
        action_valid: bool (B, K), False for actions of a chunk that lie past the end of the trajectory.
        proprio, next_proprio: float32 (B, P) normalised state of the arm.
    """

    states: Tensor
    goals: Tensor
    actions: Tensor
    noise: Tensor
    next_states: Tensor | None = None
    next_noise: Tensor | None = None
    goal_offsets: Tensor | None = None
    actor_goals: Tensor | None = None
    cloned_states: Tensor | None = None
    cloned_goals: Tensor | None = None
    subgoals: Tensor | None = None
    subgoal_targets: Tensor | None = None
    action_valid: Tensor | None = None
    proprio: Tensor | None = None
    next_proprio: Tensor | None = None
