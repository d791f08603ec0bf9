"""Buffers that diffusion_policy's own ReplayBuffer wrote, in an environment of its own.

CRL_DIFFUSION_POLICY_PYTHON names an interpreter with diffusion_policy, "zarr<3", numcodecs<0.14 and imagecodecs.
"""

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from crl_data.exchange.diffusion_policy import import_diffusion_policy
from crl_data.exchange.mapping_file import mapping_from_dict
from crl_data.store import Store

pytestmark = pytest.mark.slow
CLIENT = Path(__file__).with_name("buffer_client.py")
OWN = ("LD_LIBRARY_PATH", "PYTHONPATH", "_ROS_WHEELS_BOOTSTRAP_COMPLETE")
"""Settings of this process that the other one must not have."""

MAPPING = mapping_from_dict(
    {
        "robot": "ur5",
        "rate": 10,
        "reference": "previous_target",
        "frame": "base",
        "labels": "commanded",
        "encoding": "lossless",
        "action": {
            "kind": "delta",
            "position": "action[0:3]",
            "rotation": "action[3:6]",
            "rotation_as": "rpy",
            "gripper": {"value": "gripper", "open": 1, "closed": 0},
        },
    }
)


@pytest.fixture
def interpreter() -> str:
    found = os.environ.get("CRL_DIFFUSION_POLICY_PYTHON")
    if not found:
        pytest.skip("CRL_DIFFUSION_POLICY_PYTHON names no interpreter that has diffusion_policy")
    return found


@pytest.mark.parametrize("compressor", ["default", "disk", "jpegxl"])
def test_what_the_replay_buffer_reads_is_what_the_store_holds(interpreter, tmp_path, compressor):
    if compressor == "jpegxl" and find_spec("imagecodecs") is None:
        pytest.skip("imagecodecs is not installed here")
    path = tmp_path / "buffer.zarr"
    settings = {name: value for name, value in os.environ.items() if name not in OWN}
    subprocess.run([interpreter, CLIENT, path, compressor], env=settings, check=True, capture_output=True)
    report = import_diffusion_policy(path, MAPPING, tmp_path / "out.zarr", progress=False)
    episodes = [Store.open(tmp_path / "out.zarr").read(episode_id) for episode_id in report.imported]
    with np.load(f"{path}.npz") as written:
        frames = [frame for episode in episodes for frame in episode.cameras["camera_0"].frames()]
        np.testing.assert_array_equal(np.stack(frames), written["camera_0"])
        actions = np.concatenate([episode["action_commanded"] for episode in episodes])
        np.testing.assert_array_equal(actions, np.hstack([written["action"], written["gripper"]]).astype(np.float32))
