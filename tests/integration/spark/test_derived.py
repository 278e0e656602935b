"""Feature vectors of 10,000 entities: offline by both plans and online at the same moment, bit for bit, fuzzed derived ones included."""

import math
import random
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from struct import pack as to_bytes

import numpy as np
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from emr_steps.build_training_set.step import run as build_training_set
from emr_steps.materialize.step import run as materialize
from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.features.dataset import Column, Dataset
from presage.predictions.loaded_model import LoadedModel
from presage.predictions.scorer import Scorer
from presage.predictions.snapshot import Snapshot, SnapshotFile
from presage.training.artifact import ModelArtifact
from presage.training.compiled import decode_compiled
from presage.training.derived import list_categories
from presage.training.expressions import Type
from presage.training.recipe import InputDataset, Recipe, encode_recipe, from_microseconds
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations, feature_columns, view_columns
from presage.training.validation import validate_spec
from services.trainer.pack import PackRequest, pack
from tests.fixtures.expressions import Maker
from tests.fixtures.serving import PROVEN, build_model
from tests.integration.spark.oracle import DAY, Event, Value
from tests.integration.spark.worlds import COLUMNS, START, write_lake

pytestmark = [
    pytest.mark.integration,
    # py4j leaves closing its sockets to the garbage collector
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
ENTITIES, DERIVED = 10_000, 40
MOMENT = START + 30 * DAY + 12_345_678_901
"""When all entities are asked about: with microseconds, as real moments have them."""
PLANS = {"sql": 0, "columnar": 10**9}
VISITS = FeatureView(
    "visits",
    "visits",
    (
        Feature("n", "count"),
        Feature("spent", "sum", "amount"),
        Feature("week", "mean", "amount", 7),
        Feature("amount", "latest", "amount"),
        Feature("active", "latest", "active"),
        Feature("first", "days_since_first"),
        Feature("last", "days_since_last", None, 20),
        Feature("referrer", "latest", "customer", categories=("a", "ü", "c")),
        Feature("recent_referrer", "latest", "customer", 10, categories=("c", "a")),
    ),
)
ORDERS = FeatureView("orders", "orders", (Feature("items", "count", "item"), Feature("item", "latest", "item", categories=("tea", "cup"))))
SPEC = ModelSpec("classification", Observations("orders"), Label("visits", 5), (VISITS, ORDERS))
NUMBERS = ("n", "spent", "week", "amount", "first", "last")
TYPES: dict[str, Type] = {
    **{f"visits__{name}": "number" for name in NUMBERS},
    "visits__active": "boolean",
    "visits__referrer": "category",
    "visits__recent_referrer": "category",
    "orders__items": "number",
    "orders__item": "category",
}


def make_records(random_: random.Random) -> dict[str, list[Event]]:
    """Return records of which some became known only after the moment, and one order of each entity at the moment."""

    def pick(*values: Value) -> Value:
        return random_.choice(values)

    visits, orders = [], []
    for number in range(ENTITIES):
        entity = f"e{number}" if number % 5 else f"kundin-ü{number}"
        orders.append(Event(f"o{number}", entity, MOMENT, MOMENT, {"item": pick("tea", "cup", "pot", None), "price": pick(1.5, None)}))
        for visit in range(random_.randrange(4)):
            event = MOMENT - random_.randrange(40 * DAY)
            known = event + random_.choice((0, 0, 0, random_.randrange(50 * DAY)))
            amount = pick(random_.uniform(-50, 50), random_.uniform(0, 2e9), 0.0, -0.0, 3.0, None)
            values = {"amount": amount, "active": pick(True, False, None), "customer": pick("a", "ü", "c", "other", None)}
            visits.append(Event(f"v{number}-{visit}", entity, event, known, values))
        if random_.random() < 0.5:
            values = {"amount": 1.0, "active": True, "customer": "a"}
            visits.append(Event(f"w{number}", entity, MOMENT + DAY, MOMENT + DAY, values))
    return {"visits": visits, "orders": orders}


def derive() -> ModelSpec:
    spec = replace(SPEC, derived=Maker(random.Random(44), TYPES, list_categories(SPEC)).make_derived(DERIVED))
    datasets = {
        name: Dataset("ws_1", f"ds_{name}", name, "customer", tuple(Column(*column) for column in columns.items()), datetime.now(UTC))  # type: ignore[arg-type]
        for name, columns in COLUMNS.items()
    }
    validate_spec(spec, datasets)
    return spec


def read_offline(spark: SparkSession, lake: Path, recipe: Recipe, plan: str) -> dict[str, tuple[float, ...]]:
    """Return each entity's vector in the training set, null as NaN."""
    (lake / "recipe.json").write_bytes(encode_recipe(recipe))
    manifest = build_training_set(spark, f"file://{lake}/recipe.json", f"file://{lake}/{plan}/", key_records=PLANS[plan])
    assert (manifest["plan"], manifest["rows"]) == (plan, ENTITIES)
    tables = [pq.read_table(lake / plan / file["key"]) for file in manifest["files"]]  # type: ignore[attr-defined]
    rows = [row for table in tables for row in table.to_pylist()]
    names = feature_columns(recipe.spec)
    return {row["entity_id"]: tuple(math.nan if row[name] is None else row[name] for name in names) for row in rows}


def open_online(spark: SparkSession, lake: Path, recipe: Recipe) -> Scorer:
    """Return a scorer on a snapshot that was materialised and packed as of the moment."""
    (lake / "snapshot").mkdir()
    (lake / "snapshot" / "recipe.json").write_bytes(encode_recipe(recipe))
    materialize(spark, f"file://{lake}/snapshot/recipe.json", f"file://{lake}/snapshot/")
    files = MemoryTrainingFiles()
    for path in (lake / "snapshot").rglob("*"):
        if path.is_file():
            files.put_lake(f"snapshot/{path.relative_to(lake / 'snapshot')}", path.read_bytes())
    manifest = pack(PackRequest("snapshot/", "snapshot/", "m", "s"), files, now=datetime.now(UTC))
    (lake / "features.lmdb").write_bytes(files.lake[manifest.file_key])
    columns = feature_columns(recipe.spec)
    artifact = ModelArtifact(2, "m", 1, recipe.spec, columns, ("0", "1"), ("0",), "k", "s", PROVEN, "ts")
    model = LoadedModel(decode_compiled(build_model([0.0] * len(columns))))
    return Scorer(artifact, model, Snapshot(SnapshotFile(str(lake / "features.lmdb")), manifest))


def to_bits(values: tuple[float, ...]) -> tuple[bytes, ...]:
    """Return the numbers' bytes, one kind of NaN for null."""
    return tuple(to_bytes("<d", math.nan if math.isnan(value) else value) for value in values)


def test_ten_thousand_entities_have_the_same_vectors_offline_and_online(spark: SparkSession, tmp_path: Path) -> None:
    spec = derive()
    records: dict[str, InputDataset] = write_lake(random.Random(1), tmp_path / "parts", make_records(random.Random(7)), parts=3)
    recipe = Recipe("ws_1", spec, records, MOMENT + 6 * DAY)
    scorer = open_online(spark, tmp_path, replace(recipe, cutoff_us=MOMENT))

    offline = {plan: read_offline(spark, tmp_path, recipe, plan) for plan in PLANS}

    entities = sorted(offline["sql"])
    assert len(entities) == ENTITIES
    online: dict[str, tuple[float, ...]] = {}
    for start in range(0, ENTITIES, 1_000):
        some = entities[start : start + 1_000]
        _, values, _ = scorer.score_rows(some, [], from_microseconds(MOMENT))
        online |= dict(zip(some, map(tuple, values.tolist()), strict=True))
    alone = scorer.score_rows(entities[:1], [], from_microseconds(MOMENT))[1][0]
    assert to_bits(tuple(alone.tolist())) == to_bits(online[entities[0]])
    names = feature_columns(spec)
    for plan, found in offline.items():
        for entity in entities:
            theirs, ours = to_bits(found[entity]), to_bits(online[entity])
            assert theirs == ours, [
                (plan, entity, name, a, b)
                for name, a, b, c, d in zip(names, found[entity], online[entity], theirs, ours, strict=True)
                if c != d
            ]
    # what was compared is worth comparing
    vectors = np.array([online[entity] for entity in entities])
    assert len(names) == len(view_columns(spec)) + DERIVED
    varied = [name for name, column in zip(names, vectors.T, strict=True) if len(np.unique(column[~np.isnan(column)])) > 1]
    assert len(set(varied) - set(view_columns(spec))) > DERIVED / 2
    assert np.isnan(vectors).any(axis=0).sum() > DERIVED / 4
