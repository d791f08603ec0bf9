"""A data set that our own export wrote becomes the store again: same ids, same arrays, same frames, all compared."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import ARM_STREAM, CAMERA_STAMPS, EpisodeMeta, array_kind
from crl_data.episode_file import EpisodeFile
from crl_data.exchange.errors import SourceError
from crl_data.exchange.importing import ImportReport
from crl_data.exchange.lerobot_format import IMAGES_PREFIX, OWN_ARRAYS, OWN_FILE
from crl_data.exchange.lerobot_source import LeRobotEpisode, LeRobotFolder
from crl_data.exchange.lerobot_told import restore_pictures
from crl_data.exchange.pictures import decode_image
from crl_data.exchange.source import Image
from crl_data.files import checksum
from crl_data.progress import progress_bar
from crl_data.schema import CameraSpec, StoreMismatchError, StoreSpec
from crl_data.store import Store
from crl_data.told import GOALS
from crl_robot.errors import CrlError

_OF_FRAMES = ("frames", "offsets", "crc32")
_START_OF_JPEG = b"\xff\xd8"


@dataclass(frozen=True)
class _Own:
    """What our export wrote beside the rows: ``frames`` are SHA-256 of all frames by camera, per episode."""

    labels: str
    spec: StoreSpec
    metas: tuple[EpisodeMeta, ...]
    frames: tuple[Mapping[str, str], ...]


def restore(folder: LeRobotFolder, out: Path, *, lossless: bool, skip_damaged: bool, progress: bool) -> ImportReport:
    """Take every episode into the store at ``out`` that is not there yet.

    Args:
        lossless: keep frames as they are; otherwise as the original store did, and JPEG is then coded once more.

    Raises:
        SourceError: what our export wrote is damaged or of other episodes than the set has; nothing was written.
        StoreMismatchError: ``out`` declares something else, and nothing was written; or it holds another episode of an
            id already, and the episodes before are in the store.
        StoreError: the disk refused; the episodes before are in the store.
    """
    own, report = _read_own(folder), ImportReport()
    spec = own.spec
    if lossless:
        spec = replace(spec, cameras={name: replace(c, encoding="lossless") for name, c in spec.cameras.items()})
    store = Store.open_or_create(out, spec)
    coded_again = 0
    with progress_bar("import", "episodes", enabled=progress) as bar:
        for episode, meta in bar.track(list(zip(folder.episodes, own.metas, strict=True))):
            if store.folder(meta.id).exists():
                _require_same(meta, store)
                report.present.append(meta.id)
                continue
            try:
                coded_again += _restore_episode(folder, episode, own, store)
                report.imported.append(meta.id)
                report.steps += meta.steps
            except SourceError as error:
                report.damaged[meta.id] = str(error)
                if not skip_damaged:
                    break
    if coded_again:
        report.remarks.append(f"{coded_again} frames were coded as JPEG once more; encoding lossless keeps them equal")
    return report


def _restore_episode(folder: LeRobotFolder, episode: LeRobotEpisode, own: _Own, store: Store) -> int:
    """Returns how many frames were coded as JPEG that had been decoded from JPEG before."""
    meta = own.metas[episode.index]
    expected = _without_frames(meta)
    arrays = _read_arrays(folder.path / OWN_ARRAYS.format(episode_index=episode.index))
    _require_known(meta, {**expected, **arrays}, arrays, own.spec)
    changed = [name for name in expected if name not in arrays or checksum(arrays[name]) != expected[name]]
    actions = folder.table(episode).columns["action"]
    if changed or not np.array_equal(actions, arrays.get(f"action_{own.labels}", np.zeros(0))):
        raise SourceError(
            f"{', '.join(changed) or 'action'} of episode '{meta.id}' is not what was exported; to import the set as "
            f"it is now, remove {OWN_FILE} and give a mapping"
        )
    with EpisodeFile(store, meta.id) as file:
        coded_again = 0
        for camera, digest in own.frames[episode.index].items():
            frames = _Frames(store.spec.cameras[camera], camera, arrays)
            for picture in folder.frames(episode, f"{IMAGES_PREFIX}{camera}"):
                frames.add(file, picture)
            frames.require(digest)
            coded_again += frames.coded_again
        pictures = restore_pictures(file, meta, own.spec, arrays)
        plain = {n: array for n, array in arrays.items() if not n.startswith("cameras/") and n not in pictures}
        file.commit(meta, plain)
    return coded_again


def _require_same(meta: EpisodeMeta, store: Store) -> None:
    """Raise StoreMismatchError when the store holds another episode of this id. Frames may be coded otherwise."""
    if _without_frames(store.meta(meta.id)) != _without_frames(meta):
        raise StoreMismatchError(
            f"{store.path} holds an episode '{meta.id}' already, which has other data; import into another store"
        )


def _without_frames(meta: EpisodeMeta) -> dict[str, str]:
    """Checksums of all arrays that do not depend on how frames are coded."""
    return {name: value for name, value in meta.checksums.items() if name.rpartition("/")[2] not in _OF_FRAMES}


def _require_known(
    meta: EpisodeMeta, names: Iterable[str], arrays: Mapping[str, NDArray[Any]], spec: StoreSpec
) -> None:
    """Raise SourceError for an array that such an episode has not got: its name would become a path."""
    for name in sorted(names):
        kind = array_kind(name, spec)
        if kind is None:
            raise SourceError(f"it holds {name!r}, which is no array of this store; the set is damaged or not ours")
        if name not in arrays:
            continue
        array, rows = arrays[name], None if name.startswith((f"{ARM_STREAM}/", f"{GOALS}/")) else meta.steps
        if array.dtype != np.dtype(kind) or not array.ndim or rows not in (None, len(array)):
            raise SourceError(f"its {name} is {array.dtype} {array.shape}, expected {np.dtype(kind)} {(rows or 'M',)}")


class _Frames:
    """The frames of one camera of one episode on their way back."""

    def __init__(self, spec: CameraSpec, camera: str, arrays: Mapping[str, NDArray[Any]]) -> None:
        self.coded_again = 0
        self._spec, self._camera, self._step = spec, camera, 0
        self._digest = hashlib.sha256()
        self._stamps = [arrays.get(f"cameras/{camera}/{name}") for name in CAMERA_STAMPS]

    def add(self, file: EpisodeFile, picture: Image) -> None:
        what = f"camera '{self._camera}', frame {self._step}"
        image = decode_image(picture, what) if isinstance(picture, bytes) else picture
        stamps = [None if rows is None else int(rows[self._step]) for rows in self._stamps]
        self._digest.update(image.data)
        self._step += 1
        if isinstance(picture, bytes) and picture.startswith(_START_OF_JPEG) and self._spec.encoding == "jpeg":
            file.add_jpeg(self._camera, picture, *stamps)
        else:
            file.add_frame(self._camera, image, *stamps)
            self.coded_again += self._spec.encoding == "jpeg"

    def require(self, expected: str) -> None:
        """Raise SourceError unless the frames are those with this SHA-256."""
        if self._digest.hexdigest() != expected:
            raise SourceError(f"the frames of camera '{self._camera}' are not what was exported")


def _read_own(folder: LeRobotFolder) -> _Own:
    path = folder.path / OWN_FILE
    try:
        data = json.loads(path.read_bytes())
        entries = data["episodes"]
        frames = tuple(entry.pop("frames_sha256") for entry in entries)
        spec = StoreSpec.from_dict(data["store"])
        own = _Own(data["labels"], spec, tuple(EpisodeMeta.from_dict(entry) for entry in entries), frames)
    except (OSError, KeyError, TypeError, ValueError, AttributeError, CrlError) as error:
        raise SourceError(f"{path} cannot be read: {error!r}; remove it to import with a mapping") from error
    odd = [sorted(digests) for digests in frames if set(digests) != set(spec.cameras)]
    if odd:
        raise SourceError(f"{path} has frames of cameras {odd[0]} in an episode, expected {sorted(spec.cameras)}")
    absent = [name for name in spec.cameras if f"{IMAGES_PREFIX}{name}" not in folder.features]
    if absent:
        raise SourceError(f"{path} has cameras {absent}, the set has no pictures of them; it was changed")
    expected, found = [meta.steps for meta in own.metas], [episode.steps for episode in folder.episodes]
    if expected != found or [episode.index for episode in folder.episodes] != list(range(len(found))):
        raise SourceError(
            f"{path} describes {len(expected)} episodes of {sum(expected)} rows, the set has {len(found)} of "
            f"{sum(found)}: it was changed after the export; remove that file and give a mapping"
        )
    return own


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SourceError(f"{path} is missing or damaged: {error!r}") from error
