"""Training sets equal a naive oracle on 500 random cases, to the bit and by both plans: tied, late, repeated and moved records, skew."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from emr_steps.build_training_set.transforms import build_rows, join_views, list_columns, list_views
from emr_steps.materialize.transforms import materialize_view
from presage.spark.columnar import plan
from presage.spark.step import read_records
from presage.training.recipe import Recipe
from presage.training.spec import Candidates, FeatureView, Label, ModelSpec, Observations
from tests.integration.spark import oracle
from tests.integration.spark.oracle import DAY, Event, Row
from tests.integration.spark.worlds import COLUMNS, START, make_wide_view, make_world, write_lake

pytestmark = [
    pytest.mark.integration,
    # py4j leaves closing its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

BATCHES, CASES_PER_BATCH = 2, 242
RANKINGS, CASES_PER_RANKING = 2, 8
SMALL = plan.Sizes(bucket=1_000, slice=300, heavy=25, hashes=1_000)
"""So that few records have many buckets, and ordinary keys are heavy ones."""

Key = Any  # (entity, time) or (entity, time, item)
Events = dict[str, list[Event]]


@dataclass(frozen=True)
class Built:
    """A training set by both plans, by (entity, time) or (entity, time, item)."""

    by_plan: dict[str, dict[Key, Row]]
    counts: Mapping[str, int]
    boundary_us: int
    candidates: list[str]
    usable: Mapping[str, int]


def _list_differences(found: Mapping[Key, Row], expected: Mapping[Key, Row]) -> list[object]:
    """Return the cells that are not the same to the bit."""
    cells = [(key, name) for key in found.keys() & expected.keys() for name in expected[key] if found[key][name] != expected[key][name]]
    return [*(found.keys() ^ expected.keys()), *cells]


def _make_views(random_: random.Random) -> tuple[FeatureView, ...]:
    return (
        make_wide_view(random_, "own", "visits", join="entity", key_column="entity_id"),
        make_wide_view(random_, "referred", "visits", join="entity", key_column="customer"),
        make_wide_view(random_, "bought", "orders", join="entity", key_column="entity_id"),
    )


def _make_worlds(random_: random.Random, cases: int, cutoff: int) -> tuple[Events, list[Events]]:
    """Return all cases' records, and each case's as they were known at the cut-off."""
    worlds = [make_world(random_, f"c{case}") for case in range(cases)]
    together = {name: [event for world in worlds for event in world[name]] for name in COLUMNS}
    return together, [{name: oracle.select_known(events, cutoff) for name, events in world.items()} for world in worlds]


def _build(spark: SparkSession, folder: Path, spec: ModelSpec, events: Mapping[str, Sequence[Event]], *, cutoff: int) -> Built:
    datasets = write_lake(random.Random(1), folder / "lake", events, parts=3)
    recipe = Recipe("ws_1", spec, datasets, cutoff)
    records = read_records(spark, "file:///", recipe, datasets)
    unjoined = build_rows(records, spec, cutoff_us=cutoff)
    joined = join_views(unjoined.rows, records, list_views(spec)).collect()
    names = {held: name for name, held in list_columns(spec).items()}
    by_sql = [{names.get(name, name): value for name, value in row.asDict().items()} for row in joined]
    unjoined.rows.write.parquet(f"file://{folder}/work")
    written = plan.join_views(
        spark,
        plan.Rows(f"file://{folder}/work", unjoined.rows.count(), tuple(unjoined.rows.columns)),
        recipe,
        views=list_views(spec),
        place=plan.Place("file:///", f"file://{folder}/out/", list_columns(spec)),
        sizes=SMALL,
    )
    assert not list((folder / "work").glob("_exchange*"))
    by_columns = [row for name, count in written.files for row in _read(folder / "out" / name, count)]
    by_plan = {"sql": _index(by_sql), "columnar": _index(by_columns)}
    return Built(by_plan, unjoined.counts, unjoined.boundary_us, unjoined.candidates, written.usable)


def _read(path: Path, count: int) -> list[Row]:
    table = pq.read_table(path)
    assert len(table) == count
    order = [(name, "ascending") for name in ("observed_at", "entity_id", "item") if name in table.column_names]
    assert table.equals(table.sort_by(order))
    rows: list[Row] = table.append_column("at_us", table["observed_at"].cast(pa.int64())).to_pylist()
    return rows


def _index(rows: Sequence[Row]) -> dict[Key, Row]:
    indexed = {(row["entity_id"], row["at_us"], *([row["item"]] if "item" in row else [])): row for row in rows}
    assert len(indexed) == len(rows)
    return indexed


@pytest.mark.parametrize("batch", range(BATCHES))
def test_classification_equals_the_oracle(spark: SparkSession, tmp_path: Path, batch: int) -> None:
    random_ = random.Random(f"classification {batch}")
    cutoff = START + (61, 120)[batch] * DAY
    spec = ModelSpec(
        kind="classification",
        observations=Observations(("visits", "orders")[batch], (2, 0)[batch]),
        label=Label("orders", random_.choice((1, 5, 20))),
        feature_views=_make_views(random_),
    )
    events, worlds = _make_worlds(random_, CASES_PER_BATCH, cutoff)
    expected: dict[Key, Row] = {}
    for known in worlds:
        expected.update(oracle.build_classification(known, spec, cutoff))
    boundary = oracle.find_boundary([(entity_id, time) for entity_id, time in expected], spec.label.window_days)
    for (entity_id, time), row in expected.items():
        row["split"] = oracle.split_of(entity_id, time, boundary, spec.label.window_days)

    built = _build(spark, tmp_path, spec, events, cutoff=cutoff)

    assert expected
    for found in built.by_plan.values():
        assert _list_differences(found, expected) == []
    observed = sum(len(oracle.observe(known[spec.observations.dataset], spec.observations.spacing_days)) for known in worlds)
    assert built.counts["open_window"] == observed - len(expected)
    assert built.counts["used"] == len(expected)
    assert built.usable == {name: sum(len(known[name]) for known in worlds) for name in COLUMNS}
    assert {row["label"] for row in expected.values()} == {0, 1}
    assert built.boundary_us == boundary


@pytest.mark.parametrize("batch", range(RANKINGS))
def test_ranking_equals_the_oracle(spark: SparkSession, tmp_path: Path, batch: int) -> None:
    random_ = random.Random(f"ranking {batch}")
    cutoff = START + (61, 120)[batch] * DAY
    spec = ModelSpec(
        kind="ranking",
        observations=Observations("visits", (3, 0)[batch]),
        label=Label("orders", random_.choice((5, 20)), "item"),
        feature_views=(
            make_wide_view(random_, "own", "visits", join="entity", key_column="entity_id"),
            make_wide_view(random_, "items", "orders", join="item", key_column="item"),
        ),
        candidates=Candidates("orders", "item", limit=(3, 20)[batch], negatives_per_positive=random_.choice((1, 2))),
    )
    events, worlds = _make_worlds(random_, CASES_PER_RANKING, cutoff)
    known = {name: [event for world in worlds for event in world[name]] for name in COLUMNS}
    expected: dict[Key, Row] = dict(oracle.build_ranking(known, spec, cutoff))

    built = _build(spark, tmp_path, spec, events, cutoff=cutoff)

    assert expected
    for found in built.by_plan.values():
        assert _list_differences(found, expected) == []
    assert spec.candidates is not None
    assert built.candidates == list(oracle.list_pool(known["orders"], spec.candidates, cutoff))


def test_without_any_record_there_is_no_row(spark: SparkSession, tmp_path: Path) -> None:
    spec = ModelSpec("classification", Observations("visits"), Label("orders", 5), _make_views(random.Random(1)))
    built = _build(spark, tmp_path, spec, {name: [] for name in COLUMNS}, cutoff=START)
    assert built.by_plan == {"sql": {}, "columnar": {}}


def test_a_planted_leak_is_caught(spark: SparkSession, tmp_path: Path) -> None:
    """Values used before they were known, or before they were true, are not the oracle's."""
    random_ = random.Random("leak")
    cutoff = START + 120 * DAY
    spec = ModelSpec("classification", Observations("orders"), Label("orders", 5), _make_views(random_)[:1])
    events, worlds = _make_worlds(random_, 10, cutoff)
    expected: dict[Key, Row] = {}
    for known in worlds:
        expected.update(oracle.build_classification(known, spec, cutoff))
    leaks = {
        "known": [replace(event, known=event.event) for event in events["visits"]],
        "event": [replace(event, event=event.event - DAY, known=min(event.known, event.event) - DAY) for event in events["visits"]],
    }
    for name, forged in leaks.items():
        built = _build(spark, tmp_path / name, spec, {**events, "visits": forged}, cutoff=cutoff)
        for found in built.by_plan.values():
            assert _list_differences(found, expected)


