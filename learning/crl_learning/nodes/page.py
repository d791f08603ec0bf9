"""The operator's page as a ROS node: listens to arm, policy, cameras and recorder, and calls what the buttons ask for.

It moves nothing by itself, and the robot does not need it: when it ends, everything else goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crl_data.local_page import token_for
from crl_learning.nodes.page_robot import PageRobot
from crl_learning.nodes.page_topics import FIND_PERIOD_S, WATCH_PERIOD_S, PageTopics
from crl_learning.page.board import Board
from crl_learning.page.server import make_app
from crl_learning.page.serving import Serving
from crl_robot.nodes.common import CrlNode


class PageNode(CrlNode):
    """Serves one page; its address is in the log."""

    def __init__(self) -> None:
        super().__init__("page")
        self._host = self.setting(
            "host", "localhost", "where to listen; other than localhost needs the token of the printed address"
        )
        self._port = self.setting("port", 8650, "0 takes a free one", 0, 65_535)
        self._token = self.setting("token", "", "of an address other than localhost; '' makes one up at each start")
        self._camera = self.setting("camera", "over_shoulder", "camera that is shown first; the page finds the others")
        self._rate_hz = self.setting("picture_hz", 12.0, "live pictures a second at most", 1.0, 20.0)
        self._quality = self.setting("jpeg_quality", 80, "of the live pictures", 1, 100)
        self._answer_s = self.setting("answer_s", 15.0, "silence of a service that counts as a failure", 1.0, 120.0)
        self._serving: Serving | None = None
        self._address = ""

    def open_all(self) -> None:
        """Listen to the graph, then to browsers."""
        board = Board()
        board.cameras = (self._camera,)
        self._topics = PageTopics(self, board, self._rate_hz, self._quality)
        self._robot = PageRobot(self, board, self._answer_s)
        self.create_timer(WATCH_PERIOD_S, lambda: self._topics.watch(self._robot.viewers))
        self.create_timer(FIND_PERIOD_S, self._topics.find_cameras)
        token = token_for(self._host)
        token = token and (self._token or token)
        self._serving = Serving(make_app(board, self._robot, token), self._host, self._port, token)
        self._address = self._serving.start()
        self.get_logger().info(f"operator page: {self._address}")

    def close_all(self) -> None:
        """Let the browsers go."""
        if self._serving is not None:
            self._serving.stop()
        self._serving = None

    def diagnose(self) -> tuple[bool, str, Mapping[str, Any]]:
        """Where it is and how many browsers watch; never the token."""
        if self._serving is None:
            return True, "not configured", {}
        return True, f"serving {self._address.partition('?')[0]}", {"viewers": self._robot.viewers}
