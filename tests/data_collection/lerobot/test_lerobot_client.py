"""Against the real lerobot package, which lives in an environment of its own.

CRL_LEROBOT_PYTHON names the interpreter of an environment with `pip install lerobot==0.4.4`.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import crl_data
from crl_data.exchange.lerobot_export import export_lerobot
from crl_data.exchange.lerobot_import import import_lerobot
from crl_data.store import Store

pytestmark = pytest.mark.slow
CLIENT = Path(__file__).with_name("client.py")
PEER = Path(crl_data.__file__).parent / "bench/lerobot_peer.py"
STAMPS = ("crl.camera_stamp_ns", "crl.camera_receive_stamp_ns")
POSE = {"position": "observation.state[0:3]", "rotation": "observation.state[3:6]", "rotation_as": "rpy"}
PSNR_DB = 30.0
"""LeRobot's AV1 at its default quality; a frame that is off by one has less than 20 dB here."""


@pytest.fixture(scope="module")
def interpreter() -> str:
    found = os.environ.get("CRL_LEROBOT_PYTHON") or (sys.executable if find_spec("lerobot") else "")
    if not found:
        pytest.skip("lerobot is not installed and CRL_LEROBOT_PYTHON names no interpreter that has it")
    return found


@pytest.fixture
def client(interpreter, tmp_path):
    own = ("LD_LIBRARY_PATH", "PYTHONPATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE")  # of this process, not of that one
    settings = {name: value for name, value in os.environ.items() if name not in own}
    settings |= {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}

    def run(*words, script: Path = CLIENT) -> str:
        command = [interpreter, str(script), *map(str, words)]
        done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    return run


@pytest.mark.parametrize("frames", ["png", "stored"])
def test_the_export_opens_in_lerobot_with_equal_frames_actions_and_stamps(client, recorded, sets, tmp_path, frames):
    export_lerobot(recorded, tmp_path / "lr", labels="commanded", frames=frames)
    client("read", tmp_path / "lr", tmp_path / "read.npz")
    read = np.load(tmp_path / "read.npz")
    assert np.array_equal(read["action"], recorded.load_actions("commanded"))
    assert np.array_equal(read["crl.stamp_ns"], recorded.load_array("stamp_ns"))
    for name in STAMPS:
        parts = [recorded.load_array(f"cameras/{camera}/{name[11:]}") for camera in sets.cameras]
        assert np.array_equal(read[name], np.stack(parts, axis=1))
    for camera in sets.cameras:
        assert np.array_equal(read[f"observation.images.{camera}"], sets.frames(recorded, camera))
    state = np.hstack([recorded.load_array("joints"), recorded.load_array("gripper")[:, None]])
    assert np.array_equal(read["observation.state"], state.astype(np.float32))
    assert read["episodes"].tolist() == [[0, 5], [5, 8]]
    assert set(read["task"]) == {"test"}


@pytest.fixture
def given(tmp_path) -> dict[str, np.ndarray]:
    """Two episodes of six steps: a bright bar moves over a smooth scene, so that neighbouring frames differ."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 120, 128)[None, :, None] + np.linspace(0, 60, 96)[:, None, None]
    frames = np.broadcast_to(ramp, (2, 6, 96, 128, 3)).astype(np.uint8).copy()
    for episode in range(2):
        for step in range(6):
            frames[episode, step, :, 10 * step + 60 * episode :][:, :20] = (250, 200, 40)
    states = rng.uniform(0, 0.5, (2, 6, 7)).astype(np.float32)
    arrays = {"frames": frames, "states": states, "actions": rng.uniform(0, 0.05, (2, 6, 7)).astype(np.float32)}
    np.savez(tmp_path / "given.npz", **arrays)
    return arrays


@pytest.mark.parametrize("mode", ["image", "video"])
def test_what_lerobot_wrote_is_imported_with_its_frames_and_actions(client, sets, given, tmp_path, mode):
    client("write", mode, tmp_path / "given.npz", tmp_path / "lr")
    gripper = {"value": "observation.state[gripper]", "open": 1.0, "closed": 0.0}
    action = {"kind": "delta", "position": "action[0:3]", "rotation": "action[3:6]", "rotation_as": "rpy"}
    action["gripper"] = {"value": "action[6]", "open": 1.0, "closed": 0.0}
    mapping = sets.mapping(cameras={"front": "over_shoulder"}, tool=POSE, gripper=gripper, action=action, joints=None)
    report = import_lerobot(tmp_path / "lr", mapping, tmp_path / "b.zarr", progress=False)
    store = Store.open(tmp_path / "b.zarr")
    assert (report.steps, report.damaged, store.spec.robot) == (12, {}, "so100")
    assert {meta.options["task"] for meta in store.metas()} == {"push the block"}
    assert {meta.clock for meta in store.metas()} == {"none"}
    assert np.allclose(store.load_actions(), given["actions"].reshape(-1, 7), atol=1e-6)
    assert np.allclose(store.load_array("tool_measured")[:, :3], given["states"].reshape(-1, 7)[:, :3])
    frames, wanted = np.array(sets.frames(store, "over_shoulder")), given["frames"].reshape(-1, 96, 128, 3)
    if mode == "image":
        assert np.array_equal(frames, wanted)
    else:
        errors = np.mean((frames.astype(float) - wanted) ** 2, axis=(1, 2, 3))
        assert (10 * np.log10(255**2 / errors)).min() > PSNR_DB


@pytest.mark.parametrize("mode", ["image", "video"])
def test_the_bench_of_the_peer_answers_with_facts_alone(client, tmp_path, mode):
    ramp = np.linspace(0, 200, 96)[None, None, :, None] + np.arange(8)[:, None, None, None]
    np.save(tmp_path / "frames.npy", np.broadcast_to(ramp, (8, 64, 96, 3)).astype(np.uint8))
    words = (
        "--frames",
        tmp_path / "frames.npy",
        "--episodes",
        2,
        "--steps",
        6,
        "--mode",
        mode,
        "--out",
        tmp_path / "lr",
    )
    facts = json.loads(client(*words, "--out", tmp_path / "lr", script=PEER))
    assert (facts["mode"], facts["episodes"], facts["steps"], facts["batch"]) == (mode, 2, 6, 256)
    assert min(facts["write_frames_per_s"], facts["batch_ms"], facts["bytes"]) > 0
    assert facts["psnr_db"] == 999 if mode == "image" else facts["psnr_db"] > PSNR_DB
