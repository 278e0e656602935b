"""The training set equals a naive oracle on 200 random small cases: ties, late and repeated records and empty sets included."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from typing import TypeVar

import pytest
from pyspark.sql import SparkSession

from emr_steps.build_training_set.transforms import build_training_set
from emr_steps.materialize.transforms import materialize_view
from presage.spark.records import select_known
from presage.training.spec import Candidates, FeatureView, Label, ModelSpec, Observations
from tests.integration.spark import oracle
from tests.integration.spark.oracle import DAY, Event, Row
from tests.integration.spark.worlds import COLUMNS, START, make_events, make_frame, make_view

pytestmark = [
    pytest.mark.integration,
    # py4j leaves closing its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

KeyT = TypeVar("KeyT")
BATCHES = 3
CASES_PER_BATCH = 64
RANKING_CASES = 8


def _same(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return math.isclose(left, right, rel_tol=1e-12, abs_tol=1e-12)
    return left == right


def _assert_equal(found: Mapping[KeyT, Row], expected: Mapping[KeyT, Row]) -> None:
    assert found.keys() == expected.keys()
    wrong = [
        (key, name, found[key][name], value)
        for key, row in expected.items()
        for name, value in row.items()
        if not _same(found[key][name], value)
    ]
    assert wrong == []


def _make_views(random_: random.Random) -> tuple[FeatureView, ...]:
    return (
        make_view(random_, "own", "visits", join="entity", key_column="entity_id"),
        make_view(random_, "referred", "visits", join="entity", key_column="customer"),
        make_view(random_, "bought", "orders", join="entity", key_column="entity_id"),
    )


@pytest.mark.parametrize("batch", range(BATCHES))
def test_classification_equals_the_oracle(spark: SparkSession, batch: int) -> None:
    random_ = random.Random(f"classification {batch}")
    cutoff = START + random_.choice((40, 61, 120)) * DAY
    spec = ModelSpec(
        kind="classification",
        observations=Observations(random_.choice(("visits", "orders")), random_.choice((0, 0, 2, 7))),
        label=Label("orders", random_.choice((1, 5, 20))),
        feature_views=_make_views(random_),
    )
    everything: dict[str, list[Event]] = {"visits": [], "orders": []}
    expected: dict[tuple[str, int], Row] = {}
    for case in range(CASES_PER_BATCH):
        known = {}
        for dataset, events in everything.items():
            mine = make_events(random_, f"c{case}", dataset, random_.choice((0, 1, 5, 12, 25)))
            events.extend(mine)
            known[dataset] = oracle.select_known(mine, cutoff)
        expected.update(oracle.build_classification(known, spec, cutoff))
    boundary = oracle.find_boundary(list(expected), spec.label.window_days)
    for (entity_id, time), row in expected.items():
        row["split"] = oracle.split_of(entity_id, time, boundary, spec.label.window_days)

    records = {name: select_known(make_frame(spark, name, events), cutoff_us=cutoff) for name, events in everything.items()}
    result = build_training_set(records, spec, cutoff_us=cutoff)
    found = {(row["entity_id"], row["at_us"]): row.asDict() for row in result.rows.collect()}

    assert expected
    _assert_equal(found, expected)
    assert result.counts["used"] == len(expected)
    assert {row["label"] for row in expected.values()} == {0, 1}
    assert result.boundary_us == boundary


@pytest.mark.parametrize("case", range(RANKING_CASES))
def test_ranking_equals_the_oracle(spark: SparkSession, case: int) -> None:
    random_ = random.Random(f"ranking {case}")
    cutoff = START + random_.choice((61, 120)) * DAY
    spec = ModelSpec(
        kind="ranking",
        observations=Observations(random_.choice(("visits", "orders")), random_.choice((0, 3))),
        label=Label("orders", random_.choice((5, 20)), "item"),
        feature_views=(
            make_view(random_, "own", "visits", join="entity", key_column="entity_id"),
            make_view(random_, "items", "orders", join="item", key_column="item"),
        ),
        candidates=Candidates("orders", "item", limit=random_.choice((3, 5, 20)), negatives_per_positive=random_.choice((1, 2))),
    )
    sizes = {"visits": random_.choice((0, 20)), "orders": 0 if case == 0 else random_.choice((10, 60))}
    events = {
        name: [event for world in range(3) for event in make_events(random_, f"w{world}", name, size)] for name, size in sizes.items()
    }
    known = {name: oracle.select_known(mine, cutoff) for name, mine in events.items()}
    expected = oracle.build_ranking(known, spec, cutoff)

    records = {name: select_known(make_frame(spark, name, mine), cutoff_us=cutoff) for name, mine in events.items()}
    result = build_training_set(records, spec, cutoff_us=cutoff)
    found = {(row["entity_id"], row["at_us"], row["item"]): row.asDict() for row in result.rows.collect()}

    _assert_equal(found, expected)
    assert spec.candidates is not None
    assert result.candidates == list(oracle.list_pool(known["orders"], spec.candidates, cutoff))


def test_materialised_values_equal_the_training_row_of_the_same_moment(spark: SparkSession) -> None:
    random_ = random.Random("materialise")
    cutoff = START + 61 * DAY
    views = _make_views(random_)
    spec = ModelSpec("classification", Observations("visits"), Label("orders", 5), views)
    events = {name: make_events(random_, "m", name, 60) for name in COLUMNS}
    records = {name: select_known(make_frame(spark, name, mine), cutoff_us=cutoff).cache() for name, mine in events.items()}
    rows = {(row["entity_id"], row["at_us"]): row for row in build_training_set(records, spec, cutoff_us=cutoff).rows.collect()}
    moment = sorted(time for _, time in rows)[len(rows) // 2]
    entities = [entity_id for entity_id, time in rows if time == moment]
    assert entities
    for view in views:
        values = {row["join_key"]: row for row in materialize_view(records[view.dataset], view, as_of_us=moment).collect()}
        for entity_id in entities:
            for feature in view.features:
                trained = rows[entity_id, moment][f"{view.name}__{feature.name}"]
                stored = values[entity_id][feature.name] if entity_id in values else (0.0 if feature.function == "count" else None)
                if feature.function.startswith("days_since") and stored is not None:
                    assert (moment / 1e6 - stored) / 86_400 == pytest.approx(trained, rel=1e-12)
                else:
                    assert stored == trained, (view.name, feature)
