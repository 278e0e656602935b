"""Where each value of a logged feature vector came from, as far as the log and the recipe of its snapshot tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from presage.predictions.ports import PredictionLogEntry
from presage.training.recipe import InputDataset, Recipe
from presage.training.spec import DERIVED

Origin = Literal["request", "snapshot", "derived", "unknown"]


@dataclass(frozen=True, slots=True)
class LoggedValue:
    """One value; `item` is the ranked item that it describes, None for the entity's.

    `age_seconds` is that of the snapshot, whose values are all of one time: how old the newest record behind a value was is not kept.
    `dataset` and `version` are what the snapshot was made of; None where nothing tells.
    """

    column: str
    item: str | None
    value: object
    origin: Origin
    age_seconds: float | None = None
    dataset: str | None = None
    dataset_id: str | None = None
    version: int | None = None


def list_values(entry: PredictionLogEntry, recipe: Recipe | None) -> Sequence[LoggedValue]:
    """Return the values of the entry's feature vector, the entity's first; `recipe` is that of the snapshot that was read, if known."""
    given, age = _read_given(entry.request), cast("float | None", entry.result.get("snapshot_age_seconds"))
    sources = _list_sources(recipe) if recipe else {}
    return [_describe(column, item, value, given, age, sources.get(column)) for column, item, value in _flatten(entry.features)]


Source = tuple[str, InputDataset]


def _describe(
    column: str, item: str | None, value: object, given: Mapping[str, object], age: float | None, source: Source | None
) -> LoggedValue:
    if column in given:
        return LoggedValue(column, item, value, "request", 0.0)
    if column.startswith(f"{DERIVED}__"):
        return LoggedValue(column, item, value, "derived")
    if age is None:
        return LoggedValue(column, item, value, "unknown")
    if source is None:
        return LoggedValue(column, item, value, "snapshot", age)
    name, dataset = source
    return LoggedValue(column, item, value, "snapshot", age, name, dataset.dataset_id, dataset.version)


def _flatten(features: Mapping[str, Any]) -> Iterator[tuple[str, str | None, object]]:
    """Yield (column, item, value); a ranking's vector is by `entity` and `items`, which no column is called."""
    entity = features.get("entity", {}) if "items" in features else features
    yield from ((column, None, value) for column, value in entity.items())
    for item, values in features.get("items", {}).items():
        yield from ((column, item, value) for column, value in values.items())


def _read_given(request: Mapping[str, Any]) -> Mapping[str, object]:
    """Return the one entry that was asked, whose fields that are columns came before any looked-up value."""
    entries = request.get("features")
    entry = entries[0] if isinstance(entries, list) and entries else {}
    return entry if isinstance(entry, dict) else {}


def _list_sources(recipe: Recipe) -> Mapping[str, Source]:
    return {
        f"{view.name}__{feature.name}": (view.dataset, recipe.datasets[view.dataset])
        for view in recipe.spec.feature_views
        for feature in view.features
        if view.dataset in recipe.datasets
    }
