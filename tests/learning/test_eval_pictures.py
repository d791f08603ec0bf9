import cv2
import numpy as np
import pytest

from crl_learning.eval_pictures import SIZE, Pair, Pictures, write_pairs
from crl_robot.errors import ContractError


def pictures(goal: int = 200, final: int = 40) -> Pictures:
    return Pictures.take(*(np.full((240, 320, 3), value, np.uint8) for value in (goal, final)))


def test_pictures_are_small_and_keep_goal_and_final_apart():
    goal, final = pictures().images()
    assert goal.shape == final.shape == (SIZE[1], SIZE[0], 3)
    assert (round(goal.mean()), round(final.mean())) == (200, 40)


def test_colours_come_back_as_they_went_in():
    red = np.zeros((240, 320, 3), np.uint8)
    red[..., 0] = 220
    goal, _ = Pictures.take(red, red).images()
    assert goal[..., 0].mean() > 200
    assert goal[..., 1:].mean() < 20


@pytest.mark.parametrize(("count", "cells"), [(1, (1, 1)), (5, (1, 5)), (7, (2, 5))])
def test_a_sheet_has_a_cell_for_each_pair(tmp_path, count, cells):
    one = cv2.imread(str(write_pairs(tmp_path / "one.png", [Pair(pictures(), "0", True)])))
    path = write_pairs(tmp_path / "deep" / "pairs.png", [Pair(pictures(), str(k), True) for k in range(count)])
    sheet = cv2.imread(str(path))
    head = 18
    assert (sheet.shape[0] - head) / (one.shape[0] - head) == cells[0]
    assert sheet.shape[1] / one.shape[1] == cells[1]


def test_the_frame_says_what_the_success_test_said(tmp_path):
    yes, no = (
        cv2.imread(str(write_pairs(tmp_path / f"{verdict}.png", [Pair(pictures(), "0", verdict)])))[20, 1].tolist()
        for verdict in (True, False)
    )
    assert yes[1] == max(yes)
    assert no[2] == max(no)


def test_a_sheet_of_nothing_is_refused(tmp_path):
    with pytest.raises(ContractError, match="at least one"):
        write_pairs(tmp_path / "pairs.png", [])
