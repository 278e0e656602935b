"""A workspace that serves: rows in the database, and the files of its models where S3 has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine

from benchmarks.classifier import COLUMNS
from benchmarks.snapshots import VIEW, write_snapshot
from presage.adapters.sql.api_key_store import SqlApiKeyStore
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.dataset_store import SqlDatasetStore
from presage.adapters.sql.experiment_store import SqlExperimentStore
from presage.adapters.sql.migrate import migrate
from presage.adapters.sql.model_registry import SqlModelRegistry
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.experiments.model import Experiment, ExperimentPlan, Metric
from presage.features.dataset import Column, Dataset
from presage.tenancy.model import ApiKey, Plan, User, Workspace
from presage.training.artifact import ModelArtifact, Parity, SnapshotManifest
from presage.training.compiled import encode_compiled
from presage.training.model import AliasMove, Model, ModelVersion
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations, feature_columns
from services.trainer.compiling import compile_pipeline
from services.trainer.parity import prove_parity

FloatArray = npt.NDArray[Any]
ARTIFACTS, LAKE = "artifacts", "lake"
SALT = "salt"
TREATMENT_SHARE = 0.999
"""Nearly every answer is the model's: a control answer would cost less than what the peers do."""

DATASET = "orders"
SPEC = ModelSpec(
    "classification",
    Observations(DATASET),
    Label(DATASET, 30),
    (FeatureView(VIEW, DATASET, tuple(Feature(f"f{number:02d}", "sum", f"v{number:02d}") for number in range(COLUMNS))),),
)


@dataclass(frozen=True)
class Contents:
    """What there is to serve: one model or several alike, each with a snapshot of its own."""

    classifier: Any
    entities: int
    models: int = 1


def model_name(number: int) -> str:
    """Return the name that callers use."""
    return f"model-{number:03d}"


def build_columns() -> tuple[str, ...]:
    """Return the feature columns' names, as callers give raw values by."""
    return feature_columns(SPEC)


def fill(url: str, objects: Path, contents: Contents, *, keys: Mapping[str, Plan]) -> None:
    """Write the rows into the database of `url`, and the files below `objects`, by bucket and key. One workspace per key."""
    engine = build_engine_from_url(url)
    migrate(engine)
    rows = np.random.default_rng(0).normal(size=(1_000, COLUMNS))
    body = encode_compiled(compile_pipeline(contents.classifier, rows, fill_values=(0.0,) * COLUMNS))
    compiled = _Compiled(body, prove_parity(body, lambda values: contents.classifier.predict_proba(_fill_nulls(values)), rows))
    now = datetime.now(UTC)
    for number, (key, plan) in enumerate(keys.items()):
        workspace = f"ws_{number}"
        _create_workspace(engine, workspace, key, plan, now=now)
        for model in range(contents.models):
            _Deploying(engine, objects, workspace, contents.entities, now).deploy(model, compiled)
    engine.dispose()


def _fill_nulls(values: FloatArray) -> FloatArray:
    """Return the values as the classifier takes them: 0 for null, in 32 bits."""
    return np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf).astype(np.float32)


def _create_workspace(engine: Engine, workspace: str, key: str, plan: Plan, *, now: datetime) -> None:
    owner = User(workspace, f"usr_{workspace}", f"{workspace}@example.org", "A", "owner", sha256(key.encode()).hexdigest(), now)
    SqlWorkspaceStore(engine).create_workspace(Workspace(workspace, workspace, now), owner)
    SqlApiKeyStore(engine).create_api_key(ApiKey(workspace, key, "benchmark", plan, now, None))
    columns = tuple(Column(f"v{number:02d}", "number") for number in range(COLUMNS))
    SqlDatasetStore(engine).create_dataset(Dataset(workspace, f"ds_{workspace}", DATASET, "customer", columns, now))


@dataclass(frozen=True)
class _Compiled:
    body: bytes
    parity: Parity


@dataclass(frozen=True)
class _Deploying:
    engine: Engine
    objects: Path
    workspace: str
    entities: int
    now: datetime

    def deploy(self, number: int, compiled: _Compiled) -> None:
        model = Model(self.workspace, f"mdl_{self.workspace}_{number}", model_name(number), SPEC, "0", self.now)
        version = ModelVersion(
            self.workspace,
            model.model_id,
            1,
            "ts_1",
            f"ws={self.workspace}/models/{model.model_id}/1/model.json",
            f"ws={self.workspace}/snapshots/{model.model_id}/1/snapshot.json",
            {},
            self.now,
        )
        self._put_artifact(version, compiled)
        self._put_snapshot(version)
        SqlModelRegistry(self.engine).create_model(model)
        versions = SqlVersionRegistry(self.engine)
        versions.create_version(version)
        versions.append_alias_move(AliasMove(self.workspace, model.model_id, "production", 1, "model", "benchmark", self.now))
        self._start_experiment(model)

    def _start_experiment(self, model: Model) -> None:
        plan = ExperimentPlan(
            f"of {model.name}", model.name, Metric("buys", "conversion", DATASET), 10_000, treatment_share=TREATMENT_SHARE
        )
        draft = Experiment(self.workspace, f"exp_{model.model_id}", model.model_id, plan, SALT, "draft", self.now, None, None)
        SqlExperimentStore(self.engine).create_experiment(draft)
        SqlExperimentStore(self.engine).move_state(draft, state="running", now=self.now)

    def _put_artifact(self, version: ModelVersion, compiled: _Compiled) -> None:
        artifact = ModelArtifact(
            format=2,
            model_id=version.model_id,
            version=version.version,
            spec=SPEC,
            columns=build_columns(),
            classes=("0", "1"),
            baseline=("0",),
            model_key=version.artifact_key.replace("model.json", "model.msgpack"),
            model_sha256=sha256(compiled.body).hexdigest(),
            parity=compiled.parity,
            training_set_id=version.training_set_id,
        )
        self._place(ARTIFACTS, artifact.model_key).write_bytes(compiled.body)
        self._place(ARTIFACTS, version.artifact_key).write_bytes(msgspec.json.encode(artifact))

    def _put_snapshot(self, version: ModelVersion) -> None:
        file_key = version.snapshot_key.replace("snapshot.json", "features.lmdb")
        place = self._place(LAKE, file_key)
        write_snapshot(place, entities=self.entities, stamp=version.model_id)
        with place.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        manifest = SnapshotManifest(
            format=1,
            model_id=version.model_id,
            snapshot_id="1",
            as_of=self.now - timedelta(hours=1),
            created_at=self.now,
            entities=self.entities,
            file_key=file_key,
            file_sha256=digest,
            file_bytes=place.stat().st_size,
        )
        self._place(LAKE, version.snapshot_key).write_bytes(msgspec.json.encode(manifest))

    def _place(self, bucket: str, key: str) -> Path:
        place = self.objects / bucket / key
        place.parent.mkdir(parents=True, exist_ok=True)
        return place
