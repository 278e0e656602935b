"""`make bench-pages`: how long the dashboard's pages take with a full workspace in the stores.

MariaDB is real and full; objects of S3, which a page reads one or two of by their keys, are in memory, and so is DynamoDB unless
`predictions` are asked for: then the emulator holds them (a million takes five minutes and some 5 GB), and its queries slow down
with them, as DynamoDB's do not.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import quantiles

import boto3
from flask.testing import FlaskClient
from sqlalchemy import Engine

from benchmarks.load import MeasurementError
from benchmarks.screen import keep, say, show_line, show_table
from presage.adapters.client import build_client
from presage.adapters.dynamo.overflow import Overflow
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.sql.database import build_engine_from_url
from presage.adapters.sql.migrate import migrate
from presage.adapters.sql.stores import SqlStores
from presage.jobs.use_cases import JobPorts
from presage.predictions.ports import PredictionLogEntry
from presage.tenancy.tokens import hash_token
from services.backend.app import build_app
from services.backend.context import BackendPorts, Listings
from tests.fixtures.backend_ports import build_ports
from tests.fixtures.metadata_rows import (
    NOW,
    make_api_key,
    make_dataset,
    make_experiment,
    make_job,
    make_model,
    make_move,
    make_notification,
    make_user,
    make_version,
    make_workspace,
)
from tests.fixtures.prediction_table import create_table
from tests.fixtures.servers import SessionServers, session_folder

DATASETS, MODELS, JOBS, OTHERS = 1000, 200, 20_000, 500
CALLS = 60
LIMIT_MS = 150.0
"""What the slowest of twenty calls of each page may take."""
OPERATOR = "operator-token"
BATCH = 25
LISTS = ("/", "/datasets", "/models", "/experiments", "/jobs", "/notifications", "/keys", "/workspace/members")
NARROWED = ("/datasets?q=many-9&sort=-name", "/jobs?state=failed&sort=-created_at", "/models?q=many")


def run(*, predictions: int) -> bool:
    """Print and keep the figures; return whether every page was within its limit."""
    with session_folder(os.getpid()) as folder, _open_engine(SessionServers(folder, os.getpid())) as engine:
        ports, workspace_id, token = _fill(engine)
        if predictions:
            ports = replace(ports, predictions=_log_predictions(SessionServers(folder, os.getpid()), workspace_id, ports, predictions))
        client = build_app(ports, operator_token=OPERATOR, public_api_url="https://api.example").test_client()
        paths = [*LISTS, *NARROWED, *_list_details(ports, workspace_id), *(["/predictions?entity=c1"] if predictions else [])]
        found = {path: _measure(client, path, token) for path in paths}
    show_table("Milliseconds of a page", ("page", "p50", "p95"), [(path, f"{p50:.1f}", f"{p95:.1f}") for path, (p50, p95) in found.items()])
    slow = [path for path, (_, p95) in found.items() if p95 > LIMIT_MS]
    show_line(f"within {LIMIT_MS:g} ms: " + ("all" if not slow else f"all but {', '.join(slow)}"))
    show_line(
        f"kept in {keep('pages', {'datasets': DATASETS, 'models': MODELS, 'jobs': JOBS, 'predictions': predictions, 'pages': found})}"
    )
    return not slow


def _measure(client: FlaskClient, path: str, token: str) -> tuple[float, float]:
    took = []
    for _ in range(CALLS):
        began = time.perf_counter()
        answer = client.get(path, headers={"authorization": f"Bearer {token}"})
        took.append(1000 * (time.perf_counter() - began))
        if answer.status_code != 200:  # noqa: PLR2004 - a page that is there
            raise MeasurementError(f"{path} was answered {answer.status_code}")
    cuts = quantiles(took[5:], n=20)
    return cuts[9], cuts[18]


@contextmanager
def _open_engine(servers: SessionServers) -> Iterator[Engine]:
    server, name = servers.mariadb(), f"bench_{secrets.token_hex(6)}"
    server.execute(f"CREATE DATABASE {name}")
    engine = build_engine_from_url(f"{server.url}/{name}?charset=utf8mb4")
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


def _fill(engine: Engine) -> tuple[BackendPorts, str, str]:
    """Return the ports of a full database, the workspace that has it all, and its owner's access token."""
    sql, memory = SqlStores.build(engine), build_ports()
    ports = replace(
        memory,
        workspaces=sql.workspaces,
        members=sql.members,
        api_keys=sql.api_keys,
        datasets=sql.datasets,
        models=sql.models,
        versions=sql.versions,
        policies=sql.policies,
        experiments=sql.experiments,
        experiment_events=sql.experiment_events,
        jobs=JobPorts(sql.jobs, sql.outbox, memory.jobs.queue),
        notifications=sql.notifications,
        audit=sql.audit,
        listings=Listings(
            sql.datasets.listing,
            sql.models.listing,
            sql.experiments.listing,
            sql.jobs.listing,
            sql.notifications.listing,
            sql.members.listing,
            sql.api_keys.listing,
        ),
    )
    workspace_id, token = f"ws_{secrets.token_hex(8)}", secrets.token_hex(16)
    ports.workspaces.create_workspace(make_workspace(workspace_id), replace(make_user(workspace_id), token_sha256=hash_token(token)))
    say(f"{DATASETS:,} datasets, {MODELS:,} models of three versions, {JOBS:,} jobs, {OTHERS:,} of everything else")
    for number in range(DATASETS):
        ports.datasets.create_dataset(replace(make_dataset(workspace_id, f"many-{number}"), created_at=NOW + timedelta(seconds=number)))
    for number in range(MODELS):
        model = make_model(workspace_id, f"many-{number}")
        ports.models.create_model(model)
        for version in (1, 2, 3):
            ports.versions.create_version(make_version(model, version))
            ports.versions.append_alias_move(make_move(model, version, seconds=version))
    for number in range(JOBS):
        ports.jobs.store.create_job(replace(make_job(workspace_id, number), state="failed" if number % 50 == 0 else "succeeded"))
    for number in range(OTHERS):
        ports.experiments.create_experiment(replace(make_experiment(workspace_id, f"many-{number}"), state="concluded_ship"))
        sql.notifications.put_notification(make_notification(workspace_id, number))
        ports.api_keys.create_api_key(make_api_key(workspace_id, number))
        ports.workspaces.create_user(make_user(workspace_id, f"many{number}@example.com", "viewer"))
    return ports, workspace_id, token


