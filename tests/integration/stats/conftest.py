"""The environment of the libraries that the statistics are compared with, made once below `.cache`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

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
        pytest.skip("gbstats needs pandas 1.5, which has no wheels beyond Python 3.11")
    lines = [line for line in (HERE / "oracle_requirements.txt").read_text().splitlines() if not line.startswith("#")]
    places = Places()
    return ensure_environment(places.cache / "oracles", places=places, python=sys.executable, requirements=lines)


@pytest.fixture(scope="session")
def confseq(oracles: Path) -> Path:
    """The same interpreter, with confseq, which is compiled."""
    if shutil.which("g++") is None:
        pytest.skip("confseq has no wheel, and there is no g++ to build it")
    if _run([str(oracles), "-c", "import confseq.boundaries"]).returncode:
        _build_confseq(oracles)
    return oracles


@pytest.fixture
def ask(oracles: Path) -> Ask:
    """Ask gbstats, statsmodels or tea-tasting."""
    return lambda question, arguments: _ask(oracles, "oracle_answers.py", [[question, list(each)] for each in arguments])


@pytest.fixture
def ask_confseq(confseq: Path) -> Ask:
    """Ask confseq."""
    return lambda question, arguments: _ask(confseq, "confseq_answers.py", [[question, list(each)] for each in arguments])


def _ask(python: Path, program: str, cases: list[list[Any]]) -> list[Any]:
    done = _run([str(python), str(HERE / program)], given=json.dumps(cases))
    assert done.returncode == 0, done.stderr
    answers: list[Any] = json.loads(done.stdout)
    return answers


def _build_confseq(python: Path) -> None:
    script = "import boost_headers, pybind11; print(boost_headers.__path__[0]); print(pybind11.get_cmake_dir())"
    boost, pybind = _run([str(python), "-c", script]).stdout.split()
    uv = shutil.which("uv") or str(Places().cache / "uv-venv" / "bin" / "uv")
    command = [uv, "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--python", str(python), CONFSEQ]
    done = _run(command, environment={"BOOST_ROOT": boost, "CMAKE_PREFIX_PATH": pybind, "PATH": f"{python.parent}:{os.defpath}"})
    assert done.returncode == 0, done.stderr


def _run(command: list[str], *, given: str = "", environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    inherited = dict(os.environ)  # noqa: TID251 - the package index's settings are there
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False, env={**inherited, **(environment or {})})
