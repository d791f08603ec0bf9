"""Writes sources with their formats' own libraries: OpenCV and pickle, zarr format 2."""

import pickle
from pathlib import Path

import cv2
import numcodecs
import numpy as np
import pytest
import yaml
import zarr

from crl_data.exchange.bridge import OPTIONS, PRESET, import_bridge
from crl_data.exchange.mapping import SourceMapping
from crl_data.exchange.mapping_file import mapping_from_dict, merged
from crl_robot.geometry import matrix_from_rpy, rpy_from_matrix


class BridgeFiles:
    """BridgeData trajectories of ``steps`` actions, with JPEG files of ``size`` (height, width)."""

    dated = "toykitchen2/set_table/00/2022-01-01_00-00-00/raw/traj_group0"
    steps = 6
    size = (48, 64)

    def write(self, folder: Path, seed: int = 0, cameras: int = 1, protocol: int = 4) -> dict[str, np.ndarray]:
        """One trajectory whose tool moves exactly as commanded; returns its arrays."""
        rng = np.random.default_rng(seed)
        actions = np.hstack([rng.uniform(-0.03, 0.03, (self.steps, 6)), rng.integers(0, 2, (self.steps, 1))]).astype(
            np.float64
        )
        states = [np.array([0.3, 0.0, 0.15, 0.0, 0.1, -0.2, 1.0])]
        for action in actions:
            turned = rpy_from_matrix(matrix_from_rpy(action[3:6]) @ matrix_from_rpy(states[-1][3:6]))
            states.append(np.concatenate([states[-1][:3] + action[:3], turned, action[6:]]))
        obs = {
            "full_state": np.array(states),
            "state": np.array(states),
            "desired_state": np.array(states),
            "qpos": rng.normal(size=(self.steps + 1, 6)),
            "qvel": rng.normal(size=(self.steps + 1, 6)),
            "joint_effort": rng.normal(size=(self.steps + 1, 6)),
            "time_stamp": 1.64e9 + 0.2 * np.arange(self.steps + 1) + rng.uniform(0, 0.01, self.steps + 1),
            "eef_transform": np.tile(np.eye(4), (self.steps + 1, 1, 1)),
            "low_bound": np.zeros((self.steps + 1, 5)),
            "high_bound": np.ones((self.steps + 1, 5)),
            "env_done": np.zeros(self.steps + 1, bool),
            "t_get_obs": np.full(self.steps + 1, 0.01),
        }
        folder.mkdir(parents=True)
        policy = [{"actions": action, "policy_type": np.array(["vr"])} for action in actions]
        for name, data in (("obs_dict", obs), ("policy_out", policy), ("agent_data", {"traj_ok": True})):
            (folder / f"{name}.pkl").write_bytes(pickle.dumps(data, protocol))
        (folder / "lang.txt").write_text("put the pot on the stove\nconfidence: 0.9\n")
        for camera in range(cameras):
            (folder / f"images{camera}").mkdir()
            for step in range(self.steps + 1):
                image = np.full((*self.size, 3), (20 * step, 100, 40 * camera), np.uint8)
                image[8:20, 10 : 20 + step] = (255, 0, 0)
                (folder / f"images{camera}" / f"im_{step}.jpg").write_bytes(cv2.imencode(".jpg", image)[1].tobytes())
        return obs | {"actions": actions}


@pytest.fixture
def bridge() -> BridgeFiles:
    return BridgeFiles()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Where to put BridgeData."""
    return tmp_path / "bridge röh data"


@pytest.fixture
def take_bridge():
    """Imports BridgeData with the first camera and some keys of the mapping changed."""

    def take(source: Path, out: Path, *, skip_damaged: bool = False, **changes):
        cameras = {"cameras": {"images0": "over_shoulder"}}
        said = mapping_from_dict(merged(PRESET, cameras | changes), OPTIONS)
        return import_bridge(source, said, out, skip_damaged=skip_damaged, progress=False)

    return take


class BufferFiles:
    """Replay buffers as diffusion_policy lays them out: three episodes of random play."""

    lengths = (5, 3, 4)
    shape = (24, 32, 3)

    def columns(self, seed: int = 0) -> dict[str, np.ndarray]:
        """All episodes end to end; the pose is a rotation vector, as the real robot's is there."""
        rng, rows = np.random.default_rng(seed), sum(self.lengths)
        return {
            "camera_0": rng.integers(0, 255, (rows, *self.shape), dtype=np.uint8),
            "camera_1": rng.integers(0, 255, (rows, *self.shape), dtype=np.uint8),
            "action": rng.uniform(-0.2, 0.2, (rows, 6)).astype(np.float32),
            "gripper": rng.uniform(0, 0.08, (rows, 1)),
            "robot_eef_pose": rng.uniform(-0.2, 0.2, (rows, 6)),
            "stage": np.zeros(rows, np.int64),
        }

    def write(self, path: Path, columns: dict[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
        """A folder, or a zip file when the path ends in .zip; returns the columns."""
        columns = self.columns() if columns is None else columns
        store = zarr.storage.ZipStore(path, mode="w") if path.suffix == ".zip" else zarr.storage.LocalStore(path)
        root = zarr.create_group(store, zarr_format=2)
        data, meta = root.create_group("data"), root.create_group("meta")
        blosc = numcodecs.Blosc("zstd", clevel=5, shuffle=numcodecs.Blosc.BITSHUFFLE)
        for name, array in columns.items():
            chunks = (1 if array.ndim == 4 else len(array), *array.shape[1:])
            data.create_array(name, data=array, chunks=chunks, compressors=blosc)
        meta.create_array("episode_ends", data=np.cumsum(self.lengths), compressors=None)
        store.close()
        return columns


@pytest.fixture
def buffer() -> BufferFiles:
    return BufferFiles()


DELTA = """
robot: ur5
rate: 10
reference: previous_target
frame: base
labels: commanded
cameras: {cam: over_shoulder}
action:
  kind: delta
  position: action[0:3]
  rotation: action[3:6]
  rotation_as: rpy
  gripper: {value: "action[6]", open: 1, closed: 0}
tool:
  position: pose[0:3]
  rotation: pose[3:7]
  rotation_as: quat_wxyz
gripper: {value: width, open: 0.08, closed: 0}
"""


@pytest.fixture
def mapping_text() -> str:
    """A complete mapping of the columns action (7), pose (7) and width."""
    return DELTA


@pytest.fixture
def mapping():
    """Makes that mapping with some of its keys changed."""

    def make(**changes) -> SourceMapping:
        return mapping_from_dict(merged(yaml.safe_load(DELTA), changes))

    return make
