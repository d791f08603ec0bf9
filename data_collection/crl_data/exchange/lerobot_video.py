"""Frames of one episode out of a video that holds many: found by their time, so that none is off by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from crl_data.exchange.errors import SourceError

_SLACK = 0.25
"""How far from its due time a frame may be, in periods; half a period would be as close to the next frame."""


def video_frames(path: Path, start_s: float, count: int, fps: float) -> Iterator[NDArray[np.uint8]]:
    """``count`` frames uint8 (H, W, 3) RGB, the first of them ``start_s`` seconds into the video, then one per period.

    Raises:
        SourceError: the video is missing or damaged, or has no frame when one is due.
    """
    found = 0
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            if stream.time_base is None:
                raise SourceError(f"{path} does not say when its frames are shown")
            stream.thread_type = "AUTO"
            container.seek(int(start_s / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                late = (frame.time or 0.0) * fps - (start_s * fps + found)
                if late < -0.5:  # from the key frame up to the first one wanted
                    continue
                if late > _SLACK or late < -_SLACK:
                    due = start_s + found / fps
                    raise SourceError(f"{path} has no frame at {due:.3f} s, the next one is {late:.2f} periods off")
                yield np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)
                found += 1
                if found == count:
                    return
    except (OSError, IndexError, FFmpegError) as error:
        raise SourceError(f"{path} cannot be read as a video: {error}") from error
    raise SourceError(f"{path} ends after {found} of {count} frames from {start_s:.3f} s on")
