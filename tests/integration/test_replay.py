"""A thousand logged predictions of two versions of each kind of model are made again from S3, DynamoDB and the database, to the bit."""

import secrets
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import boto3
import pytest
from sqlalchemy import Engine

from presage.adapters.client import build_client
from presage.adapters.dynamo.overflow import Overflow
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.s3.model_files import S3ModelFiles
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.experiment_events import SqlExperimentEvents
from presage.adapters.sql.experiment_store import SqlExperimentStore
from presage.adapters.sql.migrate import migrate
from presage.adapters.sql.model_registry import SqlModelRegistry
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.replay import ReplayPorts, replay_prediction
from presage.tenancy.model import User, Workspace
from tests.fixtures.prediction_table import create_table
from tests.fixtures.replayed import KINDS, Past, Stores, fit_trees
from tests.fixtures.served import upload
from tests.fixtures.serving import NOW, WORKSPACE, build_world

EACH = 60
TAMPERED = "ws=ws_1/models/mdl_trees/2/model.msgpack"


@pytest.fixture
def stores(mariadb: str) -> Iterator[Stores]:
    engine: Engine = build_engine_from_url(mariadb)
    migrate(engine)
    owner = User(WORKSPACE, "usr_1", "a@example.org", "A", "owner", "0" * 64, NOW)
    SqlWorkspaceStore(engine).create_workspace(Workspace(WORKSPACE, "w", NOW), owner)
    yield Stores(SqlModelRegistry(engine), SqlVersionRegistry(engine), SqlExperimentStore(engine), SqlExperimentEvents(engine))
    engine.dispose()


@pytest.fixture
def log(emulator: str) -> DynamoPredictionLog:
    assert emulator
    table = f"predictions-{secrets.token_hex(6)}"
    create_table(table)
    boto3.client("s3").create_bucket(Bucket=table)
    return DynamoPredictionLog(table, Overflow(table, build_client("s3")))


def open_replay(buckets: dict[str, str], stores: Stores, folder: Path) -> ReplayPorts:
    """What a process that has read nothing yet replays with."""
    files = S3ModelFiles(
        client=build_client("s3"),
        artifacts_bucket=buckets["PRESAGE_ARTIFACTS_BUCKET"],
        lake_bucket=buckets["PRESAGE_LAKE_BUCKET"],
        folder=folder,
    )
    return ReplayPorts(stores.models, stores.versions, stores.experiments, stores.events, files, ScorerCache(files))


def read_back(log: DynamoPredictionLog, entries: list[PredictionLogEntry]) -> list[PredictionLogEntry]:
    log.put_predictions(entries)
    return [log.get_prediction(WORKSPACE, entry.prediction_id) for entry in entries]


@pytest.mark.integration
def test_a_thousand_predictions_of_two_versions_are_the_same_until_an_artifact_is_tampered_with(
    log: DynamoPredictionLog, stores: Stores, tmp_path: Path
) -> None:
    past = Past(build_world(tmp_path), stores)
    logged = read_back(log, [entry for ask in KINDS.values() for entry in ask(past, EACH)])
    buckets = upload(past.world)
    ports = open_replay(buckets, stores, tmp_path / "replays")
    assert len(logged) >= 1_000
    by_version = Counter(entry.model_version for entry in logged)
    assert min(by_version[1], by_version[2]) >= 400
    assert Counter(replay_prediction(entry, ports).outcome for entry in logged) == {"same": len(logged)}

    original, body = past.world.files.artifacts[TAMPERED], fit_trees(2, 2)
    boto3.client("s3").put_object(Bucket=buckets["PRESAGE_ARTIFACTS_BUCKET"], Key=TAMPERED, Body=body)
    theirs = [entry for entry in logged if entry.model_id == "mdl_trees" and entry.model_version == 2]
    others = [entry for entry in logged if entry.model_id == "mdl_trees" and entry.model_version == 1]
    assert len(theirs) == EACH
    for process in (ports, open_replay(buckets, stores, tmp_path / "others")):  # with the true model at hand, and without
        for entry in theirs:
            replay = replay_prediction(entry, process)
            found = {each.path: (each.logged, each.replayed) for each in replay.differences}
            assert replay.outcome == "different"
            assert found[f'$.files["{TAMPERED}"]'] == (sha256(original).hexdigest(), sha256(body).hexdigest())
            assert found["$.result.score"][0] == entry.result["score"] != found["$.result.score"][1]
            explained = "explanation" in entry.result
            assert explained == any(path.startswith("$.result.explanation.contributions.") for path in found)
    assert {replay_prediction(entry, ports).outcome for entry in others} == {"same"}
