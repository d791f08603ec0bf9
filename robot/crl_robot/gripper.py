"""Gripper linkage of the WidowX 250s: servo angle to finger position and back, and the opening of the contracts.

A crank of radius r on the servo drives each finger through a rod of length L (vendor's driver documentation):
finger = r sin(angle) + sqrt(L^2 - (r cos(angle))^2).
"""

from __future__ import annotations

import math

from crl_robot.errors import ContractError

CRANK_M = 0.014
ROD_M = 0.024
FINGER_CLOSED_M = 0.015
FINGER_OPEN_M = 0.037


def finger_from_angle(angle: float) -> float:
    """Servo angle in rad, within -pi/2 .. pi/2 -> distance of each finger from the middle in m."""
    if not -math.pi / 2 <= angle <= math.pi / 2:
        raise ContractError(f"gripper angle is {angle} rad, expected -pi/2 to pi/2: beyond it the crank turns over")
    return CRANK_M * math.sin(angle) + math.sqrt(ROD_M**2 - (CRANK_M * math.cos(angle)) ** 2)


def angle_from_finger(finger_m: float) -> float:
    """Distance of each finger from the middle in m -> servo angle in rad. Raises ContractError out of reach."""
    low, high = ROD_M - CRANK_M, ROD_M + CRANK_M
    if not low <= finger_m <= high:
        raise ContractError(f"finger position is {finger_m} m, expected {low:.3f} to {high:.3f} m")
    cosine = (CRANK_M**2 + finger_m**2 - ROD_M**2) / (2 * CRANK_M * finger_m)
    return math.pi / 2 - math.acos(max(-1.0, min(1.0, cosine)))


def finger_from_opening(opening: float) -> float:
    """Opening, 0 closed .. 1 open and clipped to it -> distance of each finger from the middle in m."""
    return FINGER_CLOSED_M + min(max(opening, 0.0), 1.0) * (FINGER_OPEN_M - FINGER_CLOSED_M)


def opening_from_finger(finger_m: float) -> float:
    """Distance of each finger from the middle in m -> opening, 0 closed .. 1 open, clipped to it."""
    return min(max((finger_m - FINGER_CLOSED_M) / (FINGER_OPEN_M - FINGER_CLOSED_M), 0.0), 1.0)
