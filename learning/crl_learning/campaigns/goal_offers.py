"""Goals and garbage that `crl-bench goals` offers to a running policy, as plain values; the node side makes messages.

What each must be answered with is what docs/goal_images.md promises.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Way = Literal["image", "compressed", "stage", "capture", "next_stage", "parameter"]
Expected = Literal["taken", "refused", "either"]
Picture = NDArray[np.uint8]

GOOD_PART = 0.5
FAR_FUTURE_S = 2_000_000_000
BOMB_SIDE_PX = 8_000
"""Of a PNG of 64 megapixels in less than a hundred kilobytes."""


@dataclass(frozen=True)
class Offer:
    """One goal, or what pretends to be one.

    Attributes:
        kind: its name in the report.
        way: topic or service.
        expected: the answer.
        picture: uint8 (h, w, 3) RGB that the goal shows once it is taken; None where the policy node knows it alone.
        data: of the message; with the way 'compressed' a file's bytes.
        encoding, width, height, step: of the way 'image', as in the message.
        stamp: seconds and nanoseconds of the header; None for the present moment.
        number: of the way 'stage'.
    """

    kind: str
    way: Way
    expected: Expected
    picture: Picture | None = None
    data: bytes = b""
    encoding: str = "rgb8"
    width: int = 0
    height: int = 0
    step: int = 0
    stamp: tuple[int, int] | None = None
    number: int = 0


class Offers:
    """Draws offers; the same generator gives the same ones.

    Args:
        goals: pictures that the policy can act towards, uint8 (H, W, 3) RGB at the camera's native size.
    """

    def __init__(self, goals: Sequence[Picture], rng: np.random.Generator) -> None:
        self.goals, self._rng = goals, rng
        bomb = png_bomb(BOMB_SIDE_PX, BOMB_SIDE_PX)
        photo = coded("photo", _resized(goals[0], (3200, 2400)), ".jpg")
        large = raw("large", _resized(goals[-1], (2560, 1920)))
        self.good: dict[str, Callable[[Picture], Offer]] = {
            "rgb8": lambda p: raw("rgb8", p),
            "bgr8": lambda p: replace(raw("bgr8", p[..., ::-1]), encoding="bgr8", picture=p),
            "rgba8": lambda p: _with_alpha("rgba8", p, p),
            "bgra8": lambda p: _with_alpha("bgra8", p, p[..., ::-1]),
            "jpeg": lambda p: coded("jpeg", p, ".jpg"),
            "png": lambda p: coded("png", p, ".png"),
            "photo": lambda p: photo,
            "large": lambda p: large,
            "no_stamp": lambda p: replace(raw("no_stamp", p), stamp=(0, 0)),
            "future_stamp": lambda p: replace(raw("future_stamp", p), stamp=(FAR_FUTURE_S, 0)),
            "capture": lambda p: Offer("capture", "capture", "taken"),
        }
        self.garbage: dict[str, Callable[[Picture], Offer]] = {
            **_raw_garbage(rng),
            **_coded_garbage(rng, bomb),
            "stage_not_there": lambda p: Offer(
                "stage_not_there", "stage", "refused", number=int(rng.choice([-1, 1, 99, -(2**31), 2**31 - 1]))
            ),
            "no_next_stage": lambda p: Offer("no_next_stage", "next_stage", "refused"),
            "no_folder": lambda p: Offer("no_folder", "parameter", "refused", data=b"/no/such/folder"),
        }

    def draw(self) -> Offer:
        """The next one: a good goal half of the time."""
        kinds = self.good if self._rng.uniform() < GOOD_PART else self.garbage
        name = str(self._rng.choice(list(kinds)))
        return kinds[name](self.goals[int(self._rng.integers(len(self.goals)))])


def raw(kind: str, picture: Picture, expected: Expected = "taken") -> Offer:
    """A picture as rgb8."""
    height, width = picture.shape[:2]
    step = picture[0].size
    return Offer(kind, "image", expected, picture, picture.tobytes(), "rgb8", width, height, step)


def coded(kind: str, picture: Picture, suffix: str, expected: Expected = "taken") -> Offer:
    """A picture as JPEG or PNG; what the goal will show is in its bytes."""
    _, data = cv2.imencode(suffix, picture[..., ::-1])
    return Offer(kind, "compressed", expected, data=data.tobytes())


def png_bomb(width: int, height: int) -> bytes:
    """A PNG of zeros, grey, in about a thousandth of its pixels' bytes (PNG specification, third edition)."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    packer, rows = zlib.compressobj(1), bytes(100 * (width + 1))
    body = b"".join(packer.compress(rows) for _ in range(height // 100)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def _raw_garbage(rng: np.random.Generator) -> dict[str, Callable[[Picture], Offer]]:
    def flat(kind: str, grey: int) -> Callable[[Picture], Offer]:
        return lambda p: raw(kind, np.full_like(p, grey), "refused")

    def spoiled(kind: str, **changed: object) -> Callable[[Picture], Offer]:
        return lambda p: replace(raw(kind, p, "refused"), **changed)  # type: ignore[arg-type]

    return {
        "empty": lambda p: Offer("empty", "image", "refused"),
        "zero_size": spoiled("zero_size", width=0, height=0, step=0),
        "no_rows": spoiled("no_rows", height=0, data=b""),
        "cut_off": lambda p: replace(raw("cut_off", p, "refused"), data=p.tobytes()[: p.size // 2]),
        "wrong_step": spoiled("wrong_step", step=7),
        "encoding_unknown": spoiled("encoding_unknown", encoding="not_an_encoding"),
        "encoding_empty": spoiled("encoding_empty", encoding=""),
        "encoding_float": spoiled("encoding_float", encoding="32FC3"),
        "negative_stamp": spoiled("negative_stamp", stamp=(-(2**31), 0)),
        "tiny": lambda p: raw("tiny", _resized(p, (16, 12)), "refused"),
        "black": flat("black", 0),
        "white": flat("white", 255),
        "grey": flat("grey", 128),
        "noise": lambda p: raw("noise", rng.integers(0, 256, p.shape, dtype=np.uint8), "refused"),
        "wide": lambda p: raw("wide", _resized(p, (640, 200)), "either"),
        "tall": lambda p: raw("tall", _resized(p, (200, 640)), "either"),
    }


def _coded_garbage(rng: np.random.Generator, bomb: bytes) -> dict[str, Callable[[Picture], Offer]]:
    def cut(kind: str, suffix: str) -> Callable[[Picture], Offer]:
        def make(picture: Picture) -> Offer:
            offer = coded(kind, picture, suffix, "refused")
            return replace(offer, data=offer.data[: int(rng.integers(1, len(offer.data) // 2))])

        return make

    def bytes_of(kind: str, data: bytes) -> Callable[[Picture], Offer]:
        return lambda p: Offer(kind, "compressed", "refused", data=data)

    return {
        "jpeg_cut": cut("jpeg_cut", ".jpg"),
        "png_cut": cut("png_cut", ".png"),
        "coded_empty": bytes_of("coded_empty", b""),
        "text": bytes_of("text", b"this is not a picture\n"),
        "random_bytes": lambda p: Offer("random_bytes", "compressed", "refused", data=rng.bytes(5000)),
        "huge": bytes_of("huge", bomb),
    }


def _with_alpha(encoding: str, picture: Picture, channels: Picture) -> Offer:
    alpha = np.full((*picture.shape[:2], 1), 255, np.uint8)
    return replace(raw(encoding, np.concatenate([channels, alpha], axis=2)), encoding=encoding, picture=picture)


def _resized(picture: Picture, size: tuple[int, int]) -> Picture:
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
