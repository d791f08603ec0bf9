import numpy as np
import pytest

from crl_data.frame_layout import frames_file
from crl_data.serving.frames import FrameReader
from crl_data.store import Store
from crl_robot.errors import ContractError, StoreError
from crl_robot.image_spec import ImageSpec

CAMERA = "over_shoulder"
SMALL = ImageSpec(native=(32, 24), crop=(4, 0, 24, 24), size=(8, 8))
WHOLE = ImageSpec(native=(32, 24), crop=(0, 0, 32, 24), size=(32, 24))


@pytest.fixture(params=["jpeg", "lossless"])
def filled(request, tmp_path, samples) -> Store:
    """Episodes a, b and c of 3, 5 and 1 steps."""
    store = Store.create(tmp_path / "filled.zarr", samples.spec(request.param))
    for name, steps in (("a", 3), ("b", 5), ("c", 1)):
        samples.write(store, name, steps)
    return store


def all_frames(store: Store) -> np.ndarray:
    return np.stack([frame for i in store.episode_ids() for frame in store.read(i).cameras[CAMERA].frames()])


def test_frames_come_in_the_order_asked_for_across_episodes(filled):
    wanted = [8, 0, 3, 2, 3, 7, 4]
    with FrameReader(filled, CAMERA, filled.metas(), workers=2) as reader:
        assert len(reader) == 9
        assert reader.lengths.tolist() == [3, 5, 1]
        assert np.array_equal(reader.read(wanted), all_frames(filled)[wanted])


def test_frames_are_numbered_within_the_chosen_episodes(filled):
    with FrameReader(filled, CAMERA, filled.metas(["c", "a"])) as reader:
        assert np.array_equal(reader.read([0, 1]), all_frames(filled)[[8, 0]])


def test_frames_are_written_into_the_given_output(filled):
    out = np.zeros((2, 24, 32, 3), np.uint8)
    with FrameReader(filled, CAMERA, filled.metas()) as reader:
        assert reader.read([5, 1], out) is out
    assert np.array_equal(out, all_frames(filled)[[5, 1]])


@pytest.mark.parametrize("spec", [SMALL, WHOLE])
def test_an_image_spec_is_applied_as_the_live_policy_applies_it(filled, spec):
    with FrameReader(filled, CAMERA, filled.metas()) as reader:
        got = reader.read([7, 2], spec=spec)
    assert np.array_equal(got, [spec.apply(frame) for frame in all_frames(filled)[[7, 2]]])


def test_a_run_of_frames_may_begin_in_one_episode_and_end_in_another(filled):
    out = np.empty((5, 8, 8, 3), np.uint8)
    with FrameReader(filled, CAMERA, filled.metas()) as reader:
        reader.read_run(2, out, SMALL)
    assert np.array_equal(out, [SMALL.apply(frame) for frame in all_frames(filled)[2:7]])


def test_no_indices_give_no_frames(filled):
    with FrameReader(filled, CAMERA, filled.metas()) as reader:
        assert reader.read([]).shape == (0, 24, 32, 3)


@pytest.mark.parametrize("wanted", [[-1], [9], [[0, 1]]])
def test_an_index_out_of_range_is_refused(filled, wanted):
    with FrameReader(filled, CAMERA, filled.metas()) as reader, pytest.raises(ContractError, match="of 0 to 8"):
        reader.read(wanted)


@pytest.mark.parametrize("out", [np.empty((3, 24, 32, 3), np.uint8), np.empty((2, 24, 32, 3), np.float32)])
def test_an_output_that_does_not_fit_is_refused(filled, out):
    with FrameReader(filled, CAMERA, filled.metas()) as reader, pytest.raises(ContractError, match="expected C-contig"):
        reader.read([0, 1], out)


def test_a_flipped_bit_is_noticed_in_its_frame_and_in_no_other(filled):
    track = filled.read("b").cameras[CAMERA]
    sound = all_frames(filled)
    with track.file.open("r+b") as file:
        file.seek(int(track.spans[2].mean()))
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 4]))
    with FrameReader(filled, CAMERA, filled.metas()) as reader:
        with pytest.raises(StoreError, match="damaged"):
            reader.read([0, 5])
        assert np.array_equal(reader.read([4, 6, 8]), sound[[4, 6, 8]])


def test_a_file_that_became_shorter_is_noticed(filled):
    with FrameReader(filled, CAMERA, filled.metas()) as reader:
        file = frames_file(filled.folder("b") / "cameras" / CAMERA, reader.spec)
        with file.open("r+b") as opened:
            opened.truncate(10)
        with pytest.raises(StoreError, match="ends inside frame 4"):
            reader.read([7])


def test_an_episode_that_was_deleted_meanwhile_is_an_error_that_says_so(filled):
    with FrameReader(filled, CAMERA, filled.metas()) as reader:
        filled.delete("b")
        with pytest.raises(StoreError, match="cannot be read"):
            reader.read([4])
