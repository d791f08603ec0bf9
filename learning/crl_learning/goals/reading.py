"""From the words of a launch argument to goal images: a file, a folder or a list as stages, or a recorded frame.

goal:=photo.png                      one goal
goal:=first.png,second.png           two stages, in this order
goal:=stages/                        the images of a folder, in the order of their names
goal:=data.zarr#EPISODE:FRAME        frame 0, 1, ... of an episode; -1 is its last one
"""

from __future__ import annotations

import re
from pathlib import Path

from crl_robot.errors import GoalImageError, StoreError
from crl_robot.goal_image import GoalImage, goal_from_array, load_goal_image

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm")
MAX_STAGES = 100
_RECORDED = re.compile(r"(?P<store>.+)#(?P<episode>[^#:]+):(?P<frame>-?\d+)")


def read_goals(words: str, native: tuple[int, int], camera: str) -> tuple[GoalImage, ...]:
    """The goal images that ``words`` name, in order, at ``native`` (width, height); none for an empty text.

    Args:
        camera: whose frames are taken of a store.

    Raises:
        GoalImageError: one of them cannot be a goal, or there are more than MAX_STAGES.
    """
    sources = [source for part in words.split(",") if part.strip() for source in _sources(part.strip())]
    if len(sources) > MAX_STAGES:
        raise GoalImageError(f"goal names {len(sources)} images, expected at most {MAX_STAGES} stages; name fewer")
    return tuple(_read(source, native, camera) for source in sources)


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


def _read(source: str, native: tuple[int, int], camera: str) -> GoalImage:
    recorded = _RECORDED.fullmatch(source)
    if recorded and not Path(source).exists():
        return _recorded_goal(recorded["store"], recorded["episode"], int(recorded["frame"]), native, camera)
    if Path(source).expanduser().is_dir():
        raise GoalImageError(
            f"goal {source} is a store of recordings, expected one frame of it; write {source}#EPISODE:FRAME, see "
            "'crl-data info --episodes'"
        )
    return load_goal_image(source, native)


def _recorded_goal(path: str, episode: str, frame: int, native: tuple[int, int], camera: str) -> GoalImage:
    from crl_data.store import Store

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
