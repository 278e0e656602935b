import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest

from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.snapshot_history import MemorySnapshotHistory
from presage.adapters.memory.spark_runner import MemorySparkRunner
from presage.adapters.memory.task_runner import MemoryTaskRunner
from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.batch_predictions.entities import DatasetEntities, EntityChoice, SnapshotEntities, UploadedEntities
from presage.batch_predictions.order import EntitySource, Order, decode_order
from presage.batch_predictions.results import BatchManifest
from presage.batch_predictions.use_cases import BatchRequest, predict_batch
from presage.errors import CorruptArtifactError, InvalidInputError, JobCancelledError, NotFoundError, UnavailableError
from presage.features.dataset import Column, Dataset
from presage.features.records import FeatureSetVersion, Part
from presage.training.artifact import ModelArtifact, Parity, SnapshotManifest
from presage.training.model import AliasMove, Model, ModelVersion
from presage.training.ports import RunState
from presage.training.refresh import VersionPorts
from presage.training.spec import ModelSpec
from presage.training.use_cases import BuildPorts
from tests.fixtures.training import CLASSIFICATION, RANKING

NOW = datetime(2025, 1, 2, tzinfo=UTC)
AS_OF = NOW - timedelta(days=3, microseconds=1)
SNAPSHOT = "ws=ws_1/snapshots/mdl_1/00000001-t/"
PREFIX = "ws=ws_1/batch_predictions/job_1/"
UPLOAD = UploadedEntities("ws=ws_1/imports/up_1/ids.csv", "csv", "who")


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Place:
    """A model with versions 1 and 2, of which the second serves; Spark is a function that leaves what the step leaves."""

    spec: ModelSpec = CLASSIFICATION
    files: MemoryTrainingFiles = field(default_factory=MemoryTrainingFiles)
    versions: MemoryVersionRegistry = field(default_factory=MemoryVersionRegistry)
    ends: tuple[RunState, str] = ("succeeded", "")
    checkpoint: Mapping[str, object] = field(default_factory=dict)
    fractions: list[float] = field(default_factory=list)
    changes: Mapping[str, object] = field(default_factory=dict)
    """What the step's manifest says otherwise."""
    stop_at: str = ""
    stop_with: Callable[[], BaseException] = KilledError

    def __post_init__(self) -> None:
        self.spark = MemorySparkRunner(self.run_step)
        self.history = MemorySnapshotHistory()
        self.model = Model("ws_1", "mdl_1", "buys", self.spec, "0", NOW)
        for number in (1, 2):
            self.add_version(number)
        self.serve(2)
        values = SnapshotManifest(1, "mdl_1", "s1", NOW, NOW, 2, f"{SNAPSHOT}features.lmdb", "5" * 64, 9)
        self.files.lake[f"{SNAPSHOT}snapshot.json"] = msgspec.json.encode(values)
        views = [("people", "views/people/a.parquet"), ("items", "views/items/b.parquet"), ("people", "views/people/c.parquet")]
        listed = {"files": [{"view": view, "key": key, "rows": 1} for view, key in views]}
        self.files.lake[f"{SNAPSHOT}manifest.json"] = json.dumps(listed).encode()
        self.datasets, self.feature_sets = MemoryDatasetStore(), MemoryFeatureSetStore()
        self.customers = Dataset("ws_1", "ds_1", "customers", "customer", (Column("item", "string"),), NOW)
        self.datasets.create_dataset(self.customers)

    def add_version(self, number: int) -> None:
        body, prefix = f"model {number}".encode(), f"ws=ws_1/models/mdl_1/{number}/"
        artifact = ModelArtifact(
            2, "mdl_1", number, self.spec, (), ("0", "1"), ("0",), f"{prefix}model.msgpack", sha256(body).hexdigest(),
            Parity(0, 1e-6, 1, 0), "t",
        )  # fmt: skip
        self.files.artifacts[f"{prefix}model.msgpack"] = body
        self.files.artifacts[f"{prefix}model.json"] = msgspec.json.encode(artifact)
        self.versions.create_version(ModelVersion("ws_1", "mdl_1", number, "t", f"{prefix}model.json", f"{SNAPSHOT}snapshot.json", {}, NOW))

    def serve(self, version: int, traffic: str = "model") -> None:
        self.versions.append_alias_move(AliasMove("ws_1", "mdl_1", "production", version, traffic, "test", NOW))  # type: ignore[arg-type] # one of three

    def add_records(self, number: int) -> None:
        months = ("2024-12", "2025-01")[:number]
        parts = tuple(Part(f"ws=ws_1/dataset=ds_1/records/event_month={month}/a.parquet", "0" * 64, 3, 9) for month in months)
        self.feature_sets.create_version(FeatureSetVersion(self.customers, number, parts, NOW))

    def run(self, entities: EntityChoice = UPLOAD, *, retry: bool = False, version: int | None = None) -> BatchManifest:
        ports = BuildPorts(
            self.datasets, self.feature_sets, self.spark, MemoryTaskRunner(lambda _: ("failed", "")), self.files, self.versions,
            lambda: NOW, lambda _: None,
        )  # fmt: skip
        request = BatchRequest("job_1", entities, AS_OF, version)
        kept = self.checkpoint if retry else {}
        return predict_batch(request, model=self.model, ports=VersionPorts(ports, self.history), progress=self.report, checkpoint=kept)

    def report(self, fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        self.fractions.append(fraction)
        if checkpoint is not None:
            self.checkpoint = checkpoint
        if self.stop_at and message.startswith(self.stop_at):
            self.stop_at = ""
            raise self.stop_with()

    def read_order(self) -> Order:
        return decode_order(self.files.lake[f"{PREFIX}order.json"])

    def run_step(self, step: str, arguments: Mapping[str, str]) -> tuple[RunState, str]:
        assert step == "predict_batch"
        assert arguments["recipe"] == f"lake://{PREFIX}order.json"
        assert arguments["output"] == f"lake://{PREFIX}"
        if self.ends[0] == "succeeded":
            self.leave_results()
        return self.ends

    def leave_results(self) -> None:
        order = self.read_order()
        files = [{"key": "data/00000/a.parquet", "rows": 3, "bytes": 4, "sha256": "0" * 64, "partition": 0}]
        named = ("job_id", "model_id", "version", "kind", "training_set_id", "model_sha256", "snapshot_key", "snapshot_sha256", "as_of_us")
        manifest: dict[str, object] = {name: getattr(order, name) for name in named}
        manifest |= {"format": 1, "input": order.source.described, "entities": 3, "refused": 1, "partitions": 1, "rows": 3, "files": files}
        self.files.put_lake(f"{PREFIX}data/00000/a.parquet", b"rows")
        self.files.put_lake(f"{PREFIX}manifest.json", json.dumps({**manifest, **self.changes}).encode())


def test_the_serving_version_scores_an_uploaded_file() -> None:
    place = Place()

    manifest = place.run()

    order = place.read_order()
    assert (manifest.rows, manifest.refused, manifest.version) == (3, 1, 2)
    assert order.source == EntitySource("csv", "who", (UPLOAD.key,), "upload ids.csv")
    assert (order.version, order.kind, order.model_sha256) == (2, "classification", sha256(b"model 2").hexdigest())
    assert (order.snapshot_sha256, order.snapshot_file_key) == ("5" * 64, f"{SNAPSHOT}features.lmdb")
    assert order.as_of_us == 1735516799999999
    assert place.files.lake[f"{PREFIX}model/model.msgpack"] == b"model 2"
    assert place.spark.started[0][1]["inputs"] == f"lake://ws=ws_1/imports/up_1/,lake://{SNAPSHOT}"


def test_a_version_is_named_by_its_number() -> None:
    place = Place()
    assert place.run(version=1).version == 1
    with pytest.raises(NotFoundError):
        place.run(version=9)


@pytest.mark.parametrize("traffic", ["default", "popularity"])
def test_an_alias_that_answers_otherwise_is_refused(traffic: str) -> None:
    place = Place()
    place.serve(2, traffic)
    with pytest.raises(InvalidInputError, match="name one by `version`"):
        place.run()


def test_all_entities_of_a_dataset_are_read_from_its_newest_version() -> None:
    place = Place()
    place.add_records(2)
    place.run(DatasetEntities("ds_1"))
    source = place.read_order().source
    assert (source.format, source.column, source.described, len(source.keys)) == ("parquet", "entity_id", "dataset customers version 2", 2)
    assert place.spark.started[0][1]["inputs"].startswith("lake://ws=ws_1/dataset=ds_1/records/,")


def test_a_dataset_without_records_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no records yet"):
        Place().run(DatasetEntities("ds_1"))


def test_all_that_the_snapshot_knows_are_the_entities_of_its_views() -> None:
    place = Place(RANKING)
    place.run(SnapshotEntities())
    source = place.read_order().source
    assert source.keys == (f"{SNAPSHOT}views/people/a.parquet", f"{SNAPSHOT}views/people/c.parquet")
    assert source.column == "join_key"


def test_a_model_of_items_alone_has_no_entities_in_its_snapshot() -> None:
    items = tuple(view for view in RANKING.feature_views if view.join == "item")
    with pytest.raises(InvalidInputError, match="no features of entities"):
        Place(replace(RANKING, feature_views=items)).run(SnapshotEntities())


@pytest.mark.parametrize("moment", ["version 2 is to score", "input pinned", "predict_batch: starting", "predict_batch: started"])
def test_a_retry_scores_with_what_the_first_try_pinned_and_finds_its_run(moment: str) -> None:
    place = Place(stop_at=moment)
    place.add_records(1)
    with pytest.raises(KilledError):
        place.run(DatasetEntities("ds_1"))
    place.add_records(2)
    place.serve(1)
    pinned = 2 if moment == "version 2 is to score" else 1

    manifest = place.run(DatasetEntities("ds_1"), retry=True)

    assert (manifest.version, manifest.input) == (2, f"dataset customers version {pinned}")
    assert len(place.spark.started) == 1


def test_a_run_that_failed_is_begun_anew_by_a_retry() -> None:
    place = Place(ends=("failed", "lost"))
    with pytest.raises(UnavailableError, match="lost"):
        place.run()
    place.ends = ("succeeded", "")
    assert place.run(retry=True).rows == 3
    assert len(place.spark.started) == 2


def test_results_that_are_there_are_not_made_again() -> None:
    place = Place()
    place.run()
    place.run(retry=True)
    assert len(place.spark.started) == 1


def test_progress_is_that_of_the_partitions_that_are_done() -> None:
    place = Place(ends=("running", ""), stop_at="predict_batch: running", stop_with=lambda: JobCancelledError("stop"))
    place.files.put_lake(f"{PREFIX}plan.json", b'{"partitions":4,"entities":9}')
    for number in range(3):
        place.files.put_lake(f"{PREFIX}done/{number:05d}.json", b"{}")
    with pytest.raises(JobCancelledError):
        place.run()
    assert place.fractions[-1] == pytest.approx(0.05 + 0.9 * 3 / 4)


def test_a_cancelled_job_stops_its_run() -> None:
    place = Place(ends=("running", ""), stop_at="predict_batch: running", stop_with=lambda: JobCancelledError("stop"))
    with pytest.raises(JobCancelledError):
        place.run()
    assert place.spark.get_step_state("run-1")[0] == "cancelled"


@pytest.mark.parametrize("changes", [{"rows": 4}, {"entities": 2}, {"version": 1}, {"as_of_us": 5}, {"format": 2}])
def test_results_of_something_else_are_refused(changes: Mapping[str, object]) -> None:
    with pytest.raises(CorruptArtifactError):
        Place(changes=changes).run()


def test_a_model_with_other_bytes_is_refused_before_spark_is_asked() -> None:
    place = Place()
    place.files.artifacts["ws=ws_1/models/mdl_1/2/model.msgpack"] = b"other"
    with pytest.raises(CorruptArtifactError, match="checksum"):
        place.run()
    assert place.spark.started == []
