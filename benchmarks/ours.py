"""Presage's own public API as it is deployed, with what stands behind it: the database real, S3, SQS and DynamoDB a sink.

What is measured is the whole path of a call: the gateway's key header, metadata, feature look-up by id in the packed snapshot,
experiment assignment, model, prediction log and assignment handed over, answer.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import make_url

from benchmarks.classifier import Rows
from benchmarks.load import MeasurementError
from benchmarks.servers import SINGLE_THREADED, Server, running
from benchmarks.snapshots import choose_entities, entity_id
from benchmarks.workspace import ARTIFACTS, LAKE, SALT, TREATMENT_SHARE, Contents, build_columns, fill, model_name
from localstack.emulator import client_environment
from localstack.places import ROOT
from localstack.program import Program, free_port, is_listening
from presage.experiments.assignment import assign_variant
from presage.tenancy.model import Plan
from tests.fixtures.servers import SessionServers, session_folder

KEY_HEADER = "x-presage-api-key-id"
KEY = "key-benchmark"
QUEUES = ("records", "assignments", "predictions")
TABLE = "predictions"
KEYED_TABLE = "keys"
CATALOG_TTL_SECONDS = 5
CREDENTIALS = "database"
MODEL_MEMORY_BYTES = 512 << 20
UNLIMITED = {"per_second": 1e6, "burst": 1_000_000}
Limits = Mapping[str, Mapping[str, float]]
"""Calls a second and at once that each usage plan allows a key."""
Numbers = npt.NDArray[np.int64]


def build_command(port: int) -> tuple[str, ...]:
    """Return how the service is started: the only place that knows."""
    return (sys.executable, "-m", "services.public_api", "--bind", f"127.0.0.1:{port}")


@dataclass(frozen=True)
class Surroundings:
    """What the service works with: the sink's port and folder, and the database's URL."""

    folder: Path
    sink_port: int
    database_url: str
    limits: Limits

    @property
    def sink(self) -> Path:
        """Where the sink keeps what it is given."""
        return self.folder / "sink"

    def build_program(self, port: int) -> Program:
        """Return the service, listening on `port`."""
        return Program(
            name="ours",
            command=build_command(port),
            environment={**self._build_environment(), **SINGLE_THREADED},
            directory=self.folder,
            is_ready=lambda: _is_ready(port),
        )

    def _build_environment(self) -> dict[str, str]:
        url = make_url(self.database_url)
        return {
            "PATH": os.defpath,
            "LANG": "C.UTF-8",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}",
            **client_environment(self.sink_port),
            "PRESAGE_STAGE": "local",
            "PRESAGE_ARTIFACTS_BUCKET": ARTIFACTS,
            "PRESAGE_LAKE_BUCKET": LAKE,
            "PRESAGE_PREDICTION_TABLE": TABLE,
            "PRESAGE_IDEMPOTENCY_TABLE": KEYED_TABLE,
            **{f"PRESAGE_{name.upper()}_QUEUE_URL": f"http://127.0.0.1:{self.sink_port}/000000000000/{name}" for name in QUEUES},
            "PRESAGE_DATABASE_HOST": str(url.host),
            "PRESAGE_DATABASE_PORT": str(url.port),
            "PRESAGE_DATABASE_NAME": str(url.database),
            "PRESAGE_DATABASE_SECRET_ARN": CREDENTIALS,
            "PRESAGE_SNAPSHOT_STALE_SECONDS": "604800",
            "PRESAGE_MODEL_MEMORY_BYTES": str(MODEL_MEMORY_BYTES),
            "PRESAGE_REQUEST_LIMITS": json.dumps(self.limits),
            "PRESAGE_CATALOG_TTL_SECONDS": str(CATALOG_TTL_SECONDS),
            "PRESAGE_CACHE_DIRECTORY": str(self.folder / "cache"),
        }


@contextmanager
def surroundings(
    folder: Path, contents: Contents, *, keys: Mapping[str, Plan] | None = None, limits: Limits | None = None
) -> Iterator[Surroundings]:
    """Run a database and a sink that hold these contents until the context ends."""
    with surround(folder, lambda url, objects: fill(url, objects, contents, keys=keys or {KEY: "standard"}), limits=limits) as found:
        yield found


@contextmanager
def surround(folder: Path, fill_in: Callable[[str, Path], None], *, limits: Limits | None = None) -> Iterator[Surroundings]:
    """Run a database of its own and a sink until the context ends; `fill_in` gets the database's URL and the sink's objects first."""
    database = SessionServers(session_folder(os.getpid()), os.getpid()).mariadb()
    name = f"benchmark_{secrets.token_hex(6)}"
    database.execute(f"CREATE DATABASE {name}")
    port = free_port()
    found = Surroundings(folder, port, f"{database.url}/{name}?charset=utf8mb4", limits or dict.fromkeys(("free", "standard"), UNLIMITED))
    url, secret = make_url(found.database_url), found.sink / "secrets" / CREDENTIALS
    secret.parent.mkdir(parents=True)
    secret.write_text(json.dumps({"username": url.username, "password": url.password or ""}))
    fill_in(found.database_url, found.sink / "objects")
    sink = Program(
        name="sink",
        command=(sys.executable, "-m", "benchmarks.sink", str(port), str(found.sink)),
        environment={"PATH": os.defpath, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        directory=folder,
        is_ready=lambda: is_listening(port),
    )
    with running(sink, folder):
        yield found
    database.execute(f"DROP DATABASE {name}")


def build_server(around: Surroundings, numbers: Numbers, *, port: int, rows: Rows | None = None, key: str = KEY, models: int = 1) -> Server:
    """Return the service; its bodies ask for the entities of these numbers, the `models` in turn.

    With `rows`, raw values are given on top of the ids.
    """
    columns = build_columns()

    def build_entry(number: int) -> dict[str, object]:
        entry: dict[str, object] = {"id": entity_id(int(numbers[number]))}
        return entry if rows is None else entry | dict(zip(columns, map(float, rows[number]), strict=True))

    def build_body(asked: Sequence[int]) -> bytes:
        return json.dumps({"model": model_name(asked[0] % models), "features": [build_entry(number) for number in asked]}).encode()

    return Server(
        name="ours" if rows is None else "ours_raw",
        program=around.build_program(port),
        url=f"http://127.0.0.1:{port}/v1/predict",
        headers={KEY_HEADER: key},
        build_body=build_body,
        read_answer=read_answer,
    )


def choose_treated(count: int, *, entities: int) -> Numbers:
    """Return numbers of entities that the experiment gives the model's answer: a control's would be no prediction."""
    chosen = choose_entities(min(2 * count, entities), entities=entities)
    treated = [
        number for number in chosen if assign_variant(salt=SALT, unit_id=entity_id(number), treatment_share=TREATMENT_SHARE) == "treatment"
    ]
    return np.array(treated[:count])


def read_answer(body: bytes) -> list[float]:
    """Return the scores of an answer.

    Raises:
        MeasurementError: An entry failed, or something else than the model answered.
    """
    results = json.loads(body)["results"]
    odd = [result for result in results if result.get("answered_by") != "model"]
    if odd:
        raise MeasurementError(f"not answered by the model: {odd[0]}")
    return [result["score"] for result in results]


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as response:
            return bool(response.status == 200)  # noqa: PLR2004 - HTTP's own
    except (OSError, urllib.error.HTTPError):
        return False