def test_materialised_values_equal_the_training_row_of_the_same_moment(spark: SparkSession, tmp_path: Path) -> None:
    random_ = random.Random("materialise")
    cutoff = START + 61 * DAY
    views = _make_views(random_)
    spec = ModelSpec("classification", Observations("visits"), Label("orders", 5), views)
    datasets = write_lake(random_, tmp_path, _make_worlds(random_, 12, cutoff)[0], parts=2)
    records = read_records(spark, "file:///", Recipe("ws_1", spec, datasets, cutoff), datasets)
    joined = join_views(build_rows(records, spec, cutoff_us=cutoff).rows, records, views).collect()
    moment = sorted(row["at_us"] for row in joined)[len(joined) // 2]
    rows = {row["entity_id"]: row for row in joined if row["at_us"] == moment}
    assert rows
    for view in views:
        values = {row["join_key"]: row for row in materialize_view(records[view.dataset], view, as_of_us=moment).collect()}
        for entity_id, row in rows.items():
            for feature in view.features:
                trained: Any = row[f"{view.name}__{feature.name}"]
                stored = values[entity_id][feature.name] if entity_id in values else (0.0 if feature.function == "count" else None)
                if feature.function.startswith("days_since") and stored is not None:
                    assert (moment / 1e6 - stored) / 86_400 == pytest.approx(trained, rel=1e-12)
                else:
                    assert stored == trained, (view.name, feature)
