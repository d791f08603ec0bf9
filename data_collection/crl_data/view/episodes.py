"""What the page is told about episodes: rows of a list, series of one episode, frames as files."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.camera_track import CameraTrack
from crl_data.codec import encode_png
from crl_data.episode import EpisodeMeta
from crl_data.episode_folder import EpisodeFolder
from crl_data.gaps import gaps
from crl_data.store import Store
from crl_data.told import GOALS, PROGRESS
from crl_robot.errors import StoreError

SERIES = (
    "action_commanded",
    "action_achieved",
    "joints",
    "gripper",
    "gripper_target",
    "tool_measured",
    "tool_target",
    "truth_object",
)
"""Arrays that are plotted, where an episode has them."""
PROGRESS_SERIES = tuple(f"{PROGRESS}/{name}" for name in ("steps", "steps_low", "steps_high", "reached", "improving"))
_KEPT_TRACKS = 32


class Library:
    """Reads a store for the page, never writes. Safe to use from several threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._tracks: OrderedDict[tuple[str, str], CameraTrack] = OrderedDict()
        self._lock = Lock()

    def about(self) -> dict[str, Any]:
        """What all episodes have in common."""
        return {"name": self.store.path.name, "path": str(self.store.path), **self.store.spec.to_dict()}

    def rows(self) -> list[dict[str, Any]]:
        """One row per episode in the order of the ids; a damaged one has only ``id`` and ``error``."""
        return [self._row(episode_id) for episode_id in self.store.episode_ids()]

    def episode(self, episode_id: str) -> dict[str, Any]:
        """Meta data, times and series of one episode; arrays that cannot be read are named in ``errors``.

        Raises:
            StoreError: it is missing, or its attributes are damaged.
        """
        meta = self.store.meta(episode_id)
        errors: dict[str, str] = {}
        arrays = {name: self._array(meta, name, errors) for name in (*SERIES, *PROGRESS_SERIES)}
        return {
            "meta": {**meta.to_dict(), "checksums": None},
            "series": {name: _listed(array) for name, array in arrays.items() if array is not None},
            **self._timing(meta, errors),
            "goals": self._goals(meta, errors),
            "errors": errors,
        }

    def frame(self, episode_id: str, camera: str, step: int) -> tuple[bytes, str]:
        """One frame as a file and its content type: the stored JPEG, or a PNG of a lossless frame.

        Raises:
            StoreError: there is no such frame, or it is damaged.
        """
        track = self._track(episode_id, camera)
        if not 0 <= step < len(track):
            raise StoreError(f"episode '{episode_id}' has no step {step}, it has {len(track)}")
        if track.spec.encoding == "lossless":
            return encode_png(track.frame(step), compression=1), "image/png"  # fast: it does not travel far
        data = track.encoded(step)
        if zlib.crc32(data) != track.crc32[step]:
            raise StoreError(f"frame {step} of camera '{camera}' is damaged: its checksum is not the recorded one")
        return data, "image/jpeg"

    def goal(self, episode_id: str, camera: str, number: int) -> tuple[bytes, str]:
        """The picture of one goal as a file and its content type. Raises StoreError likewise."""
        track = EpisodeFolder.open(self.store.folder(episode_id), self.store.spec).goal_track(camera)
        if not 0 <= number < len(track):
            raise StoreError(f"episode '{episode_id}' has no goal {number}, it has {len(track)}")
        return encode_png(track.frame(number), compression=1), "image/png"

    def _goals(self, meta: EpisodeMeta, errors: dict[str, str]) -> list[dict[str, Any]]:
        """The goals that were in force, and of which cameras there are pictures."""
        try:
            goals = EpisodeFolder(self.store.folder(meta.id), self.store.spec, meta).goals()
        except StoreError as error:
            errors[GOALS] = str(error)
            return []
        return [{"name": g.name, "stage": g.stage, "from_step": g.from_step, "cameras": list(g.tracks)} for g in goals]

    def _row(self, episode_id: str) -> dict[str, Any]:
        try:
            meta = self.store.meta(episode_id)
        except StoreError as error:
            return {"id": episode_id, "error": str(error)}
        named = ("id", "source", "steps", "created", "success", "note", "operator", "clock", "lost")
        return {name: getattr(meta, name) for name in named} | {"goals": len(meta.goal_steps)}

    def _track(self, episode_id: str, camera: str) -> CameraTrack:
        """The track, from memory for the episodes that were looked at last: a page asks for frame after frame."""
        key = (episode_id, camera)
        with self._lock:
            if key in self._tracks:
                self._tracks.move_to_end(key)
                return self._tracks[key]
        track = self.store.track(self.store.meta(episode_id), camera)
        with self._lock:
            self._tracks[key] = track
            while len(self._tracks) > _KEPT_TRACKS:
                self._tracks.popitem(last=False)
        return track

    def _timing(self, meta: EpisodeMeta, errors: dict[str, str]) -> dict[str, Any]:
        """Times of the steps (s), true ones or else at the nominal rate, and per stream age, transport, repeats."""
        period_s = self.store.spec.action.period_s
        stamps = self._array(meta, "stamp_ns", errors)
        if stamps is None:
            return {
                "times": [step * period_s for step in range(meta.steps)],
                "true_times": False,
                "ages": {},
                "gaps": [],
            }
        prefixes = {camera: f"cameras/{camera}/" for camera in self.store.spec.cameras} | {"arm": "state_"}
        ages, repeated = {}, {}
        for name, prefix in prefixes.items():
            sampled = self._array(meta, f"{prefix}stamp_ns", errors)
            if sampled is not None:
                ages[name] = _listed((stamps - sampled) / 1e6)
                repeated[name] = (np.flatnonzero(np.diff(sampled) == 0) + 1).tolist()
        after = gaps(stamps, period_s * 1e9) + 1
        times = [round(float(time), 6) for time in (stamps - stamps[0]) / 1e9]
        return {"times": times, "true_times": True, "ages": ages, "repeated": repeated, "gaps": after.tolist()}

    def _array(self, meta: EpisodeMeta, name: str, errors: dict[str, str]) -> NDArray[Any] | None:
        if name not in meta.checksums:
            return None
        try:
            return self.store.array(meta, name)
        except StoreError as error:
            errors[name] = str(error)
            return None


def _listed(array: NDArray[Any]) -> list[Any]:
    """For JSON, with five digits after the point and null for what is not finite."""
    rounded = np.round(array.astype(np.float64), 5).astype(object)
    rounded[~np.isfinite(array.astype(np.float64))] = None
    return rounded.tolist()
