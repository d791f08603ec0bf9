import numpy as np
import pytest

from crl_robot.errors import ContractError
from crl_robot.kinematics import HOME_Q
from crl_robot.sim.camera import SimCamera
from crl_robot.sim.patterns import pattern
from crl_robot.sim.world import World
from crl_robot.sim.world_options import PATTERNS, WorldOptions

LOOKS = {
    "texture": WorldOptions(texture="stripes", texture_seed=3),
    "distractors": WorldOptions(distractors=4, distractor_seed=2),
    "hue": WorldOptions(object_hues=(0.3,)),
    "light colour": WorldOptions(light_rgb=(1.2, 1.0, 0.8)),
    "light direction": WorldOptions(light_tilt_rad=(0.4, 0.3)),
    "backdrop": WorldOptions(backdrop_rgb=(0.6, 0.2, 0.2)),
    "camera turn": WorldOptions(camera_turn_rad=(0.05, 0.0, 0.0)),
    "field of view": WorldOptions(camera_fovy_deg=3.0),
    "principal point": WorldOptions(camera_centre_px=(4.0, 0.0)),
}
MOVES = {
    "servos": WorldOptions(servo_gain=0.5),
    "damping": WorldOptions(servo_damping=3.0),
    "arm latency": WorldOptions(arm_latency_ms=60.0),
}


@pytest.fixture(scope="module")
def decorated():
    return World(decorated=True)


@pytest.fixture(scope="module")
def camera(decorated):
    camera = SimCamera(decorated)
    yield camera
    camera.close()


def moved(world):
    """Where 20 inner ticks of a turning waist bring the arm."""
    world.reset(HOME_Q, (0.3, 0.1))
    for tick in range(20):
        world.command(HOME_Q + 0.01 * tick, 0.0)
        world.step_inner()
    return world.snapshot()


def plain_view():
    camera = SimCamera(World())
    image = camera.read().image
    camera.close()
    return image


def test_a_decorated_world_looks_and_moves_like_the_plain_one(decorated, camera):
    np.testing.assert_array_equal(camera.read().image, plain_view())
    np.testing.assert_array_equal(moved(decorated), moved(World()))


@pytest.mark.parametrize("options", LOOKS.values(), ids=LOOKS)
def test_what_is_only_seen_changes_the_picture_and_not_the_motion(decorated, camera, options):
    decorated.reset(HOME_Q, (0.3, 0.1))
    before = camera.read().image
    decorated.change(options)
    assert np.any(camera.read().image != before)
    np.testing.assert_array_equal(moved(decorated), moved(World()))
    decorated.change(WorldOptions())
    decorated.reset(HOME_Q, (0.3, 0.1))
    np.testing.assert_array_equal(camera.read().image, before)


@pytest.mark.parametrize("options", MOVES.values(), ids=MOVES)
def test_servos_and_delays_change_the_motion_until_they_are_taken_back(decorated, options):
    usual = moved(decorated)
    decorated.change(options)
    assert np.any(moved(decorated) != usual)
    decorated.change(WorldOptions())
    np.testing.assert_array_equal(moved(decorated), usual)


def slid(options):
    """How far a can that was hit slides, m."""
    world = World(options=options)
    world.data.qvel[world.model.joint("can").dofadr[0]] = 0.3
    for _ in range(50):
        world.step_inner()
    return world.object_pose().position[0] - 0.30


def test_a_can_slides_farther_with_less_friction():
    assert slid(WorldOptions(friction=0.3)) > 2 * slid(WorldOptions())


def test_a_picture_moves_right_and_down_with_the_principal_point():
    def middle(options):
        camera = SimCamera(World(options=options))
        image = camera.read().image.astype(int)
        camera.close()
        red = (image[..., 0] > 120) & (image[..., 1] < 40)
        return np.argwhere(red).mean(axis=0)

    down, right = middle(WorldOptions(camera_centre_px=(6.0, 3.0))) - middle(WorldOptions())
    assert right == pytest.approx(6.0, abs=0.5)
    assert down == pytest.approx(3.0, abs=0.5)


def test_each_object_has_a_hue_of_its_own():
    world = World(options=WorldOptions(object_hues=(1 / 3,)))
    red, green, blue = world.model.geom("can").rgba[:3]
    assert green > red
    assert green > blue
    np.testing.assert_array_equal(world.model.geom("table").rgba, World().model.geom("table").rgba)


def test_a_plain_world_refuses_what_it_cannot_show():
    with pytest.raises(ContractError, match="decorated=True"):
        World().change(WorldOptions(texture="grain"))


def test_distractors_stand_outside_the_workspace(decorated):
    low, high = decorated.robot.limits.workspace_low, decorated.robot.limits.workspace_high
    for seed in range(30):
        decorated.change(WorldOptions(distractors=6, distractor_seed=seed))
        places = np.array([decorated.model.geom(f"distractor_{index}").pos for index in range(6)])
        inside = np.all((places[:, :2] > low[:2]) & (places[:, :2] < high[:2]), axis=1)
        assert not inside.any()


@pytest.mark.parametrize("name", PATTERNS)
def test_patterns_darken_by_at_most_their_contrast(name):
    drawn = pattern(name, 0.4, seed=5)
    assert drawn.max() == 255 if name in ("plain", "checker", "stripes") else drawn.max() > 200
    assert drawn.min() >= round(255 * 0.6)
    np.testing.assert_array_equal(drawn, pattern(name, 0.4, seed=5))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"texture": "chequer"}, "did you mean 'checker'"),
        ({"friction": -1.0}, "friction is -1.0"),
        ({"object_hues": (0.1, 2.0)}, "2 values"),
        ({"distractors": 7}, "0 to 6"),
        ({"camera_latency_ms": 1000.0}, "0 to 400"),
        ({"light": float("nan")}, "light is nan"),
    ],
)
def test_impossible_options_are_refused_by_name(options, message):
    with pytest.raises(ContractError, match=message):
        WorldOptions(**options)
