"""The real lerobot package at work: run by an interpreter that has it, speaks to the tests through files.

lerobot_client.py read ROOT OUT.npz          every row of a data set, as LeRobotDataset gives it
lerobot_client.py write MODE IN.npz ROOT     a data set of two episodes; MODE is image or video
"""

import sys
from pathlib import Path

import numpy as np

CAMERA = "observation.images.front"


def read(root: Path, out: Path) -> None:
    from lerobot.datasets.compute_stats import aggregate_stats
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    data = LeRobotDataset("local/test", root=root, video_backend="pyav")
    aggregate_stats([data.meta.stats, data.meta.stats])
    rows = [data[row] for row in range(len(data))]
    columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if name in data.meta.camera_keys:
            values = [np.rint(value.numpy().transpose(1, 2, 0) * 255).astype(np.uint8) for value in values]
        columns[name] = np.array([value if isinstance(value, str) else np.asarray(value) for value in values])
    episodes = [[row["dataset_from_index"], row["dataset_to_index"]] for row in data.meta.episodes]
    np.savez(out, **columns, episodes=np.array(episodes), fps=np.array(data.fps))


def write(mode: str, source: Path, root: Path) -> None:
    from lerobot.datasets.lerobot_dataset import LeRobotDataset

    given = np.load(source)
    pose = ["x", "y", "z", "roll", "pitch", "yaw", "gripper"]
    features = {
        CAMERA: {"dtype": mode, "shape": given["frames"].shape[2:], "names": ["height", "width", "channels"]},
        "observation.state": {"dtype": "float32", "shape": (7,), "names": pose},
        "action": {"dtype": "float32", "shape": (7,), "names": None},
    }
    data = LeRobotDataset.create("local/test", 5, features, root=root, robot_type="so100", use_videos=mode == "video")
    for frames, states, actions in zip(given["frames"], given["states"], given["actions"], strict=True):
        for frame, state, action in zip(frames, states, actions, strict=True):
            data.add_frame({CAMERA: frame, "observation.state": state, "action": action, "task": "push the block"})
        data.save_episode()
    data.finalize()


if __name__ == "__main__":
    verb, *words = sys.argv[1:]
    if verb == "read":
        read(Path(words[0]), Path(words[1]))
    else:
        write(words[0], Path(words[1]), Path(words[2]))
