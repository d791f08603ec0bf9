"""Logs of an emulated arm, made by hand."""

import numpy as np
import pytest

from crl_robot.bench.device_log import DeviceLog
from crl_robot.bench.known_arm import ALL_IDS, JOINT_IDS, START_JOINTS

CRANK_TICK = 2244


def ticks_of(joints, gripper=CRANK_TICK):
    """Joints (6,) rad -> the nine registers, shadows like the servos they help."""
    by_id = dict(zip(JOINT_IDS, np.round(2048 + np.asarray(joints) * 2048 / np.pi), strict=True))
    by_id |= {3: by_id[2], 5: by_id[4], 9: gripper}
    return [by_id[i] for i in ALL_IDS]


class LogMaker:
    """A log in which the arm follows its goals at once, one goal every 20 ms from 100 s on."""

    def __init__(self):
        self.rows = []
        self.time = 100.0

    def give(self, joints, present=None, torque=True, gripper=CRANK_TICK, wait=0.02):
        present = joints if present is None else present
        self.rows.append((self.time, ticks_of(joints, gripper), ticks_of(present, gripper), torque, list(present)))
        self.time += wait
        return self

    def log(self):
        times = np.array([row[0] for row in self.rows])
        goals, present = (np.array([row[i] for row in self.rows], dtype=float) for i in (1, 2))
        torque = np.array([np.broadcast_to(row[3], len(ALL_IDS)) for row in self.rows])
        truth = np.array([[*row[4], 0.3] for row in self.rows])
        return DeviceLog(times, goals, present, torque, times, truth)


@pytest.fixture
def arm_log():
    return LogMaker()


@pytest.fixture
def start():
    return np.array(START_JOINTS)
