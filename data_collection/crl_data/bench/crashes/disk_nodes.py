"""Files and folders of a modelled disk: what programs see of them, and what is safe."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

_SECTOR = 512


@dataclass(eq=False)
class FileNode:
    """Content: ``now`` as programs see it, ``safe`` as synced last (None before that), ``pending`` what came since."""

    now: bytearray = field(default_factory=bytearray)
    safe: bytes | None = None
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    """(offset, data), or (size, None) for a cut."""

    def apply(self, offset: int, data: bytes | None) -> None:
        """Write or cut."""
        _apply(self.now, offset, data)
        self.pending.append((offset, data))

    def sync(self) -> None:
        """Everything so far is safe."""
        self.safe, self.pending = bytes(self.now), []


@dataclass(eq=False)
class FolderNode:
    """Names: ``now`` as programs see them, ``safe`` as synced."""

    now: dict[str, Node] = field(default_factory=dict)
    safe: dict[str, Node] = field(default_factory=dict)


Node = FileNode | FolderNode


@dataclass(eq=False)
class Naming:
    """A change of names that is not safe yet: ``node`` gets or loses a name in ``folder``.

    Attributes:
        lost: the name that a rename takes away in the same step.
    """

    folder: FolderNode
    name: str
    node: Node | None
    lost: tuple[FolderNode, str] | None = None


def drawn_content(file: FileNode, rng: np.random.Generator) -> bytes:
    """What a file may hold after the power went: what was synced, and any part of what was written since."""
    if not file.pending and file.safe is not None:
        return file.safe
    kind = rng.integers(4)
    if kind == 0:
        return bytes(file.now)
    content = bytearray(file.safe or b"")
    if kind >= 2:
        for offset, data in file.pending:
            if rng.random() < 0.5:
                _apply(content, offset, data)
    if kind == 3 and file.safe is None and content:
        start = int(rng.integers(len(content))) // _SECTOR * _SECTOR
        content[start : start + _SECTOR] = bytes(len(content[start : start + _SECTOR]))
    return bytes(content)


def settle(naming: Naming, names: dict[int, dict[str, Node]], rng: np.random.Generator | None) -> None:
    """Let a change of names reach the disk; a drawn rename may leave the old name there too."""
    folder = names[id(naming.folder)]
    if naming.node is None:
        folder.pop(naming.name, None)
        return
    folder[naming.name] = naming.node
    if naming.lost is not None and (rng is None or rng.random() < 0.8):
        names[id(naming.lost[0])].pop(naming.lost[1], None)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        content.extend(bytes(offset - len(content)))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data
