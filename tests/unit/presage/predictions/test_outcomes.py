"""What came of one prediction, by the records that landed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.experiments.model import Denominator, Metric
from presage.features.dataset import Column, Dataset
from presage.features.records import FeatureSetVersion, Record
from presage.predictions.outcomes import Outcome, find_outcome
from tests.fixtures.logged import NOON, entry

HOUR = timedelta(hours=1)
DATASET = Dataset("ws_1", "ds_1", "orders", "customer", (Column("spent", "number"), Column("item", "string")), NOON)
BOUGHT = Metric("bought", "conversion", "orders", window_hours=24)


def look(metric: Metric, records: Sequence[tuple[str, timedelta, float, str]], **changes: object) -> Outcome:
    datasets, store = MemoryDatasetStore(), MemoryFeatureSetStore()
    datasets.create_dataset(DATASET)
    made = [
        Record(f"r{place}", who, NOON + after, NOON + after, {"spent": spent, "item": item})
        for place, (who, after, spent, item) in enumerate(records)
    ]
    if made:
        months = sorted({f"{record.event_timestamp:%Y-%m}" for record in made})
        parts = [
            store.put_part(DATASET, "a", month, [each for each in made if f"{each.event_timestamp:%Y-%m}" == month]) for month in months
        ]
        store.create_version(FeatureSetVersion(DATASET, 1, tuple(parts), NOON))
    return find_outcome(entry(1, **({"predicted_for": NOON} | changes)), metric, datasets=datasets, feature_sets=store)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        (BOUGHT, 1.0),
        (replace(BOUGHT, window_hours=1), 0.0),
        (Metric("n", "count", "orders", 24), 2.0),
        (Metric("spent", "sum", "orders", 24, value_column="spent"), 7.0),
        (Metric("capped", "sum", "orders", 24, value_column="spent", cap=5.0), 5.0),
        (Metric("took", "hit", "orders", 24, item_column="item"), 1.0),
        (Metric("back", "retention", "orders", 24, start_hours=4), 0.0),
    ],
)
def test_an_outcome_is_what_the_entity_did_in_the_metric_s_window(metric: Metric, value: float) -> None:
    records = [
        ("c1", -HOUR, 90.0, "a"),
        ("c1", 2 * HOUR, 3.0, "x"),
        ("c1", 3 * HOUR, 4.0, "ü"),
        ("c1", 25 * HOUR, 90.0, "a"),
        ("c2", HOUR / 2, 90.0, "a"),
    ]
    found = look(metric, records)
    assert (found.value, found.unknown) == (value, "")
    assert (found.opens_at, found.closes_at) == (NOON + metric.start_hours * HOUR, NOON + metric.window_hours * HOUR)


@pytest.mark.parametrize(
    ("metric", "changes", "said"),
    [
        (BOUGHT, {"entity_id": None}, "without an id"),
        (Metric("mean", "mean", "orders", value_column="spent"), {}, "one of many units"),
        (Metric("ratio", "ratio", "orders", denominator=Denominator("orders")), {}, "one of many units"),
        (replace(BOUGHT, dataset="visits"), {}, "no records of 'visits'"),
        (BOUGHT, {}, "no records of 'orders'"),
    ],
)
def test_what_cannot_be_told_is_not_taken_for_nothing(metric: Metric, changes: dict[str, object], said: str) -> None:
    found = look(metric, (), **changes)
    assert found.value is None
    assert said in found.unknown


def test_records_of_other_months_are_not_read() -> None:
    found = look(BOUGHT, [("c1", 60 * 24 * HOUR, 1.0, "a")])
    assert found.value == 0.0
