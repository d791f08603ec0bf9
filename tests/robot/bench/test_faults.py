"""A short campaign on the real arm node and the emulated bus. Times are for a quiet machine, so they are not judged."""

import csv

import pytest

from crl_robot.bench.faults import run
from crl_robot.errors import ConfigError


def test_an_unknown_row_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match="did you mean 'cable_pulled'"):
        run(1, only=["cable_puled"])


def test_a_number_out_of_range_is_refused():
    with pytest.raises(ConfigError, match="expected 1 to"):
        run(0)


@pytest.mark.ros
@pytest.mark.slow
def test_faults_of_every_kind_leave_the_arm_safe_and_it_goes_on(tmp_path):
    pytest.importorskip("rclpy")
    pytest.importorskip("dynamixel_sdk")
    names = ["bad_action_nan", "estop_topic", "cable_pulled", "overload", "hung", "killed"]
    told = []
    facts = run(len(names), seed=3, out=tmp_path, only=names, on_outcome=told.append)
    assert facts["injected"] == len(names) == len(told)
    assert (facts["unsafe"], facts["invented"], facts["unrecovered"]) == (0, 0, 0)
    assert {outcome.row for outcome in told} == set(names)
    with (tmp_path / "injections.csv").open(encoding="utf-8") as file:
        assert sorted(row["row"] for row in csv.DictReader(file)) == sorted(names)
