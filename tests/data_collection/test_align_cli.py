"""`crl-data align`: live views from files, devices and topics, exit codes, and the overlay."""

import json
import threading
import time
import uuid
from importlib.util import find_spec

import cv2
import numpy as np
import pytest
from tests.robot.cameras.fakes import FakeCapture, Shutter

from crl_data.aligning import live
from crl_data.aligning.camera_reference import camera_reference
from crl_data.aligning.overlay import _edges, signed
from crl_data.cli import main
from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_data.verbs import aligning
from crl_robot.contracts import ActionSpec
from crl_robot.errors import StoreError

SIZE = (160, 120)
SHIFT = 12


def scene(seed=0):
    """Boxes on a wall, a little wider than the picture."""
    rng = np.random.default_rng(seed)
    image = np.full((SIZE[1], SIZE[0] + 2 * SHIFT, 3), 120, np.uint8)
    for _ in range(25):
        x, y = rng.integers(0, image.shape[1]), rng.integers(0, image.shape[0])
        w, h = rng.integers(8, 40, 2)
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), rng.integers(20, 235, 3).tolist(), -1)
    return image


def view(right=0, seed=0):
    """What the camera sees with everything so many pixels further right."""
    return np.ascontiguousarray(scene(seed)[:, SHIFT - right : SHIFT - right + SIZE[0]])


def record(path, frames_of, cameras=("front",), episodes=3):
    spec = StoreSpec(ActionSpec(), {name: CameraSpec(SIZE) for name in cameras}, "arm", (), ("achieved",))
    store = Store.create(path, spec)
    for index in range(episodes):
        with EpisodeFile(store, f"e{index}") as file:
            for step in range(3):
                for name in cameras:
                    file.add_frame(name, frames_of(index, step))
            file.commit(EpisodeMeta("", "test", clock="none"), {"action_achieved": np.zeros((3, 7), np.float32)})
    return store


@pytest.fixture
def recorded(tmp_path):
    return record(tmp_path / "a.zarr", lambda index, step: view())


