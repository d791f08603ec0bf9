"""Small synthetic episodes: no simulation, no rendering."""

from pathlib import Path

import numpy as np
import pytest
from tests.data_collection.told_runs import PERIOD_NS, told_run

from crl_data.growing import GrowingArray
from crl_data.schema import CameraSpec, StoreSpec
from crl_data.store import Store
from crl_data.telling import Told
from crl_data.writer import EpisodeWriter
from crl_robot.contracts import ActionSpec, ArmState, Frame, JointReading, Observation, Pose

JOINTS = ("waist", "shoulder", "elbow", "forearm_roll", "wrist_angle", "wrist_rotate")


class Samples:
    """Draws observations and writes episodes; the same seed draws the same."""

    def __init__(self, seed: int = 0, native: tuple[int, int] = (32, 24)) -> None:
        self.rng = np.random.default_rng(seed)
        self.native = native

    def spec(self, encoding="jpeg", rate_hz=5.0, cameras=("over_shoulder",)) -> StoreSpec:
        coded = {name: CameraSpec(self.native, encoding) for name in cameras}
        return StoreSpec(ActionSpec(rate_hz=rate_hz), coded, "test arm", JOINTS)

    def image(self) -> np.ndarray:
        """A smooth scene with a sharp coloured square, as cameras see them."""
        width, height = self.native
        ramp = np.linspace(0, 200, width)[None, :, None] + np.linspace(0, 50, height)[:, None, None]
        image = np.broadcast_to(ramp, (height, width, 3)) * self.rng.uniform(0.5, 1.0, 3)
        x, y = self.rng.integers(0, width // 2), self.rng.integers(0, height // 2)
        image[y : y + height // 4, x : x + width // 4] = self.rng.integers(0, 255, 3)
        return image.astype(np.uint8)

    def pose(self) -> Pose:
        quat = self.rng.normal(size=4)
        return Pose(self.rng.uniform(-0.4, 0.4, 3), quat / np.linalg.norm(quat))

    def arm(self, stamp_ns: int) -> ArmState:
        reading = JointReading(self.rng.normal(size=6), self.rng.normal(size=6), self.rng.uniform(), stamp_ns)
        return ArmState(reading, self.pose(), self.pose(), self.rng.uniform(), "moving")

    def observation(self, tick: int, cameras=("over_shoulder",)) -> Observation:
        stamp = (tick + 1) * PERIOD_NS
        frames = {name: Frame(self.image(), stamp - 5_000_000, stamp - 2_000_000) for name in cameras}
        return Observation(frames, self.arm(stamp - 1_000_000), stamp)

    def action(self) -> np.ndarray:
        return self.rng.uniform(-0.05, 0.05, 7).astype(np.float32)

    def fill(self, writer: EpisodeWriter, steps: int = 4) -> list[Observation]:
        """Add steps whose executed action is half of the requested one; returns what was observed."""
        observations = [self.observation(tick, tuple(writer.cameras)) for tick in range(steps)]
        for observation in observations:
            action = self.action()
            writer.add_step(observation, action, action / 2, truth=self.pose())
        return observations

    def write(self, store: Store, episode_id: str, steps: int = 4, **commit) -> list[Observation]:
        with EpisodeWriter(store, source="test", episode_id=episode_id, seed=(0, 1)) as writer:
            observations = self.fill(writer, steps)
            writer.commit(**commit)
        return observations

    def told(self, steps: int = 6, change: int = 3, cameras=("over_shoulder",)) -> Told:
        """A run of two goals, the second from step ``change`` on."""
        return told_run([{name: self.image() for name in cameras} for _ in range(2)], steps, change)


@pytest.fixture
def samples() -> Samples:
    return Samples()


@pytest.fixture
def store(tmp_path: Path, samples: Samples) -> Store:
    """An empty JPEG store."""
    return Store.create(tmp_path / "a.zarr", samples.spec())


@pytest.fixture
def starve():
    """Called with a patch and a number: memory is then enough for so many more rows of growing arrays."""

    def starved(patch: pytest.MonkeyPatch, rows: int) -> None:
        left, append = [rows], GrowingArray.append

        def limited(self, row):
            left[0] -= 1
            if left[0] < 0:
                raise MemoryError
            append(self, row)

        patch.setattr(GrowingArray, "append", limited)

    return starved
