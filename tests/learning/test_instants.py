import numpy as np
import pytest

from crl_learning.trials import Moment

pytest.importorskip("rclpy")

from crl_learning.nodes.instants import Instants

MOMENT, IMAGE = Moment(0.1, 0.2, 1, (0.0, 0.0, 0.0)), np.zeros((2, 2, 3), np.uint8)


@pytest.mark.parametrize("image_first", [True, False])
def test_an_instant_is_known_when_state_and_picture_are_there_in_any_order(image_first):
    instants = Instants()
    steps = [lambda: instants.add_image(5, IMAGE), lambda: instants.add_moment(5, MOMENT)]
    for number, step in enumerate(steps if image_first else reversed(steps)):
        assert len(instants.since(0)) == 0, number
        step()
    assert instants.known[5].moment == MOMENT


def test_parts_of_different_instants_are_not_joined_and_stamps_come_in_order():
    instants = Instants()
    for stamp in (9, 7, 8):
        instants.add_moment(stamp, MOMENT)
    for stamp in (7, 9):
        instants.add_image(stamp, IMAGE)
    assert instants.since(0) == [7, 9]
    assert instants.since(8) == [9]
    instants.clear()
    instants.add_image(8, IMAGE)
    assert instants.since(0) == []
