import json

import numpy as np
import pytest
import zarr

from crl_data.schema import StoreMismatchError
from crl_data.siblings import temporary_sibling
from crl_data.store import Store
from crl_data.writer import EpisodeWriter
from crl_robot.errors import ContractError, StoreError
from crl_robot.geometry import matrix_from_quat, matrix_from_rpy
from crl_robot.image_spec import ImageSpec

SPEC = ImageSpec(native=(32, 24), crop=(4, 0, 24, 24), size=(8, 8))
JPEG_BOUND = 8
"""Largest error of one value of what the network sees, out of 255, on scenes with sharp edges (quality 95, 4:4:4)."""


def test_a_lossless_episode_comes_back_byte_for_byte(tmp_path, samples):
    store = Store.create(tmp_path / "a.zarr", samples.spec("lossless", cameras=("over_shoulder", "wrist")))
    written = samples.write(store, "one", success=True, note="hello", lost={"wrist": 2})

    episode = Store.open(store.path).read("one")

    assert (len(episode), episode.meta.success, episode.meta.note) == (4, True, "hello")
    assert episode.meta.lost == {"over_shoulder": 0, "wrist": 2}
    assert episode.meta.seed == (0, 1)
    for t, observation in enumerate(written):
        arm = observation.arm
        for name, frame in observation.frames.items():
            assert np.array_equal(episode.cameras[name].frame(t), frame.image)
            assert episode.cameras[name].stamp_ns[t] == frame.stamp_ns
            assert episode.cameras[name].receive_stamp_ns[t] == frame.receive_stamp_ns
        assert episode["stamp_ns"][t] == observation.stamp_ns
        assert np.array_equal(episode["joints"][t], arm.joints.position)
        assert np.array_equal(episode["joint_velocity"][t], arm.joints.velocity)
        assert episode["gripper"][t] == arm.joints.gripper
        assert episode["gripper_target"][t] == arm.gripper_target
        assert np.array_equal(episode["tool_target"][t], [*arm.target.position, *arm.target.quat_wxyz])
    assert np.array_equal(episode["action_commanded"], episode["action_requested"] / 2)
    assert episode["truth_object"].shape == (4, 7)


def test_achieved_actions_carry_each_measured_pose_to_the_next(store, samples):
    final = samples.arm(0)
    written = samples.write(store, "one", final=final)
    achieved = store.read("one")["action_achieved"]
    states = [observation.arm for observation in written] + [final]
    for row, before, after in zip(achieved, states[:-1], states[1:], strict=True):
        turned = matrix_from_rpy(row[3:6]) @ matrix_from_quat(before.measured.quat_wxyz)
        assert np.allclose(before.measured.position + row[:3], after.measured.position, atol=1e-6)
        assert np.allclose(turned, matrix_from_quat(after.measured.quat_wxyz), atol=1e-6)
        assert row[6] == pytest.approx(after.joints.gripper)


def test_without_a_final_state_the_last_achieved_action_is_the_commanded_one_and_says_so(store, samples):
    samples.write(store, "one")
    episode = store.read("one")
    assert np.array_equal(episode["action_achieved"][-1], episode["action_commanded"][-1])
    assert episode.meta.last_achieved == "commanded"


def test_loading_gives_what_the_live_policy_sees_byte_for_byte(tmp_path, samples):
    store = Store.create(tmp_path / "a.zarr", samples.spec("lossless"))
    live = [samples.write(store, name, steps) for name, steps in (("a", 3), ("b", 5))]

    images, lengths = store.load_images(SPEC, progress=False)

    expected = [SPEC.apply(o.frames["over_shoulder"].image) for episode in live for o in episode]
    assert lengths.tolist() == [3, 5]
    assert np.array_equal(images, np.stack(expected))


def test_jpeg_stays_within_its_bound_after_the_image_spec(store, samples):
    live = samples.write(store, "a", 30)
    images, _ = store.load_images(SPEC, progress=False)
    expected = np.stack([SPEC.apply(o.frames["over_shoulder"].image) for o in live])
    error = np.abs(images.astype(int) - expected)
    assert error.max() <= JPEG_BOUND
    assert error.mean() < 1.0


def test_zarr_alone_reads_an_episode(store, samples):
    samples.write(store, "one")
    group = zarr.open_group(store.path, mode="r")
    assert group.attrs["schema"] == "crl_store"
    frames, offsets = (np.asarray(group[f"episodes/one/cameras/over_shoulder/{n}"][...]) for n in ("frames", "offsets"))
    assert bytes(frames[: int(offsets[1])][:2]) == b"\xff\xd8"
    assert np.asarray(group["episodes/one/action_commanded"][...]).shape == (4, 7)


def test_arrays_of_all_episodes_are_loaded_end_to_end(store, samples):
    samples.write(store, "b", 2)
    samples.write(store, "a", 3)
    assert store.episode_ids() == ["a", "b"]
    assert store.load_actions("achieved").shape == (5, 7)
    assert np.array_equal(store.load_actions(ids=["b"]), store.read("b")["action_commanded"])


