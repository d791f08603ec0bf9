import numpy as np
import pytest

from crl_data.serving import loading
from crl_data.serving.loading import decode_blocks, loaded_shape, open_frames
from crl_data.store import Store
from crl_robot.errors import StoreError
from crl_robot.image_spec import ImageSpec

SMALL = ImageSpec(native=(32, 24), crop=(4, 0, 24, 24), size=(8, 8))
WHOLE = ImageSpec(native=(32, 24), crop=(0, 0, 32, 24), size=(32, 24))


@pytest.fixture(params=["jpeg", "lossless"])
def filled(request, tmp_path, samples) -> Store:
    store = Store.create(tmp_path / "filled.zarr", samples.spec(request.param))
    for number, steps in enumerate((3, 5, 2)):
        samples.write(store, str(number), steps)
    return store


@pytest.mark.parametrize("block_bytes", [1, 600, 2**22])
@pytest.mark.parametrize("spec", [SMALL, WHOLE])
def test_blocks_of_any_size_give_the_same_frames(filled, monkeypatch, spec, block_bytes):
    monkeypatch.setattr(loading, "BLOCK_BYTES", block_bytes)
    frames = [f for i in filled.episode_ids() for f in filled.read(i).cameras["over_shoulder"].frames()]
    images, lengths = filled.load_images(spec, progress=False)
    assert lengths.tolist() == [3, 5, 2]
    assert np.array_equal(images, [spec.apply(frame) for frame in frames])


def test_blocks_are_handed_on_without_keeping_them(filled, monkeypatch):
    monkeypatch.setattr(loading, "BLOCK_BYTES", 4 * 8 * 8 * 3)
    seen = {}
    with open_frames(filled, SMALL, filled.metas(), 2) as reader:
        decode_blocks(reader, SMALL, None, lambda start, rows: seen.update({start: rows}), progress=False)
        shape = loaded_shape(reader, SMALL)
    together = np.concatenate([seen[start] for start in sorted(seen)])
    assert sorted(seen) == [0, 4, 8]
    assert together.shape == shape
    assert np.array_equal(together, filled.load_images(SMALL, progress=False)[0])


def test_a_sink_that_fails_ends_the_loading(filled):
    def fail(start: int, rows: np.ndarray) -> None:
        raise OSError("no space")

    with open_frames(filled, SMALL, filled.metas(), 2) as reader, pytest.raises(OSError, match="no space"):
        decode_blocks(reader, SMALL, None, fail, progress=False)


def test_damage_ends_the_loading_and_names_what_to_do(filled):
    track = filled.read("1").cameras["over_shoulder"]
    with track.file.open("r+b") as file:
        file.seek(int(track.spans[0].mean()))
        file.write(b"\0\0\0\0")
    with pytest.raises(StoreError, match=r"damaged"):
        filled.load_images(SMALL, progress=False)
