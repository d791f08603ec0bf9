"""One episode on its way to the disk: frames are written as they come, the rest when it is finished.

    recording (X.zarr.partial-...) -> finished (X.zarr.pending-ID) -> accepted (X.zarr/episodes/ID)

Each arrow is one rename of a folder that was synced before. Memory does not grow with the number of frames.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from crl_data.claims import claim
from crl_data.completeness import require_complete
from crl_data.episode import STATE_ARRAY, EpisodeMeta, required_arrays
from crl_data.episode_folder import goal_camera
from crl_data.files import checksum, publish, refusals, write_group
from crl_data.frame_file import FrameFile
from crl_data.frame_layout import frames_file
from crl_data.pending import accept_pending, discard_pending
from crl_data.schema import CameraSpec
from crl_data.siblings import pending_folder, require_one_disk, temporary_sibling
from crl_data.store import Store
from crl_data.told import GOALS, goal_frames
from crl_robot.durable import make_folder, remove_tree
from crl_robot.errors import StoreError


class EpisodeFile:
    """A new episode of ``store``; as a context manager it discards what was neither committed nor finished.

    Raises StoreError when the id is taken, by a committed or by a pending episode, when the store is the root of a disk
    of its own, so that nothing beside it could be moved in, or the disk refuses.
    """

    def __init__(self, store: Store, episode_id: str) -> None:
        self.id = episode_id
        self._store = store
        self._target = store.folder(episode_id)
        self._pending = pending_folder(store.path, episode_id)
        for place in (self._target, self._pending):
            if place.exists():
                raise StoreError(
                    f"{store.path} holds episode '{episode_id}' already, at {place}; "
                    "committed episodes are never rewritten"
                )
        require_one_disk(store.path, self._target.parent)
        self._folder = temporary_sibling(store.path, episode_id)
        self._claim: int | None = None
        self._refused = False
        self._frames: dict[str, FrameFile] = {}
        self._state = "open"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._state == "open":
            self.discard()

    @property
    def size(self) -> int:
        """Bytes of all frames so far."""
        return sum(frames.size for frames in self._frames.values())

    def require_open(self) -> None:
        """Raise StoreError when nothing can be added any more."""
        if self._state != "open":
            raise StoreError(f"episode '{self.id}' is {self._state} already; start a new one")

    def frames(self, camera: str) -> FrameFile:
        """Where the frames of one camera go. Raises StoreError for an unknown camera or when the disk refuses."""
        return self._frames_at(f"cameras/{camera}/frames", camera, self._store.spec.camera(camera))

    def goals(self, camera: str) -> FrameFile:
        """Where the pictures of goals by one camera go. Raises StoreError likewise."""
        return self._frames_at(goal_frames(camera), camera, goal_camera(self._store.spec, camera))

    def forget(self, folder: str) -> None:
        """Leave out what was added below a folder of the episode; files that the disk keeps belong to nothing."""
        self.require_open()
        for path in [path for path in self._frames if path.startswith(f"{folder}/")]:
            self._frames.pop(path).close()
        with suppress(OSError):
            remove_tree(self._folder / folder)

    def add_frame(
        self, camera: str, image: NDArray[np.uint8], stamp_ns: int | None = None, receive_stamp_ns: int | None = None
    ) -> None:
        """Code and write the next frame of a camera, uint8 (H, W, 3) RGB; stamps for every frame or for none."""
        self.frames(camera).add(image, stamp_ns, receive_stamp_ns)

    def add_jpeg(
        self, camera: str, data: bytes, stamp_ns: int | None = None, receive_stamp_ns: int | None = None
    ) -> None:
        """Write the next frame of a camera that is a JPEG file of the right size already."""
        self.frames(camera).add_jpeg(data, stamp_ns, receive_stamp_ns)

    def commit(self, meta: EpisodeMeta, arrays: Mapping[str, NDArray[Any]]) -> str:
        """Complete the episode and let it appear in the store; returns its id.

        Args:
            meta: what is known of it; id, steps and checksums are filled in.
            arrays: by their names in the group, without the cameras' own.

        Raises:
            StoreError: incomplete, or the disk refused; the store is unchanged and commit can be tried again.
        """
        self._complete(meta, arrays)
        with refusals(self._store.path, self._target):
            self._publish(self._target)
        self._close("committed")
        return self.id

    def finish(self, meta: EpisodeMeta, arrays: Mapping[str, NDArray[Any]]) -> Path:
        """As commit, but the episode waits beside the store to be accepted; returns its folder."""
        self._complete(meta, arrays)
        with refusals(self._store.path, self._pending):
            self._publish(self._pending)
        self._close("pending")
        return self._pending

    def accept(self, **changes: Any) -> str:
        """Let a finished episode appear in the store, with these attributes changed (success, note, ...)."""
        if self._state != "pending":
            raise StoreError(f"episode '{self.id}' is {self._state}, expected pending; finish it first")
        accept_pending(self._store, self.id, **changes)
        self._state = "committed"
        return self.id

    def discard(self) -> None:
        """Forget an episode that was not committed; does nothing after a commit."""
        if self._state == "pending":
            discard_pending(self._store, self.id)
        if self._state == "open":
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._state != "committed":
            self._close("discarded")

    def _complete(self, meta: EpisodeMeta, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.require_open()
        steps = self._steps(arrays)
        pictures = {path: len(frames) for path, frames in self._frames.items() if path.startswith(f"{GOALS}/")}
        name, required = f"episode '{self.id}' of {self._store.path}", required_arrays(self._store.spec, meta)
        require_complete(name, required, arrays, pictures, steps)
        all_arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        placed, sums = {}, {}
        with refusals(self._store.path, self._target):
            self._make_folder(self._folder)
            for path, frames in self._frames.items():
                if self._refused:
                    frames.write_again()
                summary = frames.finish()
                prefix = path.removesuffix("frames")
                all_arrays |= {f"{prefix}{name}": array for name, array in summary.arrays.items()}
                placed[path], sums[path] = summary.metadata, summary.checksum
            sums |= {name: checksum(array) for name, array in all_arrays.items()}
            whole = replace(meta, id=self.id, steps=steps, checksums=sums)
            write_group(self._folder, all_arrays, whole.to_dict(), placed)

    def _frames_at(self, path: str, camera: str, spec: CameraSpec) -> FrameFile:
        self.require_open()
        if path not in self._frames:
            folder = (self._folder / path).parent
            with refusals(self._store.path, self._folder):
                self._make_folder(frames_file(folder, spec).parent)
                self._frames[path] = FrameFile(folder, camera, spec)
        return self._frames[path]

    def _make_folder(self, folder: Path) -> None:
        """Make a folder of the episode, and lock the episode while it is written. Raises OSError."""
        make_folder(folder)
        self._claim = claim(self._folder) if self._claim is None else self._claim

    def _publish(self, target: Path) -> None:
        """Raises OSError; then the disk may have dropped what it had taken, and it is all written again next time."""
        self._refused = True
        publish(self._folder, target)

    def _steps(self, arrays: Mapping[str, NDArray[Any]]) -> int:
        if not self._store.spec.cameras:
            return len(arrays.get(STATE_ARRAY, ()))
        counts = {name: len(self._frames.get(f"cameras/{name}/frames", ())) for name in self._store.spec.cameras}
        if len(set(counts.values())) > 1 or not min(counts.values()):
            raise StoreError(f"episode '{self.id}' has no steps or not a frame of each camera for every step: {counts}")
        return min(counts.values())

    def _close(self, state: str) -> None:
        for frames in self._frames.values():
            frames.close()
        if self._claim is not None:
            os.close(self._claim)
            self._claim = None
        self._state = state
