"""The rows of the safety table about clock and arm, and those that nodes, drivers and the devices watch."""

from __future__ import annotations

from crl_robot.contracts import ActionSpec
from crl_robot.control.safety import SafetyLimits
from crl_robot.control.safety_row import SafetyRow

_L = SafetyLimits()
_INNER_S = round(1 / _L.inner_rate_hz, 3)
_SILENCE_S = round(_L.hold_periods * ActionSpec().period_s + _INNER_S, 3)

ARM_ROWS = (
    SafetyRow(
        "clock_went_back",
        "The clock of the stamps is set back",
        "an inner tick is earlier than the one before",
        "a moving arm holds",
        _INNER_S,
    ),
    SafetyRow(
        "clock_jump",
        "The clock of the stamps is set ahead, or the command loop hung",
        f"more than {_L.clock_jump_s} s between two inner ticks",
        "a moving arm holds",
        _INNER_S,
    ),
    SafetyRow(
        "stale_joints",
        "The joint state is old or its stamp stands still",
        f"stamp older than {_L.stale_joints_s} s, or unchanged for that long",
        "e-stop latched; the arm holds",
        round(_L.stale_joints_s + _INNER_S, 3),
    ),
    SafetyRow(
        "bad_reading",
        "The joint state is not finite or has another number of joints",
        "every reading is checked",
        "e-stop latched; the arm holds; nothing of it is published",
        _INNER_S,
    ),
    SafetyRow(
        "arm_fault",
        "The arm does not answer or does not take a command",
        "the driver raises ArmError",
        "e-stop latched; holding is tried again at every inner tick",
        _INNER_S,
    ),
    SafetyRow(
        "enable_refused",
        "The arm refuses to be enabled: an error, a tripped watchdog, a pressed stop button",
        "the driver raises ArmError",
        "the arm stays disabled",
        0,
    ),
    SafetyRow(
        "estop",
        "Operator calls /arm/estop",
        "service",
        "the arm holds and stays so until /arm/reset and then /arm/enable",
        _INNER_S,
    ),
    SafetyRow(
        "disabled",
        "Operator disables, the node is deactivated, or the process gets SIGINT or SIGTERM",
        "service, lifecycle, signal",
        "the arm holds and refuses Actions",
        0.1,
    ),
)

NODE_ROWS = (
    SafetyRow(
        "estop_topic",
        "An operator's panel latches the e-stop",
        "true on the topic arm/estop_input, of any quality of service",
        "as `estop`; reset is refused while a panel says true",
        0.1,
        "robot/test_arm_node_widowx.py::test_an_estop_input_that_says_true_stops_the_arm_and_bars_the_reset_until_it_says_false",
        "arm node",
    ),
    SafetyRow(
        "frozen_image",
        "A camera repeats one picture",
        "so many equal frames in a row as frozen_after says",
        "it is not published, so the image grows stale and the policy stops: `silence`, `stale_action`",
        1.0,
        "robot/cameras/test_camera_node.py::test_a_frozen_camera_leaves_a_policy_without_a_fresh_image",
        "camera node",
    ),
    SafetyRow(
        "camera_killed",
        "A camera's node dies, or its stream stalls",
        "newest image or arm state older than the policy's max_age_ms, 300 ms",
        "the policy sends no Action: `silence`",
        1.0,
        "learning/test_camera_killed.py::test_when_its_camera_is_killed_the_policy_falls_silent_and_the_arm_holds",
        "policy node",
    ),
    SafetyRow(
        "policy_killed",
        "The policy's process dies",
        "as `silence`",
        "the arm holds",
        _SILENCE_S,
        "learning/test_policy_node.py::test_when_the_policy_is_killed_the_simulated_arm_holds_within_two_control_periods",
        "arm node",
    ),
)

DEVICE_ROWS = (
    SafetyRow(
        "watchdog",
        "WidowX: the arm's node dies, its loop hangs, or its cable is pulled",
        "the servos' own bus watchdog: no packet for 0.2 s",
        "the servos stop and refuse goals until it is cleared",
        0.3,
        "robot/widowx/test_emulated_servos.py::test_the_watchdog_stops_the_servo_and_closes_its_goals",
        "device",
    ),
    SafetyRow(
        "watchdog_tripped",
        "WidowX: goals after the watchdog tripped",
        "watchdog register, asked after every silence",
        "refused: `arm_fault`; /arm/reset clears it, and the arm stays where it stands",
        0,
        "robot/widowx/test_driving.py::test_after_the_watchdog_tripped_goals_are_refused_until_it_is_cleared",
        "driver",
    ),
    SafetyRow(
        "servo_error",
        "WidowX: a servo overloads or overheats, and goes limp: it cannot hold",
        "alert bit of its answers, hardware error register",
        "the other servos hold, e-stop latched: `arm_fault`; it must be rebooted",
        0.2,
        "robot/widowx/test_controlled.py::test_a_servo_that_fails_latches_the_estop_and_the_others_are_held",
        "driver",
    ),
    SafetyRow(
        "cable_pulled",
        "The arm falls silent",
        "bounded retries of every exchange",
        "e-stop latched: `arm_fault`; the arm is told to hold when it is back",
        0.2,
        "robot/widowx/test_controlled.py::test_a_pulled_cable_latches_the_estop_and_the_arm_holds_when_it_is_back",
        "driver",
    ),
    SafetyRow(
        "command_timeout",
        "Sawyer: the arm's node dies or its websocket falls silent",
        "the robot's joint_command_timeout",
        "the robot holds its position",
        0.3,
        "robot/sawyer/test_sawyer_faults.py::test_the_arm_of_a_killed_process_stops_by_the_command_timeout",
        "device",
    ),
    SafetyRow(
        "robot_stopped",
        "Sawyer: its stop button is pressed, or it reports an error",
        "/robot/state",
        "the robot freezes; e-stop latched: `arm_fault`; enable is refused until it is reset",
        0.2,
        "robot/sawyer/test_emulated_sawyer.py::test_every_stop_freezes_the_arm_and_refuses_enable_until_reset",
        "device",
    ),
)
