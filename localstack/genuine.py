"""Runs the genuine LocalStack, and against it the tests that it can answer: `python -m localstack.genuine [--require] [PYTEST ARGUMENTS…]`.

The local stack stands on an emulator that speaks LocalStack's interface; this shows that adapters and stacks do not lean on that
emulator's peculiarities. LocalStack's community edition runs without Docker from PyPI, but only under Python 3.13. Without Docker it
has neither DynamoDB (a download of a jar) nor Lambda.
"""

import argparse
import contextlib
import fcntl
import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from localstack.emulator import client_environment, endpoint, is_healthy
from localstack.environments import ensure_environment
from localstack.guard import run_guarded, stop_guarded
from localstack.places import ROOT, Places
from localstack.program import Program, StartError, free_port

VERSION = "4.14.0"
REQUIREMENTS = (f"localstack-core[runtime]=={VERSION}",)
RESOLUTION = ("--exclude-newer", "2026-03-10")
"""What its dependencies were when it was released; today's do not fit it any more."""
ENDPOINT_VARIABLE = "PRESAGE_TEST_AWS_ENDPOINT_URL"
START_SECONDS = 120.0
_PYTHON = "python3.13"

SUITES = (
    "tests/localstack",
    *(
        f"tests/contract/ports/test_{port}.py"
        for port in (
            "assignment_queue",
            "certificate_store",
            "credential_store",
            "recipe_store",
            "training_report_store",
            "version_report_store",
            "feature_set_store",
            "job_queue",
            "key_gateway",
            "landed_ids",
            "model_files",
            "prediction_queue",
            "quarantine_store",
            "queue_inspector",
            "record_queue",
            "training_files",
            "upload_store",
            "warehouse",
        )
    ),
)
"""What LocalStack can answer."""
OTHER_SUITES = {
    "tests/contract/ports/test_idempotency_store.py": "LocalStack downloads DynamoDB when it is first used, which few machines can",
    "tests/contract/ports/test_key_usage.py": "LocalStack's free edition does not answer GetUsage",
    "tests/contract/ports/test_prediction_log.py": "LocalStack downloads DynamoDB when it is first used, which few machines can",
    "tests/contract/ports/test_spark_runner.py": "LocalStack has no EMR Serverless: its calls go to the project's own bridge",
    "tests/contract/ports/test_task_runner.py": "LocalStack has no ECS: its calls go to the project's own bridge",
}
"""Contract suites that need an emulator and yet do not run here, with the reason."""


def find_python(*, path: str | None = None, home: Path | None = None) -> str | None:
    """Return an interpreter of Python 3.13 that starts, from the PATH, pyenv or uv, or None."""
    home = home or Path.home()
    versions = [
        *sorted((home / ".pyenv" / "versions").glob(f"3.13*/bin/{_PYTHON}"), reverse=True),
        *sorted((home / ".local" / "share" / "uv" / "python").glob(f"cpython-3.13*/bin/{_PYTHON}"), reverse=True),
    ]
    on_path = shutil.which(_PYTHON, path=path)
    candidates = [*([on_path] if on_path else []), *map(str, versions)]
    return next((candidate for candidate in candidates if _is_right(candidate)), None)


