"""What a model's past predictions say of a future experiment: how many units come, and what they do.

The last days before now, less the metric's window, are treated as an experiment without variants: a unit counts from its first
prediction, and what it did in its window is read from the records. All of it is bounded, so that a planner's question stays cheap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from presage.errors import InvalidInputError
from presage.experiments.model import BINARY_KINDS, Metric
from presage.experiments.plan import validate_metric
from presage.experiments.planning import FEWEST_UNITS, Aim, Baseline, Traffic
from presage.features.ports import DatasetStore, FeatureSetStore
from presage.features.records import ENTITY_ID, EVENT_TIMESTAMP, FeatureSetVersion
from presage.predictions.ports import PredictionLog, PredictionLogEntry
from presage.stats.inconclusive import Inconclusive
from presage.training.model import Model

if TYPE_CHECKING:
    import polars as pl

DAYS = 7
MOST_PREDICTIONS = 5_000
PAGE = 200
MOST_BYTES = 64_000_000
MONTHS_PREFIX = "/event_month="
UNMEASURED = {"mean", "ratio"}


@dataclass(frozen=True, slots=True)
class Met:
    """A unit met for the first time, and what was shown to it then."""

    unit_id: str
    at: datetime
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PastUnits:
    """Units met on the last `days` whole days of which all predictions were read. `traffic` is that of an experiment as long."""

    met: Sequence[Met]
    days: int

    @property
    def traffic(self) -> Traffic:
        """How many of them came a day. An experiment that lasts longer meets fewer new ones a day."""
        return Traffic(len(self.met) / self.days, self.days)


@dataclass(frozen=True, slots=True)
class PlanningPorts:
    """What planning is measured with."""

    log: PredictionLog
    datasets: DatasetStore
    feature_sets: FeatureSetStore


class _Shown(msgspec.Struct):
    prediction: str | float | tuple[str, ...] = ()


def measure(
    model: Model, aim: Aim, *, baseline: Baseline | None, traffic: Traffic | None, now: datetime, ports: PlanningPorts
) -> tuple[Baseline, Traffic]:
    """Return what was given and, in place of what was not, what the model's past predictions say.

    Raises:
        InvalidInputError: The metric cannot be counted, or they say nothing; the path names the fault, or what to give instead.
        UnavailableError: The prediction log or the lake did not answer.
    """
    validate_metric(aim.metric, path="primary", find_dataset=lambda name: ports.datasets.find_dataset_by_name(model.workspace_id, name))
    if baseline is not None and traffic is not None:
        return baseline, traffic
    until = now - timedelta(hours=aim.metric.window_hours)
    past = find_past_units(model.workspace_id, model.model_id, until=until, log=ports.log)
    if isinstance(past, Inconclusive):
        raise InvalidInputError(past.reason, path="$.units_a_day" if traffic is None else "$.baseline")
    if baseline is None:
        found = measure_baseline(model.workspace_id, aim.metric, past=past, datasets=ports.datasets, feature_sets=ports.feature_sets)
        if isinstance(found, Inconclusive):
            raise InvalidInputError(found.reason, path="$.baseline")
        baseline = found
    return baseline, traffic or past.traffic


def find_past_units(
    workspace_id: str, model_id: str, *, until: datetime, log: PredictionLog, most: int = MOST_PREDICTIONS
) -> PastUnits | Inconclusive:
    """Return the units of up to `DAYS` whole UTC days before `until`, as many as have at most `most` predictions together.

    Inconclusive when the last of these days alone has more, or none of them has a prediction.

    Raises:
        UnavailableError: The prediction log did not answer.
    """
    entries: list[PredictionLogEntry] = []
    read = 0
    for day in _list_days(until):
        count = log.count_by_model_day(workspace_id, model_id, day.isoformat())
        if len(entries) + count > most:
            break
        entries.extend(read_day(workspace_id, model_id, day, log) if count else ())
        read += 1
    if not read:
        return Inconclusive(f"there are more than {most} predictions a day: give units_a_day and the baseline")
    met = _find_first(entries)
    return PastUnits(met, read) if met else Inconclusive(f"no unit was met on the {read} days before {until:%Y-%m-%d}")


def measure_baseline(
    workspace_id: str, metric: Metric, *, past: PastUnits, datasets: DatasetStore, feature_sets: FeatureSetStore
) -> Baseline | Inconclusive:
    """Return the metric's mean and variance over past units, from the records of their windows.

    Inconclusive for a mean or a ratio, without records, and when there are too many to read them all.

    Raises:
        UnavailableError: The lake did not answer.
        CorruptArtifactError: A part is not what the manifest says.
    """
    if metric.kind in UNMEASURED:
        return Inconclusive(f"the baseline of a {metric.kind} is not measured: give it")
    if len(past.met) < FEWEST_UNITS:
        return Inconclusive("a variance needs two units")
    dataset = datasets.find_dataset_by_name(workspace_id, metric.dataset)
    version = feature_sets.find_version(workspace_id, dataset.dataset_id) if dataset else None
    if version is None:
        return Inconclusive(f"there are no records of {metric.dataset!r} yet")
    chosen = choose_parts(version, metric, [found.at for found in past.met])
    size = sum(part.size_bytes for part in chosen.parts)
    if size > MOST_BYTES:
        return Inconclusive(f"the records of these days have {size} bytes, more than {MOST_BYTES}: give the baseline")
    values = measure_units(metric, past.met, feature_sets.read_frame(chosen) if chosen.parts else None)
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    variance = mean * (1.0 - mean) if metric.kind in BINARY_KINDS else squares / (len(values) - 1)
    return Baseline(mean, variance, len(values))


def _list_days(until: datetime) -> Iterator[date]:
    last = until.astimezone(UTC).date() - timedelta(days=1)
    return (last - timedelta(days=back) for back in range(DAYS))


def read_day(workspace_id: str, model_id: str, day: date, log: PredictionLog) -> Iterator[PredictionLogEntry]:
    """Yield the predictions that were created on that UTC day, a page in memory at a time."""
    cursor: str | None = None
    while True:
        page = log.list_by_model_day(workspace_id, model_id, day.isoformat(), cursor=cursor, limit=PAGE)
        yield from page.entries
        cursor = page.next_cursor
        if cursor is None:
            return


def _find_first(entries: Sequence[PredictionLogEntry]) -> list[Met]:
    """Return each entity's first prediction, in the order of the entities."""
    first: dict[str, PredictionLogEntry] = {}
    for entry in entries:
        if entry.entity_id is not None:
            known = first.setdefault(entry.entity_id, entry)
            first[entry.entity_id] = min(known, entry, key=lambda one: (one.predicted_for, one.prediction_id))
    return [Met(unit_id, entry.predicted_for, read_shown(entry.result)) for unit_id, entry in sorted(first.items())]


