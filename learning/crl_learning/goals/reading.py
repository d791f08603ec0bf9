"""From the words of a launch argument to goal images: a file, a folder or a list as stages, or a recorded frame.

goal:=photo.png                      one goal
goal:=first.png,second.png           two stages, in this order
goal:=stages/                        the images of a folder, in the order of their names
goal:=data.zarr#EPISODE:FRAME        frame 0, 1, ... of an episode; -1 is its last one
goal:=shoulder.png+wrist.png         one goal of several cameras, in the order in which the checkpoint sees them
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from crl_learning.views import Views
from crl_robot.errors import GoalImageError, StoreError
from crl_robot.goal_image import GoalImage, goal_from_array, load_goal_image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm")
MAX_STAGES = 100
_RECORDED = re.compile(r"(?P<store>.+)#(?P<episode>[^#:]+):(?P<frame>-?\d+)")


def read_goals(words: str, views: Views) -> tuple[GoalImage, ...]:
    """The goal images that ``words`` name, in order, at native size; none for an empty text.

    Args:
        views: which cameras see them.

    Raises:
        GoalImageError: one of them cannot be a goal, or there are more than MAX_STAGES.
    """
    sources = [source for part in words.split(",") if part.strip() for source in _sources(part.strip())]
    if len(sources) > MAX_STAGES:
        raise GoalImageError(f"goal names {len(sources)} images, expected at most {MAX_STAGES} stages; name fewer")
    return tuple(_read(source, views) for source in sources)


def _sources(part: str) -> list[str]:
    """One part of the list; of a folder the images in it."""
    folder = Path(part).expanduser()
    if not folder.is_dir() or (folder / "zarr.json").exists():
        return [part]
    images = sorted(str(file) for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    if not images:
        raise GoalImageError(
            f"goal {folder.absolute()} is a folder without an image, expected files such as 1.png, 2.png; put the "
            "stages into it"
        )
    return images


def _read(source: str, views: Views) -> GoalImage:
    recorded = _RECORDED.fullmatch(source)
    if recorded and not Path(source).exists():
        goals = [_recorded_goal(recorded, views.spec.native, camera) for camera in views.cameras]
        return joined_goal(goals, goals[0].source, views)
    if Path(source).expanduser().is_dir():
        raise GoalImageError(
            f"goal {source} is a store of recordings, expected one frame of it; write {source}#EPISODE:FRAME, see "
            "'crl-data info --episodes'"
        )
    files = source.split("+") if views.more and not Path(source).expanduser().exists() else [source]
    if len(files) != len(views.cameras):
        raise GoalImageError(
            f"goal {source} names {len(files)} files, expected one for each camera of the checkpoint "
            f"({', '.join(views.cameras)}): {'+'.join(f'{camera}.png' for camera in views.cameras)}, a recorded frame, "
            "or a captured goal"
        )
    return joined_goal([load_goal_image(file, views.spec.native) for file in files], source, views)


def joined_goal(goals: Sequence[GoalImage], source: str, views: Views) -> GoalImage:
    """Of several cameras one goal."""
    if not views.more:
        return goals[0]
    image = views.join({camera: goal.image for camera, goal in zip(views.cameras, goals, strict=True)})
    return GoalImage(image, tuple(words for goal in goals for words in goal.warnings), source)


def _recorded_goal(named: re.Match[str], native: tuple[int, int], camera: str) -> GoalImage:
    from crl_data.store import Store

    path, episode, frame = named["store"], named["episode"], int(named["frame"])
    source = f"{Path(path).expanduser().absolute()}#{episode}:{frame}"
    try:
        store = Store.open(Path(path).expanduser())
        track = store.track(store.meta(episode), camera) if camera in store.spec.cameras else None
        if track is None:
            raise StoreError(f"the store has cameras {', '.join(sorted(store.spec.cameras))}, not '{camera}'")
        if not -len(track) <= frame < len(track):
            raise StoreError(f"the episode has frames 0 to {len(track) - 1}")
        image = track.frame(frame % len(track))
    except StoreError as error:
        raise GoalImageError(f"goal {source} cannot be read: {error}; name a frame that is there") from error
    return goal_from_array(image, native, source)
