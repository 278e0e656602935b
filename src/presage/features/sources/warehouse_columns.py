"""Compares what a customer's warehouse declares of its columns with those of a dataset, before a row is read (docs/adr/0034, 0044)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from presage.errors import InvalidInputError
from presage.features.dataset import Column, ColumnType, Dataset
from presage.features.schema.model import ColumnChange, Comparison, Kind, Overrides
from presage.features.sources.warehouse import CellKind, WarehouseRequest
from presage.features.use_cases import check_columns

_SHOWN_COLUMNS = 20
_FITTING: Mapping[ColumnType, frozenset[CellKind]] = {
    "number": frozenset({"integer", "number", "flag"}),
    "string": frozenset({"string", "uuid"}),
    "boolean": frozenset({"boolean", "flag"}),
}
_NEW_TYPES: Mapping[CellKind, ColumnType] = {
    "integer": "number",
    "number": "number",
    "flag": "boolean",
    "boolean": "boolean",
    "string": "string",
    "uuid": "string",
}
_OTHERS: Mapping[CellKind, Kind] = {"timestamp": "timestamp", "other": "other"}
_KINDS: Mapping[CellKind, Kind] = {**_NEW_TYPES, **_OTHERS}
_TIMES: frozenset[CellKind] = frozenset({"timestamp"})
_NAMES: frozenset[CellKind] = frozenset({"integer", "string", "uuid"})


def compare_columns(request: WarehouseRequest, dataset: Dataset, found: Mapping[str, CellKind]) -> Comparison:
    """Return how what is declared there differs from the dataset. Only columns that the request names are added to it.

    Raises:
        InvalidInputError: A column that rows are read by is not there, or can be none; or one that is to be added is not there.
    """
    _check_own(request, found)
    types = {column.name: column.type for column in dataset.columns}
    changes: list[ColumnChange] = []
    new: list[Column] = []
    for name, source in request.map_columns(dataset).items():
        if name in types:
            change = _compare_known(name, types[name], source, found)
        else:
            change = _add(name, source, _find(source, found, f"$.columns.{name}"), [*dataset.columns, *new])
            new += [Column(name, _NEW_TYPES[found[source]])] if change.compatible else []
        changes += [change] if change else []
    return Comparison(0, tuple(changes), tuple(new))


def answer_columns(columns: Mapping[str, str | None], declared: Overrides) -> dict[str, str | None]:
    """Return which column of the warehouse each of the dataset's is, by what an import said and is declared of its load in quarantine.

    Raises:
        InvalidInputError: A cast is declared; `path` says of which column.
    """
    cast = next((name for name, override in declared.items() if override.type is not None), None)
    if cast is not None:
        raise InvalidInputError("a warehouse's column is cast in a query, of another import", path=f"$.columns.{cast}.type")
    left_out = dict.fromkeys(declared)
    moved = {override.into: columns.get(name) or name for name, override in declared.items() if override.into is not None}
    return {**columns, **left_out, **moved}


def _compare_known(name: str, was: ColumnType, source: str, found: Mapping[str, CellKind]) -> ColumnChange | None:
    if source not in found:
        return ColumnChange(name, "removed", was, None, False, f"the warehouse has no column {source!r}")
    if found[source] in _FITTING[was]:
        return None
    reason = f"the warehouse declares {source!r} as {found[source]}; cast it in a query, or name another"
    return ColumnChange(name, "retyped", was, _KINDS[found[source]], False, reason)


def _add(name: str, source: str, kind: CellKind, known: Sequence[Column]) -> ColumnChange:
    if kind not in _NEW_TYPES:
        reason = f"no column can hold {source!r}, which is declared as {kind}; cast it in a query"
        return ColumnChange(name, "added", None, _KINDS[kind], False, reason)
    try:
        check_columns([*known, Column(name, _NEW_TYPES[kind])])
    except InvalidInputError as error:
        return ColumnChange(name, "added", None, _KINDS[kind], False, str(error))
    return ColumnChange(name, "added", None, _KINDS[kind], True, "the dataset gets it")


def _check_own(request: WarehouseRequest, found: Mapping[str, CellKind]) -> None:
    own = (
        ("$.cursor_column", request.cursor_column, _TIMES | {"integer"}),
        ("$.key_column", request.key_column, _NAMES),
        ("$.entity_column", request.entity_column, _NAMES),
        ("$.event_timestamp_column", request.event_timestamp_column, _TIMES),
        ("$.known_timestamp_column", request.known_timestamp_column, _TIMES),
    )
    for path, name, kinds in own:
        if name is not None and (kind := _find(name, found, path)) not in kinds:
            reason = f"{name!r} is {kind}; expected {' or '.join(sorted(kinds))}: cast it in a query"
            raise InvalidInputError(reason, path=path, code="wrong_type")
    kind = found[request.cursor_column]
    for path, bound in (("$.since", request.since), ("$.until", request.until)):
        if bound is not None and isinstance(bound, datetime) != (kind == "timestamp"):
            raise InvalidInputError(f"{bound}: {request.cursor_column!r} is {kind}", path=path, code="wrong_type")


def _find(name: str, found: Mapping[str, CellKind], path: str) -> CellKind:
    if name not in found:
        shown = ", ".join(sorted(found)[:_SHOWN_COLUMNS])
        raise InvalidInputError(f"there is no column {name!r}; there are {shown}", path=path, code="unknown_column")
    return found[name]
