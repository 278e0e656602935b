"""Labels equal a naive computation in plain Python, ties, nulls, repeated and late records included."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from pyspark.sql import SparkSession

from presage.spark.labels import add_label
from presage.spark.observations import add_outcomes, build_observations
from presage.spark.records import select_known
from presage.training.spec import Label
from tests.integration.spark import oracle
from tests.integration.spark.oracle import DAY, Event
from tests.integration.spark.worlds import START, make_events, make_frame

pytestmark = [
    pytest.mark.integration,
    # py4j leaves closing its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
CUTOFF = START + 200 * DAY
LABELS = [
    Label("orders", 5),
    Label("orders", 5, class_column="item"),
    Label("orders", 20, class_column="item", absent_class="nothing"),
    Label("visits", 5, class_column="active", absent_class="never"),
    Label("orders", 5, aggregate="count"),
    Label("orders", 20, aggregate="count", value_column="price"),
    Label("orders", 20, aggregate="sum", value_column="price"),
    Label("orders", 20, aggregate="mean", value_column="price"),
    Label("visits", 20, aggregate="mean", value_column="active"),
]


def label_naively(label: Label, events: Sequence[Event], entity_id: str, time: int) -> object:
    taken = [event for event in events if event.entity_id == entity_id and time < event.event <= time + label.window_days * DAY]
    column = label.class_column or label.value_column
    if column is not None:
        taken = [event for event in taken if event.values[column] is not None]
    if label.class_column is not None:
        first = min(taken, key=lambda event: (event.event, event.known, event.record_id), default=None)
        return (
            label.absent_class if first is None else str(first.values[label.class_column]).replace("True", "true").replace("False", "false")
        )
    if label.aggregate is None:
        return int(bool(taken))
    if label.aggregate == "count":
        return float(len(taken))
    total = 0.0
    for event in sorted(taken, key=lambda event: (event.event, event.record_id)):
        total += float(event.values[column or ""] or 0)
    if label.aggregate == "sum":
        return total
    return total / len(taken) if taken else None


@pytest.mark.parametrize("label", LABELS, ids=str)
def test_labels_equal_a_naive_computation(spark: SparkSession, label: Label) -> None:
    random_ = random.Random(str(label))
    events = [event for case in range(40) for event in make_events(random_, f"c{case}", label.dataset, random_.choice((1, 5, 25)))]
    known = oracle.select_known(events, CUTOFF)
    records = select_known(make_frame(spark, label.dataset, events), cutoff_us=CUTOFF).cache()
    observations = build_observations(records, spacing_days=0)

    found = add_label(add_outcomes(observations, records, label), records, label).collect()

    expected = {(entity_id, time): label_naively(label, known, entity_id, time) for entity_id, time in oracle.observe(known, 0)}
    expected = {key: value for key, value in expected.items() if value is not None}
    assert {(row["entity_id"], row["at_us"]): row["label"] for row in found} == expected
    assert len(found) == len(expected)
    assert len(set(expected.values())) > 1
