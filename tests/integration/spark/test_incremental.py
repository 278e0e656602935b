"""A snapshot made from an earlier one is the one that is made from all records: the same values, the same packed file."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from emr_steps.materialize.step import run
from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.training.recipe import InputDataset, InputPart, Recipe, encode_recipe
from presage.training.reuse import PreviousSnapshot, encode_previous
from presage.training.spec import Candidates, Feature, FeatureView, Label, ModelSpec, Observations
from services.trainer.pack import PackRequest, pack
from tests.integration.spark.oracle import DAY, Event
from tests.integration.spark.worlds import COLUMNS, START, make_events, make_frame, make_view

pytestmark = [
    pytest.mark.integration,
    # py4j leaves closing its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
PACKED_AT = datetime(2026, 1, 1, tzinfo=UTC)
OWN = FeatureView("own", "orders", (Feature("n", "count"), Feature("recent", "sum", "price", 10), Feature("last", "days_since_last")))
SOLD = FeatureView("sold", "orders", (Feature("n", "count"),), "item", "item")


def make_spec(*views: FeatureView) -> ModelSpec:
    return ModelSpec("ranking", Observations("orders"), Label("orders", 5, "item"), views, Candidates("orders", "item", limit=20), 5)


@dataclass
class Lake:
    """Parts and snapshots in a folder; every key is a path without its first slash."""

    spark: SparkSession
    folder: Path
    spec: ModelSpec
    parts: dict[str, list[InputPart]] = field(default_factory=lambda: {name: [] for name in COLUMNS})

    def land(self, dataset: str, events: Sequence[Event]) -> None:
        """Add the records to the dataset as a part of its own."""
        place = self.folder / f"{dataset}-{len(self.parts[dataset])}"
        make_frame(self.spark, dataset, list(events)).coalesce(1).write.parquet(str(place))
        (path,) = place.glob("*.parquet")
        self.parts[dataset].append(InputPart(str(path).lstrip("/"), f"{len(self.parts[dataset]):064d}", len(events)))

    def materialize(self, name: str, days: float, *, after: str | None = None, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - of a recipe
        """Make the snapshot `name` as of so many days, from the snapshot `after` if it can be, and return its manifest."""
        datasets = {name: InputDataset(f"ds_{name}", 1, COLUMNS[name], tuple(parts)) for name, parts in self.parts.items()}
        recipe = replace(Recipe("ws_1", self.spec, datasets, START + int(days * DAY)), **changes)
        (self.folder / name).mkdir()
        (self.folder / name / "recipe.json").write_bytes(encode_recipe(recipe))
        if after is not None:
            prefix = f"{self.folder}/{after}/".lstrip("/")
            (self.folder / name / "previous.json").write_bytes(encode_previous(PreviousSnapshot(prefix, f"{prefix}recipe.json")))
        return run(self.spark, f"file://{self.folder}/{name}/recipe.json", f"file://{self.folder}/{name}/")

    def pack(self, name: str) -> str:
        """Return the packed file's sha256."""
        files, place = MemoryTrainingFiles(), self.folder / name
        for path in place.rglob("*"):
            if path.is_file():
                files.put_lake(f"s/{path.relative_to(place)}", path.read_bytes())
        return pack(PackRequest("s/", "s/", "mdl_1", "s1"), files, now=PACKED_AT).file_sha256


def order(number: int, who: str, event: float, *, known: float | None = None, item: str = "i1", price: float = 1.5) -> Event:
    moments = (START + int(event * DAY), START + int((event if known is None else known) * DAY))
    return Event(f"r{number}", who, *moments, {"item": item, "price": price})


@pytest.mark.parametrize("seed", range(3))
def test_whatever_lands_late_twice_or_changed_the_packed_file_is_the_same(
    spark: SparkSession, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emr_steps.materialize.step.LARGEST_SHARE_TOUCHED", 1.0)
    random_ = random.Random(seed)
    dataset, join, column = (("visits", "entity", "entity_id"), ("visits", "entity", "customer"), ("orders", "item", "item"))[seed]
    views = (make_view(random_, "drawn", dataset, join=join, key_column=column), OWN)
    lake = Lake(spark, tmp_path, make_spec(*views))
    waiting: dict[str, list[Event]] = {}
    for dataset in COLUMNS:
        events = [event for case in range(8) for event in make_events(random_, f"c{case}", dataset, 25)]
        random_.shuffle(events)
        cut = int(len(events) * 0.85)
        for half in (events[: cut // 2], events[cut // 2 : cut]):
            lake.land(dataset, half)
        waiting[dataset] = events[cut:]
    lake.materialize("first", 40)
    lake.materialize("aged", 43, after="first")
    for dataset, events in waiting.items():
        lake.land(dataset, events)

    incremental = lake.materialize("second", 47.5, after="aged")
    full = lake.materialize("full", 47.5)

    touched = {name: view["touched"] for name, view in incremental["views"].items()}
    assert all(number is not None for number in touched.values()), incremental
    assert incremental["views"]["own"]["keys"] > touched["own"] > 0
    assert (incremental["not_incremental"], full["not_incremental"]) == (None, "there is none")
    assert lake.pack("second") == lake.pack("full") != lake.pack("first")


def test_only_what_may_have_changed_is_computed_anew(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, tmp_path, make_spec(OWN, SOLD))
    lake.land("visits", [])
    quiet = [order(number, f"quiet{number}", 1 + number / 100) for number in range(60)]
    lake.land(
        "orders",
        [*quiet, order(100, "expires", 25.25), order(101, "wakes", 30, known=36), order(102, "loses", 2), order(103, "stays", 33)],
    )
    lake.materialize("first", 35)
    late = order(104, "late", 3, known=34, item="i2")
    taken = order(102, "gains", 1.5, known=1.75)
    lake.land("orders", [late, taken])

    second = lake.materialize("second", 36, after="first")
    lake.materialize("full", 36)

    assert second["views"]["own"]["touched"] == len(["expires", "wakes", "late", "loses", "gains"])
    assert second["views"]["own"]["keys"] == 60 + len(["expires", "wakes", "late", "gains", "stays"])
    assert lake.pack("second") == lake.pack("full")


def test_if_too_many_changed_all_are_computed_anew(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, tmp_path, make_spec(OWN))
    lake.land("visits", [])
    lake.land("orders", [order(number, f"e{number}", 1) for number in range(9)])
    lake.materialize("first", 35)
    lake.land("orders", [order(50 + number, f"e{number}", 34) for number in range(2)])
    second = lake.materialize("second", 36, after="first")
    lake.materialize("full", 36)
    assert second["views"]["own"] == {"keys": 9, "touched": None}
    assert lake.pack("second") == lake.pack("full")


def test_an_earlier_snapshot_by_other_rules_is_not_started_from(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, tmp_path, make_spec(OWN))
    lake.land("visits", [])
    lake.land("orders", [order(1, "e1", 1)])
    lake.materialize("first", 35, code_version=1)
    second = lake.materialize("second", 36, after="first")
    assert second["not_incremental"] == "code version 1, now 2"
    assert second["views"]["own"]["touched"] is None
    assert lake.materialize("third", 37, after="nothing")["not_incremental"] == "its files are gone"
