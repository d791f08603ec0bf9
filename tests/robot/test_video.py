import av
import numpy as np
import pytest

from crl_robot.errors import ContractError
from crl_robot.video import write_video


def colours(n: int, height: int = 48, width: int = 64):
    return [np.full((height, width, 3), (40 * i, 255 - 40 * i, 128), np.uint8) for i in range(n)]


def test_video_holds_every_frame_at_its_rate_and_about_its_colour(tmp_path):
    path = write_video(tmp_path / "new" / "v.mp4", colours(5), fps=5)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
        assert stream.average_rate == 5
    assert len(frames) == 5
    for got, sent in zip(frames, colours(5), strict=True):
        assert np.abs(got.astype(int) - sent).max() <= 12


def test_odd_sizes_are_padded_to_even_ones(tmp_path):
    path = write_video(tmp_path / "odd.mp4", iter(colours(2, 33, 41)), fps=12.5)
    with av.open(str(path)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (42, 34)


@pytest.mark.parametrize(
    ("frames", "fps", "word"),
    [([], 5, "no frames"), (colours(2), 0, "fps is 0"), ([*colours(1), *colours(1, 50)], 5, "of one size")],
)
def test_frames_that_make_no_video_are_refused(tmp_path, frames, fps, word):
    with pytest.raises(ContractError, match=word):
        write_video(tmp_path / "v.mp4", frames, fps)
