"""BridgeData V2 as it was recorded: folders of JPEG files and pickles.

A trajectory is a folder with `obs_dict.pkl`, `policy_out.pkl`, `images0`, `images1`, ... (`im_0.jpg`, `im_1.jpg`, ...)
and perhaps `lang.txt`, below a folder named by the date. There is one observation more than there are actions.
Actions are added to the previous target; rotations are fixed-axis rpy relative to the gripper pointing down; the
gripper is 1 open, 0 closed (facts read from rail-berkeley/bridge_data_robot).
"""

from __future__ import annotations

import datetime
import re
from functools import partial
from pathlib import Path
from typing import Any

from crl_data.exchange.bridge_folder import (
    camera_folders,
    picture_files,
    read_actions,
    read_language,
    read_observations,
    read_pictures,
)
from crl_data.exchange.errors import MappingError
from crl_data.exchange.importing import ImportReport, import_episodes
from crl_data.exchange.mapping import SourceMapping
from crl_data.exchange.source import (
    CameraSource,
    SourceEpisode,
    SourceReference,
    episode_id,
    require_lengths,
    seconds_to_ns,
)
from crl_data.exchange.values import Table, choose

PRESET: dict[str, Any] = {
    "robot": "widowx250s",
    "rate": 5.0,
    "reference": "previous_target",
    "frame": "base",
    "labels": "commanded",
    "action": {
        "kind": "delta",
        "position": "actions[0:3]",
        "rotation": "actions[3:6]",
        "rotation_as": "rpy",
        "gripper": {"value": "actions[6]", "open": 1.0, "closed": 0.0},
    },
    "tool": {
        "position": "full_state[0:3]",
        "rotation": "full_state[3:6]",
        "rotation_as": "rpy",
        "zero": "gripper_down",
    },
    "gripper": {"value": "full_state[6]", "open": 1.0, "closed": 0.0},
    "target": {
        "position": "desired_state[0:3]",
        "rotation": "desired_state[3:6]",
        "rotation_as": "rpy",
        "zero": "gripper_down",
    },
    "joints": {
        "names": ["waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate"],
        "position": "qpos[0:6]",
    },
}
"""What the format says by itself; a mapping file or flags overrule it."""

OPTIONS = ("action_shift",)
SHIFTS = ("0", "1", "by-date")
LATE_BEFORE = datetime.date(2021, 7, 23)
"""The authors' converter pairs images with the action one step earlier for what was recorded before this day."""

_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})_\d{2}-\d{2}-\d{2}")


def import_bridge(
    source: Path, mapping: SourceMapping, out: Path, *, skip_damaged: bool = False, progress: bool = True
) -> ImportReport:
    """Take every trajectory below ``source`` into the store at ``out``. Raises as `import_episodes`."""
    episodes = bridge_episodes(source, mapping)
    return import_episodes(episodes, mapping, out, source="bridge", skip_damaged=skip_damaged, progress=progress)


def bridge_episodes(source: Path, mapping: SourceMapping) -> list[SourceReference]:
    """Every trajectory below ``source``. Raises MappingError when there is none."""
    folders = sorted({path.parent for path in source.rglob("policy_out.pkl")}, key=_natural)
    if not folders:
        raise MappingError(f"{source} holds no BridgeData: no folder below it has a policy_out.pkl")
    names = [folder.relative_to(source).as_posix() for folder in folders]
    return [
        SourceReference(episode_id(source.resolve().name, name), name, partial(read_trajectory, folder, mapping))
        for name, folder in zip(names, folders, strict=True)
    ]


def read_trajectory(folder: Path, mapping: SourceMapping) -> SourceEpisode:
    """One trajectory. Raises SourceError when it is damaged, MappingError when a choice is missing."""
    actions = read_actions(folder / "policy_out.pkl")
    columns = read_observations(folder / "obs_dict.pkl")
    rows = len(actions) + 1
    shift = action_shift(folder, mapping)
    chosen = mapping.choose_cameras(camera_folders(folder))
    pictures = {name: picture_files(folder / camera) for camera, name in chosen.items()}
    lengths = {name: len(files) for name, files in pictures.items()}
    lengths |= {name: len(columns[name]) for name in columns if name == "time_stamp"}
    require_lengths(lengths, rows)
    shown = slice(shift, None)
    table = Table(
        {name: array[shown] for name, array in columns.items()} | {"actions": actions[: len(actions) - shift]}
    )
    stamps = columns.get("time_stamp")
    return SourceEpisode(
        table=table,
        rows=rows - shift,
        actions=len(actions) - shift,
        cameras={name: CameraSource(partial(read_pictures, files[shown])) for name, files in pictures.items()},
        stamp_ns=None if stamps is None else seconds_to_ns(stamps[shown], "time_stamp"),
        meta={"note": read_language(folder), "options": {"action_shift": shift, "camera_stamps": "none"}},
    )


def action_shift(folder: Path, mapping: SourceMapping) -> int:
    """How many rows images and states lag behind the actions: 0 or 1.

    Raises:
        MappingError: the mapping does not say, and the date of the recording does not either.
    """
    said = mapping.options.get("action_shift")
    if said is not None:
        choose("action_shift", str(said), SHIFTS)
    if str(said) in ("0", "1"):
        return int(str(said))
    dates = [match[1] for part in folder.resolve().parts if (match := _DATED.fullmatch(part))]
    if dates and datetime.date.fromisoformat(dates[-1]) >= LATE_BEFORE:
        return 0
    if dates and said:
        return 1
    when = f"was recorded on {dates[-1]}, before {LATE_BEFORE}" if dates else "has no folder that names its date"
    raise MappingError(
        f"{folder} {when}: in recordings from before that day images lag by one step, so the authors' converter pairs "
        "image t + 1 with action t. Choose --action-shift 1 (as the converter does), 0 (as recorded), or by-date (1 "
        "before that day, 0 from then on)"
    )


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(word) if word.isdecimal() else 0, word) for word in re.split(r"(\d+)", path.as_posix())]
