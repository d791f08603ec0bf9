"""What is optimised, as a typed dataclass; its values live in configs/algorithm/."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from crl_robot.errors import ConfigError, nearest

ALGORITHMS = ("stable_crl", "crl", "gcbc", "gciql", "gcivl", "hiql")
CONTRASTIVE = ("stable_crl", "crl")
VALUE_BASED = ("gciql", "gcivl", "hiql")
CHOICES = {
    "name": ALGORITHMS,
    "goals": ("geometric", "uniform", "clamped"),
    "actor_goals": ("same", "geometric", "uniform", "clamped"),
    "cold_heads": ("both", "phi", "none"),
    "objective": ("td", "nce", "infonce"),
    "nce_weights": ("balanced", "paper", "mean"),
    "infonce_sides": ("forward", "backward", "symmetric"),
    "weighting": ("convex", "additive"),
    "actor": ("climb", "advantage"),
    "actor_action": ("sample", "mean"),
    "reached": ("current", "next"),
}
PARTS = ("random_goals", "next_goals", "current_goals", "actor_random_goals")


@dataclass(frozen=True)
class GoalMixture:
    """How the goals of a batch relate to their states.

    Attributes:
        law: of goals that come later in the trajectory: 'geometric' (p(k) proportional to gamma^(k-1), cut off at the
            end and renormalised), 'uniform', or 'clamped' (geometric; what passes the end becomes the end).
        gamma: discount per control tick of the two geometric laws.
        random: part of the goals that are any observation of the data.
        next: part that are the next observation.
        current: part that are the state itself. What is left comes later in the trajectory.
    """

    law: str
    gamma: float
    random: float = 0.0
    next: float = 0.0
    current: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether all goals come later in the trajectory, by `law`."""
        return self.random == self.next == self.current == 0


@dataclass(frozen=True)
class BatchNeeds:
    """What an algorithm wants in a `Batch` beyond states and actions.

    Attributes:
        goals: of the critic, the value function, or a cloning policy.
        actor_goals: of the actor; None where `goals` serve it too.
        next_states: also next states, their noise, and how far the goals are.
        subgoal_steps: also the states so many steps later, 0 for none.
    """

    goals: GoalMixture
    actor_goals: GoalMixture | None = None
    next_states: bool = False
    subgoal_steps: int = 0


@dataclass(frozen=True)
class AlgorithmConfig:
    """One algorithm; configs/algorithm/ says what each setting means and docs/algorithms.md where values come from."""

    name: str
    goals: str
    gamma: float
    std: float
    bc_coef: float
    critic_term: bool
    cold_heads: str
    objective: str = "nce"
    nce_weights: str = "balanced"
    infonce_sides: str = "symmetric"
    logsumexp: float = 0.0
    td_clip: float = 20.0
    tau: float = 0.005
    random_goals: float = 0.0
    next_goals: float = 0.0
    current_goals: float = 0.0
    actor_goals: str = "same"
    actor_random_goals: float = 0.0
    weighting: str = "convex"
    actor: str = "climb"
    actor_action: str = "sample"
    normalise_q: bool = False
    expectile: float = 0.9
    advantage_scale: float = 10.0
    high_advantage_scale: float = 3.0
    reached: str = "current"
    subgoal_steps: int = 10
    subgoal_gradient: bool = True

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f"algorithm.{name} is '{value}'; {nearest(value, known)}")
        self._require("gamma", 0 < self.gamma < 1, "a discount between 0 and 1")
        self._require("std", self.std > 0, "a number above 0")
        self._require("expectile", 0 < self.expectile < 1, "a number between 0 and 1")
        self._require("tau", 0 < self.tau <= 1, "a rate above 0, at most 1")
        self._require("td_clip", self.td_clip >= 0, "a largest weight, or 0 for none")
        self._require("logsumexp", self.logsumexp >= 0, "a weight of at least 0")
        self._require("subgoal_steps", self.subgoal_steps >= 1, "at least 1 step")
        for name in PARTS:
            self._require(name, 0 <= getattr(self, name) <= 1, "a part from 0 to 1")
        parts = self.random_goals + self.next_goals + self.current_goals
        if parts > 1 + 1e-6:
            raise ConfigError(f"algorithm: random, next and current goals add up to {parts:g}, expected at most 1")
        if parts and self._apart and self._for_the_actor_alone:
            raise ConfigError(
                f"algorithm: random, next and current goals add up to {parts:g}, expected 0 beside actor_goals="
                f"{self.actor_goals} and actor_random_goals={self.actor_random_goals:g}: only the actor of "
                f"{self.name}{' by td' if self._by_td else ''} looks at these goals; set one of the two"
            )
        self._require_sound_actor()

    @property
    def needs(self) -> BatchNeeds:
        """What it needs of a batch."""
        goals = GoalMixture(self.goals, self.gamma, self.random_goals, self.next_goals, self.current_goals)
        law = self.goals if self.actor_goals == "same" else self.actor_goals
        own = GoalMixture(law, self.gamma, self.actor_random_goals)
        apart = self._apart
        if apart and self._for_the_actor_alone:
            goals, apart = own, False
        steps = self.subgoal_steps if self.name == "hiql" else 0
        return BatchNeeds(goals, own if apart else None, self._by_td or self.name in VALUE_BASED, steps)

    @property
    def _apart(self) -> bool:
        """Whether the actor has a mixture of goals of its own."""
        return self.actor_goals != "same" or self.actor_random_goals > 0

    @property
    def _by_td(self) -> bool:
        return self.name in CONTRASTIVE and self.objective == "td"

    @property
    def _for_the_actor_alone(self) -> bool:
        """Whether nothing but the actor looks at the batch's goals: a critic by td takes next states for goals."""
        return self.name == "gcbc" or self._by_td

    def _require_sound_actor(self) -> None:
        convex = self.weighting == "convex"
        expected = "a weight from 0 to 1 (weighting=additive allows more)" if convex else "a weight of at least 0"
        self._require("bc_coef", self.bc_coef >= 0 and (self.bc_coef <= 1 or not convex), expected)
        if self.name == "gcbc" and (self.critic_term or self.bc_coef != 1):
            raise ConfigError(
                f"algorithm=gcbc has no critic, got critic_term={self.critic_term} and bc_coef={self.bc_coef}; "
                "use algorithm=stable_crl"
            )
        if self.name in CONTRASTIVE and self.actor != "climb":
            raise ConfigError(f"algorithm.actor is '{self.actor}', expected 'climb': {self.name} has no advantage")
        if self.name in ("gcivl", "hiql") and self.actor != "advantage":
            raise ConfigError(
                f"algorithm.actor is '{self.actor}', expected 'advantage': {self.name} has no critic of actions"
            )

    def _require(self, name: str, fits: bool, expected: str) -> None:
        value: Any = getattr(self, name)
        if not fits:
            raise ConfigError(f"algorithm.{name} is {value}, expected {expected}")


SETTING_NAMES = tuple(one.name for one in fields(AlgorithmConfig))


def called(algorithm: str, critic_term: bool) -> str:
    """An algorithm for people, told apart from the control whose actor only clones; gcbc has no critic at all."""
    return algorithm if critic_term or algorithm == "gcbc" else f"{algorithm} without the critic's term"
