"""What of a store becomes which feature of a LeRobot data set.

A feature is there when every episode has what it is made of. Everything else, and everything at full precision, lies
beside it in files of our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import CAMERA_STAMPS, Episode, EpisodeMeta
from crl_data.exchange.lerobot_format import (
    CAMERA_RECEIVE_STAMP,
    CAMERA_STAMP,
    IMAGES_PREFIX,
    STAMP,
    STATE_RECEIVE_STAMP,
    STATE_STAMP,
    Feature,
)
from crl_data.schema import Labels, StoreSpec
from crl_robot.errors import StoreError

_POSE_NAMES = ("x", "y", "z", "qw", "qx", "qy", "qz")
_STAMPS = {STAMP: "stamp_ns", STATE_STAMP: "state_stamp_ns", STATE_RECEIVE_STAMP: "state_receive_stamp_ns"}
_CAMERA_STAMPS = {CAMERA_STAMP: "stamp_ns", CAMERA_RECEIVE_STAMP: "receive_stamp_ns"}


@dataclass(frozen=True)
class Layout:
    """Which features a store's episodes give.

    Attributes:
        images: feature by camera name.
        vectors: the others.
        sources: names of the arrays that each of the vectors is made of, side by side.
    """

    images: dict[str, Feature]
    vectors: tuple[Feature, ...]
    sources: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, spec: StoreSpec, metas: Sequence[EpisodeMeta], labels: Labels) -> Layout:
        """The features that all of the episodes have."""
        common = set.intersection(*(set(meta.checksums) for meta in metas))
        found = {
            feature: sources
            for feature, sources in _vectors(spec, labels, common).items()
            if sources and common.issuperset(sources)
        }
        images = {
            name: Feature(f"{IMAGES_PREFIX}{name}", "image", camera.shape, ("height", "width", "channels"))
            for name, camera in spec.cameras.items()
        }
        return cls(images, tuple(found), {feature.name: sources for feature, sources in found.items()})

    def columns(self, episode: Episode) -> dict[str, NDArray[Any]]:
        """(T, k) values of each vector feature. Raises StoreError when they are not finite."""
        arrays = all_arrays(episode)
        columns = {}
        for feature in self.vectors:
            parts = [arrays[name].reshape(len(episode), -1) for name in self.sources[feature.name]]
            columns[feature.name] = np.hstack(parts).astype(feature.dtype)
            if not np.isfinite(columns[feature.name]).all():
                raise StoreError(f"episode '{episode.meta.id}' has a {feature.name} that is not finite; delete it")
        return columns


def choose_labels(spec: StoreSpec, labels: Labels | None) -> Labels:
    """The labels to export. Raises StoreError when the store has not got them, or has several and none is chosen."""
    if labels is None and len(spec.labels) == 1:
        return spec.labels[0]
    if labels not in spec.labels:
        choices = " or ".join(f"--labels {label}" for label in spec.labels)
        raise StoreError(f"labels are {labels!r}, which action LeRobot is to learn must be chosen: {choices}")
    return labels


def whole_rate(spec: StoreSpec) -> int:
    """Steps per second. Raises StoreError when they are not a whole number, which LeRobot's fps has to be."""
    rate = spec.action.rate_hz
    if not float(rate).is_integer():
        raise StoreError(f"the store has {rate:g} steps per second, LeRobot v3.0 holds whole rates only (its fps)")
    return int(rate)


def all_arrays(episode: Episode) -> dict[str, NDArray[Any]]:
    """The arrays of the steps and the stamps of the cameras, by their paths in the group."""
    arrays = dict(episode.arrays)
    for name, track in episode.cameras.items():
        stamps = zip(CAMERA_STAMPS, (track.stamp_ns, track.receive_stamp_ns), strict=True)
        arrays |= {f"cameras/{name}/{kind}": rows for kind, rows in stamps if len(rows)}
    return arrays


def _vectors(spec: StoreSpec, labels: Labels, common: set[str]) -> dict[Feature, tuple[str, ...]]:
    """Every feature that there may be, with the arrays that it is made of."""
    action = (len(spec.action.names),)
    state = tuple(name for name in ("joints", "gripper") if name in common and (name != "joints" or spec.joint_names))
    names = (spec.joint_names if "joints" in state else ()) + (("gripper",) if "gripper" in state else ())
    vectors = {
        Feature("action", "float32", action, spec.action.names): (f"action_{labels}",),
        Feature("observation.state", "float32", (len(names),), names): state,
        Feature("observation.tool", "float32", (7,), _POSE_NAMES): ("tool_measured",),
    }
    for other in set(spec.labels) - {labels}:  # not "action.": LeRobot's policies would learn it as well
        vectors[Feature(f"crl.action_{other}", "float32", action, spec.action.names)] = (f"action_{other}",)
    vectors |= {Feature(name, "int64", (1,)): (array,) for name, array in _STAMPS.items()}
    cameras = tuple(spec.cameras)  # as names of entries: LeRobot takes a feature with "image" in its name for one
    for name, array in _CAMERA_STAMPS.items():
        sources = tuple(f"cameras/{camera}/{array}" for camera in cameras)
        vectors[Feature(name, "int64", (len(cameras),), cameras)] = sources
    return vectors
