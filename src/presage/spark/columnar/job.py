"""What the driver tells the workers of a columnar join: standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Tuple

from presage.training.spec import FeatureView, ModelSpec

ROWS = -1
"""In place of a source's number."""


@dataclass(frozen=True)
class Slice:
    """Some row groups of a parquet file: those whose number is `share` modulo `shares`. `rows` is what the whole file must hold, or -1."""

    uri: str
    share: int = 0
    shares: int = 1
    rows: int = -1


@dataclass(frozen=True)
class Section:
    """An Arrow stream in a file of the exchange: what one task has for a partition, of a source (its number) or of the rows (`ROWS`)."""

    partition: int
    number: int
    uri: str
    start: int
    length: int


@dataclass(frozen=True)
class Source:
    """A dataset as some views join it, by one of its columns. `columns` are all that it has, `needed` those that features are made of."""

    dataset: str
    key_column: str
    columns: Dict[str, str]
    parts: Tuple[Slice, ...]
    views: Tuple[FeatureView, ...]

    @property
    def name(self) -> str:
        """The key's column and the dataset."""
        return f"{self.key_column}/{self.dataset}"

    @property
    def needed(self) -> Dict[str, str]:
        """The columns that features are made of; `category` is a string of which a feature takes the value."""
        features = [feature for view in self.views for feature in view.features if feature.column is not None]
        names = {str(feature.column) for feature in features}
        categories = {str(feature.column): "category" for feature in features if feature.categories is not None}
        kinds = {**self.columns, "entity_id": "string", **categories}
        return {name: kinds[name] for name in sorted(names)}


@dataclass(frozen=True)
class Heavy:
    """A join key with so many rows that they are divided among `salts` partitions, from `first` on; each gets all of its records."""

    key: str
    first: int
    salts: int


@dataclass(frozen=True)
class Hop:
    """One exchange by a column of the rows (`entity_id` or `item`), and the views joined by it.

    Partitions: `buckets` of keys by hash, then the heavy keys' salts, then `hash_partitions` that look for record ids in two buckets.
    `distinct` says that no two rows have both key and moment in common, `judged` that what naive joins get wrong is looked for.
    """

    key: str
    sources: Tuple[Source, ...]
    cutoff_us: int
    buckets: int
    hash_partitions: int
    distinct: bool = False
    judged: bool = False
    heavy: Tuple[Heavy, ...] = ()

    @property
    def partitions(self) -> int:
        """How many partitions hold rows."""
        return self.buckets + sum(heavy.salts for heavy in self.heavy)

    def find_home(self, partition: int) -> int:
        """Return the first of the partitions that hold the same records: itself, or for a salt the heavy key's first."""
        return next((heavy.first for heavy in self.heavy if heavy.first <= partition < heavy.first + heavy.salts), partition)


@dataclass(frozen=True)
class Target:
    """The folder that files are written into, their columns (name there: name before), those with statistics, and what derives some."""

    uri: str
    columns: Dict[str, str]
    features: Tuple[str, ...]
    spec: ModelSpec
