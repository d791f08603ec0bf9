import json
import subprocess
import sys

import numpy as np
import pytest

from crl_robot import cli
from crl_robot.emulators.servo_bus.arms import simple_bus
from crl_robot.emulators.servo_bus.line import EmulatedBus
from crl_robot.widowx.servo_table import load_servo_table

START = np.array([0.0, -0.5, 0.6, 0.0, 0.7, 0.0, 0.3])


def main(words):
    """Waits long enough for an answer on a machine that is busy with other tests."""
    return cli.main([*words, "--answer-ms", "80"])


class Line:
    """An emulated arm on the real clock, standing under torque unless told otherwise."""

    def __init__(self, torque=True, **options):
        self.bus = simple_bus(load_servo_table("wx250s"), START, **options)
        for servo in self.bus.servos.values():
            servo.memory["torque_enable"] = int(torque)
        self.line = EmulatedBus(self.bus)
        self.path = self.line.path

    def joints(self):
        with self.line.locked() as bus:
            return bus.plant.joints()[0]

    def torques(self):
        with self.line.locked() as bus:
            return {servo.memory["torque_enable"] for servo in bus.servos.values()}


@pytest.fixture
def make_line():
    pytest.importorskip("dynamixel_sdk")
    made = []

    def make(**options):
        made.append(Line(**options))
        return made[-1]

    yield make
    for line in made:
        line.line.close()


