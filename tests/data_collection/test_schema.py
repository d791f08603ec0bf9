"""What a store declares."""

import pytest

from crl_data.exchange import mapping_file
from crl_data.schema import CAMERA_NAME, CameraSpec, StoreSpec
from crl_data.store import Store
from crl_robot.contracts import ActionSpec
from crl_robot.errors import ContractError


@pytest.mark.parametrize("name", ["/wrist", "wrist/front", "..", "", ".hidden", "-wrist", "two words", "wrist\n"])
def test_a_camera_whose_name_is_no_folder_is_refused_before_anything_is_recorded(tmp_path, name):
    """'/wrist' wrote frames outside the episode, 'wrist/front' recorded what could never be exported."""
    with pytest.raises(ContractError, match=r"cameras are named .*expected letters"):
        StoreSpec(ActionSpec(), {"good": CameraSpec(), name: CameraSpec()}, "arm", ())


@pytest.mark.parametrize("name", ["over_shoulder", "wrist.front", "0", "a-b", "_x"])
def test_a_camera_name_that_is_a_folder_is_taken(tmp_path, name):
    store = Store.create(tmp_path / "a.zarr", StoreSpec(ActionSpec(), {name: CameraSpec()}, "arm", ()))
    assert list(Store.open(store.path).spec.cameras) == [name]


def test_mappings_hold_camera_names_to_the_same_rule():
    assert mapping_file.CAMERA_NAME is CAMERA_NAME
