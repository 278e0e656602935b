"""A model is built through the AWS APIs: Spark steps, the trainer's tasks, the files they leave, and what is served from them."""

import json
import math
import random
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import numpy as np
import pytest

from presage.adapters.client import build_client
from presage.adapters.ecs.task_runner import EcsTaskRunner
from presage.adapters.emr.spark_runner import EmrSparkRunner
from presage.adapters.emr.steps import StepPrograms
from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.s3.model_files import S3ModelFiles
from presage.adapters.s3.training_files import S3TrainingFiles
from presage.errors import InvalidInputError, JobCancelledError, UnavailableError
from presage.features.dataset import Column, Dataset
from presage.features.records import FeatureSetVersion, Record
from presage.predictions.loaded_model import LoadedModel
from presage.predictions.loading import ScorerCache
from presage.predictions.request import Query
from presage.progress import ignore_progress
from presage.training.artifact import CANDIDATES_KEY, ModelArtifact, SnapshotManifest, build_snapshot_key
from presage.training.compiled import decode_compiled
from presage.training.model import Model, ModelVersion
from presage.training.spec import Candidates, Feature, FeatureView, Label, ModelSpec, Observations
from presage.training.use_cases import BuildOrder, BuildPorts, build_model
from tests.fixtures.bridges import ROOT, run_bridge, zip_library

pytestmark = pytest.mark.integration

START = datetime(2024, 1, 1, tzinfo=UTC)
CUTOFF = START + timedelta(days=200)
ITEMS = 30
PEOPLE = (*(f"p{number}" for number in range(0, 400, 7)), "nobody")


@dataclass(frozen=True)
class Place:
    """Buckets on the emulator, and clients of the bridges."""

    ports: BuildPorts
    files: S3TrainingFiles
    lake: str


