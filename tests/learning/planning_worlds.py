"""Small worlds with a known distance, shown as pictures whose first pixel says where one is."""

import numpy as np

from crl_learning.goals.reference import FrameName
from crl_learning.planning.frames import Frames


def picture(x: int, y: int = 0) -> np.ndarray:
    """uint8 (4, 4, 3)."""
    image = np.zeros((4, 4, 3), np.uint8)
    image[0, 0] = (x, y, 7)
    return image


def place(image: np.ndarray) -> tuple[int, int]:
    return int(image[0, 0, 0]), int(image[0, 0, 1])


def frames_at(places) -> Frames:
    names = tuple(FrameName(f"e{n}", n) for n in range(len(places)))
    return Frames(np.stack([picture(*one) for one in places]), names)


def on_a_line(states: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """Ticks on a line: one for each step."""
    return np.abs(states[:, 0, 0, 0].astype(float) - goals[:, 0, 0, 0])


def one_way(states: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """Going up takes a tick a step, going down ten."""
    apart = goals[:, 0, 0, 0].astype(float) - states[:, 0, 0, 0]
    return np.where(apart >= 0, apart, -10 * apart)


def beside_a_wall(states: np.ndarray, goals: np.ndarray) -> np.ndarray:
    """Ticks on a plane; what is on the other side of x = 10 below y = 10 is far away."""
    one, other = (part[:, 0, 0, :2].astype(float) for part in (states, goals))
    crosses = (one[:, 0] < 10) != (other[:, 0] < 10)
    blocked = crosses & (np.minimum(one[:, 1], other[:, 1]) < 10)
    return np.linalg.norm(one - other, axis=1) + 100 * blocked
