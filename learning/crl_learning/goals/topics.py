"""Names of the topics that goals are sent on; each has a twin for JPEG and PNG."""

from __future__ import annotations

from collections.abc import Sequence

GOAL_TOPIC = "goal/image"
COMPRESSED = "/compressed"
"""What the name of the twin ends with."""


def goal_topics(cameras: Sequence[str]) -> dict[str, str]:
    """By camera, for a checkpoint that sees these: the one goal/image, or goal/CAMERA/image for each of several."""
    if len(cameras) == 1:
        return {cameras[0]: GOAL_TOPIC}
    return {camera: f"goal/{camera}/image" for camera in cameras}


def strange_cameras(topics: Sequence[str], prefix: str, cameras: Sequence[str]) -> list[str]:
    """Topics such as PREFIX/CAMERA/image, or their twins, of a camera that is none of ``cameras``."""
    found = []
    for topic in topics:
        parts = topic.removesuffix(COMPRESSED).removeprefix(f"{prefix}/").split("/")
        if topic.startswith(f"{prefix}/") and len(parts) == 2 and parts[1] == "image" and parts[0] not in cameras:
            found.append(topic)
    return found
