"""What logged lists earned: which of their items the unit has a record of, by the rule of an experiment's `hit`.

A place has the reward 1 if there is a record of its item in (prediction, prediction + window], else 0. A list's reward is the number of
its hits; an experiment's `hit` asks whether a unit has any, and its window begins with the first list.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from presage.errors import InvalidInputError
from presage.experiments.model import Metric
from presage.features.ports import DatasetStore, FeatureSetStore
from presage.features.records import ENTITY_ID, EVENT_TIMESTAMP
from presage.off_policy.replay import Replayed
from presage.predictions.traffic import choose_parts

if TYPE_CHECKING:
    import polars as pl

MOST_BYTES = 256_000_000
"""Of parquet: what a worker holds as a frame beside its other jobs."""

Times = Mapping[tuple[str, str], Sequence[datetime]]
"""Unit and item to when the unit's records of the item happened, sorted."""


def read_rewards(
    workspace_id: str, metric: Metric, lists: Sequence[Replayed], *, datasets: DatasetStore, feature_sets: FeatureSetStore
) -> list[tuple[float, ...]]:
    """Return the reward of each place of each list.

    Raises:
        InvalidInputError: The records of these days are too many to be read; fewer days are fewer.
        UnavailableError: The lake did not answer.
        CorruptArtifactError: A part is not what the manifest says.
    """
    dataset = datasets.find_dataset_by_name(workspace_id, metric.dataset)
    version = feature_sets.find_version(workspace_id, dataset.dataset_id) if dataset else None
    if version is None or not lists:
        return [(0.0,) * len(one.shown) for one in lists]
    chosen = choose_parts(version, metric, [one.at for one in lists])
    size = sum(part.size_bytes for part in chosen.parts)
    if size > MOST_BYTES:
        raise InvalidInputError(f"The records of these days have {size} bytes, more than {MOST_BYTES}: ask for fewer days", path="$.days")
    times = _group(feature_sets.read_frame(chosen), metric, {one.unit_id for one in lists}) if chosen.parts else {}
    return [_reward(metric, one, times) for one in lists]


def _group(frame: pl.DataFrame, metric: Metric, units: set[str]) -> Times:
    grouped: dict[tuple[str, str], list[datetime]] = {}
    for unit, at, item in frame.select(ENTITY_ID, EVENT_TIMESTAMP, metric.item_column or "").iter_rows():
        if unit in units and item is not None:
            grouped.setdefault((unit, item), []).append(at.replace(tzinfo=UTC))
    for found in grouped.values():
        found.sort()
    return grouped


def _reward(metric: Metric, one: Replayed, times: Times) -> tuple[float, ...]:
    closes = one.at + timedelta(hours=metric.window_hours)
    return tuple(float(_has_any(times.get((one.unit_id, item), ()), one.at, closes)) for item in one.shown)


def _has_any(times: Sequence[datetime], opens: datetime, closes: datetime) -> bool:
    """Return whether one of the sorted times is in (opens, closes]."""
    return bisect_right(times, opens) < bisect_right(times, closes)
