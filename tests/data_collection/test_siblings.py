"""The folders beside a store."""

import os

from crl_data.claims import claim
from crl_data.siblings import remove_leftovers, temporary_sibling


def test_only_left_overs_that_nobody_writes_to_are_removed(tmp_path):
    store = tmp_path / "a.zarr"
    left, written = (temporary_sibling(store, name) for name in ("left", "written"))
    for folder in (left, written, tmp_path / "a.zarr.partial-of-somebody-else"):
        folder.mkdir()
    descriptor = claim(written)
    assert remove_leftovers(store) == ([left], [written])
    assert (left.exists(), written.exists()) == (False, True)
    assert remove_leftovers(store.with_name("b.zarr")) == ([], [])
    os.close(descriptor)
