"""Settings of `crl-data play task=ogbench/...`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from crl_data.key_values import from_words, require_at_least, require_known
from crl_data.ogbench.names import OgbenchName
from crl_data.schema import Encoding
from crl_robot.errors import ConfigError

SOURCES = ("auto", "file", "oracle")


@dataclass(frozen=True)
class OgbenchSettings:
    """What to put into the store.

    Attributes:
        out: store to write; made when it does not exist.
        task: 'ogbench/' and the name of a data set.
        episodes: how many the store shall hold; 0 for all of a data file.
        steps: observations per episode that is made; 0 for as many as in the published data.
        seed: episode i that is made draws from the seed sequence [seed, i, attempt], whatever the number of workers.
        resume: add to an existing store, skipping the episodes that it holds.
        workers: processes that make episodes.
        encoding: of images, 'lossless' or 'jpeg'.
        source: 'file' takes OGBench's own data file, 'oracle' makes data, 'auto' takes the file where it lies.
    """

    out: str = ""
    task: str = ""
    episodes: int = 100
    steps: int = 0
    seed: int = 0
    resume: bool = False
    workers: int = 2
    encoding: Encoding = "lossless"
    source: str = "auto"

    def __post_init__(self) -> None:
        if not self.out:
            raise ConfigError("out is missing: name the store to write, for example out=data/pointmaze.zarr")
        require_known("source", self.source, SOURCES)
        require_known("encoding", self.encoding, get_args(Encoding))
        require_at_least(self, episodes=0, steps=0, workers=1, seed=0)
        if self.steps == 1:
            raise ConfigError("steps=1, expected 2 or more, or 0 for as many as in the published data")
        OgbenchName.parse(self.task)

    @property
    def name(self) -> OgbenchName:
        """The data set."""
        return OgbenchName.parse(self.task)

    @classmethod
    def from_words(cls, words: Sequence[str]) -> OgbenchSettings:
        """``['task=ogbench/...', 'episodes=10', ...]`` -> settings. Raises ConfigError naming the nearest known key."""
        return from_words(cls, words)
