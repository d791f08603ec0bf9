"""Running graphs that the operator's page is clicked beside, and ears that hear what the clicks do there."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from page_browser import DEADLINE_S, Browser
from std_msgs.msg import Bool, String

from crl_robot.graph import Graph, NodeCommand
from crl_robot.nodes.graph_client import GraphClient
from crl_robot.nodes.messages import LATCHED_QOS

ADDRESS = re.compile(r"operator page: (http://\S+)")
SIM = NodeCommand("sim", "crl_robot.nodes.sim_node", "ros/sim.yaml", {"enable_on_start": False})
PAGE = NodeCommand("page", "crl_learning.nodes.page_node", "ros/page.yaml", {"port": 0, "answer_s": 5.0})
# A busy machine delivers old images; what is tested here is the page.
PATIENT = {"max_age_ms": 10_000.0, "align_ms": 10_000.0}
RECORDING = {"cameras": ["over_shoulder"], "max_age_s": 10.0, "align_tolerance_s": 1.0, "min_free_mb": 1}


def recorder(store):
    record = RECORDING | {"store": str(store), "steps_from": "clock"}
    return NodeCommand("recorder", "crl_data.nodes.recorder_node", "ros/recorder.yaml", record)


def policy(goals):
    acting = {"checkpoint": "null", "start_on_activate": False, "goal": goals} | PATIENT
    return NodeCommand("policy", "crl_learning.nodes.policy_node", "ros/policy.yaml", acting)


def run_recorder(runs):
    record = RECORDING | {"runs": str(runs), "verdict_s": 600.0}
    return NodeCommand("runs", "crl_learning.nodes.run_recorder_node", "ros/run_recorder.yaml", record)


class Ears(GraphClient):
    """The newest status of each node, how many came, and a panel with an e-stop."""

    def __init__(self, graph):
        super().__init__("ears", graph.env, graph.check)
        self.heard = {f"{name}/status": {} for name in ("arm", "policy", "run", "recorder")}
        self.count = 0
        for topic in self.heard:
            self.node.create_subscription(String, topic, self._keep(topic), LATCHED_QOS)
        self._panel = self.node.create_publisher(Bool, "arm/estop_input", LATCHED_QOS)

    async def until(self, name, condition, seconds=DEADLINE_S):
        """The status of that node, as soon as it is so."""
        status = f"{name}/status"

        def words():
            return f"such a {status}, it is {self.heard[status]}"

        def there():
            return bool(self.heard[status]) and condition(self.heard[status])

        await asyncio.to_thread(self.wait, there, seconds, words)
        return self.heard[status]

    def hold_stop(self, pressed):
        """Press or release the e-stop of a panel."""
        self._panel.publish(Bool(data=pressed))

    def expect_deaths(self):
        """Nodes may end from now on."""
        self._check = lambda: None

    def _keep(self, topic):
        def keep(msg):
            self.count += 1
            self.heard[topic] = json.loads(msg.data)

        return keep


@dataclass
class Desk:
    """A graph with an open page."""

    graph: Graph
    address: str
    page: Browser
    ears: Ears
    killed: set = field(default_factory=set)

    def kill(self, name):
        self.ears.expect_deaths()
        self.graph.kill(name)
        self.killed.add(name)


@asynccontextmanager
async def running(browse, nodes, logs):
    """Nodes and the page beside the simulated arm; all that was not killed must end well."""
    with Graph([SIM, *nodes], logs, patience_s=30.0) as graph:
        address = await address_of(graph)
        with Ears(graph) as ears:
            async with browse(address) as page:
                desk = Desk(graph, address, page, ears)
                yield desk
                assert desk.killed or not page.complaints, page.complaints
        codes = graph.stop()
    assert {code for name, code in codes.items() if name not in desk.killed} == {0}, codes


async def address_of(graph):
    end = asyncio.get_running_loop().time() + DEADLINE_S
    while asyncio.get_running_loop().time() < end:
        graph.check()
        found = ADDRESS.search(graph.log_path("page").read_text())
        if found:
            return found[1]
        await asyncio.sleep(0.1)
    raise AssertionError("the page did not start")