@pytest.fixture(scope="module")
def place(emulator: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    assert emulator
    s3, ecs = build_client("s3"), build_client("ecs")
    suffix = secrets.token_hex(4)
    lake, artifacts, assets = f"lake-{suffix}", f"artifacts-{suffix}", f"assets-{suffix}"
    for bucket in (lake, artifacts, assets):
        s3.create_bucket(Bucket=bucket)
    steps = {"py_files": f"s3://{assets}/library.zip"}
    s3.put_object(Bucket=assets, Key="library.zip", Body=zip_library())
    for step in ("build_training_set", "materialize"):
        steps[step] = f"s3://{assets}/{step}/step.py"
        s3.put_object(Bucket=assets, Key=f"{step}/step.py", Body=(ROOT / "emr_steps" / step / "step.py").read_bytes())
    ecs.create_cluster(clusterName="training")
    variables = {"PRESAGE_STAGE": "local", "PRESAGE_LAKE_BUCKET": lake, "PRESAGE_ARTIFACTS_BUCKET": artifacts}
    definition = ecs.register_task_definition(
        family=f"trainer-{suffix}",
        containerDefinitions=[
            {
                "name": "trainer",
                "image": "trainer",
                "entryPoint": ["python", "-m", "services.trainer.app"],
                "environment": [{"name": name, "value": value} for name, value in variables.items()],
            }
        ],
    )["taskDefinition"]["taskDefinitionArn"]
    folder = tmp_path_factory.mktemp("bridges")
    with run_bridge("emr_serverless", folder / "emr") as emr, run_bridge("ecs_tasks", folder / "ecs") as tasks:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL_EMR_SERVERLESS", emr)
            patch.setenv("AWS_ENDPOINT_URL_ECS", tasks)
            spark = EmrSparkRunner(
                build_client("emr-serverless"),
                application_id="app",
                execution_role_arn="arn:aws:iam::000000000000:role/x",
                programs=StepPrograms(steps, lake),
            )
            runner = EcsTaskRunner(
                build_client("ecs"), cluster="training", task_definition=definition, subnets=["subnet-1"], security_groups=["sg-1"]
            )
        files = S3TrainingFiles(lake, artifacts, s3)
        ports = BuildPorts(
            datasets=MemoryDatasetStore(),
            feature_sets=S3FeatureSetStore(lake, s3),
            spark=spark,
            tasks=runner,
            files=files,
            versions=MemoryVersionRegistry(),
            clock=lambda: datetime.now(UTC),
            pause=lambda seconds: time.sleep(min(seconds, 1)),
        )
        fill_lake(ports)
        yield Place(ports, files, lake)


def fill_lake(ports: BuildPorts) -> None:
    """Write visits and orders of 400 people; half of them are eager, and each has a taste."""
    random_ = random.Random(7)
    visits, orders = [], []
    for person in range(400):
        eager, taste = person % 2 == 0, person % 3
        for number in range(random_.randrange(4, 12)):
            moment = START + timedelta(days=random_.uniform(0, 200))
            values = {"minutes": random_.uniform(5, 20) + (10 if eager else 0)}
            visits.append(Record(f"v{person}-{number}", f"p{person}", moment, moment + timedelta(hours=1), values))
            if random_.random() < (0.9 if eager else 0.15):
                bought = moment + timedelta(days=random_.uniform(0.1, 3))
                item = f"i{(int(random_.paretovariate(1)) * 3 + taste) % ITEMS}"
                orders.append(Record(f"o{person}-{number}", f"p{person}", bought, bought, {"item": item, "price": 1.5}))
    for name, columns, records in (
        ("visits", (Column("minutes", "number"),), visits),
        ("orders", (Column("item", "string"), Column("price", "number")), orders),
    ):
        dataset = Dataset("ws_1", f"ds_{name}", name, "person", columns, START)
        ports.datasets.create_dataset(dataset)
        parts = tuple(ports.feature_sets.put_part(dataset, f"b{half}", "2024-01", records[half::2]) for half in range(2))
        ports.feature_sets.create_version(FeatureSetVersion(dataset, 1, parts, START))


def make_model(spec: ModelSpec, name: str) -> Model:
    return Model("ws_1", f"mdl_{name}", name, spec, "0", START)


VISITS = FeatureView(
    "visits",
    "visits",
    (Feature("minutes", "mean", "minutes"), Feature("recent", "count", None, 14), Feature("last", "days_since_last")),
)
ORDERS = FeatureView("orders", "orders", (Feature("orders", "count"), Feature("first", "days_since_first")))
CLASSIFICATION = ModelSpec("classification", Observations("visits", 1), Label("orders", 3), (VISITS, ORDERS))
RANKING = ModelSpec(
    "ranking",
    Observations("visits", 7),
    Label("orders", 3, "item"),
    (ORDERS, FeatureView("items", "orders", (Feature("sold", "count"),), "item", "item")),
    Candidates("orders", "item", limit=20),
    list_length=5,
)


BUYS = make_model(CLASSIFICATION, "buys")


def build(place: Place, model: Model, version: int = 1) -> ModelVersion:
    return build_model(model=model, order=BuildOrder(version, CUTOFF), ports=place.ports, progress=ignore_progress, checkpoint={})


@pytest.fixture(scope="module")
def built(place: Place) -> ModelVersion:
    return build(place, BUYS)


def read_snapshot(place: Place, built: ModelVersion, folder: Path) -> dict[bytes, bytes]:
    manifest = msgspec.json.decode(place.files.read_lake(built.snapshot_key) or b"", type=SnapshotManifest)
    assert manifest.as_of == CUTOFF
    path = folder / "features.lmdb"
    path.write_bytes(place.files.read_lake(manifest.file_key) or b"")
    with lmdb.open(str(path), subdir=False, readonly=True, lock=False) as environment, environment.begin() as transaction:
        return dict(transaction.cursor())


def test_a_classification_is_built_and_beats_its_baseline(place: Place, built: ModelVersion, tmp_path: Path) -> None:
    assert built.metrics["verdict"] == {"primary": "log_loss", "beats_baseline": True, "confidence_level": 0.95}
    artifact = msgspec.json.decode(place.files.read_artifact(built.artifact_key) or b"", type=ModelArtifact)
    compiled = decode_compiled(place.files.read_artifact(artifact.model_key) or b"")
    eager, lazy = [27, 3, 1, 8, 100], [10, 3, 1, 0, math.nan]
    answered = LoadedModel(compiled).run(np.array([eager, lazy], dtype=np.float64))
    assert artifact.parity.largest_difference <= artifact.parity.tolerance == 1e-6
    assert answered[0, 1] > 0.6
    assert answered[0, 1] > answered[1, 1]
    entries = read_snapshot(place, built, tmp_path)
    minutes, recent, last = np.frombuffer(entries[build_snapshot_key("visits", "p0")], "<f8")
    assert 15 <= minutes <= 30
    assert recent >= 0
    assert START.timestamp() <= last <= CUTOFF.timestamp()
    assert json.loads(entries[CANDIDATES_KEY]) == []
    moves = place.ports.versions.list_alias_moves("ws_1", BUYS.model_id, "production")
    assert [(move.version, move.traffic) for move in moves] == [(1, "model")]
    again = build(place, BUYS)
    assert again == built
    assert len(place.ports.versions.list_alias_moves("ws_1", BUYS.model_id, "production")) == 1


def read_usable(place: Place, name: str) -> list[Mapping[str, Any]]:
    """Return the records that were true and known at the cut-off."""
    store = place.ports.feature_sets
    version = store.find_version("ws_1", f"ds_{name}")
    assert version is not None
    rows = store.read_frame(version).to_dicts()
    return [row for row in rows if max(as_utc(row["event_timestamp"]), as_utc(row["known_timestamp"])) <= CUTOFF]


def as_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)


