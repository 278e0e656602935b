import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest

from presage.adapters.memory.dataset_store import MemoryDatasetStore
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.spark_runner import MemorySparkRunner
from presage.adapters.memory.task_runner import MemoryTaskRunner
from presage.adapters.memory.training_files import MemoryTrainingFiles
from presage.adapters.memory.version_registry import MemoryVersionRegistry
from presage.errors import ConflictError, CorruptArtifactError, InvalidInputError, JobCancelledError, UnavailableError
from presage.features.dataset import Column, Dataset
from presage.features.records import FeatureSetVersion, Part
from presage.training.artifact import ModelArtifact, Parity, SnapshotManifest
from presage.training.model import Alias, AliasMove, Model, ModelVersion, Promotion
from presage.training.ports import RunState
from presage.training.recipe import compute_training_set_id, decode_recipe
from presage.training.spec import feature_columns
from presage.training.use_cases import BuildOrder, BuildPorts, build_model
from tests.fixtures.training import CLASSIFICATION

NOW = datetime(2025, 1, 2, tzinfo=UTC)
CUTOFF = datetime(2025, 1, 1, tzinfo=UTC)
MODEL = Model("ws_1", "mdl_1", "buys", CLASSIFICATION, "0", NOW)


class KilledError(BaseException):
    """The process is gone."""


