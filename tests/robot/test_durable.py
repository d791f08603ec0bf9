"""Changes on disk that survive a crash, and how they are reported."""

import errno
import os

import pytest

from crl_robot import durable
from crl_robot.durable import (
    Appender,
    leftover_of,
    make_folder,
    observe,
    remove_file,
    remove_tree,
    rename,
    replace_file,
    sync,
    sync_tree,
    write_file,
)


@pytest.fixture
def seen():
    """What was reported, in order."""
    found: list[tuple[object, ...]] = []
    with observe(lambda *facts: found.append(facts)):
        yield found


def no_room(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_new_folders_and_their_names_are_on_the_disk_when_they_are_to_last(tmp_path, seen):
    make_folder(tmp_path / "a/b", lasting=True)
    assert seen == [
        ("mkdir", tmp_path / "a"),
        ("sync", tmp_path),
        ("mkdir", tmp_path / "a/b"),
        ("sync", tmp_path / "a"),
    ]
    make_folder(tmp_path / "a/b", lasting=True)
    assert len(seen) == 4


def test_a_tree_is_synced_to_its_last_file_and_every_folder(tmp_path, seen):
    make_folder(tmp_path / "a/b")
    write_file(tmp_path / "a/b/file", b"x")
    seen.clear()
    sync_tree(tmp_path / "a")
    assert {path for operation, path in seen if operation == "sync"} == {
        tmp_path / "a",
        tmp_path / "a/b",
        tmp_path / "a/b/file",
    }


def test_a_file_that_is_written_again_holds_the_new_content_only(tmp_path):
    write_file(tmp_path / "file", b"a long content")
    write_file(tmp_path / "file", b"short")
    assert (tmp_path / "file").read_bytes() == b"short"


def test_a_write_that_fails_leaves_the_file_as_long_as_it_was(tmp_path, monkeypatch, seen):
    with Appender(tmp_path / "file") as file:
        file.write(b"kept")
        pwrite = os.pwrite
        with monkeypatch.context() as patch:
            parts = [lambda fd, data, at: pwrite(fd, data[:2], at), no_room]
            patch.setattr(durable.os, "pwrite", lambda *call: parts.pop(0)(*call))
            with pytest.raises(OSError, match="No space left"):
                file.write(b"lost for ever")
        assert (file.size, (tmp_path / "file").read_bytes()) == (4, b"kept")
        file.write(b", too")
    assert (tmp_path / "file").read_bytes() == b"kept, too"
    assert [facts[2] for facts in seen if facts[0] == "write"] == [0, 4]


def test_short_writes_are_gone_on_with(tmp_path, monkeypatch):
    pwrite = os.pwrite
    monkeypatch.setattr(durable.os, "pwrite", lambda fd, data, at: pwrite(fd, data[:3], at))
    write_file(tmp_path / "file", b"ten bytes!")
    assert (tmp_path / "file").read_bytes() == b"ten bytes!"


def test_an_appender_goes_on_at_the_end_and_closes_twice(tmp_path):
    write_file(tmp_path / "file", b"one")
    file = Appender(tmp_path / "file")
    file.write(memoryview(b" two"))
    file.truncate(5)
    file.close()
    file.close()
    assert (tmp_path / "file").read_bytes() == b"one t"


def test_a_rename_brings_the_new_name_to_the_disk(tmp_path, seen):
    (tmp_path / "into").mkdir()
    (tmp_path / "old").write_text("x")
    rename(tmp_path / "old", tmp_path / "into/new")
    assert seen == [("rename", tmp_path / "old", tmp_path / "into/new"), ("sync", tmp_path / "into")]


def test_a_rename_whose_name_cannot_be_synced_is_undone(tmp_path, monkeypatch):
    """The caller was told that nothing had changed, and could not try again."""
    (tmp_path / "old").mkdir()
    monkeypatch.setattr(durable.os, "fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        rename(tmp_path / "old", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


def test_a_file_is_replaced_in_one_step_after_its_content_is_on_the_disk(tmp_path, seen):
    path, beside = tmp_path / "file", leftover_of(tmp_path / "file")
    path.write_bytes(b"before")
    replace_file(path, b"after")
    assert path.read_bytes() == b"after"
    assert [facts[:2] for facts in seen if facts[0] != "truncate"] == [
        ("write", beside),
        ("sync", beside),
        ("rename", beside),
        ("sync", tmp_path),
    ]
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("call", ["pwrite", "fsync", "rename"])
def test_a_file_that_cannot_be_replaced_stays_and_nothing_lies_beside_it(tmp_path, monkeypatch, call):
    path = tmp_path / "file"
    path.write_bytes(b"before")
    monkeypatch.setattr(durable.os, call, no_room)
    with pytest.raises(OSError, match="No space left"):
        replace_file(path, b"after")
    assert path.read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_removals_are_reported_and_a_file_may_be_gone_already(tmp_path, seen):
    make_folder(tmp_path / "a")
    write_file(tmp_path / "a/file", b"x")
    seen.clear()
    remove_file(tmp_path / "a/file")
    remove_file(tmp_path / "a/file")
    remove_tree(tmp_path / "a")
    assert seen == [("remove", tmp_path / "a/file"), ("remove", tmp_path / "a")]
    with pytest.raises(FileNotFoundError):
        remove_tree(tmp_path / "a")


def test_nothing_is_reported_after_the_watch(tmp_path):
    found: list[tuple[object, ...]] = []
    with observe(lambda *facts: found.append(facts)):
        sync(tmp_path)
    sync(tmp_path)
    assert found == [("sync", tmp_path)]
