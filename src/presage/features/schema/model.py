"""What a load's columns are, what is declared of them, and how they differ from those of their dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from presage.features.dataset import Column, ColumnType

Kind = Literal["nothing", "boolean", "number", "string", "large_integer", "timestamp", "nested", "mixed", "other"]
"""What the values of a column are. `nothing`: there is none; `large_integer`: beyond what a number holds exactly; `nested`: objects or
arrays; `mixed`: of several kinds, in a typed file; `other`: what a warehouse declares and no column can hold."""

Change = Literal["added", "removed", "widened", "narrowed", "retyped"]


@dataclass(frozen=True, slots=True)
class ColumnOverride:
    """What is declared of one column of a load, in place of what would be found out.

    `type` is what its values are read as, through their text: those that cannot be are refused, row by row. `into` is the column
    of the dataset that they go to, if not that of its name. `ignore` leaves the column out; `absent` says that the dataset's
    column of this name is not in the load.
    """

    type: ColumnType | None = None
    into: str | None = None
    ignore: bool = False
    absent: bool = False


Overrides = Mapping[str, ColumnOverride]
"""By the name of the load's column (for `absent`, the dataset's)."""


@dataclass(frozen=True, slots=True)
class Offender:
    """A value that is not of its column's type: its line in `part` of the file, and how it looks, cut short."""

    line: int
    value: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """How a column of a load differs from the dataset's of that name.

    `was` is the dataset's type (None for a new one), `now` what the load holds (None for a removed one). `values` counts those of
    the column, `misfits` those of another type, of which `first` is the first.
    """

    column: str
    change: Change
    was: ColumnType | None
    now: Kind | None
    compatible: bool
    reason: str
    values: int = 0
    misfits: int = 0
    first: Offender | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found in a load of `rows` rows. `new_columns` are those that the dataset is to get, `empty` those that hold nothing."""

    rows: int
    changes: tuple[ColumnChange, ...]
    new_columns: tuple[Column, ...] = ()
    empty: frozenset[str] = frozenset()

    @property
    def breaking(self) -> tuple[ColumnChange, ...]:
        """The changes that keep the load from landing."""
        return list_breaking(self.changes)


def list_breaking(changes: Iterable[ColumnChange]) -> tuple[ColumnChange, ...]:
    """Return those of the changes that no load may land with."""
    return tuple(change for change in changes if not change.compatible)


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """One entry of a dataset's lineage of schemas. `cause` is the id of the job that brought it, or `declared`."""

    workspace_id: str
    dataset_id: str
    schema_version: int
    columns: tuple[Column, ...]
    columns_added: tuple[Column, ...]
    cause: str
    created_at: datetime
