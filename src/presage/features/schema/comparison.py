"""Compares the columns of a load with those of its dataset. The table of docs/adr/0034 is this file.

| change | of the load's column | |
|---|---|---|
| added | the dataset has none of its name | compatible; breaking if no column can hold it |
| removed | a file with a header lacks the dataset's | breaking |
| widened | it also holds values of another type, more than `TOLERATED_SHARE` of them | breaking |
| retyped | it holds none of its type | breaking |
| narrowed | it holds nothing, or strings of a text file that are all numbers or booleans | compatible; the type stays |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from presage.errors import InvalidInputError
from presage.features.dataset import Column, ColumnType, Dataset
from presage.features.schema.cells import is_of, join_kinds, read_text, tell_kind
from presage.features.schema.model import ColumnChange, ColumnOverride, Comparison, Kind, Offender, Overrides
from presage.features.use_cases import check_columns

TOLERATED_SHARE = 0.01
"""Of a column's values. Up to it, rows with values of another type are refused and counted, and the column is what it was."""
_SHOWN_CHARACTERS = 60
_UNDECLARED = ColumnOverride()


@dataclass(slots=True)
class Observation:
    """What was seen of one column.

    `kind` is that of the misfits, of which `first` is the first; of all values where none can be a misfit.
    """

    expected: ColumnType | None
    is_text: bool
    values: int = 0
    misfits: int = 0
    kind: Kind = "nothing"
    first: Offender | None = None

    def see(self, cell: object, line: int, part: str) -> None:
        """Note a cell; a null is no value."""
        if cell is None:
            return
        self.values += 1
        if self.expected is not None and not (self.is_text and self.expected == "string"):
            if is_of(read_text(cell, self.expected) if self.is_text and isinstance(cell, str) else cell, self.expected):
                return
            self.misfits += 1
            self.first = self.first or Offender(line, _show(cell), part)
        if self.kind != ("string" if self.is_text else "mixed"):
            self.kind = join_kinds(self.kind, tell_kind(cell, is_text=self.is_text), is_text=self.is_text)


@dataclass(slots=True)
class Survey:
    """All columns of a load, as they are met, apart from the record's own."""

    dataset: Dataset
    overrides: Overrides
    is_text: bool
    has_header: bool
    rows: int = 0
    seen: dict[str, Observation] = field(default_factory=dict)
    _types: Mapping[str, ColumnType] = field(init=False)

    def __post_init__(self) -> None:
        """Look the dataset's types up once."""
        self._types = {column.name: column.type for column in self.dataset.columns}

    def observe(self, name: str) -> Observation:
        """Return the observation of a column, made when it is first met."""
        if name not in self.seen:
            self.seen[name] = Observation(self._types.get(self._target(name)), self.is_text)
        return self.seen[name]

    def compare(self) -> Comparison:
        """Return how what was seen differs from the dataset; without a header, a column that is not met is not removed.

        Raises:
            InvalidInputError: Two columns of the load go into one of the dataset.
        """
        kept = [name for name in self.seen if not self._override(name).ignore]
        targets = [self._target(name) for name in kept]
        twice = next((name for name, target in zip(kept, targets, strict=True) if targets.count(target) > 1), None)
        if twice is not None:
            raise InvalidInputError(f"two columns go into {self._target(twice)!r}; ignore one of them", path=f"$.columns.{twice}")
        changes: list[ColumnChange] = []
        new: list[Column] = []
        for name in kept:
            change, column = self._compare(name, new)
            changes += [change] if change else []
            new += [column] if column else []
        if self.has_header:
            missing = self._types.keys() - self.seen.keys() - set(targets)
            missing -= {name for name, override in self.overrides.items() if override.absent}
            changes += [_remove(column) for column in self.dataset.columns if column.name in missing]
        empty = {change.column for change in changes if (change.change, change.now) == ("added", "nothing")}
        return Comparison(self.rows, tuple(changes), tuple(new), frozenset(empty))

    def _compare(self, name: str, new: list[Column]) -> tuple[ColumnChange | None, Column | None]:
        found, declared = self.seen[name], self._override(name).type
        if found.expected is not None:
            return None if declared else _compare_known(name, found, has_header=self.has_header), None
        kind: Kind = declared or found.kind
        if kind == "nothing":
            return ColumnChange(name, "added", None, kind, True, "it holds no value, and is left out"), None
        if kind not in {"number", "string", "boolean"}:
            reason = f"no column can hold what it holds: {kind.replace('_', ' ')}"
            return ColumnChange(name, "added", None, kind, False, reason, found.values), None
        column = Column(self._target(name), kind)
        try:
            check_columns([*self.dataset.columns, *new, column])
        except InvalidInputError as error:
            return ColumnChange(name, "added", None, kind, False, str(error), found.values), None
        return ColumnChange(name, "added", None, kind, True, "the dataset gets it", found.values), column

    def _override(self, name: str) -> ColumnOverride:
        return self.overrides.get(name, _UNDECLARED)

    def _target(self, name: str) -> str:
        return self._override(name).into or name


def _compare_known(name: str, found: Observation, *, has_header: bool) -> ColumnChange | None:
    was, values, misfits = found.expected, found.values, found.misfits
    if misfits > TOLERATED_SHARE * values:
        reason = f"{misfits:,} of {values:,} values are no {was}"
        if misfits == values:
            return ColumnChange(name, "retyped", was, found.kind, False, reason, values, misfits, found.first)
        now = join_kinds(found.kind, was or "nothing", is_text=found.is_text)
        return ColumnChange(name, "widened", was, now, False, reason, values, misfits, found.first)
    if has_header and not values:
        return ColumnChange(name, "narrowed", was, "nothing", True, "it holds no value")
    if was == "string" and found.is_text and found.kind in {"number", "boolean"}:
        return ColumnChange(name, "narrowed", was, found.kind, True, "its texts would all be of a narrower type", values)
    return None


def _remove(column: Column) -> ColumnChange:
    return ColumnChange(column.name, "removed", column.type, None, False, "the file does not have it")


def _show(cell: object) -> str:
    text = cell if isinstance(cell, str) else repr(cell)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…"
