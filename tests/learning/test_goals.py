"""Goal images before they are acted on: where they come from, whether they fit the training data, and stages."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as Picture

from crl_data.episode import Episode
from crl_learning.goals.check import REFUSED_SCORE, CheckedGoal, check_goal
from crl_learning.goals.quality import quality
from crl_learning.goals.reading import read_goals
from crl_learning.goals.reference import FrameName, Reference, choose_reference
from crl_learning.goals.stages import Stages
from crl_learning.views import Views
from crl_robot.errors import ContractError, GoalImageError
from crl_robot.goal_image import GoalImage
from crl_robot.image_spec import ImageSpec

SPEC = ImageSpec()
NATIVE = SPEC.native


def scene(seed: int, shift: int = 0) -> np.ndarray:
    """A table with one bright thing on it, uint8 (240, 320, 3), which stands elsewhere for each seed."""
    image = np.full((240, 320, 3), 90, np.uint8)
    image[:, 160:] = 130
    rng = np.random.default_rng(seed)
    x, y = 60 + int(rng.integers(0, 160)) + shift, 40 + int(rng.integers(0, 140))
    image[y : y + 30, x : x + 30] = (220, 60, 60)
    return image


def goal(image: np.ndarray, source: str = "it") -> GoalImage:
    return GoalImage(image, (), source)


@pytest.fixture(scope="module")
def reference() -> Reference:
    frames = np.stack([SPEC.apply(scene(seed)) for seed in range(60)])
    held_out = np.stack([SPEC.apply(scene(seed)) for seed in range(100, 130)])
    names = [FrameName("play", i) for i in range(len(frames))]
    sharpness = min(quality(frame).sharpness for frame in frames)
    return choose_reference(frames, names, held_out, 40, sharpness)


@pytest.fixture
def pictures(tmp_path):
    for name in ("b.png", "a.png"):
        Picture.fromarray(scene(ord(name[0]))).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a goal")
    return tmp_path


def test_a_folder_gives_its_images_as_stages_in_the_order_of_their_names(pictures):
    goals = read_goals(str(pictures), Views(SPEC))
    assert [one.source.rsplit("/")[-1] for one in goals] == ["a.png", "b.png"]


def test_a_list_gives_stages_in_its_own_order(pictures):
    goals = read_goals(f"{pictures}/b.png, {pictures}/a.png", Views(SPEC))
    assert [one.source.rsplit("/")[-1] for one in goals] == ["b.png", "a.png"]


def test_no_words_give_no_goal():
    assert read_goals("", Views(SPEC)) == ()


def test_a_folder_without_an_image_is_refused(tmp_path):
    with pytest.raises(GoalImageError, match="without an image"):
        read_goals(str(tmp_path), Views(SPEC))


def test_a_recorded_frame_is_a_goal_and_is_the_frame_of_the_store(lossless_store):
    path, episode_id, frames = lossless_store
    for words, expected in ((f"{path}#{episode_id}:1", frames[1]), (f"{path}#{episode_id}:-1", frames[-1])):
        (found,) = read_goals(words, Views(SPEC))
        assert np.array_equal(found.image, expected)
        assert words.rsplit("#")[-1].split(":")[0] in found.source


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("{path}#nobody:0", "no episode 'nobody'"),
        ("{path}#{episode}:99", "frames 0 to 2"),
        ("{path}", "#EPISODE:FRAME"),
        ("/no/such.zarr#a:0", "does not exist"),
    ],
)
def test_a_recorded_frame_that_is_not_there_is_refused_saying_what_is(lossless_store, words, says):
    path, episode_id, _ = lossless_store
    with pytest.raises(GoalImageError, match=says):
        read_goals(words.format(path=path, episode=episode_id), Views(SPEC))


def test_a_camera_that_the_store_lacks_is_named_beside_those_it_has(lossless_store):
    path, episode_id, _ = lossless_store
    with pytest.raises(GoalImageError, match="over_shoulder, not 'wrist'"):
        read_goals(f"{path}#{episode_id}:0", Views(replace(SPEC, camera="wrist")))


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (np.zeros((240, 320, 3), np.uint8), "too dark"),
        (np.full((240, 320, 3), 250, np.uint8), "too bright"),
        (np.full((240, 320, 3), 120, np.uint8), "flat area"),
    ],
)
def test_a_picture_that_shows_nothing_is_refused_also_without_a_reference(image, says):
    with pytest.raises(GoalImageError, match=says):
        check_goal(goal(image), SPEC, None)


def test_a_goal_like_the_training_data_is_taken_with_its_nearest_frames(reference):
    checked = check_goal(goal(scene(200)), SPEC, reference)
    assert checked.warnings == ()
    assert checked.score <= 1.5
    assert [one.distance for one in checked.nearest] == sorted(one.distance for one in checked.nearest)
    assert all(one.name.episode == "play" for one in checked.nearest)


def test_a_frame_of_the_reference_itself_has_no_distance(reference):
    assert reference.score(reference.images[7]) == pytest.approx(0.0, abs=1e-2)


@pytest.mark.parametrize("far", [lambda image: 255 - image, lambda image: np.ascontiguousarray(image[:, ::-1])])
def test_a_goal_unlike_all_training_data_is_refused_with_score_and_frames_or_only_warned_about(reference, far):
    image = far(scene(200))
    with pytest.raises(GoalImageError, match=r"times as far .* nearest frames: play:\d+"):
        check_goal(goal(image), SPEC, reference)
    warned = check_goal(goal(image), SPEC, reference, refuse=False)
    assert warned.score > REFUSED_SCORE
    assert any("unlike the training data" in words for words in warned.warnings)


def test_a_blurred_goal_is_warned_about(reference):
    import cv2

    blurred = np.asarray(cv2.GaussianBlur(scene(200), (0, 0), 25), np.uint8)
    checked = check_goal(goal(blurred), SPEC, reference, refuse=False)
    assert any("blurred" in words for words in checked.warnings)


def test_stages_go_on_one_by_one_and_a_new_run_begins_with_the_first():
    stages = Stages()
    assert stages.present is None
    stages.replace([CheckedGoal(goal(scene(i), str(i))) for i in range(3)])
    stages.go_to(2)
    assert stages.last
    stages.restart()
    assert stages.index == 0
    with pytest.raises(ContractError, match="stage 3 was asked for, there are 3"):
        stages.go_to(3)


@pytest.fixture
def lossless_store(tmp_path):
    """A store of one episode with three frames: its path, the episode's id and the frames."""
    from crl_data.schema import CameraSpec, StoreSpec
    from crl_data.store import Store
    from crl_data.writer import EpisodeWriter
    from crl_robot.contracts import ActionSpec, ArmState, Frame, JointReading, Observation, Pose

    spec = StoreSpec(ActionSpec(), {SPEC.camera: CameraSpec(encoding="lossless")}, "widowx250s", tuple("abcdef"))
    store = Store.create(tmp_path / "data.zarr", spec)
    frames = [scene(seed) for seed in range(3)]
    rest = Pose(np.zeros(3), np.array([1.0, 0, 0, 0]))
    with EpisodeWriter(store, source="recorder") as writer:
        for i, image in enumerate(frames):
            stamp = 1_000_000_000 + 200_000_000 * i
            state = ArmState(JointReading(np.zeros(6), np.zeros(6), 1.0, stamp), rest, rest, 1.0, "holding")
            frame = Frame(image, stamp, stamp)
            writer.add_step(Observation({SPEC.camera: frame}, state, stamp), np.zeros(7, np.float32))
        episode_id = writer.commit()
    assert isinstance(store.read(episode_id), Episode)
    return store.path, episode_id, frames
