"""`crl-data import` and `export`: other projects' data sets in and out."""

from __future__ import annotations

import argparse
import importlib
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crl_data.verbs.common import STOPPED_BETWEEN, Verbs
from crl_data.words import counted

if TYPE_CHECKING:
    from crl_data.exchange.importing import ImportReport

FORMATS = {
    "bridge": ("crl_data.exchange.bridge", "import_bridge"),
    "lerobot": ("crl_data.exchange.lerobot_import", "import_lerobot"),
    "diffusion-policy": ("crl_data.exchange.diffusion_policy", "import_diffusion_policy"),
    "rosbag": ("crl_data.exchange.rosbag", "import_rosbag"),
}

_IMPORT = """Take the episodes of another format into a store, which is made when it does not exist.

  bridge            BridgeData V2 as recorded: a folder with .../traj_group0/traj0/{images0,obs_dict.pkl,...} below it
  lerobot           a LeRobot data set of version 3
  diffusion-policy  a replay buffer of diffusion_policy, a zarr folder or .zarr.zip
  rosbag            a rosbag2 bag (folder, .mcap, .db3), or a folder of bags

What the source does not say itself is said by a mapping: a YAML file (--map), flags, or both; flags win. Nothing is
guessed. Where a choice is missing, the command ends, lists the choices and names the flag. Episodes that are in the
store already are skipped, so the same command continues an import that was stopped.

  crl-data import bridge raw/ bridge.zarr --camera images0=over_shoulder
  crl-data import diffusion-policy pusht.zarr.zip out.zarr --map pusht.yaml --robot ur5 --rate 10
  crl-data import rosbag bags/ out.zarr --map topics.yaml --skip-damaged
  crl-data import lerobot aloha/ out.zarr --map aloha.yaml --set 'action.gripper.open=1.0'

Exit code: 0 done, 2 refused, or stopped at a damaged episode; --skip-damaged names it and goes on.
docs/exchange.md shows a mapping file.
"""


def add(verbs: Verbs) -> None:
    """Add the verbs that exchange data with other formats."""
    _add_import(verbs)
    _add_export(verbs)


def _add_import(verbs: Verbs) -> None:
    taking = verbs.add_parser(
        "import",
        help="take another format's episodes into a store",
        description=_IMPORT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    taking.add_argument("format", choices=FORMATS)
    taking.add_argument("source", type=Path, help="folder or file to read; it is never changed")
    taking.add_argument("out", type=Path, help="store to add to, e.g. out.zarr")
    taking.add_argument("--map", type=Path, metavar="FILE", help="mapping as a YAML file")
    taking.add_argument(
        "--camera", action="append", default=[], metavar="SOURCE=NAME", help="take this camera under this name; repeat"
    )
    taking.add_argument("--robot", help="name of the robot that moved")
    taking.add_argument("--rate", type=float, metavar="HZ", help="control rate; actions are changes per step at it")
    taking.add_argument("--reference", metavar="WHAT", help="what actions are added to: previous_target or measured")
    taking.add_argument("--frame", help="frame of the actions; only base can be imported")
    taking.add_argument("--labels", metavar="WHICH", help="what the source's actions are: commanded or achieved")
    taking.add_argument(
        "--encoding", help="how to keep images: jpeg (default; JPEG files stay as they are) or lossless"
    )
    taking.add_argument("--quality", type=int, help="of JPEG, 1 to 100 (default 95)")
    taking.add_argument("--action-shift", metavar="0|1|by-date", help="bridge: steps by which images lag the actions")
    taking.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="any key of the mapping, dotted; repeat"
    )
    taking.add_argument("--skip-damaged", action="store_true", help="go on after a damaged episode")
    taking.add_argument("--quiet", action="store_true", help="no progress bar")
    taking.set_defaults(run=_import, stopped=STOPPED_BETWEEN)