def expect_features(person: str, visits: list[Mapping[str, Any]], orders: list[Mapping[str, Any]]) -> dict[str, float | None]:
    minutes = [row["minutes"] for row in visits if row["entity_id"] == person]
    visited = [CUTOFF - as_utc(row["event_timestamp"]) for row in visits if row["entity_id"] == person]
    ordered = [CUTOFF - as_utc(row["event_timestamp"]) for row in orders if row["entity_id"] == person]
    day = timedelta(days=1)
    return {
        "visits__minutes": sum(minutes) / len(minutes) if minutes else None,
        "visits__recent": float(sum(age < 14 * day for age in visited)),
        "visits__last": min(visited) / day if visited else None,
        "orders__orders": float(len(ordered)),
        "orders__first": max(ordered) / day if ordered else None,
    }


def test_serving_uses_the_features_that_training_defines(place: Place, built: ModelVersion, tmp_path: Path) -> None:
    """They are counted anew from the records, in plain Python."""
    files = S3ModelFiles(
        client=build_client("s3"),
        artifacts_bucket=place.lake.replace("lake-", "artifacts-"),
        lake_bucket=place.lake,
        folder=tmp_path,
    )
    scorer = ScorerCache(files).get_scorer(built)
    visits, orders = read_usable(place, "visits"), read_usable(place, "orders")

    scored = scorer.score([Query(person, CUTOFF) for person in PEOPLE])

    for person, found in zip(PEOPLE, scored, strict=True):
        expected = expect_features(person, visits, orders)
        assert scorer.describe(found) == {name: value if value is None else pytest.approx(value) for name, value in expected.items()}
        assert found.entity_found == (person != "nobody")
        assert 0 <= found.probabilities[0, 1] <= 1


