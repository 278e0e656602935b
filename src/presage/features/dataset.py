"""A dataset, the word users see for a feature set: named columns of one kind of record about an entity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from presage.listing import ListShape

DATASET_LIST = ListShape("dataset_id", sorts=("name", "entity", "created_at"), searched=("name", "entity"))
ColumnType = Literal["number", "string", "boolean"]
Scalar = float | int | str | bool | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a dataset's records. A value may be missing or null; it may not have another type."""

    name: str
    type: ColumnType


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset of a workspace. Its versions (see `FeatureSetVersion`) hold the records."""

    workspace_id: str
    dataset_id: str
    name: str
    entity: str
    """What an entity is, e.g. `customer`; for people, the platform only compares entity ids."""
    columns: tuple[Column, ...]
    created_at: datetime
    schema_version: int = 1
    """Counts what became of `columns` since. Columns are added; none is taken away and none gets another type (docs/adr/0034)."""
