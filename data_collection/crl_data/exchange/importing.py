"""Takes the episodes of any source into a store: each whole or not at all, and none twice."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crl_data.episode import EpisodeMeta
from crl_data.episode_file import EpisodeFile
from crl_data.exchange.convert import Converted, convert
from crl_data.exchange.errors import SourceError
from crl_data.exchange.mapping import SourceMapping, declared
from crl_data.exchange.pictures import add_frames, native_size
from crl_data.exchange.source import SourceEpisode, SourceReference, fingerprint
from crl_data.progress import progress_bar
from crl_data.schema import StoreMismatchError
from crl_data.store import Store

_RATE_SLACK = 0.25
"""How far the median period may be from the declared one: loops slip, other rates are further off."""


@dataclass
class ImportReport:
    """What an import did: ids taken in, ids that were there already, damaged ones with the reason, remarks."""

    imported: list[str] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    steps: int = 0
    clipped: int = 0
    uncompared: int = 0
    """Of those that were there: imported before fingerprints were kept, so that they may be of another source."""


def import_episodes(
    references: Sequence[SourceReference],
    mapping: SourceMapping,
    out: Path,
    *,
    source: str,
    skip_damaged: bool = False,
    progress: bool = True,
) -> ImportReport:
    """Take episodes into the store at ``out``, which is made when it does not exist.

    Args:
        references: the episodes of the source, in the order in which to take them.
        mapping: what the source means.
        out: store to add to.
        source: name of the format, kept with each episode.
        skip_damaged: go on after a damaged episode. The report names it in either case.
        progress: show a bar.

    Raises:
        MappingError: the mapping does not fit the source; the episodes before are in the store.
        StoreMismatchError: the store declares something else, and nothing was written; or it holds an id already that
            came from other data, and the episodes before are in the store.
        StoreError: the disk refused; the episodes before are in the store.
    """
    report = ImportReport()
    target = _Target(out, mapping, source)
    with progress_bar("import", "episodes", enabled=progress) as bar:
        task = bar.add_task("import", total=len(references))
        for reference in references:
            try:
                target.take(reference, report)
            except SourceError as error:
                report.damaged[reference.name] = str(error)
                if not skip_damaged:
                    break
            bar.advance(task)
    if report.uncompared:
        report.remarks.append(
            f"{report.uncompared} episodes that are there already carry no fingerprint of their source and were not "
            "compared with it"
        )
    return report


class _Target:
    """The store that is filled; made when the first episode shows what its cameras are."""

    def __init__(self, out: Path, mapping: SourceMapping, source: str) -> None:
        self._out, self._mapping, self._source = out, mapping, source
        self._store = Store.open(out) if out.exists() else None
        self._checked = False

    def take(self, reference: SourceReference, report: ImportReport) -> None:
        episode = reference.read()
        if self._store and self._store.folder(reference.id).exists():
            self._require_same(self._store, reference, episode, report)
            report.present.append(reference.id)
            return
        self._mapping.require_complete(episode.table.describe())
        converted = convert(self._mapping, episode.table, episode.rows, episode.actions)
        _check_rate(episode, self._mapping.rate)
        store = self._open(episode)
        with EpisodeFile(store, reference.id) as file:
            add_frames(file, episode.cameras, store.spec.cameras, converted)
            file.commit(self._meta(reference, episode, converted), _arrays(episode, converted))
        report.imported.append(reference.id)
        report.steps += converted.steps
        report.clipped += converted.clipped

    def _require_same(
        self, store: Store, reference: SourceReference, episode: SourceEpisode, report: ImportReport
    ) -> None:
        """Raise StoreMismatchError when the store got its episode of this id from other data."""
        known = store.meta(reference.id).options.get("fingerprint")
        if known is None:
            report.uncompared += 1
        elif known != fingerprint(episode):
            raise StoreMismatchError(
                f"{reference.name} would be '{reference.id}', which {store.path} holds already, from other data or by "
                "another mapping; ids are made from the source's name: give the folder or file another name, or import "
                "into another store"
            )

    def _open(self, episode: SourceEpisode) -> Store:
        if self._store is None or not self._checked:
            sizes = {name: native_size(name, camera) for name, camera in episode.cameras.items()}
            self._store = Store.open_or_create(self._out, self._mapping.store_spec(sizes))
            self._checked = True
        return self._store

    def _meta(self, reference: SourceReference, episode: SourceEpisode, converted: Converted) -> EpisodeMeta:
        known = dict(episode.meta)
        options = {"from": reference.name, "fingerprint": fingerprint(episode), "mapping": declared(self._mapping)}
        options |= known.pop("options", {})
        if converted.clipped:
            options["gripper_values_clipped"] = converted.clipped
        return EpisodeMeta(
            id=reference.id,
            source=self._source,
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            clock="none" if episode.stamp_ns is None else "measured",
            last_achieved=converted.last_achieved,
            options=options,
            **known,
        )


def _arrays(episode: SourceEpisode, converted: Converted) -> dict[str, NDArray[Any]]:
    kept = slice(converted.first, converted.first + converted.steps)
    arrays = converted.arrays | {name: array[kept] for name, array in episode.arrays.items()}
    if episode.stamp_ns is not None:
        arrays["stamp_ns"] = episode.stamp_ns[kept]
    return arrays


def _check_rate(episode: SourceEpisode, rate: float | None) -> None:
    if episode.stamp_ns is None or rate is None or len(episode.stamp_ns) < 3:
        return
    periods = np.diff(episode.stamp_ns)
    if (periods <= 0).any():
        raise SourceError(f"its stamps do not increase at row {int(np.argmax(periods <= 0)) + 1}")
    measured = 1e9 / float(np.median(periods))
    if not 1 - _RATE_SLACK < measured / rate < 1 + _RATE_SLACK:
        raise SourceError(f"its stamps say {measured:.2f} Hz, the mapping says {rate:g} Hz; give --rate as it was")
