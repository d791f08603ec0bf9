"""Data sets with images."""

import numpy as np
import pytest

from crl_data.ogbench.environment import CAMERA, OgbenchEnvironment
from crl_data.ogbench.names import OgbenchName
from crl_data.ogbench.play import play_ogbench
from crl_data.ogbench.settings import OgbenchSettings
from crl_robot.image_spec import ImageSpec

TASK = "ogbench/visual-cube-single-play-v0"

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("package")]


def test_images_of_the_published_file_are_kept_as_they_are(tmp_path, write_file):
    content = write_file("visual-cube-single-play-v0", observation=(64, 64, 3), action=5, dtype=np.uint8)
    store = play_ogbench(OgbenchSettings(out=str(tmp_path / "a.zarr"), task=TASK), progress=False)
    spec = ImageSpec(CAMERA, (64, 64), (0, 0, 64, 64), (64, 64))
    images, lengths = store.load_images(spec, progress=False)
    np.testing.assert_array_equal(images, content["observations"])
    assert lengths.tolist() == [4, 3, 5]


def test_an_image_is_drawn_without_a_screen():
    env = OgbenchEnvironment(OgbenchName.parse(TASK))
    observation, goal = env.reset(1, 0)
    assert observation.shape == goal.shape == (64, 64, 3)
    assert observation.dtype == np.uint8
    assert observation.std() > 5
    assert not np.array_equal(observation, goal)
    env.close()
