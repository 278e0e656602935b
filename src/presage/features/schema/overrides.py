"""What may be declared of a load's columns, and what has to be before a quarantined one can land."""

from __future__ import annotations

from collections.abc import Sequence

from presage.errors import InvalidInputError
from presage.features.dataset import Dataset
from presage.features.schema.model import ColumnChange, ColumnOverride, Overrides


def check_overrides(overrides: Overrides, dataset: Dataset) -> None:
    """Refuse what cannot be declared: a column keeps its type, so values of another one go `into` another column.

    Raises:
        InvalidInputError: `path` says which column.
    """
    types = {column.name: column.type for column in dataset.columns}
    for name, override in overrides.items():
        path = f"$.columns.{name}"
        ways = [override.ignore, override.absent, override.type is not None or override.into is not None]
        if sum(ways) != 1:
            raise InvalidInputError("expected one of: type and into (or one of them), ignore, absent", path=path)
        if override.absent and name not in types:
            raise InvalidInputError(f"dataset {dataset.name!r} has no column {name!r}", path=path, code="unknown_column")
        was = types.get(override.into or name)
        if override.type and was and override.type != was:
            raise InvalidInputError(f"{override.into or name!r} is a {was} and stays one; put the values into another column", path=path)


def check_resolution(breaking: Sequence[ColumnChange], overrides: Overrides) -> None:
    """Refuse to release a load while a breaking change has no answer among the overrides.

    Raises:
        InvalidInputError: It names the columns that are left.
    """
    left = [change.column for change in breaking if not _is_resolved(change, overrides)]
    if left:
        raise InvalidInputError(f"nothing is declared of {', '.join(left)}", path="$.columns", code="schema_unresolved")


def _is_resolved(change: ColumnChange, overrides: Overrides) -> bool:
    own = overrides.get(change.column, ColumnOverride())
    if change.change == "removed":
        return own.absent or any(override.into == change.column for override in overrides.values())
    return own.ignore or own.type is not None or own.into is not None