def test_a_ranking_is_built_with_its_candidates(place: Place, tmp_path: Path) -> None:
    built = build(place, make_model(RANKING, "next"))

    model, baseline = built.metrics["model"], built.metrics["baseline"]
    assert isinstance(model, dict)
    assert isinstance(baseline, dict)
    assert 0 < baseline["ndcg_at_5"]["value"] <= 1
    assert model["hit_at_5"]["lower"] <= model["hit_at_5"]["value"] <= model["hit_at_5"]["upper"]
    artifact = msgspec.json.decode(place.files.read_artifact(built.artifact_key) or b"", type=ModelArtifact)
    entries = read_snapshot(place, built, tmp_path)
    candidates = json.loads(entries[CANDIDATES_KEY])
    assert tuple(candidates) == artifact.baseline
    assert len(candidates) == 20
    sold = [np.frombuffer(entries[build_snapshot_key("items", item)], "<f8")[0] for item in candidates]
    assert sold == sorted(sold, reverse=True)
    assert math.isfinite(sum(sold))


def test_data_that_teach_nothing_are_refused_with_the_reason(place: Place) -> None:
    early = replace(make_model(CLASSIFICATION, "early"), spec=CLASSIFICATION)
    with pytest.raises(InvalidInputError, match=r"no rows.*observations"):
        build_model(model=early, order=BuildOrder(1, START), ports=place.ports, progress=ignore_progress, checkpoint={})
    with pytest.raises(InvalidInputError, match=r"split has .* rows"):
        build_model(model=early, order=BuildOrder(1, START + timedelta(days=4)), ports=place.ports, progress=ignore_progress, checkpoint={})
    assert place.ports.versions.list_versions("ws_1", early.model_id) == []


def test_a_cancelled_build_stops_its_run(place: Place) -> None:
    def cancel(fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        del fraction, checkpoint
        if message == "build_training_set: running":
            raise JobCancelledError("cancelled")

    started: list[str] = []
    spark = place.ports.spark

    class Watching:
        def start_step(self, step: str, arguments: Mapping[str, str], *, token: str) -> str:
            started.append(spark.start_step(step, arguments, token=token))
            return started[-1]

        get_step_state = staticmethod(spark.get_step_state)
        cancel_step = staticmethod(spark.cancel_step)

    ports = replace(place.ports, spark=Watching())
    model = make_model(replace(CLASSIFICATION, label=Label("orders", 5)), "never")
    with pytest.raises(JobCancelledError):
        build_model(model=model, order=BuildOrder(1, CUTOFF), ports=ports, progress=cancel, checkpoint={})
    deadline = time.monotonic() + 30
    while spark.get_step_state(started[0])[0] == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert spark.get_step_state(started[0])[0] == "cancelled"


def test_a_step_that_fails_says_why_and_may_be_tried_again(place: Place) -> None:
    kept: list[Mapping[str, object] | None] = []

    def remember(fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        del fraction, message
        kept.append(checkpoint)

    model = make_model(replace(CLASSIFICATION, label=Label("orders", 6)), "damaged")
    head = place.ports.feature_sets.find_version("ws_1", "ds_visits")
    assert head is not None
    build_client("s3").put_object(Bucket=place.lake, Key=head.parts[0].key + ".damaged", Body=b"x")

    class Damaged:
        def __getattr__(self, name: str) -> object:
            return getattr(place.ports.feature_sets, name)

        def find_version(self, workspace_id: str, dataset_id: str, version: int | None = None) -> FeatureSetVersion | None:
            found = place.ports.feature_sets.find_version(workspace_id, dataset_id, version)
            assert found is not None
            return replace(found, parts=(replace(found.parts[0], rows=found.parts[0].rows + 1),))

    ports = replace(place.ports, feature_sets=Damaged())  # type: ignore[arg-type]
    with pytest.raises(UnavailableError, match="manifest says"):
        build_model(model=model, order=BuildOrder(1, CUTOFF), ports=ports, progress=remember, checkpoint={})
    last = [checkpoint for checkpoint in kept if checkpoint][-1]
    assert last["tries"] == 1
