"""A disk as the standards describe it: what was not synced may be there, or not, or in part, once the power went.

Built from the operations that `crl_robot.durable` reports. A file's content is safe when the file was synced; a name
is safe when the folder that holds it was synced. Renaming is one step, as on every journaling file system; states
where both names are there are drawn as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np

from crl_data.bench.crashes.disk_nodes import FileNode, FolderNode, Naming, Node, drawn_content, settle

Tree = dict[str, bytes | None]
"""Content by relative path; None for a folder."""

Loss = Literal["none", "all", "random"]
"""Which of the operations that were not synced are gone."""


class DiskModel:
    """Follows the operations below ``root``; draws what a disk may hold if the power went now."""

    def __init__(self, root: Path) -> None:
        self._root_path = root
        self._root = FolderNode()
        self._namings: list[Naming] = []

    def follow(self, operation: str, path: Path, *facts: Any) -> None:
        """Take in one operation, as `crl_robot.durable.observe` reports it; others than of ``root`` are left out."""
        if not path.is_relative_to(self._root_path):
            return
        if operation == "mkdir":
            self._name(path, FolderNode())
        elif operation == "write":
            self._file(path).apply(facts[0], bytes(facts[1]))  # the buffer may be used again
        elif operation == "truncate":
            self._file(path).apply(facts[0], None)
        elif operation == "sync":
            self._sync(self._find(path))
        elif operation == "rename":
            self._rename(path, facts[0])
        elif operation == "remove":
            self._remove(path)

    def draw(self, loss: Loss, rng: np.random.Generator) -> Tree:
        """What is on the disk when the power went."""
        if loss == "none":
            return dict(self._walk(self._root, PurePosixPath(), None, None))
        names = {id(folder): dict(folder.safe) for folder in self._folders()}
        if loss == "random":
            share = rng.uniform()
            for naming in self._namings:
                if rng.random() < share:
                    settle(naming, names, rng)
        return dict(self._walk(self._root, PurePosixPath(), names, rng))

    def _file(self, path: Path) -> FileNode:
        folder = self._find(path.parent)
        if not isinstance(folder, FolderNode):
            raise TypeError(f"{path.parent} is a file, expected a folder")
        if path.name not in folder.now:
            self._name(path, FileNode())
        node = folder.now[path.name]
        if not isinstance(node, FileNode):
            raise TypeError(f"{path} is a folder, expected a file")
        return node

    def _find(self, path: Path) -> Node:
        node: Node = self._root
        for name in path.relative_to(self._root_path).parts:
            if not isinstance(node, FolderNode) or name not in node.now:
                raise KeyError(f"{path} was never reported as made")
            node = node.now[name]
        return node

    def _name(self, path: Path, node: Node) -> None:
        folder = self._find(path.parent)
        if isinstance(folder, FolderNode):
            folder.now[path.name] = node
            self._namings.append(Naming(folder, path.name, node))

    def _rename(self, source: Path, target: Path) -> None:
        node, old, new = self._find(source), self._find(source.parent), self._find(target.parent)
        if isinstance(old, FolderNode) and isinstance(new, FolderNode):
            del old.now[source.name]
            new.now[target.name] = node
            self._namings.append(Naming(new, target.name, node, (old, source.name)))

    def _remove(self, path: Path) -> None:
        """Names go one by one, from the leaves to the folder."""
        node, parent = self._find(path), self._find(path.parent)
        if isinstance(node, FolderNode):
            for name in list(node.now):
                self._remove(path / name)
        if isinstance(parent, FolderNode):
            del parent.now[path.name]
            self._namings.append(Naming(parent, path.name, None))

    def _sync(self, node: Node) -> None:
        if isinstance(node, FileNode):
            node.sync()
            return
        names = {id(folder): folder.safe for folder in self._folders()}
        for naming in [naming for naming in self._namings if naming.folder is node]:
            settle(naming, names, None)
            self._namings.remove(naming)

    def _folders(self) -> Iterator[FolderNode]:
        """Every folder that has or had a name."""
        seen: set[int] = set()
        waiting: list[Node] = [self._root, *(naming.node for naming in self._namings if naming.node is not None)]
        waiting += [naming.folder for naming in self._namings]
        waiting += [naming.lost[0] for naming in self._namings if naming.lost is not None]
        while waiting:
            node = waiting.pop()
            if isinstance(node, FolderNode) and id(node) not in seen:
                seen.add(id(node))
                waiting += [*node.safe.values(), *node.now.values()]
                yield node

    def _walk(
        self,
        folder: FolderNode,
        place: PurePosixPath,
        names: dict[int, dict[str, Node]] | None,
        rng: np.random.Generator | None,
    ) -> Iterator[tuple[str, bytes | None]]:
        for name, node in (folder.now if names is None else names[id(folder)]).items():
            if isinstance(node, FolderNode):
                yield str(place / name), None
                yield from self._walk(node, place / name, names, rng)
            else:
                yield str(place / name), bytes(node.now) if rng is None else drawn_content(node, rng)
