"""Words of messages: what a shell takes back, counts, and fitting advice."""

import errno
import os
import shlex

import pytest

from crl_data.words import counted, not_written, quoted


@pytest.mark.parametrize("path", ["play.zarr", "my play.zarr", "it's.zarr", "a;b.zarr"])
def test_a_quoted_path_comes_back_from_a_shell_as_it_was(path):
    assert shlex.split(quoted(path)) == [path]


def test_one_is_counted_without_an_s():
    assert [counted(number, "episode") for number in (0, 1, 2)] == ["0 episodes", "1 episode", "2 episodes"]


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.EACCES, "change the permissions"), (errno.ENOSPC, "free space"), (errno.EROFS, "read-only")],
)
def test_the_advice_fits_the_reason(tmp_path, number, words):
    """Whatever was the matter, the advice was to free space."""
    target = tmp_path / "a.png"
    message = not_written(target, OSError(number, os.strerror(number), str(target)))
    assert words in message
    assert message.startswith(f"could not write {target}: {os.strerror(number)}")


def test_a_file_that_is_in_the_way_is_named(tmp_path):
    (tmp_path / "file").touch()
    error = NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    assert f"{tmp_path / 'file'} is a file, expected a folder" in not_written(tmp_path / "file" / "a" / "b.png", error)