def _import(arguments: argparse.Namespace) -> int:
    from crl_data.exchange.errors import MappingError
    from crl_data.exchange.mapping_file import from_settings, mapping_from_dict, merged, read_mapping_file

    if not arguments.source.exists():
        raise MappingError(f"{arguments.source} does not exist; name the folder or file to import")
    module_name, function = FORMATS[arguments.format]
    module = _module(module_name)
    data: dict[str, Any] = dict(getattr(module, "PRESET", {}))
    if arguments.map:
        data = merged(data, read_mapping_file(arguments.map))
    data = merged(merged(data, _flags(arguments)), from_settings(arguments.set))
    mapping = mapping_from_dict(data, getattr(module, "OPTIONS", ()))
    report: ImportReport = getattr(module, function)(
        arguments.source,
        mapping,
        arguments.out,
        skip_damaged=arguments.skip_damaged,
        progress=not arguments.quiet,
    )
    return _tell(report, arguments.out, arguments.skip_damaged)


def _module(name: str) -> ModuleType:
    """A module of ours that may need a package of the extra 'exchange'. Raises MappingError when that is missing."""
    from crl_data.exchange.errors import MappingError

    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MappingError(f"this needs the package '{error.name}'; install it: pip install {error.name}") from error


def _flags(arguments: argparse.Namespace) -> dict[str, Any]:
    from crl_data.exchange.errors import MappingError

    names = ("robot", "rate", "reference", "frame", "labels", "encoding", "quality", "action_shift")
    flags = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    for word in arguments.camera:
        source, equals, name = word.rpartition("=")
        if not equals:
            raise MappingError(f"--camera {word} is not of the form SOURCE=NAME, e.g. images0=over_shoulder")
        flags.setdefault("cameras", {})[source] = name
    return flags


def _tell(report: ImportReport, out: Path, skipping: bool) -> int:
    for name, reason in report.damaged.items():
        print(f"damaged, not imported: {name}: {reason}")
    for remark in report.remarks:
        print(f"note: {remark}")
    if report.clipped:
        print(f"note: {report.clipped} gripper values beyond open or closed were moved to the end")
    print(
        f"{out}: {counted(len(report.imported), 'episode')} with {counted(report.steps, 'step')} imported, "
        f"{len(report.present)} were there already, {len(report.damaged)} damaged"
    )
    return 2 if report.damaged and not skipping else 0


def _add_export(verbs: Verbs) -> None:
    giving = verbs.add_parser(
        "export",
        help="write a store in another format",
        description="Write a store as a LeRobot data set of version 3, with image features, so that frames stay equal.",
    )
    giving.add_argument("format", choices=("lerobot",))
    giving.add_argument("store", type=Path)
    giving.add_argument("out", type=Path, help="folder to write; must not exist")
    giving.add_argument(
        "--labels", choices=("commanded", "achieved"), help="actions to write (default: commanded if there)"
    )
    giving.add_argument("--episode", action="append", metavar="ID", help="write this episode only; repeat")
    giving.add_argument(
        "--frames",
        choices=("png", "stored"),
        default="png",
        help="png (default), or stored: the store's JPEG files as they are, smaller and equal after an import",
    )
    giving.add_argument("--task", help="what was to be done, as LeRobot's language instruction")
    giving.add_argument("--quiet", action="store_true", help="no progress bar")
    giving.set_defaults(run=_export, stopped="stopped; nothing was written")


def _export(arguments: argparse.Namespace) -> int:
    from crl_data.store import Store

    export_lerobot = _module("crl_data.exchange.lerobot_export").export_lerobot

    store = Store.open(arguments.store)
    written = export_lerobot(
        store,
        arguments.out,
        labels=arguments.labels or store.spec.labels[0],
        frames=arguments.frames,
        ids=arguments.episode,
        task=arguments.task,
        progress=not arguments.quiet,
    )
    print(f"{written}: {counted(len(arguments.episode or store), 'episode')} written")
    return 0
