import ast
import re
import runpy
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import setuptools

ROOT = Path(__file__).parents[2]
PACKAGES = {"crl_robot": "robot", "crl_data": "data_collection", "crl_learning": "learning", "crl_bringup": "launch"}
ROS_MODULES = re.compile(r"rclpy|launch|launch_ros|ament_index_python|rcl_interfaces|\w+_msgs|std_srvs|crl_\w+")

each_package = pytest.mark.parametrize("package", PACKAGES)


@pytest.fixture
def settings(package: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the package's setup.py gives to setuptools.setup."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", lambda **keywords: given.update(keywords))
    monkeypatch.chdir(ROOT / PACKAGES[package])
    runpy.run_path("setup.py")
    return given


def manifest(package: str) -> ElementTree.Element:
    return ElementTree.parse(ROOT / PACKAGES[package] / "package.xml").getroot()


def imported_modules(folder: Path) -> set[str]:
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module)
    return {name.split(".")[0] for name in names}


@each_package
def test_a_package_has_one_name_and_version_everywhere(package: str, settings: dict[str, Any]):
    assert manifest(package).get("format") == "3"
    assert manifest(package).findtext("name") == settings["name"] == package
    assert manifest(package).findtext("version") == settings["version"]
    assert f'version = "{settings["version"]}"' in (ROOT / "pyproject.toml").read_text()
    assert (ROOT / PACKAGES[package] / "resource" / package).is_file()
    assert f"install_scripts=$base/lib/{package}" in (ROOT / PACKAGES[package] / "setup.cfg").read_text()


@each_package
def test_a_manifest_is_one_that_colcon_takes_for_a_ros_package(package: str):
    maintainer = manifest(package).find("maintainer")
    assert maintainer is not None
    assert re.fullmatch(r"[\w.+-]+@[\w-]+(\.[\w-]+)+", maintainer.get("email", ""))
    assert manifest(package).findtext("license") == "MIT"
    assert manifest(package).findtext("export/build_type") == "ament_python"


@each_package
def test_a_package_declares_every_ros_package_it_imports(package: str):
    declared = {element.text for element in manifest(package).findall("exec_depend")}
    used = {name for name in imported_modules(ROOT / PACKAGES[package]) if ROS_MODULES.fullmatch(name)}
    assert used - {package} <= declared


@each_package
def test_a_package_installs_files_that_exist(package: str, settings: dict[str, Any]):
    folder = ROOT / PACKAGES[package]
    for target, sources in settings["data_files"]:
        assert not Path(target).is_absolute()
        assert all((folder / source).is_file() for source in sources)


@pytest.mark.parametrize(
    ("package", "executables"),
    [
        ("crl_robot", {"arm", "camera", "replay_cameras", "sim"}),
        ("crl_data", {"gamepad", "keyboard", "recorder", "session", "spacemouse", "teleop"}),
        ("crl_learning", {"page", "policy"}),
    ],
)
def test_every_executable_of_a_package_can_be_imported(package: str, executables: set[str], settings: dict[str, Any]):
    targets = dict(entry.split(" = ") for entry in settings["entry_points"]["console_scripts"])
    assert executables <= set(targets)
    for target in targets.values():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function))


@pytest.mark.parametrize("package", ["crl_bringup"])
def test_the_bringup_package_installs_the_gamepads_layouts(package: str, settings: dict[str, Any]):
    installed = {f"{target}/{Path(source).name}" for target, sources in settings["data_files"] for source in sources}
    share = f"share/{package}/configs/teleop"
    assert {f"{share}/{name}.yaml" for name in ("plain", "playstation", "xbox")} <= installed


@pytest.mark.parametrize("package", ["crl_robot"])
def test_the_robot_package_carries_the_models_of_the_simulation(package: str, settings: dict[str, Any]):
    (pattern,) = settings["package_data"][package]
    files = {path.name for path in (ROOT / "robot" / package).glob(pattern)}
    assert {"scene.xml", "wx250s.xml"} <= files


@pytest.mark.parametrize("package", ["crl_bringup"])
def test_the_bringup_package_installs_launch_files_and_configs_and_no_python(package: str, settings: dict[str, Any]):
    installed = {f"{target}/{Path(source).name}" for target, sources in settings["data_files"] for source in sources}
    share = f"share/{package}"
    assert {f"{share}/launch/{name}.launch.py" for name in ("policy", "robot", "sim", "collect")} <= installed
    parameters = ("arm", "sim", "page", "policy", "recorder", "teleop", "cameras")
    assert {f"{share}/configs/ros/{name}.yaml" for name in parameters} <= installed
    assert f"{share}/configs/ros/fastdds.xml" in installed
    assert settings["packages"] == []
    assert not list((ROOT / "launch").rglob("__init__.py")), "it would shadow ROS's own launch"


@pytest.mark.parametrize("path", sorted((ROOT / "launch" / "launch").glob("*.launch.py")), ids=lambda path: path.name)
def test_every_launch_argument_explains_itself(path: Path):
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    declared = [call for call in calls if getattr(call.func, "id", "") == "DeclareLaunchArgument"]
    assert declared or "IncludeLaunchDescription" in path.read_text()
    for call in declared:
        assert {"default_value", "description"} <= {keyword.arg for keyword in call.keywords}
