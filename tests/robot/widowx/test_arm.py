import pytest
from arm_suite import ArmSuite

from crl_robot.sim.world import World


class TestWidowXArm(ArmSuite):
    @pytest.fixture
    def bench(self, make_bench):
        return make_bench()


class TestWidowXArmWithTimedProfiles(ArmSuite):
    """An arm that another driver has left with bit 2 of the drive modes set."""

    @pytest.fixture
    def bench(self, make_bench):
        bench = make_bench()
        for servo_id, mode in bench.registers("drive_mode").items():
            bench.set_registers([servo_id], drive_mode=mode | 4)
        return bench


class TestWidowXArmMovingTheWorld(ArmSuite):
    """The whole real driver, with the simulated arm at the other end of the wire."""

    @pytest.fixture
    def bench(self, make_bench):
        bench = make_bench(world=World())
        bench.tolerance_rad = 6e-3
        return bench