@dataclass
class Factory:
    """The runners, faked as functions that leave what the real ones leave."""

    files: MemoryTrainingFiles = field(default_factory=MemoryTrainingFiles)
    ends: dict[str, tuple[RunState, str]] = field(default_factory=dict)
    """How a step or task ends instead of succeeding."""
    silent: set[str] = field(default_factory=set)
    """Steps that say they succeeded, and leave nothing."""
    rows: int = 10
    champion: Mapping[str, object] | None = None
    """What the trainer says of the champion that it is given."""
    checkpoint: Mapping[str, object] = field(default_factory=dict)
    stop_at: str = ""
    stop_with: Callable[[], BaseException] = KilledError

    def __post_init__(self) -> None:
        self.spark = MemorySparkRunner(self.run_step)
        self.tasks = MemoryTaskRunner(self.run_task)
        self.datasets, self.feature_sets, self.versions = MemoryDatasetStore(), MemoryFeatureSetStore(), MemoryVersionRegistry()
        columns = (Column("item", "string"), Column("price", "number"))
        self.orders = Dataset("ws_1", "ds_1", "orders", "customer", columns, NOW)
        self.datasets.create_dataset(self.orders)
        self.add_version(1)

    def add_version(self, number: int) -> None:
        parts = tuple(Part(f"part{index}", "0" * 64, 10, 100) for index in range(number))
        self.feature_sets.create_version(FeatureSetVersion(self.orders, number, parts, NOW))

    def build(self, version: int = 1, *, retry: bool = False, alias: Alias = "production", promote: Promotion = "always") -> ModelVersion:
        ports = BuildPorts(
            self.datasets, self.feature_sets, self.spark, self.tasks, self.files, self.versions, lambda: NOW, lambda _seconds: None
        )
        order, checkpoint = BuildOrder(version, CUTOFF, alias, promote), self.checkpoint if retry else {}
        return build_model(model=MODEL, order=order, ports=ports, progress=self.report, checkpoint=checkpoint)

    def report(self, fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:
        assert 0 <= fraction <= 1
        if checkpoint is not None:
            self.checkpoint = checkpoint
        if self.stop_at and message.startswith(self.stop_at):
            self.stop_at = ""
            raise self.stop_with()

    def run_step(self, step: str, arguments: Mapping[str, str]) -> tuple[RunState, str]:
        if step in self.ends:
            return self.ends[step]
        if step in self.silent:
            return "succeeded", ""
        output = arguments["output"].removeprefix("lake://")
        recipe = decode_recipe(self.files.lake[arguments["recipe"].removeprefix("lake://")])
        manifest: dict[str, object] = {"training_set_id": compute_training_set_id(recipe)}
        if step == "build_training_set":
            self.files.put_lake(f"{output}data/a.parquet", b"rows")
            manifest |= {
                "rows": self.rows,
                "files": [{"key": "data/a.parquet", "rows": self.rows}],
                "labels": {"train/1": self.rows},
                "columns": list(feature_columns(recipe.spec)),
                "observations": {"open_window": 3},
            }
        self.files.put_lake(f"{output}manifest.json", json.dumps(manifest).encode())
        return "succeeded", ""

    def run_task(self, arguments: Sequence[str]) -> tuple[RunState, str]:
        task, options = arguments[0], dict(zip(arguments[1::2], arguments[2::2], strict=True))
        if task in self.ends:
            return self.ends[task]
        if task == "fit":
            recipe = decode_recipe(self.files.lake[f"{options['--training-set']}recipe.json"])
            key = f"{options['--artifact']}model.msgpack"
            artifact = ModelArtifact(
                2, "mdl_1", int(options["--version"]), recipe.spec, (), ("0", "1"), ("0",), key, sha256(b"net").hexdigest(),
                Parity(0.0, 1e-6, 1, 0), compute_training_set_id(recipe),
            )  # fmt: skip
            self.files.put_artifact(key, b"net")
            metrics = {"model": {"auc": 1}} | ({"champion": self.champion} if "--champion" in options and self.champion else {})
            self.files.put_artifact(f"{options['--artifact']}metrics.json", msgspec.json.encode(metrics))
            self.files.put_artifact(f"{options['--artifact']}model.json", msgspec.json.encode(artifact))
        else:
            key = f"{options['--snapshot']}features.lmdb"
            snapshot = SnapshotManifest(1, "mdl_1", options["--snapshot-id"], CUTOFF, NOW, 1, key, sha256(b"db").hexdigest(), 2)
            self.files.put_lake(key, b"db")
            self.files.put_lake(f"{options['--snapshot']}snapshot.json", msgspec.json.encode(snapshot))
        return "succeeded", ""

    @property
    def ran(self) -> list[str]:
        return [step for step, _ in self.spark.started] + [arguments[0] for arguments in self.tasks.started]

    @property
    def moves(self) -> Sequence[AliasMove]:
        return self.versions.list_alias_moves("ws_1", "mdl_1", "production")


def test_a_build_for_staging_gets_no_traffic() -> None:
    factory = Factory()
    factory.build()
    built = factory.build(2, alias="staging")

    assert factory.versions.get_version("ws_1", "mdl_1", 2) == built
    assert [move.version for move in factory.moves] == [1]
    assert [move.version for move in factory.versions.list_alias_moves("ws_1", "mdl_1", "staging")] == [2]


@pytest.mark.parametrize(("champion", "serving"), [({"better": True}, 2), ({"better": False}, 1), (None, 1)])
def test_a_build_that_must_be_better_serves_only_if_it_is(champion: Mapping[str, object] | None, serving: int) -> None:
    factory = Factory(champion=champion)
    factory.build()
    built = factory.build(2, promote="if_better")

    assert factory.versions.get_version("ws_1", "mdl_1", 2) == built
    assert factory.moves[0].version == serving
    (fit,) = [arguments for arguments in factory.tasks.started if arguments[0] == "fit" and "2" in arguments]
    assert fit[fit.index("--champion") + 1] == "ws=ws_1/models/mdl_1/1/"


def test_the_champion_is_the_one_that_served_when_the_build_began() -> None:
    factory = Factory(champion={"better": False})
    factory.build()
    factory.build(2)
    factory.stop_at = "champion pinned"
    with pytest.raises(KilledError):
        factory.build(3, promote="if_better")
    factory.versions.append_alias_move(AliasMove("ws_1", "mdl_1", "production", 1, "model", "rolled back", NOW))
    factory.build(3, promote="if_better", retry=True)

    fit = next(arguments for arguments in factory.tasks.started if arguments[0] == "fit" and "3" in arguments)
    assert fit[fit.index("--champion") + 1] == "ws=ws_1/models/mdl_1/2/"
    assert [move.version for move in factory.moves] == [1, 2, 1]


def test_the_first_version_has_nothing_to_beat() -> None:
    factory = Factory(champion={"better": False})
    factory.build(promote="if_better")

    assert [move.version for move in factory.moves] == [1]
    assert all("--champion" not in arguments for arguments in factory.tasks.started)


def test_a_build_ends_in_a_registered_version_that_serves() -> None:
    factory = Factory()
    built = factory.build()
    assert factory.versions.get_version("ws_1", "mdl_1", 1) == built
    assert built.metrics == {"model": {"auc": 1}}
    assert built.artifact_key == "ws=ws_1/models/mdl_1/1/model.json"
    assert f"ws=ws_1/training_sets/{built.training_set_id}/recipe.json" in factory.files.lake
    assert built.snapshot_key in factory.files.lake
    assert [(move.version, move.traffic) for move in factory.moves] == [(1, "model")]


@pytest.mark.parametrize(
    "moment",
    [
        "inputs pinned",
        "build_training_set: starting",
        "build_training_set: started",
        "fit: starting",
        "fit: started",
        "materialize: starting",
        "pack: starting",
        "registering",
        "version 1",
    ],
)
def test_a_build_killed_at_any_moment_ends_once_in_effect_when_retried(moment: str) -> None:
    factory = Factory(stop_at=moment)
    with pytest.raises(KilledError):
        factory.build()
    factory.add_version(2)

    built = factory.build(retry=True)

    assert sorted(factory.ran) == ["build_training_set", "fit", "materialize", "pack"]
    assert factory.versions.list_versions("ws_1", "mdl_1") == [built]
    assert [move.version for move in factory.moves] == [1]
    recipe = decode_recipe(factory.files.lake[f"ws=ws_1/training_sets/{built.training_set_id}/recipe.json"])
    assert recipe.datasets["orders"].version == 1


def test_a_failed_run_is_started_anew_by_the_retry() -> None:
    factory = Factory(ends={"materialize": ("failed", "out of memory")})
    with pytest.raises(UnavailableError, match="materialize failed: out of memory"):
        factory.build()
    factory.ends.clear()
    factory.build(retry=True)
    assert [step for step, _ in factory.spark.started] == ["build_training_set", "materialize", "materialize"]


def test_success_without_output_is_no_success() -> None:
    factory = Factory(silent={"build_training_set"})
    with pytest.raises(UnavailableError, match="without leaving its output"):
        factory.build()
    assert factory.versions.list_versions("ws_1", "mdl_1") == []


def test_a_refusal_of_the_trainer_is_the_users_to_read() -> None:
    factory = Factory(ends={"fit": ("failed", "exit code 2")})
    factory.files.put_artifact("ws=ws_1/models/mdl_1/1/failure.json", b'{"code":"invalid_input","message":"only one class"}')
    with pytest.raises(InvalidInputError, match="only one class"):
        factory.build()
    assert factory.moves == []


def test_what_was_refused_of_another_training_set_is_not_this_builds_refusal() -> None:
    """A retry of a refused build has the same version, and may have mended data."""
    factory = Factory(ends={"fit": ("failed", "exit code 137")})
    failure = b'{"code":"invalid_input","message":"only one class","training_set":"ws=ws_1/training_sets/other/"}'
    factory.files.put_artifact("ws=ws_1/models/mdl_1/1/failure.json", failure)
    with pytest.raises(UnavailableError, match="137"):
        factory.build()


def test_an_empty_training_set_says_where_the_observations_went() -> None:
    with pytest.raises(InvalidInputError, match="no rows; observations: 3 open_window"):
        Factory(rows=0).build()


def test_a_cancelled_build_stops_what_runs() -> None:
    factory = Factory(ends={"fit": ("running", "")}, stop_at="fit: running", stop_with=lambda: JobCancelledError("stop"))
    with pytest.raises(JobCancelledError):
        factory.build()
    assert factory.tasks.get_task_state("task-1") == ("cancelled", "")


@pytest.mark.parametrize("task", ["fit", "build_training_set"])
def test_a_build_cancelled_between_two_tries_stops_what_the_first_one_started(task: str) -> None:
    factory = Factory(ends={task: ("running", "")}, stop_at=f"{task}: running")
    with pytest.raises(KilledError):
        factory.build()
    factory.stop_at, factory.stop_with = "inputs pinned", lambda: JobCancelledError("stop")

    with pytest.raises(JobCancelledError):
        factory.build(retry=True)

    state = factory.tasks.get_task_state("task-1") if task == "fit" else factory.spark.get_step_state("run-1")
    assert state == ("cancelled", "")


def test_a_build_overtaken_by_a_later_one_is_registered_and_does_not_serve() -> None:
    factory = Factory()
    factory.versions.append_alias_move(AliasMove("ws_1", "mdl_1", "production", 2, "model", "version 2 was built", NOW))

    factory.build()

    assert factory.versions.get_version("ws_1", "mdl_1", 1).version == 1
    assert [move.version for move in factory.moves] == [2]


def test_damaged_files_of_an_earlier_try_are_not_registered() -> None:
    factory = Factory(stop_at="materialize: starting")
    with pytest.raises(KilledError):
        factory.build()
    factory.files.put_artifact("ws=ws_1/models/mdl_1/1/model.msgpack", b"damaged")
    with pytest.raises(CorruptArtifactError, match="checksum"):
        factory.build(retry=True)


def test_another_training_set_cannot_take_a_versions_number() -> None:
    factory = Factory()
    built = factory.build()
    factory.versions = MemoryVersionRegistry()
    factory.versions.create_version(replace(built, training_set_id="another"))
    with pytest.raises(ConflictError, match="from training set another"):
        factory.build()


def test_a_rollback_after_the_build_is_not_undone_by_a_late_retry() -> None:
    factory = Factory()
    factory.build()
    factory.versions.append_alias_move(AliasMove("ws_1", "mdl_1", "production", 1, "default", "rolled back", NOW + timedelta(hours=1)))
    factory.build(retry=True)
    assert factory.moves[0].reason == "rolled back"


def test_a_dataset_without_records_is_refused() -> None:
    factory = Factory()
    factory.feature_sets = MemoryFeatureSetStore()
    with pytest.raises(InvalidInputError, match="no records yet"):
        factory.build()


def test_a_search_says_how_far_it_has_come() -> None:
    factory = Factory(ends={"fit": ("running", "")}, stop_at="fit: trial 3 of 9", stop_with=lambda: JobCancelledError("seen"))
    factory.files.put_artifact("ws=ws_1/models/mdl_1/1/progress.json", b'{"fraction":0.3,"message":"trial 3 of 9: best so far linear"}')
    with pytest.raises(JobCancelledError, match="seen"):
        factory.build()