def read_shown(result: Mapping[str, object]) -> tuple[str, ...]:
    """Return the items, or the class, that a logged result answered."""
    shown = msgspec.convert(result, _Shown).prediction
    return shown if isinstance(shown, tuple) else (str(shown),)


def choose_parts(version: FeatureSetVersion, metric: Metric, times: Sequence[datetime]) -> FeatureSetVersion:
    """Return the version with only those parts that may hold a record of a window that begins at one of `times`."""
    first, last = min(times), max(times) + timedelta(hours=metric.window_hours)
    months = f"{first.astimezone(UTC):%Y-%m}", f"{last.astimezone(UTC):%Y-%m}"
    parts = (part for part in version.parts if months[0] <= part.key.partition(MONTHS_PREFIX)[2][:7] <= months[1])
    return replace(version, parts=tuple(parts))


def measure_units(metric: Metric, met: Sequence[Met], frame: pl.DataFrame | None) -> list[float]:
    """Return what each unit did in its window, by the records of `frame` (None: there are none)."""
    records = {} if frame is None else _group(frame, metric, met)
    return [_measure_unit(metric, found, records.get(found.unit_id, ())) for found in met]


def _group(frame: pl.DataFrame, metric: Metric, met: Sequence[Met]) -> dict[str, list[tuple[datetime, object, object]]]:
    """Return (time, value, item) of the units' records."""
    wanted = {found.unit_id for found in met}
    grouped: dict[str, list[tuple[datetime, object, object]]] = {}
    for row in frame.iter_rows(named=True):
        if row[ENTITY_ID] in wanted:
            value = row[metric.value_column] if metric.value_column else None
            item = row[metric.item_column] if metric.item_column else None
            grouped.setdefault(row[ENTITY_ID], []).append((row[EVENT_TIMESTAMP].replace(tzinfo=UTC), value, item))
    return grouped


def _measure_unit(metric: Metric, found: Met, records: Sequence[tuple[datetime, object, object]]) -> float:
    opens, closes = (found.at + timedelta(hours=hours) for hours in (metric.start_hours, metric.window_hours))
    mine = [(value, item) for at, value, item in records if opens < at <= closes]
    if metric.kind == "hit":
        mine = [(value, item) for value, item in mine if item in found.shown]
    if metric.kind in BINARY_KINDS:
        return float(bool(mine))
    added = [value if isinstance(value, int | float) else 0.0 for value, _ in mine] if metric.value_column else [1.0] * len(mine)
    return min(float(sum(added)), metric.cap) if metric.cap is not None else float(sum(added))
