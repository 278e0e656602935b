"""What past predictions say of a future experiment."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.prediction_log import MemoryPredictionLog
from presage.experiments.model import Metric
from presage.experiments.planning import Baseline, Traffic
from presage.features.dataset import Column, Dataset
from presage.features.records import FeatureSetVersion, Record
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.traffic import PastUnits, find_past_units, measure_baseline
from presage.stats.inconclusive import Inconclusive

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
UNTIL = datetime(2026, 3, 10, 6, tzinfo=UTC)
NOON = datetime(2026, 3, 9, 12, tzinfo=UTC)
ORDERS = Dataset("ws", "ds", "orders", "customer", (Column("spent", "number"), Column("item", "string")), NOON)
BOUGHT = Metric("bought", "conversion", "orders", window_hours=24)


@dataclass
class Past:
    """Predictions and records of one model's users."""

    log: MemoryPredictionLog = field(default_factory=MemoryPredictionLog)
    datasets: MemoryDatasetStore = field(default_factory=MemoryDatasetStore)
    feature_sets: MemoryFeatureSetStore = field(default_factory=MemoryFeatureSetStore)

    def __post_init__(self) -> None:
        self.datasets.create_dataset(ORDERS)

    def predict(self, unit: str | None, at: datetime, shown: str | list[str] = "1") -> None:
        entry = PredictionLogEntry(
            workspace_id="ws",
            prediction_id=f"p{len(self.log.entries)}",
            model_id="mdl",
            model_version=1,
            entity_id=unit,
            variant="none",
            experiment_id=None,
            created_at=at,
            predicted_for=at,
            request={},
            features={},
            result={"prediction": shown},
        )
        self.log.put_predictions([entry])

    def land(self, *records: tuple[str, datetime, float, str]) -> None:
        rows = [
            Record(f"r{number}", unit, at, at, {"spent": spent, "item": item}) for number, (unit, at, spent, item) in enumerate(records)
        ]
        part = self.feature_sets.put_part(ORDERS, "b1", "2026-03", rows)
        self.feature_sets.create_version(FeatureSetVersion(ORDERS, 1, (part,), NOON))

    def find(self, most: int = 100) -> PastUnits:
        found = find_past_units("ws", "mdl", until=UNTIL, log=self.log, most=most)
        assert isinstance(found, PastUnits)
        return found

    def measure(self, metric: Metric) -> Baseline | Inconclusive:
        return measure_baseline("ws", metric, past=self.find(), datasets=self.datasets, feature_sets=self.feature_sets)


def test_units_count_on_the_day_that_they_are_met_first() -> None:
    past = Past()
    for back in range(7):
        past.predict("ann", NOON - back * DAY)
        past.predict(f"only{back}", NOON - back * DAY)
    past.predict(None, NOON)
    past.predict("today", UNTIL)
    past.predict("long ago", NOON - 7 * DAY)

    found = past.find()
    assert found.traffic == Traffic(8 / 7, 7)
    assert {met.unit_id: met.at for met in found.met}["ann"] == NOON - 6 * DAY


def test_only_whole_days_are_read_and_no_more_than_allowed() -> None:
    past = Past()
    for number in range(30):
        past.predict(f"u{number}", NOON - (number % 3) * DAY)

    assert past.find(most=25).traffic == Traffic(10.0, 2)
    assert isinstance(find_past_units("ws", "mdl", until=UNTIL, log=past.log, most=9), Inconclusive)
    assert isinstance(find_past_units("ws", "other", until=UNTIL, log=past.log), Inconclusive)


@pytest.mark.parametrize(
    ("metric", "mean"),
    [
        (BOUGHT, 0.75),
        (replace(BOUGHT, kind="retention", start_hours=2), 0.5),
        (replace(BOUGHT, kind="hit", item_column="item"), 0.25),
        (replace(BOUGHT, kind="count"), 1.0),
        (replace(BOUGHT, kind="sum", value_column="spent"), 13.25),
        (replace(BOUGHT, kind="sum", value_column="spent", cap=10.0), 5.75),
    ],
)
def test_the_baseline_is_what_units_did_in_their_windows(metric: Metric, mean: float) -> None:
    past = Past()
    for unit in ("ann", "bob", "cid", "dot"):
        past.predict(unit, NOON, ["a", "b"])
    past.land(
        ("ann", NOON + HOUR, 3.0, "a"),
        ("ann", NOON + 3 * HOUR, 2.0, "x"),
        ("bob", NOON + 24 * HOUR, 40.0, "c"),
        ("cid", NOON + timedelta(minutes=30), 8.0, "d"),
        ("dot", NOON, 1.0, "a"),
        ("dot", NOON + 25 * HOUR, 1.0, "a"),
        ("stranger", NOON + HOUR, 1.0, "a"),
    )

    found = past.measure(metric)
    assert isinstance(found, Baseline)
    assert found.mean == pytest.approx(mean)
    assert found.units == 4
    if metric.kind in {"conversion", "retention", "hit"}:
        assert found.variance == pytest.approx(mean * (1 - mean))


def test_the_variance_of_a_sum_is_the_samples() -> None:
    past = Past()
    for unit in ("ann", "bob"):
        past.predict(unit, NOON)
    past.land(("ann", NOON + HOUR, 4.0, "a"))

    assert past.measure(replace(BOUGHT, kind="sum", value_column="spent")) == Baseline(2.0, 8.0, 2)


@pytest.mark.parametrize(
    ("metric", "reason"), [(replace(BOUGHT, kind="ratio"), "give it"), (replace(BOUGHT, dataset="none"), "no records")]
)
def test_what_cannot_be_measured_is_said(metric: Metric, reason: str) -> None:
    past = Past()
    for unit in ("ann", "bob"):
        past.predict(unit, NOON)

    found = past.measure(metric)
    assert isinstance(found, Inconclusive)
    assert reason in found.reason
