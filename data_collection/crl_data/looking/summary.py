"""What is in a store, as plain numbers: the content of `crl-data info`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import TRUTH_ARRAY, EpisodeMeta
from crl_data.frame_layout import frames_file
from crl_data.looking.scene import coverage, gripper_facts, object_facts, scene_tracks, slide_facts, varied
from crl_data.looking.survey import Survey, survey
from crl_data.looking.timing import stream_timing
from crl_data.store import Store
from crl_data.told import GOALS, PROGRESS


def summarise(store: Store, found: Survey | None = None) -> dict[str, Any]:
    """Episodes, specs, losses, ages, action statistics and coverage, ready for JSON; what is not known is left out.

    Args:
        store: the store.
        found: its survey, where it was made already.
    """
    found = found or survey(store)
    metas = found.metas
    steps = sum(meta.steps for meta in metas)
    return {
        "path": str(store.path),
        "episodes": len(metas),
        "ids": [meta.id for meta in metas],
        "unreadable": found.unreadable,
        "steps": steps,
        "hours": steps * store.spec.action.period_s / 3600,
        "bytes": sum(file.stat().st_size for file in Path(store.path).rglob("*") if file.is_file()),
        "fingerprint": store.fingerprint([meta.id for meta in metas]),
        **_marks(metas),
        **_told(metas),
        **store.spec.to_dict(),
        "lost_frames": {camera: sum(meta.lost.get(camera, 0) for meta in metas) for camera in store.spec.cameras},
        **(_contents(found) if metas else {}),
    }


def _marks(metas: list[EpisodeMeta]) -> dict[str, Any]:
    """Counts of what people and programs wrote about the episodes."""
    lost: Counter[str] = Counter()
    for meta in metas:
        lost.update(meta.lost)
    lengths = np.array([meta.steps for meta in metas])
    spread = (
        {"min": int(lengths.min()), "median": float(np.median(lengths)), "max": int(lengths.max())} if metas else None
    )
    return {
        "sources": dict(Counter(meta.source for meta in metas)),
        "success": dict(Counter({True: "yes", False: "no", None: "unmarked"}[meta.success] for meta in metas)),
        "operators": dict(Counter(meta.operator or "unnamed" for meta in metas)),
        "robots": dict(Counter(meta.robot_id or "unnamed" for meta in metas)),
        "clock": dict(Counter(meta.clock for meta in metas)),
        "goal_steps": sum(len(meta.goal_steps) for meta in metas),
        "lost": dict(lost),
        "episode_steps": spread,
    }


def _told(metas: list[EpisodeMeta]) -> dict[str, Any]:
    """How many goals policies acted towards, and in how many episodes; and how many have progress."""
    named = [meta.options.get(GOALS) for meta in metas if f"{GOALS}/from_step" in meta.checksums]
    counts = [len(goals) for goals in named if isinstance(goals, list)]
    progress = sum(f"{PROGRESS}/stamp_ns" in meta.checksums for meta in metas)
    return {"goals": {"goals": sum(counts), "episodes": len(counts)}, "progress_episodes": progress}


def _contents(found: Survey) -> dict[str, Any]:
    """Statistics of what the episodes hold."""
    store = found.store
    facts: dict[str, Any] = {
        "bytes_per_frame": {camera: _bytes_per_frame(store, found.metas, camera) for camera in store.spec.cameras},
        "streams": stream_timing(found),
        "actions_label": found.label,
    }
    actions, tool = (found.joined(name) for name in (f"action_{found.label}", "tool_measured"))
    if actions is not None:
        facts["actions"] = _action_statistics(actions, store.spec.action.names)
    if tool is not None:
        facts["tool"] = coverage(tool[:, :3])
    return facts | _scene(found)


def _scene(found: Survey) -> dict[str, Any]:
    """Where gripper and things were; ``object`` is the main thing of each episode, ``objects`` tells them apart."""
    tracks, grippers, main = scene_tracks(found), found.all("gripper"), found.all(TRUTH_ARRAY)
    facts: dict[str, Any] = {"gripper": gripper_facts(grippers)} if grippers else {}
    if len(main) == len(found.scans):
        facts["object"] = object_facts([pose[:, :3] for pose in main])
        facts["objects"] = {name: object_facts(each) for name, each in tracks.objects.items()}
        facts["slides"] = {name: slide_facts(each) for name, each in tracks.slides.items()}
    return facts | {"varied": varied(found)}


def _action_statistics(actions: NDArray[np.float32], names: Sequence[str]) -> dict[str, dict[str, float]]:
    columns = zip(names, actions.astype(np.float64).T, strict=True)
    return {
        name: {"mean": float(c.mean()), "std": float(c.std()), "min": float(c.min()), "max": float(c.max())}
        for name, c in columns
    }


def _bytes_per_frame(store: Store, metas: list[EpisodeMeta], camera: str) -> float:
    spec = store.spec.camera(camera)
    files = [frames_file(store.folder(meta.id) / "cameras" / camera, spec) for meta in metas]
    return sum(file.stat().st_size for file in files if file.exists()) / sum(meta.steps for meta in metas)
