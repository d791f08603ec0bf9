"""Settings of a training run as typed dataclasses; their values live in configs/train.yaml,
configs/algorithm/ and configs/network/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crl_learning.algorithm_config import ALGORITHMS, AlgorithmConfig, BatchNeeds, GoalMixture
from crl_learning.network_config import NetworkConfig
from crl_learning.settings import load_settings
from crl_robot.arm_model import ROBOT_NAMES
from crl_robot.errors import ConfigError, nearest
from crl_robot.image_spec import ImageSpec
from crl_robot.resources import config_file

LABELS = ("commanded", "achieved")
DEVICES = ("auto", "cpu", "cuda")
PRECISIONS = ("auto", "bf16", "fp32")
ROBOTS = ("auto", *ROBOT_NAMES)

__all__ = [
    "ALGORITHMS",
    "AlgorithmConfig",
    "BatchNeeds",
    "EvaluationConfig",
    "GoalMixture",
    "ImageConfig",
    "NetworkConfig",
    "TrainConfig",
    "load_train_config",
]


@dataclass(frozen=True)
class ImageConfig:
    """Which camera is learned from and what the network sees of it; see `ImageSpec`."""

    camera: str
    native: tuple[int, ...]
    crop: tuple[int, ...]
    size: tuple[int, ...]
    more_cameras: tuple[str, ...]

    def spec(self) -> ImageSpec:
        """Raises ContractError when the crop does not fit."""
        x, y, width, height = self.crop
        return ImageSpec(
            self.camera, (self.native[0], self.native[1]), (x, y, width, height), (self.size[0], self.size[1])
        )


@dataclass(frozen=True)
class EvaluationConfig:
    """Trials in the simulation while a run goes on: `task` and `episodes` of each evaluation, their `seed`."""

    task: str | None
    episodes: int
    seed: int
    workers: int

    def __post_init__(self) -> None:
        for name, lowest in (("episodes", 1), ("seed", 0), ("workers", 1)):
            _require(f"evaluation.{name}", getattr(self, name), getattr(self, name) >= lowest, f"at least {lowest}")


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
    init: str | None
    device: str
    threads: int
    precision: str
    compile: bool
    cuda_graph: bool
    labels: str
    validation: float
    batch_size: int
    learning_rate: float
    warmup_steps: int
    decay_part: float
    critic_decays: bool
    crop_pixels: int
    crop_probability: float
    critic_sees_crop: bool
    colour_jitter: tuple[float, ...]
    jitter_probability: float
    log_every: int
    validate_every: int
    checkpoint_every: int
    evaluate_every: int
    evaluation: EvaluationConfig
    calibrate: bool
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
        for name in ("seed", "minutes", "threads", "warmup_steps", "crop_pixels", "evaluate_every"):
            _require(name, getattr(self, name), getattr(self, name) >= 0, "0 or more")
        for name in ("decay_part", "crop_probability", "jitter_probability"):
            _require(name, getattr(self, name), 0 <= getattr(self, name) <= 1, "a part from 0 to 1")
        _require("cache_gb", self.cache_gb, self.cache_gb > 0, "a size above 0; cache=off keeps nothing")
        _require("cache", self.cache, bool(self.cache), "auto, off or a folder")
        _require("validation", self.validation, 0 <= self.validation < 1, "a part from 0 to below 1")
        _require("batch_size", self.batch_size, self.batch_size >= 2, "at least 2, for one negative")
        jitter = self.colour_jitter
        fits = len(jitter) == 4 and all(0 <= part < 1 for part in jitter)
        _require(
            "colour_jitter", list(jitter), fits, "four parts from 0 to below 1: [brightness, contrast, saturation, hue]"
        )
        if self.evaluate_every and self.evaluation.task is None:
            raise ConfigError(f"evaluate_every is {self.evaluate_every}, expected evaluation.task=NAME with it")
        _require("learning_rate", self.learning_rate, self.learning_rate > 0, "a number above 0")
        if self.algorithm.name == "hiql" and not self.critic_sees_crop:
            raise ConfigError("critic_sees_crop is false, expected true for hiql, whose values choose what is cloned")
        cameras = 1 + len(self.image.more_cameras)
        _require("network.cameras", self.network.cameras, self.network.cameras == cameras, f"{cameras}, as in image")


def load_train_config(overrides: Sequence[str]) -> TrainConfig:
    """The settings of configs/train.yaml with ``key=value`` overrides. Raises ConfigError, naming the nearest key."""
    return load_settings(TrainConfig, config_file("train.yaml"), overrides)


def _require(name: str, value: Any, fits: bool, expected: str) -> None:
    if not fits:
        raise ConfigError(f"{name} is {value}, expected {expected}")


def _require_one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ConfigError(f"{name} is '{value}'; {nearest(value, known)}")
