"""The environment of the libraries that the statistics are compared with, made once below `.cache`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from tempfile import TemporaryFile
from typing import Any, TextIO, cast

import pytest

from localstack.environments import ensure_environment
from localstack.places import Places

HERE = Path(__file__).parent
CONFSEQ = "confseq==0.0.11"

Ask = Callable[[str, Sequence[Sequence[Any]]], list[Any]]
"""Asks one question of a library for many arguments, and returns its answers."""


@pytest.fixture(scope="session")
def oracles() -> Path:
    """The interpreter that has gbstats, statsmodels and tea-tasting."""
    if sys.version_info >= (3, 12):
        pytest.skip("gbstats needs pandas 1.5, which has no wheels beyond Python 3.11: test with that")
    lines = [line for line in (HERE / "oracle_requirements.txt").read_text().splitlines() if not line.startswith("#")]
    places = Places()
    return ensure_environment(places.cache / "oracles", places=places, python=sys.executable, requirements=lines)


@pytest.fixture(scope="session")
def confseq(oracles: Path) -> Path:
    """The same interpreter, with confseq, which is compiled."""
    if shutil.which("g++") is None:
        pytest.skip("confseq has no wheel, and there is no g++ to build it: apt-get install -y g++")
    if _run([str(oracles), "-c", "import confseq.boundaries"]).returncode:
        _build_confseq(oracles)
    return oracles


@pytest.fixture(scope="session")
def ask(oracles: Path) -> Iterator[Ask]:
    """Ask gbstats, statsmodels or tea-tasting."""
    with _answering(oracles, "oracle_answers.py") as asking:
        yield asking


@pytest.fixture(scope="session")
def ask_confseq(confseq: Path) -> Iterator[Ask]:
    """Ask confseq."""
    with _answering(confseq, "confseq_answers.py") as asking:
        yield asking


@contextmanager
def _answering(python: Path, program: str) -> Iterator[Ask]:
    """Give what asks a process that answers a line with a line: its imports take seconds."""
    command = [str(python), str(HERE / program)]
    with TemporaryFile() as errors, Popen(command, stdin=PIPE, stdout=PIPE, stderr=errors, text=True) as process:

        def ask(question: str, arguments: Sequence[Sequence[Any]]) -> list[Any]:
            requests, answers = cast("TextIO", process.stdin), cast("TextIO", process.stdout)
            requests.write(json.dumps([[question, list(each)] for each in arguments]) + "\n")
            requests.flush()
            line = answers.readline()
            errors.seek(0)
            assert line, errors.read().decode()
            found: list[Any] = json.loads(line)
            return found

        yield ask


def _build_confseq(python: Path) -> None:
    script = "import boost_headers, pybind11; print(boost_headers.__path__[0]); print(pybind11.get_cmake_dir())"
    boost, pybind = _run([str(python), "-c", script]).stdout.split()
    uv = shutil.which("uv") or str(Places().cache / "uv-venv" / "bin" / "uv")
    command = [uv, "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--python", str(python), CONFSEQ]
    done = _run(command, environment={"BOOST_ROOT": boost, "CMAKE_PREFIX_PATH": pybind, "PATH": f"{python.parent}:{os.defpath}"})
    assert done.returncode == 0, done.stderr


def _run(command: list[str], *, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    inherited = dict(os.environ)  # noqa: TID251 - the package index's settings are there
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**inherited, **(environment or {})})
