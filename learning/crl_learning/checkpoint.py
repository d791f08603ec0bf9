"""A checkpoint: a folder with the networks as safetensors and everything they mean as JSON, never a pickle.

`policy.safetensors` and, where there is a critic, `critic.safetensors`; `checkpoint.json` says what images, actions and
labels they were trained on, with which settings, data and code.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from crl_learning.action_scale import ActionScale
from crl_learning.algorithm_config import CONTRASTIVE
from crl_learning.config import NetworkConfig
from crl_learning.tensors import Tensors, read_facts, read_tensors, write_folder
from crl_robot.contracts import ActionSpec
from crl_robot.errors import CheckpointError, ContractError
from crl_robot.image_spec import ImageSpec

SCHEMA = "crl_checkpoint"
SCHEMA_VERSION = 1
FACTS = "checkpoint.json"
FIRST_ROBOT = "widowx250s"
"""Robot of the checkpoints that do not name one."""
FIRST_OBJECTIVE = "nce"
"""Of the contrastive critics whose settings do not name one: there was no other."""


@dataclass(frozen=True)
class CheckpointMeta:
    """What the tensors mean.

    Attributes:
        algorithm: its name.
        network: sizes to build the networks with.
        image_spec, action_spec, labels, action_scale: what goes in and comes out; no image spec where the networks see
            states of an environment.
        steps: gradient steps taken.
        seed: of the run.
        provenance: full settings, data source and fingerprint, action statistics, git commit, library versions,
            last metrics; for people, never needed to act.
        robot: name of the robot whose data it learned from; '' when it is not known.
        state_size: numbers of a state, 0 where the networks see images.
        more_cameras: names of the cameras beside the image spec's, in the order of the channels.
    """

    algorithm: str
    network: NetworkConfig
    image_spec: ImageSpec | None
    action_spec: ActionSpec
    labels: str
    action_scale: ActionScale
    steps: int
    seed: int
    provenance: dict[str, Any] = field(default_factory=dict)
    robot: str = FIRST_ROBOT
    state_size: int = 0
    more_cameras: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.image_spec is None) != (self.state_size > 0):
            raise ContractError(
                f"got image_spec={self.image_spec} and state_size={self.state_size}, expected one of them"
            )

    @property
    def size(self) -> tuple[int, ...]:
        """(width, height) of the images, or (D,) of the states, as the networks are built for."""
        return (self.state_size,) if self.image_spec is None else self.image_spec.size

    @property
    def objective(self) -> str | None:
        """What its contrastive critic was trained by: 'td', 'nce' or 'infonce'; None where it has no such critic."""
        return self._settings.get("objective", FIRST_OBJECTIVE) if self.algorithm in CONTRASTIVE else None

    @property
    def critic_term(self) -> bool:
        """Whether its actor was trained by a critic, and does not only clone."""
        return bool(self._settings.get("critic_term", self.algorithm != "gcbc"))

    @property
    def _settings(self) -> dict[str, Any]:
        """Of the algorithm, as far as they were written down."""
        return self.provenance.get("settings", {}).get("algorithm", {})

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "algorithm": self.algorithm,
            "network": asdict(self.network),
            "image_spec": self.image_spec.to_dict() if self.image_spec else None,
            "image_spec_hash": self.image_spec.hash if self.image_spec else None,
            "action_spec": self.action_spec.to_dict(),
            "labels": self.labels,
            "action_scale": self.action_scale.to_dict(),
            "steps": self.steps,
            "seed": self.seed,
            "provenance": self.provenance,
            "robot": self.robot,
            **({"state_size": self.state_size} if self.state_size else {}),
            **({"more_cameras": list(self.more_cameras)} if self.more_cameras else {}),
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> CheckpointMeta:
        """Raises KeyError, TypeError or ContractError when something is missing or cannot be used."""
        meta = cls(
            facts["algorithm"],
            NetworkConfig.from_dict(facts["network"]),
            ImageSpec.from_dict(facts["image_spec"]) if facts["image_spec"] else None,
            ActionSpec.from_dict(facts["action_spec"]),
            facts["labels"],
            ActionScale.from_dict(facts["action_scale"]),
            facts["steps"],
            facts["seed"],
            facts["provenance"],
            facts.get("robot", FIRST_ROBOT),
            facts.get("state_size", 0),
            tuple(facts.get("more_cameras", ())),
        )
        if meta.image_spec and meta.image_spec.hash != facts["image_spec_hash"]:
            raise ContractError(
                f"its image spec has hash {meta.image_spec.hash}, the file says {facts['image_spec_hash']}"
            )
        return meta


@dataclass(frozen=True)
class Checkpoint:
    """Meta data and the state of the networks; ``critic`` is None for an algorithm without one."""

    meta: CheckpointMeta
    policy: Tensors
    critic: Tensors | None


def save_checkpoint(folder: str | Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint folder; it is there whole or not at all."""
    groups = {"policy": checkpoint.policy}
    if checkpoint.critic is not None:
        groups["critic"] = checkpoint.critic
    write_folder(Path(folder), groups, FACTS, checkpoint.meta.to_dict())


def load_checkpoint(folder: str | Path) -> Checkpoint:
    """Read a checkpoint folder. Raises CheckpointError when it is missing, incomplete, damaged or of another schema."""
    folder = Path(folder)
    meta, facts = _read_meta(folder)
    has_critic = "critic.safetensors" in facts.get("sha256", {})
    return Checkpoint(
        meta, read_tensors(folder, facts, "policy"), read_tensors(folder, facts, "critic") if has_critic else None
    )


def load_meta(folder: str | Path) -> CheckpointMeta:
    """Read what the tensors of a checkpoint folder mean, not the tensors. Raises CheckpointError."""
    return _read_meta(Path(folder))[0]


def _read_meta(folder: Path) -> tuple[CheckpointMeta, dict[str, Any]]:
    """Parsed, and as it stands in the file."""
    facts = read_facts(folder / FACTS, SCHEMA, SCHEMA_VERSION)
    try:
        return CheckpointMeta.from_dict(facts), facts
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder / FACTS} is damaged ({error!r}); copy the whole folder again") from error
