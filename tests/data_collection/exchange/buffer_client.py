"""Runs in an environment of its own: writes a buffer with diffusion_policy's ReplayBuffer.

Usage: buffer_client.py OUT.zarr default|disk|jpegxl
"""

import sys

import numpy as np
from diffusion_policy.common.replay_buffer import ReplayBuffer


def main(path: str, compressor: str) -> None:
    compressors = {"camera_0": compressor}
    if compressor == "jpegxl":
        from diffusion_policy.codecs.imagecodecs_numcodecs import JpegXl, register_codecs

        register_codecs(verbose=False)
        compressors = {"camera_0": JpegXl(level=99, numthreads=1)}
    rng, buffer = np.random.default_rng(0), ReplayBuffer.create_from_path(path, mode="a")
    for length in (5, 3, 4):
        shades = np.linspace(0, 200, 32 * 24 * 3).reshape(24, 32, 3)
        images = np.stack([shades + 10 * step for step in range(length)]).astype(np.uint8)
        episode = {
            "camera_0": images,
            "action": rng.uniform(-0.1, 0.1, (length, 6)),
            "gripper": rng.random((length, 1)),
        }
        buffer.add_episode(
            episode | {"robot_eef_pose": rng.uniform(-0.1, 0.1, (length, 6))},
            chunks={"camera_0": (1, 24, 32, 3)},
            compressors=compressors,
        )
    np.savez(path + ".npz", **{name: buffer[name][:] for name in buffer.keys()})  # noqa: SIM118 - no Mapping


if __name__ == "__main__":
    main(*sys.argv[1:])
