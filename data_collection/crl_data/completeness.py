"""Has an episode that is about to be committed all that its store declares, in arrays that go together?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from numpy.typing import NDArray

from crl_data.told import GOALS
from crl_robot.errors import StoreError

_OF_OTHER_LENGTH = ("streams/", f"{GOALS}/")
"""Arrays that have not one row a step."""


def require_complete(
    name: str,
    required: Collection[str],
    arrays: Mapping[str, NDArray[Any]],
    pictures: Mapping[str, int],
    steps: int,
) -> None:
    """Raise StoreError when an episode of so many steps lacks arrays, or has some of unlike lengths.

    Args:
        name: of the episode, for messages.
        pictures: how many pictures of goals there are, by path.
    """
    missing = [array for array in required if array not in arrays]
    if missing:
        raise StoreError(f"{name} lacks {', '.join(missing)}, which its store declares")
    if not steps:
        raise StoreError(f"{name} has no steps; there is nothing to commit")
    wrong = {n: len(a) for n, a in arrays.items() if not n.startswith(_OF_OTHER_LENGTH) and len(a) != steps}
    if wrong:
        raise StoreError(f"{name} has {steps} steps, but arrays of other lengths: {wrong}")
    rows = {path: len(array) for path, array in arrays.items() if path.startswith(_OF_OTHER_LENGTH)} | dict(pictures)
    for group in {_group_of(path) for path in rows}:
        lengths = {path: length for path, length in rows.items() if _group_of(path) == group}
        if len(set(lengths.values())) > 1:
            raise StoreError(f"{name} has arrays in {group} of unlike lengths: {lengths}")


def _group_of(path: str) -> str:
    """What is of one length: the goals with all their pictures, or the arrays of one stream."""
    return GOALS if path.startswith(f"{GOALS}/") else path.rpartition("/")[0]
