"""A step as it is run: from a recipe and parts in a lake to files and their manifest."""

import json
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from emr_steps.build_training_set.step import run
from presage.spark.step import parse_arguments
from presage.training.recipe import InputDataset, Recipe, compute_training_set_id, encode_recipe
from presage.training.spec import Candidates, Feature, FeatureView, Label, ModelSpec, Observations, feature_columns
from tests.integration.spark.oracle import DAY, Event
from tests.integration.spark.worlds import COLUMNS, START, make_world, write_lake

pytestmark = [
    pytest.mark.integration,
    # py4j leaves closing its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


VIEWS = (
    FeatureView("own", "orders", (Feature("n", "count"), Feature("spent", "sum", "price"), Feature("week", "mean", "price", 7))),
    FeatureView("seen", "visits", (Feature("latest", "latest", "amount"), Feature("since", "days_since_last"))),
)
SPEC = ModelSpec("classification", Observations("orders"), Label("orders", 5), VIEWS)
RANKING = ModelSpec(
    "ranking",
    Observations("orders"),
    Label("orders", 20, "item"),
    (*VIEWS, FeatureView("items", "orders", (Feature("price", "mean", "price"),), "item", "item")),
    Candidates("orders", "item", limit=5),
)
CUTOFF = START + 61 * DAY
PLANS = {"sql": 0, "columnar": 10**9}


def make_worlds() -> dict[str, list[Event]]:
    random_ = random.Random(3)
    worlds = [make_world(random_, f"c{case}") for case in range(30)]
    return {name: [event for world in worlds for event in world[name]] for name in COLUMNS}


def put_recipe(lake: Path, spec: ModelSpec, datasets: Mapping[str, InputDataset], name: str = "recipe") -> str:
    (lake / f"{name}.json").write_bytes(encode_recipe(Recipe("ws_1", spec, dict(datasets), CUTOFF)))
    return f"file://{lake}/{name}.json"


def build(spark: SparkSession, recipe_uri: str, output: Path, plan: str, limits: Mapping[str, int] = PLANS) -> dict[str, Any]:
    manifest: dict[str, Any] = run(spark, recipe_uri, f"file://{output}/", key_records=limits[plan])
    assert manifest["plan"] == plan
    assert json.loads((output / "manifest.json").read_bytes()) == manifest
    return manifest


def read_bytes(output: Path, manifest: Mapping[str, Any]) -> list[bytes]:
    """Return the files of a training set in the manifest's order, then what was found in it."""
    files = [output / file["key"] for file in manifest["files"]]
    return [path.read_bytes() for path in (*files, output / "statistics.json", output / "leak_report.json")]


def test_a_second_run_takes_nothing_from_who_reads_what_the_first_one_left(spark: SparkSession, tmp_path: Path) -> None:
    recipe = put_recipe(tmp_path, SPEC, write_lake(random.Random(1), tmp_path / "v1", make_worlds(), parts=3))

    for plan in PLANS:
        first, second = build(spark, recipe, tmp_path / plan, plan), build(spark, recipe, tmp_path / plan, plan)

        for manifest in (first, second):
            assert sum(pq.read_metadata(tmp_path / plan / file["key"]).num_rows for file in manifest["files"]) == manifest["rows"] > 0


@pytest.mark.parametrize("spec", [SPEC, RANKING], ids=["classification", "ranking"])
def test_a_set_rebuilt_after_a_back_fill_has_the_same_id_and_the_same_bytes(spark: SparkSession, tmp_path: Path, spec: ModelSpec) -> None:
    events = make_worlds()
    old = write_lake(random.Random(1), tmp_path / "v1", events, parts=3)
    recipe = put_recipe(tmp_path, spec, old)
    before = {plan: build(spark, recipe, tmp_path / f"{plan}-1", plan) for plan in PLANS}
    # of last month, but known only after the cut-off; and copies of what was known, sent again
    late = {
        name: [replace(event, record_id=f"late-{event.record_id}", known=CUTOFF + DAY) for event in mine] for name, mine in events.items()
    }
    again = {name: [replace(event, known=CUTOFF + DAY, values=late[name][0].values) for event in mine] for name, mine in events.items()}
    added = write_lake(random.Random(2), tmp_path / "v2", {name: [*late[name], *again[name]] for name in events}, parts=2)
    new = {name: replace(old[name], version=2, parts=old[name].parts + added[name].parts) for name in old}

    for plan, first in before.items():
        rebuilt = build(spark, recipe, tmp_path / f"{plan}-2", plan)

        assert rebuilt["training_set_id"] == first["training_set_id"] == compute_training_set_id(Recipe("ws_1", spec, old, CUTOFF))
        assert read_bytes(tmp_path / f"{plan}-2", rebuilt) == read_bytes(tmp_path / f"{plan}-1", first)
        assert {key: rebuilt[key] for key in rebuilt if key != "files"} == {key: first[key] for key in first if key != "files"}
    # pinned to what the back-fill made, it is another set, of the same rows
    later = build(spark, put_recipe(tmp_path, spec, new, "later"), tmp_path / "later", "columnar")
    assert later["training_set_id"] != before["columnar"]["training_set_id"]
    assert read_rows(tmp_path / "later", later) == read_rows(tmp_path / "sql-1", before["sql"])
    assert later["records"]["orders"]["usable"] == before["sql"]["records"]["orders"]["usable"]


def read_rows(output: Path, manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    tables = [pq.read_table(output / file["key"]) for file in manifest["files"]]
    assert {tuple(table.column_names) for table in tables} == {tuple(manifest["columns"])}
    rows = [row for table in tables for row in table.to_pylist()]
    return sorted(rows, key=lambda row: (row["observed_at"], row["entity_id"], row.get("item", "")))


def test_a_set_without_rows_is_told_by_its_manifest(spark: SparkSession, tmp_path: Path) -> None:
    lake = write_lake(random.Random(1), tmp_path / "v1", make_worlds(), parts=3)
    (tmp_path / "early.json").write_bytes(encode_recipe(Recipe("ws_1", SPEC, lake, START)))

    for plan in PLANS:
        manifest = build(spark, f"file://{tmp_path}/early.json", tmp_path / plan, plan)

        assert (manifest["rows"], manifest["labels"], sum(file["rows"] for file in manifest["files"])) == (0, {}, 0)
        assert manifest["columns"][:2] == ["entity_id", "observed_at"]


@pytest.mark.parametrize("spec", [SPEC, RANKING], ids=["classification", "ranking"])
def test_both_plans_find_the_same_in_the_same_rows(spark: SparkSession, tmp_path: Path, spec: ModelSpec) -> None:
    worlds = make_worlds()
    recipe = put_recipe(tmp_path, spec, write_lake(random.Random(1), tmp_path / "v1", worlds, parts=3))
    longest = count_longest_key(worlds, spec)

    told = {plan: build(spark, recipe, tmp_path / plan, plan, {"columnar": longest, "sql": longest - 1}) for plan in PLANS}

    rows = read_rows(tmp_path / "columnar", told["columnar"])
    assert rows == read_rows(tmp_path / "sql", told["sql"])
    reports, statistics = (
        [json.loads((tmp_path / plan / name).read_bytes()) for plan in PLANS] for name in ("leak_report.json", "statistics.json")
    )
    assert reports[0] == reports[1]
    assert all(join["wrong_cells"] > 0 for join in reports[0]["joins"].values())
    assert reports[0]["cells"] == len(rows) * len(feature_columns(spec))
    for split in {row["split"] for row in rows}:
        chosen = [row for row in rows if row["split"] == split]
        for found in statistics:
            assert found["splits"][split]["rows"] == len(chosen)
            assert found["splits"][split]["labels"] == {str(label): n for label, n in Counter(row["label"] for row in chosen).items()}
            for name in feature_columns(spec):
                assert_moments(found["splits"][split]["features"][name], [row[name] for row in chosen])


def count_longest_key(events: Mapping[str, Sequence[Event]], spec: ModelSpec) -> int:
    """Return the most records that one key of a view has, copies counted."""
    keys = [
        Counter(event.entity_id if view.key_column == "entity_id" else event.values[view.key_column] for event in events[view.dataset])
        for view in spec.feature_views
    ]
    return max(count for counted in keys for key, count in counted.items() if key is not None)


def assert_moments(found: Mapping[str, Any], cells: Sequence[float | None]) -> None:
    values = [cell for cell in cells if cell is not None]
    assert (found["values"], found["nulls"]) == (len(values), len(cells) - len(values))
    expected = (mean(values), min(values), max(values)) if values else (None, None, None)
    assert (found["mean"], found["least"], found["greatest"]) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    assert found["standard_deviation"] == (pytest.approx(stdev(values), rel=1e-9, abs=1e-12) if len(values) > 1 else None)


def test_a_folder_is_named_with_or_without_its_slash() -> None:
    given = ["--recipe", "s3://lake/r.json", "--inputs", "s3://lake/a/,s3://lake/b/", "--output"]
    assert [parse_arguments("x", [*given, output]) for output in ("s3://lake/o", "s3://lake/o/")] == [
        ("s3://lake/r.json", "s3://lake/o/")
    ] * 2
