"""How scripted play looks; apart from the play itself, because command lines show the defaults in their help."""

from __future__ import annotations

from dataclasses import dataclass

TABLE_PLAY, KITCHEN_PLAY, STITCH_PLAY, EVERYTHING = "play", "play_kitchen", "play_stitch", "all"
PLAYS = (TABLE_PLAY, KITCHEN_PLAY, STITCH_PLAY, EVERYTHING)
"""Play in the scene with one can, in the kitchen, in pieces that must be stitched, and in the first two in turn."""
TASK_NAMES = (
    "reach",
    "push",
    "pick_place",
    "drawer",
    "pick_place_table",
    "pick_place_drawer",
    "push_open_drawer",
    "push_close_drawer",
)
"""The tasks of all robots, for command lines that shall not wait for MuJoCo; a robot may lack some."""


@dataclass(frozen=True)
class PlayOptions:
    """How play looks; probabilities per tick or per choice, lengths in m per control tick of the WidowX.

    A robot whose steps are limited to less gets lengths that are less by the same factor.

    Attributes:
        push_share: probability that the next thing to do is a push rather than a reach.
        repush_share: probability that a push is followed by another at once, without lifting the tool.
        noise: standard deviation of the Gaussian noise on each axis.
        detour_share: probability per tick that a detour begins.
        detour_step: largest step of a detour along each axis.
    """

    push_share: float = 0.6
    repush_share: float = 0.3
    noise: float = 0.006
    detour_share: float = 0.02
    detour_step: float = 0.035
