import itertools
import threading

import mujoco
import numpy as np
import pytest

from crl_robot.contracts import Camera
from crl_robot.control.safety import SafetyLimits
from crl_robot.errors import CameraError, RenderError
from crl_robot.image_spec import ImageSpec
from crl_robot.kinematics import HOME_Q
from crl_robot.sim import render
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.world import World, WorldOptions


@pytest.fixture
def world():
    return World()


@pytest.fixture
def camera(world):
    camera = SimCamera(world)
    yield camera
    camera.close()


def view(options=None):
    camera = SimCamera(World(options=options))
    image = camera.read().image
    camera.close()
    return image


def pixels(model, data, points):
    """(N, 3) points -> (N, 2) pixels x, y of the over-shoulder camera, by the pinhole model."""
    camera = model.camera("over_shoulder").id
    local = (points - data.cam_xpos[camera]) @ data.cam_xmat[camera].reshape(3, 3)
    focal = 120 / np.tan(np.radians(model.cam_fovy[camera]) / 2)
    return np.stack([160 - focal * local[:, 0] / local[:, 2], 120 + focal * local[:, 1] / local[:, 2]], axis=1)


def test_it_is_a_camera_with_the_native_size(camera):
    assert isinstance(camera, Camera)
    image = camera.read().image
    assert (image.shape, image.dtype) == ((240, 320, 3), np.uint8)
    assert camera.size == ImageSpec().native
    assert image.std() > 20


def test_the_same_state_gives_the_same_pixels(camera):
    np.testing.assert_array_equal(camera.read().image, camera.read().image)


def test_the_crop_of_the_network_holds_the_whole_workspace_box(world):
    limits = SafetyLimits()
    corners = np.array(list(itertools.product(*zip(limits.workspace_low, limits.workspace_high, strict=True))))
    x, y, width, height = ImageSpec().crop
    points = pixels(world.model, world.data, corners)
    assert np.all(points >= [x, y])
    assert np.all(points <= [x + width, y + height])


def test_the_can_is_drawn_where_the_pinhole_model_puts_it(world, camera):
    world.reset(HOME_Q, (0.25, -0.15))
    image = camera.read().image.astype(int)
    red = (image[..., 0] > 120) & (image[..., 1] < 60) & (image[..., 2] < 60)
    rows, columns = np.nonzero(red)
    expected = pixels(world.model, world.data, np.array([[0.25, -0.15, 0.025]]))[0]
    assert np.linalg.norm([columns.mean() - expected[0], rows.mean() - expected[1]]) < 5


def test_drawing_leaves_the_world_alone(world, camera):
    before = world.snapshot()
    camera.read()
    np.testing.assert_array_equal(world.snapshot(), before)


def test_two_cameras_draw_one_world_in_turn(world, camera):
    wrist = SimCamera(world, "wrist")
    first = camera.read().image
    inside = wrist.read().image
    np.testing.assert_array_equal(camera.read().image, first)
    assert np.any(inside != first)
    wrist.close()


def test_stamps_come_from_the_clock_before_and_after_drawing(world):
    ticks = itertools.count(100)
    camera = SimCamera(world, clock_ns=lambda: next(ticks))
    frame = camera.read()
    assert (frame.stamp_ns, frame.receive_stamp_ns) == (100, 101)
    camera.close()


def test_light_table_and_camera_of_the_options_show_in_the_picture():
    plain = view()
    assert view(WorldOptions(light=0.5)).mean() < 0.8 * plain.mean()
    assert view(WorldOptions(table_rgb=(0.2, 0.5, 0.2))).mean() < plain.mean()
    assert np.any(view(WorldOptions(camera_offset=(0.02, 0.0, 0.0))) != plain)


def test_an_unknown_camera_is_refused_and_the_nearest_named(world):
    with pytest.raises(CameraError, match="did you mean 'wrist'"):
        SimCamera(world, "wrst")


def test_another_thread_may_not_read(camera):
    camera.read()
    errors = []

    def read():
        try:
            camera.read()
        except CameraError as error:
            errors.append(str(error))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join(10)
    assert "two threads" in errors[0]


def test_it_can_be_closed_twice(world):
    camera = SimCamera(world)
    camera.read()
    camera.close()
    camera.close()


def test_without_an_opengl_library_the_error_names_the_packages(monkeypatch):
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.setattr(render, "_BACKENDS", {"egl": "libnothing.so.1", "osmesa": "libnothing.so.2"})
    with pytest.raises(RenderError, match=r"libegl1.*libosmesa6"):
        render.make_context(8, 8)


def test_a_backend_that_needs_a_screen_is_refused(monkeypatch):
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    with pytest.raises(RenderError, match="expected 'egl' or 'osmesa'"):
        render.make_context(8, 8)


def test_shadows_are_off(world):
    assert world.model.light_castshadow.sum() == 0
    assert world.model.opt.timestep == 0.004
    assert world.model.opt.integrator == mujoco.mjtIntegrator.mjINT_IMPLICITFAST
