import pytest

from crl_learning.outputs import require_no_run, writable_folder
from crl_robot.errors import ConfigError


def test_a_folder_is_made_with_its_parents_and_left_empty(tmp_path):
    folder = writable_folder(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert not any(folder.iterdir())


def test_a_file_in_the_way_is_named_with_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match=r"out=.*file.* cannot be written to .*; choose another out="):
            writable_folder(path)


def test_a_folder_that_may_not_be_written_to_is_refused(tmp_path, monkeypatch):
    def refuse(dir):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("crl_learning.outputs.tempfile.TemporaryFile", refuse)
    with pytest.raises(ConfigError, match="Permission denied"):
        writable_folder(tmp_path)


def test_only_a_folder_with_something_in_it_counts_as_a_run(tmp_path):
    require_no_run(tmp_path / "missing")
    require_no_run(tmp_path)
    (tmp_path / "settings.json").touch()
    with pytest.raises(ConfigError, match="holds a run already"):
        require_no_run(tmp_path)
