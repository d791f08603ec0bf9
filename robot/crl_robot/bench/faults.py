"""crl-bench faults: everything that goes wrong, at random moments, with the real arm node on the emulated WidowX.

The arm's node runs as a process and speaks to the servos of an emulated bus with the timing of 1 Mbps; a command source
moves it over ROS. An independent judge (`crl_robot.bench.judge`) looks at the emulated servos themselves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from crl_robot.bench import rows_bus, rows_commands, rows_process, rows_sessions, rows_twist
from crl_robot.bench.campaign import Campaign, Outcome
from crl_robot.bench.device import Device
from crl_robot.bench.faults_report import facts_of, write_report
from crl_robot.bench.known_arm import START_JOINTS
from crl_robot.bench.rig import ARM_MODULE, ArmProcess, Rig, Session
from crl_robot.bench.row import Row
from crl_robot.bench.rows_sessions import SESSIONS
from crl_robot.errors import ConfigError, nearest
from crl_robot.graph import Graph, NodeCommand

_CRANK_RAD = 0.3


def all_rows() -> list[Row]:
    """Every row of the campaign."""
    kinds = (rows_commands, rows_twist, rows_bus, rows_process, rows_sessions)
    return [row for kind in kinds for row in kind.rows()]


def run(
    n: int = 1000,
    seed: int = 0,
    out: Path | None = None,
    only: Sequence[str] = (),
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> dict[str, Any]:
    """Inject ``n`` faults, each row about equally often; returns flat facts.

    Args:
        n: number of injections.
        seed: of the order of rows, the moments, and what each injects.
        out: folder that gets a row for each injection (injections.csv), a plot (reactions.png) and the nodes' logs.
        only: names of the rows to inject; empty for all.
        on_outcome: told each.

    Raises:
        ConfigError: a value is out of range, or no row has that name.
        CampaignError: the arm cannot be brought to move between injections.
    """
    chosen = _chosen(n, only)
    rng = np.random.default_rng(seed)
    campaign = Campaign(on_outcome)
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crl-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        env = stack.enter_context(Graph([], folder)).env
        device = stack.enter_context(Device((*START_JOINTS, _CRANK_RAD), seed))
        for session, rows in by_session(chosen, n, rng):
            _run_session(campaign, session, rows, device, folder / session.name, env, rng)
        facts = facts_of(campaign.outcomes) | {"seed": seed}
        if out is not None:
            write_report(out, campaign.outcomes)
    return facts


def _chosen(n: int, only: Sequence[str]) -> list[Row]:
    known = {row.name: row for row in all_rows()}
    for name in only:
        if name not in known:
            raise ConfigError(f"no row of the campaign is named '{name}'; {nearest(name, known)}")
    if not 1 <= n <= 1_000_000:
        raise ConfigError(f"n is {n}, expected 1 to 1000000 injections")
    return [known[name] for name in only] or list(known.values())


def by_session(rows: Sequence[Row], n: int, rng: np.random.Generator) -> Iterable[tuple[Session, list[Row]]]:
    """``n`` injections, every row as often as the others give or take one, shuffled within its session."""
    order = rng.permutation(len(rows))
    drawn = [rows[order[i % len(rows)]] for i in range(n)]
    for session in SESSIONS:
        mine = [row for row in drawn if row.session == session.name]
        if mine:
            yield session, [mine[i] for i in rng.permutation(len(mine))]


def _run_session(
    campaign: Campaign,
    session: Session,
    rows: Sequence[Row],
    device: Device,
    folder: Path,
    env: Mapping[str, str],
    rng: np.random.Generator,
) -> None:
    from crl_robot.bench.nodes.fault_client import WAY_POINTS, FaultClient

    parameters = {"robot": "wx250s", "port": str(device.port)} | dict(session.parameters)
    process = ArmProcess(NodeCommand("arm", ARM_MODULE, parameters=parameters), folder, env)
    with FaultClient(env, rng) as client:
        client.own_clock, client.way_points = session.own_clock, session.way_points or WAY_POINTS
        rig = Rig(device, process, client, session, rng)
        device.drain()
        try:
            campaign.run(rig, rows)
        finally:
            process.stop()
