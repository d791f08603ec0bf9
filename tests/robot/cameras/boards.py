"""Pictures of a checkerboard as a lens with known K and D would take them."""

import cv2
import numpy as np

from crl_robot.cameras.checkerboard import Board

SIZE = (640, 480)
K = np.array([[520.0, 0.0, 331.0], [0.0, 515.0, 233.0], [0.0, 0.0, 1.0]])
D = np.array([-0.22, 0.08, 0.0012, -0.0008, 0.0])
BOARD = Board(9, 6, 0.025)
SAMPLES = 2
"""Each way, in a pixel."""


def rays(size=SIZE, matrix=K, distortion=D):
    """(H, W, SAMPLES**2, 2) normalised coordinates x/z, y/z that the samples of each pixel see."""
    offsets = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    x, y, dx, dy = np.meshgrid(np.arange(size[0]), np.arange(size[1]), offsets, offsets, indexing="xy")
    bent = np.stack([(x + dx - matrix[0, 2]) / matrix[0, 0], (y + dy - matrix[1, 2]) / matrix[1, 1]], -1)
    return straightened(bent.reshape(size[1], size[0], SAMPLES**2, 2), distortion)


def straightened(bent, distortion):
    """Where a point (..., 2) would be without the lens's distortion, by fixed-point iteration on its formula."""
    k1, k2, p1, p2, k3 = distortion
    point = bent
    for _ in range(12):
        x, y = point[..., 0], point[..., 1]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        aside = np.stack([2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y], -1)
        point = (bent - aside) / radial[..., None]
    return point


def photograph(seen, turn, shift, board=BOARD):
    """uint8 (H, W, 3) RGB of the board at rotation vector ``turn`` and position ``shift`` (m) of its middle."""
    rotation, _ = cv2.Rodrigues(np.asarray(turn, np.float64))
    middle = board.points.mean(0)
    origin = np.asarray(shift) - rotation @ middle
    # A ray (x, y, 1) s meets the plane where its third coordinate in the board's frame is zero.
    direction = np.concatenate([seen, np.ones((*seen.shape[:-1], 1))], -1)
    scale = (rotation[:, 2] @ origin) / (direction @ rotation[:, 2])
    on_board = (direction * scale[..., None] - origin) @ rotation[:, :2] / board.square_m
    column, row = np.floor(on_board[..., 0]) + 1, np.floor(on_board[..., 1]) + 1
    inside = (column >= 0) & (column <= board.columns) & (row >= 0) & (row <= board.rows)
    grey = np.where(inside & ((column + row) % 2 == 0), 20.0, 235.0).mean(-1)
    return np.repeat(grey[..., None], 3, -1).round().astype(np.uint8)


def poses(count, seed=0):
    """Turns and shifts of the board that show it all over the picture, tilted both ways."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        tilt = rng.uniform(0.25, 0.6, 2) * rng.choice([-1, 1], 2)
        depth = rng.uniform(0.36, 0.55)
        across, down = (index % 4 - 1.5) / 1.5, (index // 4 % 3 - 1)
        yield (*tilt, rng.uniform(-0.3, 0.3)), (0.42 * across * depth * 0.75, 0.3 * down * depth * 0.75, depth)
