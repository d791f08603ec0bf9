"""Locks on folders that are being written."""

import fcntl
import os
import threading

import pytest

from crl_data.claims import claim, is_claimed, unclaimed


def test_a_claimed_folder_is_claimed_until_the_descriptor_is_closed(tmp_path):
    descriptor = claim(tmp_path)
    assert is_claimed(tmp_path)
    os.close(descriptor)
    assert not is_claimed(tmp_path)


def test_a_claim_waits_for_somebody_who_looks(tmp_path):
    """The claim was given up when a check looked at the folder in that moment: a repair then removed a recording."""
    claims = []
    with unclaimed(tmp_path) as free:
        assert free
        thread = threading.Thread(target=lambda: claims.append(claim(tmp_path)))
        thread.start()
        thread.join(0.1)
        assert not claims
    thread.join(5.0)
    assert is_claimed(tmp_path)
    os.close(claims[0])


def test_two_who_look_at_once_do_not_take_each_other_for_writers(tmp_path):
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_SH)
    assert not is_claimed(tmp_path)
    os.close(other)


def test_nobody_may_clear_a_folder_that_is_claimed(tmp_path):
    descriptor = claim(tmp_path)
    with unclaimed(tmp_path) as free:
        assert not free
    os.close(descriptor)


def test_a_folder_that_is_gone_cannot_be_claimed(tmp_path):
    with pytest.raises(FileNotFoundError):
        claim(tmp_path / "gone")
    assert not is_claimed(tmp_path / "gone")
