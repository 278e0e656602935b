"""The peers: each in an environment of its own, in the best configuration that was found for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.classifier import Rows
from benchmarks.load import MeasurementError
from benchmarks.servers import SINGLE_THREADED, Server
from localstack.environments import ensure_environment
from localstack.places import ROOT, Places
from localstack.program import Program, free_port, is_listening

PEERS = ("mlflow", "bentoml", "fastapi", "flask")
WORKERS = "2"
REQUIREMENTS = ROOT / "benchmarks" / "requirements"


def install(name: str) -> Path:
    """Return the interpreter of the peer's environment, made first if it is missing or of other versions."""
    places = Places()
    lines = (REQUIREMENTS / f"{name}.txt").read_text().splitlines()
    return ensure_environment(places.cache / "bench" / name, places=places, python=sys.executable, requirements=lines)


def build_peer(name: str, folder: Path, rows: Rows) -> Server:
    """Return the peer, ready to be started; its bodies carry rows of `rows`."""
    build: Callable[[Path, Path, Rows], Server] = {"mlflow": _mlflow, "bentoml": _bentoml, "fastapi": _fastapi, "flask": _flask}[name]
    return build(install(name).parent, folder, rows)


def _mlflow(bin_folder: Path, folder: Path, rows: Rows) -> Server:
    """MLflow, as `models serve` with two workers, on uvloop and httptools (uvicorn takes them when they are there), without access log."""
    model = folder / "mlflow-model"
    environment = {**_environment(bin_folder), "UVICORN_ACCESS_LOG": "0", "MLFLOW_TRACKING_URI": f"file://{folder}/mlflow-runs"}
    saving = [str(bin_folder / "python"), "-m", "benchmarks.peers.mlflow_model", str(model)]
    saved = subprocess.run(saving, env=environment, capture_output=True, text=True, check=False)
    if saved.returncode:
        raise MeasurementError(f"mlflow could not save the model: {saved.stderr[-2000:]}")
    port = free_port()
    address = ("--host", "127.0.0.1", "--port", str(port))
    command = (str(bin_folder / "mlflow"), "models", "serve", "-m", str(model), "--env-manager", "local", "--workers", WORKERS, *address)
    return _build("mlflow", command, environment, rows, _Wire(port, "/invocations", "inputs", "predictions"))


def _bentoml(bin_folder: Path, _folder: Path, rows: Rows) -> Server:
    """BentoML with two workers, without access log; uvicorn and uvloop come with it."""
    port = free_port()
    service = "benchmarks.peers.bentoml_service:Classifier"
    command = (str(bin_folder / "bentoml"), "serve", service, "--host", "127.0.0.1", "--port", str(port))
    environment = {**_environment(bin_folder), "BENTOML_DO_NOT_TRACK": "1"}
    return _build("bentoml", command, environment, rows, _Wire(port, answer=None))


def _fastapi(bin_folder: Path, _folder: Path, rows: Rows) -> Server:
    """FastAPI under uvicorn: two workers, uvloop, httptools, no access log."""
    port = free_port()
    options = ("--workers", WORKERS, "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    application = "benchmarks.peers.fastapi_app:create"
    command = (str(bin_folder / "uvicorn"), application, "--factory", *options, "--host", "127.0.0.1", "--port", str(port))
    return _build("fastapi", command, _environment(bin_folder), rows, _Wire(port))


def _flask(bin_folder: Path, _folder: Path, rows: Rows) -> Server:
    """Flask under gunicorn: two workers of four threads, no access log, its control socket and heartbeat off the disk."""
    port = free_port()
    options = ("--worker-class", "gthread", "--workers", WORKERS, "--threads", "4", "--worker-tmp-dir", "/dev/shm", "--no-control-socket")  # noqa: S108 - a heartbeat must not wait for a disk
    command = (str(bin_folder / "gunicorn"), *options, "--bind", f"127.0.0.1:{port}", "benchmarks.peers.flask_app:create()")
    return _build("flask", command, _environment(bin_folder), rows, _Wire(port))


def _environment(bin_folder: Path) -> dict[str, str]:
    return {
        "PATH": f"{bin_folder}:/usr/bin:/bin",
        "HOME": str(bin_folder.parent),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        **SINGLE_THREADED,
    }


@dataclass(frozen=True)
class _Wire:
    """Where a peer is asked, under which field it takes rows, and under which it answers pairs of probabilities (None: as they are)."""

    port: int
    path: str = "/predict"
    field: str = "rows"
    answer: str | None = "probabilities"


def _build(name: str, command: tuple[str, ...], environment: dict[str, str], rows: Rows, wire: _Wire) -> Server:
    def build_body(numbers: Sequence[int]) -> bytes:
        return json.dumps({wire.field: [[float(value) for value in rows[number]] for number in numbers]}).encode()

    def read_answer(body: bytes) -> list[float]:
        found = json.loads(body)
        return [pair[1] for pair in (found if wire.answer is None else found[wire.answer])]

    return Server(
        name=name,
        program=Program(
            name=name,
            command=command,
            environment=environment,
            directory=ROOT,
            stops_group=True,
            is_ready=lambda: is_listening(wire.port),
        ),
        url=f"http://127.0.0.1:{wire.port}{wire.path}",
        build_body=build_body,
        read_answer=read_answer,
    )
