from crl_data.cli import main


def test_an_unknown_key_exits_2_and_names_the_nearest(capsys):
    assert main(["play", "out=a.zarr", "sede=1"]) == 2
    assert "did you mean 'seed'" in capsys.readouterr().err


def test_play_with_an_unknown_camera_is_refused_and_makes_no_store(tmp_path, capsys):
    """The recording processes died one by one with tracebacks, and a store without episodes stayed."""
    assert main(["play", f"out={tmp_path}/a.zarr", "cameras=wirst", "episodes=2", "workers=2"]) == 2
    assert "did you mean 'wrist'" in capsys.readouterr().err
    assert not (tmp_path / "a.zarr").exists()
