"""Groups of arrays on disk."""

import numpy as np
import pytest

from crl_data.files import write_group
from crl_robot.errors import StoreError


@pytest.mark.parametrize("name", ["/abs", "../beside", "a/../../b", "a//b", "", ".", "a/./b"])
@pytest.mark.parametrize("placed", [False, True])
def test_an_array_whose_name_leads_out_of_its_group_writes_nothing(tmp_path, name, placed):
    """The name of an array of a foreign data set overwrote files anywhere."""
    folder = tmp_path / "group"
    folder.mkdir()
    arrays = {"good": np.zeros(3)} | ({} if placed else {name: np.zeros(3)})
    with pytest.raises(StoreError, match=r"expected a path inside .*group"):
        write_group(folder, arrays, {}, {name: {}} if placed else {})
    assert [path.name for path in tmp_path.rglob("*")] == ["group"]
