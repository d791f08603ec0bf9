"""`crl-data import` and `export` from the command line: what they say and how they end."""

import subprocess
import sys

import pytest

from crl_data.cli import main
from crl_data.schema import StoreSpec
from crl_data.store import Store
from crl_robot.contracts import ActionSpec

CAMERA = "--camera=images0=over_shoulder"


@pytest.fixture
def source(bridge, tmp_path):
    """Three BridgeData trajectories in a folder with a space and an umlaut."""
    for number in range(3):
        bridge.write(tmp_path / "röh data" / bridge.dated / f"traj{number}", seed=number, cameras=2)
    return tmp_path / "röh data"


def test_an_import_says_what_it_took_and_taking_it_again_changes_nothing(source, tmp_path, capsys):
    words = ["import", "bridge", str(source), str(tmp_path / "out.zarr"), CAMERA, "--quiet"]
    assert main(words) == 0
    assert "3 episodes with 18 steps imported, 0 were there already, 0 damaged" in capsys.readouterr().out
    before = Store.open(tmp_path / "out.zarr").fingerprint()
    assert main(words) == 0
    assert "0 episodes with 0 steps imported, 3 were there already" in capsys.readouterr().out
    assert Store.open(tmp_path / "out.zarr").fingerprint() == before


def test_a_choice_that_is_missing_ends_it_with_the_flags_to_give(source, tmp_path, capsys):
    assert main(["import", "bridge", str(source), str(tmp_path / "out.zarr"), "--quiet"]) == 2
    assert "--camera images0=NAME --camera images1=NAME" in capsys.readouterr().err
    assert not (tmp_path / "out.zarr").exists()


def test_a_damaged_episode_ends_it_with_2_or_is_skipped_with_0(bridge, source, tmp_path, capsys):
    (source / bridge.dated / "traj1/obs_dict.pkl").write_bytes(b"cposix\nsystem\n(S'touch /tmp/never'\ntR.")
    words = ["import", "bridge", str(source), str(tmp_path / "out.zarr"), CAMERA, "--quiet"]
    assert main(words) == 2
    told = capsys.readouterr().out
    assert "traj1: " in told
    assert "'posix.system'" in told
    assert "1 episode with 6 steps imported" in told
    assert main([*words, "--skip-damaged"]) == 0
    assert "1 episode with 6 steps imported, 1 were there already, 1 damaged" in capsys.readouterr().out


def test_flags_win_over_the_file_and_settings_over_both(source, tmp_path):
    mapping = tmp_path / "map.yaml"
    mapping.write_text("robot: from file\nencoding: jpeg\ncameras: {images1: wrist}\nquality: 50\n")
    words = ["import", "bridge", str(source), str(tmp_path / "out.zarr"), f"--map={mapping}", "--robot=flag", "--quiet"]
    assert main([*words, "--encoding=lossless", "--set", "robot=setting", "--set", "target=null"]) == 0
    spec = Store.open(tmp_path / "out.zarr").spec
    assert (spec.robot, list(spec.cameras), spec.cameras["wrist"].encoding) == ("setting", ["wrist"], "lossless")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set=actions.kind=delta"], "unknown key 'actions' in the mapping, did you mean 'action'"),
        (["--set=robot"], "not of the form key=value"),
        (["--camera=images0"], "not of the form SOURCE=NAME"),
        (["--map=/nowhere/map.yaml"], "cannot be read as a mapping"),
        (["--frame=tool"], "frame is 'tool', expected 'base'"),
        (["--action-shift=2"], "action_shift is '2'"),
        (["--set=marker=/x"], "unknown key 'marker'"),
    ],
)
def test_a_wrong_flag_is_named(source, tmp_path, capsys, words, message):
    assert main(["import", "bridge", str(source), str(tmp_path / "out.zarr"), CAMERA, "--quiet", *words]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.zarr").exists()


def test_a_source_that_does_not_exist_is_named(tmp_path, capsys):
    assert main(["import", "rosbag", str(tmp_path / "none"), str(tmp_path / "out.zarr")]) == 2
    assert "none does not exist" in capsys.readouterr().err


def test_a_store_goes_out_and_comes_back_the_same(source, tmp_path, capsys):
    one, two, lerobot = tmp_path / "one.zarr", tmp_path / "two.zarr", tmp_path / "as lerobot"
    main(["import", "bridge", str(source), str(one), CAMERA, "--quiet", "--encoding=lossless"])
    assert main(["export", "lerobot", str(one), str(lerobot), "--quiet"]) == 0
    assert main(["import", "lerobot", str(lerobot), str(two), "--quiet"]) == 0
    assert Store.open(two).fingerprint() == Store.open(one).fingerprint()


def test_an_empty_store_is_not_exported(samples, tmp_path, capsys):
    Store.create(tmp_path / "empty.zarr", StoreSpec(ActionSpec(), samples.spec().cameras, "arm", ()))
    assert main(["export", "lerobot", str(tmp_path / "empty.zarr"), str(tmp_path / "out"), "--quiet"]) == 2
    assert "no episodes" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("verb", ["import", "export"])
def test_help_needs_no_data_and_loads_no_format(verb):
    code = (
        "import sys; from crl_data.cli import main\n"
        f"try: main(['{verb}', '--help'])\n"
        "except SystemExit: sys.exit(any(name in sys.modules for name in ('torch', 'mujoco', 'rosbags', 'pyarrow')))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert verb in result.stdout
