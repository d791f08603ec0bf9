"""Settings of `crl-data play`: hydra-style key=value words checked against a typed dataclass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from crl_data.key_values import from_words, require_at_least, require_known
from crl_data.schema import Encoding
from crl_robot.arm_model import ROBOT_NAMES
from crl_robot.errors import ConfigError
from crl_robot.sim.play_options import EVERYTHING, PLAYS, TASK_NAMES, PlayOptions
from crl_robot.sim.randomisation import Randomisation
from crl_robot.sim.randomisation_file import NONE, load_randomisation

Policy = Literal["auto", "play", "oracle"]
PLAY_TASKS = (*PLAYS, *TASK_NAMES)
_RANDOMISATION = "randomisation"


@dataclass(frozen=True)
class PlaySettings:
    """What to record.

    Attributes:
        out: store to write; made when it does not exist.
        robot: 'widowx' or 'sawyer'.
        task: 'play' (noisy reaching and pushing in the scene with one can), 'play_kitchen' (noisy grasping, placing,
            pushing, opening and closing in the kitchen), 'play_stitch' (pushing in pieces that no episode joins), a
            task of the robot, or 'all'.
        policy: 'play', 'oracle' (demonstrations of a task, or of each one in turn with task=all), or 'auto': play for
            task=play, play_kitchen, play_stitch and all, demonstrations for the others.
        episodes: number of episodes with this task and seed that the store shall hold.
        steps: control ticks per episode; 0 means 60 of 'play', 200 of 'play_kitchen', 40 and 20 in turn of
            'play_stitch', and a task's own limit.
        seed: episode i draws from the seed sequence [seed, i], whatever the number of workers.
        resume: add to an existing store, skipping the episodes that it holds.
        workers: processes.
        cameras: comma-separated names.
        states: record the numbers of the true state and no images, for network.inputs=state.
        encoding: 'jpeg' or 'lossless'.
        push_share: in task=play, probability that the next thing to do is a push rather than a reach; a robot without
            a task 'push' only reaches.
        randomisation: what varies from episode to episode; a file of configs/randomisation or of one's own, each value
            of which may be changed as randomisation.GROUP.NAME=value.
    """

    out: str = ""
    robot: str = ROBOT_NAMES[0]
    task: str = "play"
    policy: Policy = "auto"
    episodes: int = 100
    steps: int = 0
    seed: int = 0
    resume: bool = False
    workers: int = 2
    cameras: str = "over_shoulder"
    states: bool = False
    encoding: Encoding = "jpeg"
    push_share: float = PlayOptions.push_share
    randomisation: Randomisation = field(default=Randomisation(), metadata={"shown": NONE})

    def __post_init__(self) -> None:
        if not self.out:
            raise ConfigError("out is missing: name the store to write, for example out=data/play.zarr")
        require_known("robot", self.robot, ROBOT_NAMES)
        require_known("task", self.task, PLAY_TASKS)
        require_known("policy", self.policy, get_args(Policy))
        if self.policy == "oracle" and self.task in PLAYS and self.task != EVERYTHING:
            raise ConfigError(f"policy=oracle has no demonstrations of task={self.task}; name a task, or task=all")
        if self.policy == "play" and self.task not in PLAYS:
            raise ConfigError(f"policy=play is for task={', '.join(PLAYS)}, got task={self.task}; use policy=oracle")
        require_known("encoding", self.encoding, get_args(Encoding))
        require_at_least(self, episodes=1, workers=1, seed=0)
        if self.steps != 0 and self.steps < 2:
            raise ConfigError(f"steps={self.steps}, expected at least 2, or 0 for as many as the task needs")
        if not 0 <= self.push_share <= 1:
            raise ConfigError(f"push_share={self.push_share}, expected a probability from 0 to 1")
        if not all(self.camera_names):
            raise ConfigError(f"cameras={self.cameras!r}, expected names separated by commas")

    @property
    def demonstrates(self) -> bool:
        """Whether oracles act, rather than play."""
        return self.policy == "oracle" or self.task not in PLAYS

    @property
    def camera_names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.cameras.split(","))

    @classmethod
    def from_words(cls, words: Sequence[str]) -> PlaySettings:
        """``['task=push', 'episodes=10', ...]`` -> settings. Raises ConfigError naming the nearest known key."""
        file, changes, others = NONE, {}, []
        for word in words:
            key, equals, text = word.partition("=")
            if key == _RANDOMISATION and equals:
                file = text
            elif key.startswith(f"{_RANDOMISATION}.") and equals:
                changes[key.partition(".")[2]] = text
            else:
                others.append(word)
        return replace(from_words(cls, others), randomisation=load_randomisation(file, changes))
