import argparse

import pytest

from crl_data.cli import main


def test_an_unknown_key_exits_2_and_names_the_nearest(capsys):
    assert main(["play", "out=a.zarr", "sede=1"]) == 2
    assert "did you mean 'seed'" in capsys.readouterr().err


def test_play_with_an_unknown_camera_is_refused_and_makes_no_store(tmp_path, capsys):
    """The recording processes died one by one with tracebacks, and a store without episodes stayed."""
    assert main(["play", f"out={tmp_path}/a.zarr", "cameras=wirst", "episodes=2", "workers=2"]) == 2
    assert "did you mean 'wrist'" in capsys.readouterr().err
    assert not (tmp_path / "a.zarr").exists()


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        (["play", "out=a.zarr"], "resume=true continues"),
        (["export", "lerobot", "a.zarr", "b"], "nothing was written"),
        (["merge", "b.zarr", "a.zarr"], "the same command continues"),
        (["import", "lerobot", "a", "b.zarr"], "the same command continues"),
        (["check", "a.zarr"], "stopped\n"),
    ],
)
def test_ctrl_c_says_what_becomes_of_that_command(monkeypatch, capsys, verb, words):
    """Every command promised that resume=true continues it."""

    def interrupted(arguments):
        raise KeyboardInterrupt

    parse = argparse.ArgumentParser.parse_args
    monkeypatch.setattr(
        argparse.ArgumentParser,
        "parse_args",
        lambda parser, words=None: argparse.Namespace(**{**vars(parse(parser, words)), "run": interrupted}),
    )
    assert main(verb) == 130
    assert words in capsys.readouterr().err