def _list_details(ports: BackendPorts, workspace_id: str) -> list[str]:
    """Return pages of single things."""
    dataset, model = ports.datasets.list_datasets(workspace_id)[0], ports.models.list_models(workspace_id)[0]
    job, experiment = ports.jobs.store.list_jobs(workspace_id)[0], ports.experiments.list_experiments(workspace_id)[0]
    of_dataset = [f"/datasets/{dataset.dataset_id}{part}" for part in ("", "/schema", "/import")]
    of_model = [f"/models/{model.model_id}{part}" for part in ("", "/build", "/versions/1")]
    others = [f"/try-it/{model.model_id}", f"/jobs/{job.job_id}", f"/experiments/{experiment.experiment_id}", "/models/new", "/audit"]
    return [*of_dataset, *of_model, *others]


def _log_predictions(servers: SessionServers, workspace_id: str, ports: BackendPorts, count: int) -> DynamoPredictionLog:
    """Return the log of that many predictions, one in a thousand of them of `c1`."""
    os.environ |= _point_at(servers.emulator_port())  # noqa: TID251 - of this process, which is a benchmark
    table, bucket = f"predictions-{secrets.token_hex(4)}", f"lake-{secrets.token_hex(4)}"
    create_table(table)
    boto3.client("s3").create_bucket(Bucket=bucket)
    log, model = DynamoPredictionLog(table, Overflow(bucket, build_client("s3"))), ports.models.list_models(workspace_id)[0]
    now = datetime.now(UTC)
    for first in range(0, count, BATCH):
        log.put_predictions(
            [
                PredictionLogEntry(
                    workspace_id, f"p{number}", model.model_id, 1, f"c{number % 1000}", "none", None,
                    now - timedelta(seconds=number), now, {"id": f"c{number % 1000}"}, {"n": 2.0}, {"prediction": "1"},
                )
                for number in range(first, min(first + BATCH, count))
            ]
        )  # fmt: skip
        if first % (BATCH * 400) == 0:
            say(f"{first:,} of {count:,} predictions")
    return log


def _point_at(port: int) -> Mapping[str, str]:
    url = f"http://127.0.0.1:{port}"
    return {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