def _is_right(python: str) -> bool:
    """Whether it starts at all (pyenv's shims do not when their version is not chosen) and is what its name says."""
    try:
        result = subprocess.run(
            [python, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError:
        return False
    return result.stdout.split() == ["3", "13"]


def build_program(*, python: Path, port: int, state: Path) -> Program:
    """Return LocalStack as a program that binds loopback only and writes nothing outside of `state`."""
    return Program(
        name="genuine-localstack",
        # Isolated: this repository has a folder of the same name, which must not be imported instead.
        command=(str(python), "-I", "-m", "localstack.runtime.main"),
        environment={
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(state),
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "GATEWAY_LISTEN": f"127.0.0.1:{port}",
            "LOCALSTACK_HOST": f"127.0.0.1:{port}",
            "GATEWAY_SERVER": "hypercorn",  # the default one, twisted, binds 0.0.0.0 whatever GATEWAY_LISTEN says
            "SQS_ENDPOINT_STRATEGY": "path",  # else queue URLs have a host name that only its own DNS server knows
            "DNS_ADDRESS": "0",
            "OVERRIDE_IN_DOCKER": "0",  # else it writes below /var/lib where /.dockerenv exists
            "FILESYSTEM_ROOT": str(state / "root"),
            "SKIP_SSL_CERT_DOWNLOAD": "1",
            "DISABLE_EVENTS": "1",
            "CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES": "1",  # else it asks its maker's server for every type: see `list_resource_types`
        },
        directory=state,
        stop_seconds=2,  # its services end at once, its server under hypercorn never does
        is_ready=lambda: is_healthy(port),
    )


def list_resource_types(places: Places) -> frozenset[str]:
    """Return the CloudFormation types that the installed LocalStack can create, in lower case; the others pass as deployed there."""
    packages = next((places.cache / "localstack-venv" / "lib").glob("python*/site-packages"))
    return frozenset(
        entry.name.lower()
        for distribution in importlib.metadata.distributions(name="localstack-core", path=[str(packages)])
        for entry in distribution.entry_points
        if entry.group == "localstack.cloudformation.resource_providers"
    )


@contextlib.contextmanager
def running(places: Places, *, python: str) -> Iterator[str]:
    """Install LocalStack if need be, start it, and give its endpoint URL; it ends, and its state is removed, with the context.

    Raises:
        StartError: It could not be installed, did not become ready, or runs already for this folder.
    """
    interpreter = ensure_environment(
        places.cache / "localstack-venv", places=places, python=python, requirements=REQUIREMENTS, options=RESOLUTION
    )
    state = places.state / "genuine-localstack"
    state.parent.mkdir(parents=True, exist_ok=True)
    with state.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartError(f"another run has {lock.name}; wait for it") from error
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir()
        port = free_port()
        program = build_program(python=interpreter, port=port, state=state)
        guard = run_guarded(program, owner=os.getpid(), log=places.logs / "genuine-localstack.log", ready_seconds=START_SECONDS)
        try:
            yield endpoint(port)
        finally:
            stop_guarded(guard)
            shutil.rmtree(state, ignore_errors=True)


def run_suites(url: str, *, arguments: Sequence[str]) -> int:
    """Run the suites with all AWS clients pointed at `url`; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-m", "integration", "-q", *(arguments or SUITES)]
    port = int(url.rpartition(":")[2])
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **client_environment(port), ENDPOINT_VARIABLE: url}, check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Run what the command line asks for and return the exit code; without Python 3.13 that is 0, unless it is required."""
    parser = argparse.ArgumentParser(prog="python -m localstack.genuine", description="Test against the genuine LocalStack.")
    parser.add_argument("--require", action="store_true", help="fail, instead of skipping, without Python 3.13")
    options, pytest_arguments = parser.parse_known_args(arguments)
    python = find_python()
    if python is None:
        print(
            f"SKIPPED: LocalStack {VERSION} needs Python 3.13; no {_PYTHON} is on the PATH, in ~/.pyenv/versions or among uv's.\n"
            "Install one with `pyenv install 3.13` or `uv python install 3.13`, then run this again.",
            flush=True,
        )
        return 1 if options.require else 0
    began = time.monotonic()
    try:
        with running(Places(), python=python) as url:
            print(f"genuine LocalStack {VERSION} answers at {url} after {time.monotonic() - began:.1f} s", flush=True)
            for suite, reason in OTHER_SUITES.items():
                print(f"not run: {suite}: {reason}", flush=True)
            return run_suites(url, arguments=pytest_arguments)
    except StartError as error:
        print(f"FAILED: {error}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