def test_the_fingerprint_depends_on_the_data_and_not_on_the_path(tmp_path, samples):
    def fingerprint(name: str, seed: int) -> str:
        store = Store.create(tmp_path / name, samples.spec())
        type(samples)(seed).write(store, "one")
        return store.fingerprint()

    assert fingerprint("a.zarr", 1) == fingerprint("b.zarr", 1) != fingerprint("c.zarr", 2)


def test_a_missing_store_a_plain_folder_and_a_second_create_are_refused(tmp_path, store, samples):
    (tmp_path / "plain").mkdir()
    with pytest.raises(StoreError, match="does not exist"):
        Store.open(tmp_path / "nothing.zarr")
    with pytest.raises(StoreError, match="not a trajectory store"):
        Store.open(tmp_path / "plain")
    with pytest.raises(StoreError, match="exists already"):
        Store.create(store.path, samples.spec())


def test_another_schema_or_version_is_refused_naming_both(store):
    file = store.path / "zarr.json"
    metadata = json.loads(file.read_text())
    metadata["attributes"]["schema_version"] = 99
    file.write_text(json.dumps(metadata))
    with pytest.raises(StoreError, match=r"99.*version 2"):
        Store.open(store.path)
    metadata["attributes"] = {}
    file.write_text(json.dumps(metadata))
    with pytest.raises(StoreError, match="schema is None"):
        Store.open(store.path)
    file.write_text("{")
    with pytest.raises(StoreError, match="not a readable"):
        Store.open(store.path)


def test_mixing_rates_or_cameras_is_refused_naming_both(store, samples):
    with pytest.raises(StoreMismatchError, match=r"5\.0.*10\.0"):
        Store.open_or_create(store.path, samples.spec(rate_hz=10.0))
    with pytest.raises(StoreMismatchError, match="wrist"):
        Store.open_or_create(store.path, samples.spec(cameras=("wrist",)))


def test_images_of_an_unknown_camera_or_another_native_size_are_refused(store, samples):
    samples.write(store, "one")
    with pytest.raises(StoreError, match="did you mean 'over_shoulder'"):
        store.load_images(ImageSpec(camera="over_shouldr"))
    with pytest.raises(StoreMismatchError, match=r"\(32, 24\).*\(320, 240\)"):
        store.load_images(ImageSpec())


def test_an_empty_store_has_nothing_to_load(store):
    with pytest.raises(StoreError, match="no episodes"):
        store.load_actions()


def test_a_committed_episode_is_never_rewritten(store, samples):
    samples.write(store, "one")
    before = store.fingerprint()
    with pytest.raises(StoreError, match="already"):
        EpisodeWriter(store, source="test", episode_id="one")
    with (
        EpisodeWriter(store, source="test", episode_id="two") as late,
        EpisodeWriter(store, source="test", episode_id="two") as early,
    ):
        samples.fill(early)
        samples.fill(late)
        early.commit()
        with pytest.raises(StoreError, match="could not write"):
            late.commit()
    assert store.fingerprint(["one"]) == before
    assert store.episode_ids() == ["one", "two"]


def test_leaving_the_writer_without_commit_leaves_nothing(store, samples):
    with EpisodeWriter(store, source="test") as writer:
        samples.fill(writer)
    assert store.episode_ids() == []
    with pytest.raises(StoreError, match="discarded"):
        samples.fill(writer)


def test_steps_that_break_the_contract_are_refused(store, samples):
    with EpisodeWriter(store, source="test") as writer:
        first = samples.observation(3)
        writer.add_step(first, samples.action())
        with pytest.raises(ContractError, match="does not come after"):
            writer.add_step(first, samples.action())
        with pytest.raises(ContractError, match="truth"):
            writer.add_step(samples.observation(4), samples.action(), truth=samples.pose())
        with pytest.raises(StoreMismatchError, match="has cameras"):
            writer.add_step(samples.observation(5, ("wrist",)), samples.action())
        with pytest.raises(StoreMismatchError, match="the store holds uint8"):
            writer.add_step(type(samples)(native=(64, 48)).observation(6), samples.action())
        assert len(writer) == 1


@pytest.mark.parametrize("episode_id", ["../x", "", ".hidden", "a/b"])
def test_an_id_that_leaves_the_folder_is_refused(store, episode_id):
    with pytest.raises(StoreError, match="not usable"):
        store.folder(episode_id)


def test_a_store_where_no_folder_can_be_made_is_refused(tmp_path, samples):
    """The operating system's error came out as a traceback."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="could not write"):
        Store.create(tmp_path / "file" / "new" / "a.zarr", samples.spec())


def test_episodes_are_written_beside_the_folder_that_a_link_names(store, samples, tmp_path):
    """A rename from the link's folder fails where the link leads to another file system."""
    link = tmp_path / "links" / "b.zarr"
    link.parent.mkdir()
    link.symlink_to(store.path)
    assert temporary_sibling(link, "x").parent == store.path.parent
    samples.write(Store.open(link), "one")
    assert store.episode_ids() == ["one"]
