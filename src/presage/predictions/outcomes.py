"""What came of one prediction so far: what its entity did in a metric's window after it, by the records that have landed.

For people who look at one prediction. An experiment counts from a unit's first exposure and reads the warehouse; this counts from the
prediction at hand and reads the lake, in bounds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from presage.experiments.model import Metric
from presage.features.ports import DatasetStore, FeatureSetStore
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.traffic import MOST_BYTES, UNMEASURED, Met, choose_parts, measure_units, read_shown


@dataclass(frozen=True, slots=True)
class Outcome:
    """A metric's value of one prediction. While its window is open (`closes_at` > now) it may still change.

    `value` is None where it cannot be told, which `unknown` says.
    """

    metric: Metric
    opens_at: datetime
    closes_at: datetime
    value: float | None
    unknown: str = ""


def find_outcome(entry: PredictionLogEntry, metric: Metric, *, datasets: DatasetStore, feature_sets: FeatureSetStore) -> Outcome:
    """Return what is known of a logged prediction's outcome.

    Raises:
        UnavailableError: The lake did not answer.
        CorruptArtifactError: A part is not what the manifest says.
    """
    opens, closes = (entry.predicted_for + timedelta(hours=hours) for hours in (metric.start_hours, metric.window_hours))
    if entry.entity_id is None:
        return Outcome(metric, opens, closes, None, "it was asked without an id: nobody's records can be its outcome")
    if metric.kind in UNMEASURED:
        return Outcome(metric, opens, closes, None, f"a {metric.kind} is one of many units, and not told by one")
    dataset = datasets.find_dataset_by_name(entry.workspace_id, metric.dataset)
    version = feature_sets.find_version(entry.workspace_id, dataset.dataset_id) if dataset else None
    if version is None:
        return Outcome(metric, opens, closes, None, f"there are no records of {metric.dataset!r}")
    chosen = choose_parts(version, metric, [entry.predicted_for])
    size = sum(part.size_bytes for part in chosen.parts)
    if size > MOST_BYTES:
        return Outcome(metric, opens, closes, None, f"the records of that time have {size:,} bytes, too many to look through for a page")
    met = Met(entry.entity_id, entry.predicted_for, read_shown(entry.result))
    (value,) = measure_units(metric, [met], feature_sets.read_frame(chosen) if chosen.parts else None)
    return Outcome(metric, opens, closes, value)
