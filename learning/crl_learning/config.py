"""Settings of a training run as typed dataclasses; their values live in configs/train.yaml and configs/algorithm/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crl_learning.settings import load_settings
from crl_robot.arm_model import ROBOT_NAMES
from crl_robot.errors import ConfigError, nearest
from crl_robot.image_spec import ImageSpec
from crl_robot.resources import config_file

ALGORITHMS = ("stable_crl", "gcbc")
GOALS = ("geometric", "uniform")
COLD_HEADS = ("both", "phi")
LABELS = ("commanded", "achieved")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "bf16", "fp32")
ROBOTS = ("auto", *ROBOT_NAMES)


@dataclass(frozen=True)
class AlgorithmConfig:
    """What is optimised. `goals`: distribution of the future goals; `gamma`: discount of geometric goals;
    `std`: of the Gaussian actor in normalised actions; `bc_coef`: weight of behaviour cloning in the actor loss;
    `critic_term`: whether the actor also climbs the critic; `cold_heads`: which heads of the critic start cold.
    """

    name: str
    goals: str
    gamma: float
    std: float
    bc_coef: float
    critic_term: bool
    cold_heads: str

    def __post_init__(self) -> None:
        _require_one_of("algorithm.name", self.name, ALGORITHMS)
        _require_one_of("algorithm.goals", self.goals, GOALS)
        _require_one_of("algorithm.cold_heads", self.cold_heads, COLD_HEADS)
        _require("algorithm.gamma", self.gamma, 0 < self.gamma < 1, "a discount between 0 and 1")
        _require("algorithm.std", self.std, self.std > 0, "a number above 0")
        _require("algorithm.bc_coef", self.bc_coef, 0 <= self.bc_coef <= 1, "a weight from 0 to 1")
        if self.name == "gcbc" and (self.critic_term or self.bc_coef != 1):
            raise ConfigError(
                f"algorithm=gcbc has no critic, got critic_term={self.critic_term} and bc_coef={self.bc_coef}; "
                "use algorithm=stable_crl"
            )


@dataclass(frozen=True)
class NetworkConfig:
    """Sizes. `channels`: of the three convolutions; `features`: of an encoded image; `hidden`: of every MLP."""

    channels: tuple[int, ...]
    features: int
    hidden: tuple[int, ...]
    repr_dim: int

    def __post_init__(self) -> None:
        _require("network.channels", self.channels, len(self.channels) == 3, "three numbers of channels")
        sizes = [*self.channels, *self.hidden, self.features, self.repr_dim]
        _require("network", sizes, min(sizes) >= 1, "sizes of at least 1")


@dataclass(frozen=True)
class ImageConfig:
    """Which camera is learned from and what the network sees of it; see `ImageSpec`."""

    camera: str
    native: tuple[int, ...]
    crop: tuple[int, ...]
    size: tuple[int, ...]

    def spec(self) -> ImageSpec:
        """Raises ContractError when the crop does not fit."""
        x, y, width, height = self.crop
        return ImageSpec(
            self.camera, (self.native[0], self.native[1]), (x, y, width, height), (self.size[0], self.size[1])
        )


@dataclass(frozen=True)
class TrainConfig:
    """One training run; configs/train.yaml says what each setting means."""

    data: str
    robot: str
    out: str
    cache: str
    cache_gb: float
    steps: int
    seed: int
    minutes: float
    resume: bool
    device: str
    threads: int
    precision: str
    labels: str
    validation: float
    batch_size: int
    learning_rate: float
    warmup_steps: int
    decay_part: float
    crop_pixels: int
    crop_probability: float
    log_every: int
    validate_every: int
    checkpoint_every: int
    image: ImageConfig
    algorithm: AlgorithmConfig
    network: NetworkConfig

    def __post_init__(self) -> None:
        _require_one_of("device", self.device, DEVICES)
        _require_one_of("precision", self.precision, PRECISIONS)
        _require_one_of("labels", self.labels, LABELS)
        _require_one_of("robot", self.robot, ROBOTS)
        for name in ("steps", "log_every", "validate_every", "checkpoint_every"):
            _require(name, getattr(self, name), getattr(self, name) >= 1, "at least 1")
        for name in ("seed", "minutes", "threads", "warmup_steps", "crop_pixels"):
            _require(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        for name in ("decay_part", "crop_probability"):
            _require(name, getattr(self, name), 0 <= getattr(self, name) <= 1, "a part from 0 to 1")
        _require("cache_gb", self.cache_gb, self.cache_gb > 0, "a size above 0; cache=off keeps nothing")
        _require("cache", self.cache, bool(self.cache), "auto, off or a folder")
        _require("validation", self.validation, 0 <= self.validation < 1, "a part from 0 to below 1")
        _require("batch_size", self.batch_size, self.batch_size >= 2, "at least 2, for one negative")
        _require("learning_rate", self.learning_rate, self.learning_rate > 0, "a number above 0")


def load_train_config(overrides: Sequence[str]) -> TrainConfig:
    """The settings of configs/train.yaml with ``key=value`` overrides. Raises ConfigError, naming the nearest key."""
    return load_settings(TrainConfig, config_file("train.yaml"), overrides)


def _require(name: str, value: Any, fits: bool, expected: str) -> None:
    if not fits:
        raise ConfigError(f"{name} is {value}, expected {expected}")


def _require_one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ConfigError(f"{name} is '{value}'; {nearest(value, known)}")
