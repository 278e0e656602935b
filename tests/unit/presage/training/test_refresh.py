import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
from presage.errors import CorruptArtifactError, JobCancelledError, UnavailableError
from presage.features.dataset import Column, Dataset
from presage.features.records import FeatureSetVersion, Part
from presage.training.artifact import ModelArtifact, Parity, SnapshotManifest
from presage.training.model import Model, ModelVersion, VersionSnapshot
from presage.training.ports import RunState
from presage.training.recipe import compute_training_set_id, decode_recipe, from_microseconds
from presage.training.refresh import VersionPorts, find_newest, refresh_snapshot
from presage.training.reuse import PreviousSnapshot, decode_previous
from presage.training.use_cases import BuildPorts
from tests.fixtures.training import CLASSIFICATION, RANKING

NOW = datetime(2025, 1, 2, 3, 4, 5, 600_000, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BUILT = "ws=ws_1/snapshots/mdl_1/00000003-t/"
MODEL = Model("ws_1", "mdl_1", "buys", RANKING, ("i1",), NOW)
VERSION = ModelVersion("ws_1", "mdl_1", 3, "t", "ws=ws_1/models/mdl_1/3/model.json", f"{BUILT}snapshot.json", {}, NOW)


@dataclass
class Place:
    """A version, built by another specification than the model's of today; runners that leave what the real ones leave."""

    files: MemoryTrainingFiles = field(default_factory=MemoryTrainingFiles)
    ends: dict[str, tuple[RunState, str]] = field(default_factory=dict)
    checkpoint: Mapping[str, object] = field(default_factory=dict)
    cancel_at: str = ""

    def __post_init__(self) -> None:
        self.versions = MemoryVersionRegistry()
        self.history = MemorySnapshotHistory()
        self.spark, self.tasks = MemorySparkRunner(self.run_step), MemoryTaskRunner(self.run_task)
        self.datasets, self.feature_sets = MemoryDatasetStore(), MemoryFeatureSetStore()
        columns = (Column("item", "string"), Column("price", "number"))
        self.orders = Dataset("ws_1", "ds_1", "orders", "customer", columns, NOW)
        self.datasets.create_dataset(self.orders)
        self.add_records(1)
        artifact = ModelArtifact(2, "mdl_1", 3, CLASSIFICATION, (), ("0", "1"), ("0",), "m", "0" * 64, Parity(0, 1e-6, 1, 0), "t")
        self.files.artifacts[VERSION.artifact_key] = msgspec.json.encode(artifact)

    def add_records(self, number: int) -> None:
        parts = tuple(Part(f"part{index}", "0" * 64, 10, 100) for index in range(number))
        self.feature_sets.create_version(FeatureSetVersion(self.orders, number, parts, NOW))

    def refresh(self, as_of: datetime = NOW, *, retry: bool = False) -> VersionSnapshot:
        build = BuildPorts(
            self.datasets, self.feature_sets, self.spark, self.tasks, self.files, self.versions, lambda: LATER, lambda _: None
        )
        kept = self.checkpoint if retry else {}
        ports = VersionPorts(build, self.history)
        return refresh_snapshot(MODEL, VERSION, as_of=as_of, ports=ports, progress=self.report, checkpoint=kept)

    def report(self, fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        assert 0 <= fraction <= 1
        self.checkpoint = self.checkpoint if checkpoint is None else checkpoint
        if self.cancel_at and message.startswith(self.cancel_at):
            raise JobCancelledError("stop")

    def run_step(self, step: str, arguments: Mapping[str, str]) -> tuple[RunState, str]:
        if step in self.ends:
            return self.ends[step]
        recipe = decode_recipe(self.files.lake[arguments["recipe"].removeprefix("lake://")])
        manifest = {"training_set_id": compute_training_set_id(recipe)}
        self.files.put_lake(f"{arguments['output'].removeprefix('lake://')}manifest.json", json.dumps(manifest).encode())
        return "succeeded", ""

    def run_task(self, arguments: Sequence[str]) -> tuple[RunState, str]:
        options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
        prefix = options["--snapshot"]
        recipe = decode_recipe(self.files.lake[f"{options['--training-set']}recipe.json"])
        key, as_of = f"{prefix}features.lmdb", from_microseconds(recipe.cutoff_us)
        made = SnapshotManifest(1, "mdl_1", options["--snapshot-id"], as_of, LATER, 1, key, sha256(b"db").hexdigest(), 2)
        self.files.put_lake(key, b"db")
        self.files.put_lake(f"{prefix}snapshot.json", msgspec.json.encode(made))
        return "succeeded", ""

    def read_previous(self, number: int = 0) -> PreviousSnapshot:
        output = self.spark.started[number][1]["output"].removeprefix("lake://")
        return decode_previous(self.files.lake[f"{output}previous.json"])


def test_a_version_gets_new_values_by_the_specification_that_it_was_built_by() -> None:
    place = Place()
    made = place.refresh()
    folder = "ws=ws_1/snapshots/mdl_1/00000003-20250102T030405600000/"
    assert made == VersionSnapshot("ws_1", "mdl_1", 3, f"{folder}snapshot.json", NOW, LATER)
    recipe = decode_recipe(place.files.lake[f"{folder}recipe.json"])
    assert (recipe.spec, recipe.cutoff_us) == (CLASSIFICATION, 1735787045600000)
    assert place.read_previous() == PreviousSnapshot(BUILT, "ws=ws_1/training_sets/t/recipe.json")
    assert find_newest(VERSION, place.history).snapshot_key == made.snapshot_key
    assert find_newest(VERSION, MemorySnapshotHistory()) == VERSION


def test_the_next_one_starts_from_the_one_before() -> None:
    place = Place()
    first = place.refresh()
    place.add_records(2)
    second = place.refresh(LATER)
    prefix = first.snapshot_key.removesuffix("snapshot.json")
    assert place.read_previous(1) == PreviousSnapshot(prefix, f"{prefix}recipe.json")
    assert list(place.history.list_snapshots("ws_1", "mdl_1", 3)) == [second, first]
    assert f"lake://{prefix}," in place.spark.started[1][1]["inputs"]


def test_a_retry_makes_the_same_snapshot_from_the_same_inputs_and_starts_from_what_is_there() -> None:
    place = Place(ends={"materialize": ("failed", "lost")})
    with pytest.raises(UnavailableError, match="lost"):
        place.refresh()
    place.add_records(2)
    place.ends.clear()
    made = place.refresh(retry=True)
    recipe = decode_recipe(place.files.lake[made.snapshot_key.replace("snapshot.json", "recipe.json")])
    assert len(recipe.datasets["orders"].parts) == 1
    assert place.refresh(retry=True).snapshot_key == made.snapshot_key
    assert len(place.history.list_snapshots("ws_1", "mdl_1", 3)) == 1
    assert [step for step, _ in place.spark.started] == ["materialize"] * 2
    assert len(place.tasks.started) == 1


def test_a_cancelled_renewal_stops_its_run_and_serves_nothing_new() -> None:
    place = Place(ends={"materialize": ("running", "")}, cancel_at="materialize: running")
    with pytest.raises(JobCancelledError):
        place.refresh()
    assert place.spark.get_step_state("run-1")[0] == "cancelled"
    assert place.history.list_snapshots("ws_1", "mdl_1", 3) == []


def test_a_version_whose_manifest_is_gone_is_not_renewed() -> None:
    place = Place()
    place.files.artifacts.clear()
    with pytest.raises(CorruptArtifactError, match="is not there"):
        place.refresh()
