"""crl-bench goals: goals are changed at random moments while the arm moves, garbage among them.

The simulated graph runs: sim and policy node. For every action that went to the arm another process asks the same
checkpoint towards which goal it was: it must be one that the policy has taken, the present one or, while they change,
the one before.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from crl_learning.assets import checkpoint_folder
from crl_learning.campaigns.explaining import Explainer
from crl_learning.campaigns.goal_offers import Offer, Offers
from crl_learning.campaigns.goals_report import Outcome, facts_of, write_report
from crl_learning.campaigns.usage import UsageLog
from crl_learning.runtime.settings import UNATTENDED
from crl_robot.errors import ConfigError
from crl_robot.goal_image import goal_from_array, goal_from_bytes
from crl_robot.graph import Graph, GraphError, NodeCommand, Parameter
from crl_robot.sim.env import SimEnv

if TYPE_CHECKING:
    from crl_learning.nodes.goals_client import Answer, GoalsClient

PICTURES = 12
"""Goals that can be acted towards, each of another episode."""
LONGEST_PAUSE_S = 0.4
BEGIN_S = 120.0
ACTING: dict[str, Parameter] = {**UNATTENDED, "start_on_activate": False, "checks": "refuse"}


def run(
    n: int = 1000,
    seed: int = 0,
    out: Path | None = None,
    task: str = "push",
    checkpoint: str = "",
    on_outcome: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Offer ``n`` goals, one after another; returns flat facts.

    Args:
        n: number of offers.
        seed: of kinds, pictures and moments.
        out: folder that gets a line for each offer (offers.csv), the samples (usage.csv), a plot and the nodes' logs.
        task: whose scene is simulated.
        checkpoint: folder of the policy; empty: models/<task>.
        on_outcome: called after each.

    Raises:
        ConfigError: a value is out of range.
        GraphError: a node ended or did not answer.
    """
    if not 1 <= n <= 1_000_000:
        raise ConfigError(f"n is {n}, expected 1 to 1000000 goals")
    checkpoint = checkpoint or f"models/{task}"
    explainer = Explainer(checkpoint_folder(checkpoint))
    rng = np.random.default_rng(seed)
    offers = Offers(task_goals(task, explainer.camera, PICTURES), rng)
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crl-bench-")))
        graph = stack.enter_context(Graph(goals_nodes(task, checkpoint, explainer.camera), folder))
        from crl_learning.nodes.goals_client import GoalsClient

        client = stack.enter_context(GoalsClient(graph.env, explainer.camera, graph.check))
        campaign = _Campaign(client, explainer, UsageLog(lambda: graph.pid("policy")))
        campaign.begin(task, seed, offers)
        for _ in range(n):
            campaign.offer(offers.draw(), float(rng.uniform(0, LONGEST_PAUSE_S)))
            on_outcome()
        campaign.end()
        facts = facts_of(campaign.outcomes, campaign.usage, client, explainer.rate_hz)
    facts |= {"seed": seed, "task": task, "checkpoint": checkpoint}
    if out is not None:
        write_report(out, campaign.outcomes, campaign.usage, client.timing)
    return facts


def goals_nodes(task: str, checkpoint: str, camera: str) -> list[NodeCommand]:
    """The simulated arm and the policy, which refuses goals unlike its training data."""
    return [
        NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", {"task": task, "cameras": [camera]}),
        NodeCommand(
            "policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", {"checkpoint": checkpoint, **ACTING}
        ),
    ]


def task_goals(task: str, camera: str, count: int) -> list[NDArray[np.uint8]]:
    """Goal images of so many episodes of a task, as the simulated camera sees them."""
    with SimEnv(task, (camera,)) as env:
        goals = []
        for seed in range(count):
            env.reset(np.random.default_rng(seed))
            goals.append(env.goal_image(camera))
    return goals


class _Campaign:
    """Offers goals to a running policy and judges what it did meanwhile."""

    def __init__(self, client: GoalsClient, explainer: Explainer, usage: UsageLog) -> None:
        self._client, self._explainer = client, explainer
        self.usage = usage
        self.outcomes: list[Outcome] = []
        self._begin_s = 0.0
        self._in_force: list[NDArray[np.uint8]] = []
        """The present goal first, then the one before."""

    def begin(self, task: str, episode_seed: int, offers: Offers) -> None:
        """The arm moves towards a first goal."""
        client = self._client
        client.wait_for_simulation()
        client.wait_for_policy()
        client.wait_for_ways()
        client.reset(task, episode_seed)
        first = offers.good["rgb8"](offers.goals[0])
        answer = client.offer(first)
        if not answer.taken:
            raise GraphError(f"the policy did not take the first goal: {answer.sentence}")
        self._in_force = [self._seen(first)]
        client.start_policy()
        client.wait(client.acts, BEGIN_S, "first action")
        client.timing.clear()
        client.sent_ns.clear()
        self._begin_s = time.monotonic()

    def offer(self, offer: Offer, pause_s: float) -> None:
        """Wait so long, then offer."""
        self._client.wait_for(pause_s)
        at_s = time.monotonic() - self._begin_s
        answer = self._client.offer(offer)
        goals = ([self._seen(offer)] if answer.taken else []) + self._in_force
        self._judge(offer, answer, goals, at_s)
        self._in_force = goals[:2]
        self.usage.look()

    def end(self) -> None:
        """The policy falls silent."""
        self._client.stop_policy()
        self._client.disable_arm()

    def _judge(self, offer: Offer, answer: Answer, goals: list[NDArray[np.uint8]], at_s: float) -> None:
        ticks = self._client.acted_ticks()
        heard = [(tick.values, tick.image) for tick in ticks if tick.image is not None]
        explained = [self._explainer.explain(values, image, goals) for values, image in heard]
        words = {True: "taken", False: "refused", None: ""}[answer.taken]
        strays, unjudged = explained.count(None), len(ticks) - len(heard)
        offered = (offer.kind, offer.way, offer.expected)
        self.outcomes.append(
            Outcome(at_s, *offered, words, answer.after_ms, len(ticks), strays, unjudged, answer.sentence)
        )

    def _seen(self, offer: Offer) -> NDArray[np.uint8]:
        """The picture of a goal that was taken, uint8 (H, W, 3) at the camera's native size."""
        native = self._explainer.native
        if offer.way == "capture":
            assert self._client.native is not None
            return self._client.native
        if offer.picture is not None:
            return goal_from_array(offer.picture, native, offer.kind).image
        return goal_from_bytes(offer.data, native, offer.kind).image