def doctor(line, capsys, code):
    assert main(["doctor", "--port", line.path, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_help_needs_neither_an_arm_nor_heavy_imports():
    code = "import sys; from crl_robot.cli import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "doctor" in done.stdout
    for name in ("numpy", "mujoco", "dynamixel_sdk", "rich"):
        assert f"'{name}'" not in done.stdout


def test_doctor_finds_nothing_to_fix_on_a_sound_arm(make_line, capsys):
    line = make_line()
    report = doctor(line, capsys, 0)
    assert report["sound"]
    assert report["findings"] == []
    assert [s["id"] for s in report["servos"]] == [1, 2, 4, 6, 7, 8, 3, 5, 9]
    assert report["servos"][1]["position_rad"] == pytest.approx(-0.5, abs=2e-3)
    assert line.torques() == {1}


def test_doctor_prints_tables(make_line, capsys):
    assert main(["doctor", "--port", make_line().path]) == 0
    shown = capsys.readouterr().out
    assert "wrist_rotate" in shown
    assert "nothing to fix" in shown


def test_doctor_names_what_is_wrong_and_what_to_do(make_line, capsys):
    line = make_line(torque=False)
    with line.line.locked() as bus:
        bus.faults.missing.add(8)
        bus.servos[4].memory["operating_mode"] = 4
        bus.servos[6].memory["return_delay"] = 250
        bus.servos[2].fail(1 << 5)
        bus.servos[7].temperature = 65
        bus.servos[9].voltage = 100
        bus.servos[1].memory["bus_watchdog"] = 0xFF
    report = doctor(line, capsys, 1)
    assert report["missing"] == ["wrist_rotate"]
    text = {f["what"]: (f["level"], f["fix"]) for f in report["findings"]}
    found = " | ".join(text)
    for words in (
        "wrist_rotate (ID 8) cannot be used",
        "elbow (ID 4) has operating_mode 4, expected 3",
        "forearm_roll (ID 6) has return_delay 250",
        "shoulder: overloaded",
        "wrist_angle is at 65 degrees C",
        "gripper gets 10.0 V",
        "watchdog of waist has tripped",
    ):
        assert words in found
    assert all(fix for _, fix in text.values())


def test_doctor_says_when_nothing_answers(make_line, capsys):
    line = make_line()
    with line.line.locked() as bus:
        bus.faults.pulled = True
    assert cli.main(["doctor", "--port", line.path, "--json", "--answer-ms", "2"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert [f["what"] for f in report["findings"]] == ["no servo answers"]


def test_doctor_notes_firmware_without_a_watchdog(make_line, capsys):
    report = doctor(make_line(firmware=30), capsys, 0)
    assert len(report["findings"]) == 9
    assert "without a bus watchdog" in report["findings"][0]["what"]


def test_doctor_writes_eeprom_only_when_asked(make_line, capsys):
    line = make_line(torque=False)
    with line.line.locked() as bus:
        bus.servos[4].memory["operating_mode"] = 4
    doctor(line, capsys, 1)
    assert line.bus.servos[4].memory["operating_mode"] == 4
    assert main(["doctor", "--port", line.path, "--write-eeprom"]) == 0
    assert line.bus.servos[4].memory["operating_mode"] == 3
    assert "written: elbow" in capsys.readouterr().out


def test_a_port_that_cannot_be_used_is_exit_code_2(make_line, capsys, monkeypatch):
    assert main(["doctor", "--port", "/dev/ttyNOTHERE"]) == 2
    assert "plugged in" in capsys.readouterr().err
    monkeypatch.setattr("crl_robot.widowx.doctor.serial_ports", lambda: [("/dev/ttyS0", False, "modem")])
    assert main(["doctor"]) == 2
    assert "no servo adapter" in (err := capsys.readouterr().err)
    assert "/dev/ttyS0 (modem)" in err


def test_the_only_adapter_is_found_by_itself(make_line, capsys, monkeypatch):
    line = make_line()
    monkeypatch.setattr("crl_robot.widowx.doctor.serial_ports", lambda: [(line.path, True, "U2D2")])
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["port"] == line.path


def test_a_slow_latency_timer_is_noted(make_line, capsys, monkeypatch):
    monkeypatch.setattr("crl_robot.widowx.doctor.latency_timer_ms", lambda _: 16)
    report = doctor(make_line(), capsys, 0)
    assert report["latency_timer_ms"] == 16
    assert "16 ms" in report["findings"][0]["what"]


def test_jog_moves_one_joint_by_so_many_degrees(make_line, capsys):
    line = make_line()
    assert main(["jog", "elbow", "-3", "--port", line.path, "--speed", "20", "--yes"]) == 0
    wanted = START.copy()
    wanted[2] += np.radians(-3)
    np.testing.assert_allclose(line.joints()[:6], wanted[:6], atol=0.01)
    assert line.torques() == {1}
    assert "holds with its torque on" in capsys.readouterr().out


def test_jog_opens_the_gripper(make_line):
    line = make_line()
    assert main(["jog", "gripper", "1", "--port", line.path, "--yes"]) == 0
    assert line.joints()[6] == pytest.approx(1.268, abs=0.1)


def test_nothing_moves_without_a_yes(make_line, monkeypatch):
    line = make_line()
    monkeypatch.setattr("builtins.input", lambda _: "no")
    for words in (["jog", "elbow", "5"], ["home"], ["release"], ["reboot", "elbow"], ["clear"]):
        assert main([*words, "--port", line.path]) == 1
    np.testing.assert_allclose(line.joints(), START, atol=2e-3)
    assert line.torques() == {1}


def test_home_goes_to_a_pose_of_the_table(make_line):
    line = make_line()
    assert main(["home", "--pose", "sleep", "--speed", "60", "--port", line.path, "--yes"]) == 0
    np.testing.assert_allclose(line.joints()[:6], [0, -1.8, 1.55, 0, 0.8, 0], atol=0.01)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["jog", "elbo", "5"], "did you mean 'elbow'"),
        (["jog", "elbow", "400"], "joint 'elbow' would go"),
        (["home", "--pose", "hom"], "did you mean 'home'"),
        (["home", "--speed", "500"], "at most 60"),
        (["reboot", "elbo"], "did you mean 'elbow'"),
        (["jog", "elbow", "5", "--arm", "wx999"], "no servo table"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_hint(make_line, capsys, words, message):
    line = make_line()
    assert main([*words, "--port", line.path, "--yes"]) == 2
    assert message in capsys.readouterr().err


def test_release_reboot_and_clear_do_what_they_say(make_line):
    line = make_line()
    with line.line.locked() as bus:
        bus.servos[7].fail(1 << 5)
        bus.servos[1].memory["bus_watchdog"] = 0xFF
    assert main(["clear", "--port", line.path, "--yes"]) == 0
    assert main(["reboot", "wrist_angle", "--port", line.path, "--yes"]) == 0
    assert line.torques() == {1}
    assert main(["release", "--port", line.path, "--yes"]) == 0
    assert line.torques() == {0}


def test_the_emulator_runs_as_a_process_of_its_own(tmp_path, capsys):
    link = tmp_path / "ttyDXL"
    command = [sys.executable, "-m", "crl_robot.emulators.servo_bus", "--link", str(link), "--missing", "9"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("/dev/")
        assert main(["doctor", "--port", str(link), "--json"]) == 1
        assert json.loads(capsys.readouterr().out)["missing"] == ["gripper"]
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert not link.is_symlink()