def run(store, tmp_path, image, *options):
    cv2.imwrite(str(tmp_path / "live.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    out = str(tmp_path / "out" / "align.png")
    return main(["align", str(store.path), "--image", str(tmp_path / "live.png"), "--out", out, *options])


def test_exit_codes_tell_aligned_moved_and_refused(recorded, tmp_path, capsys):
    assert run(recorded, tmp_path, view()) == 0
    assert "aligned (score 1.00)" in capsys.readouterr().out
    assert run(recorded, tmp_path, view(right=8)) == 1
    assert "turn the camera right, by about 8 px" in capsys.readouterr().out
    assert run(recorded, tmp_path, view(seed=1)) == 1
    assert "different scene" in capsys.readouterr().out
    assert run(recorded, tmp_path, np.zeros((50, 60, 3), np.uint8)) == 2
    assert "set the camera to the recorded size" in capsys.readouterr().err


def test_the_overlay_is_written_whole_and_nothing_else_is_left(recorded, tmp_path):
    run(recorded, tmp_path, view(right=8))
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["align.png"]
    assert cv2.imread(str(tmp_path / "out" / "align.png")).shape[1] == 2 * SIZE[0] + 4


def test_edges_are_red_where_only_the_data_set_has_them_and_blue_where_only_the_live_view_has():
    """A dark thing of the live view was red, though red was to be the data set's."""
    plain, thing = np.full((60, 80, 3), 200, np.uint8), np.full((60, 80, 3), 200, np.uint8)
    for shade in (20, 250):
        thing[20:40, 30:50] = shade
        recorded, seen, both = (_edges(*pair).astype(int) for pair in ((thing, plain), (plain, thing), (thing, thing)))
        assert (recorded[30, 30, 0] - recorded[30, 30, 2], seen[30, 30, 2] - seen[30, 30, 0]) > (100, 100)
        assert both[30, 30].max() < 100
        assert (recorded[5, 5] == 255).all()


def test_an_offset_that_rounds_to_nothing_has_no_minus(recorded, tmp_path, capsys):
    assert [signed(value) for value in (-0.04, 0.0, -0.06, 12.34)] == ["+0.0", "+0.0", "-0.1", "+12.3"]
    assert run(recorded, tmp_path, view()) == 0
    assert "-0.0" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["overlay.txt", "overlay", "overlay.jpg"])
def test_an_overlay_whose_name_is_not_that_of_a_png_is_refused(recorded, tmp_path, capsys, name):
    """A PNG was written under any name."""
    live_file = tmp_path / "live.png"
    cv2.imwrite(str(live_file), view())
    assert main(["align", str(recorded.path), "--image", str(live_file), "--out", str(tmp_path / "new" / name)]) == 2
    assert "ends with .png" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_folder_in_the_way_of_the_overlay_is_refused(recorded, tmp_path, capsys):
    (tmp_path / "out" / "align.png").mkdir(parents=True)
    assert run(recorded, tmp_path, view()) == 2
    assert "a folder is in the way" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["align.png"]


def test_json_has_the_numbers(recorded, tmp_path, capsys):
    assert run(recorded, tmp_path, view(right=8), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verdict"] == "moved"
    assert found["shift_px"] == pytest.approx([8, 0], abs=0.3)


def test_the_tolerance_is_an_option(recorded, tmp_path):
    assert run(recorded, tmp_path, view(right=3)) == 1
    assert run(recorded, tmp_path, view(right=3), "--tolerance", "5") == 0


def test_of_several_cameras_one_must_be_chosen_by_its_name(tmp_path, capsys):
    store = record(tmp_path / "b.zarr", lambda index, step: view(), cameras=("front", "side"))
    assert run(store, tmp_path, view()) == 2
    assert "front, side" in capsys.readouterr().err
    assert run(store, tmp_path, view(), "--camera", "sied") == 2
    assert "did you mean 'side'" in capsys.readouterr().err
    assert run(store, tmp_path, view(), "--camera", "side") == 0


def test_watching_goes_on_until_interrupted_and_keeps_the_last_verdict(recorded, tmp_path, monkeypatch, capsys):
    def pictures(path, every_s):
        yield view(right=8)
        yield view()
        raise KeyboardInterrupt

    monkeypatch.setattr(live, "file_pictures", pictures)
    assert run(recorded, tmp_path, view(), "--watch") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["moved", "aligned"]


def test_a_missing_or_broken_image_is_refused(recorded, tmp_path, capsys):
    assert main(["align", str(recorded.path), "--image", str(tmp_path / "no.png")]) == 2
    (tmp_path / "text.png").write_text("text")
    assert main(["align", str(recorded.path), "--image", str(tmp_path / "text.png")]) == 2
    assert "is not an image" in capsys.readouterr().err


def test_an_image_with_a_name_beyond_ascii_is_read(tmp_path):
    path = tmp_path / "bild größe.png"
    path.write_bytes(cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes())
    assert live.read_picture(path).shape == (4, 4, 3)


def test_a_device_that_is_not_there_is_refused_in_one_line(recorded, capfd):
    """OpenCV printed a dozen lines of its own before it."""
    assert main(["align", str(recorded.path), "--device", "99"]) == 2
    said = capfd.readouterr().err.splitlines()
    assert len(said) == 1
    assert "USB camera 99 cannot be opened" in said[0]


class CountingCapture(FakeCapture):
    """A USB camera that takes picture after picture, each with its number in the red channel."""

    grabs = 0

    def grab(self):
        time.sleep(0.001)
        self.grabs += 1
        self.image, self.captured_ns = np.full((120, 160, 3), (self.grabs % 256, 0, 0), np.uint8), time.monotonic_ns()
        return True


def test_a_device_is_asked_for_the_recorded_size_given_time_for_its_exposure_and_released(monkeypatch):
    capture = CountingCapture(Shutter(still=False))
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: capture)
    pictures = live.device_pictures("0", SIZE, 0.0)
    first = next(pictures)
    pictures.close()
    assert (capture.values[cv2.CAP_PROP_FRAME_WIDTH], capture.values[cv2.CAP_PROP_FRAME_HEIGHT]) == SIZE
    assert first[0, 0, 0] >= 10
    assert capture.released


def test_damaged_episodes_are_left_out_of_the_reference(recorded):
    (recorded.folder("e1") / "zarr.json").write_text("{")
    assert camera_reference(recorded, "front").reference.steady
    for name in ("e0", "e2"):
        (recorded.folder(name) / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match="no frame of 'front'"):
        camera_reference(recorded, "front")


def test_a_camera_on_the_arm_is_compared_in_the_start_pose(tmp_path, capsys):
    store = record(tmp_path / "b.zarr", lambda index, step: view(seed=10 * index + step if step else 0), episodes=8)
    assert run(store, tmp_path, view()) == 0
    assert "pose in which the episodes start" in capsys.readouterr().out


def test_a_camera_without_a_fixed_view_is_refused(tmp_path):
    store = record(tmp_path / "b.zarr", lambda index, step: view(seed=10 * index + step), episodes=8)
    with pytest.raises(StoreError, match="no fixed view"):
        camera_reference(store, "front")


def test_without_ros_a_topic_is_refused(recorded, monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "crl_data.nodes.align_topic", None)
    assert main(["align", str(recorded.path), "--topic", "/front/image_raw"]) == 2
    assert "--topic needs ROS" in capsys.readouterr().err


@pytest.mark.ros
@pytest.mark.skipif(find_spec("rclpy") is None, reason="rclpy is not installed")
class TestTopic:
    """Live views from a ROS topic."""

    @pytest.fixture
    def topic(self):
        """A camera node that publishes one view again and again."""
        from rclpy.context import Context
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.node import Node
        from sensor_msgs.msg import Image

        from crl_robot.nodes.messages import IMAGE_PUBLISHER_QOS, msg_from_image

        name = f"/camera_{uuid.uuid4().hex}/image_raw"
        context = Context()
        context.init()
        node = Node("camera", context=context)
        publisher = node.create_publisher(Image, name, IMAGE_PUBLISHER_QOS)
        node.create_timer(0.02, lambda: publisher.publish(msg_from_image(view(right=8), 1, "front")))
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin)
        thread.start()
        yield name
        executor.shutdown()
        thread.join()
        node.destroy_node()
        context.shutdown()

    def test_the_newest_image_is_compared(self, recorded, topic, tmp_path, capsys):
        code = main(["align", str(recorded.path), "--topic", topic, "--out", str(tmp_path / "align.png")])
        assert code == 1
        assert "turn the camera right, by about 8 px" in capsys.readouterr().out

    def test_a_silent_topic_is_refused_naming_those_that_are_there(self, recorded, topic, monkeypatch, capsys):
        from crl_data.nodes import align_topic

        monkeypatch.setattr(align_topic, "PATIENCE_S", 1.0)
        assert main(["align", str(recorded.path), "--topic", f"/silent_{uuid.uuid4().hex}"]) == 2
        assert topic in capsys.readouterr().err


def test_the_first_look_does_not_wait(recorded, tmp_path, monkeypatch):
    """A look without --watch ends at once, whatever the pause between two looks is."""
    monkeypatch.setattr(aligning, "EVERY_S", 1e6)
    assert run(recorded, tmp_path, view()) == 0
