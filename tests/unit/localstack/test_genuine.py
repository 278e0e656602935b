import os
import re
import sys
from pathlib import Path

import pytest

from localstack import genuine
from localstack.places import ROOT


def write_python(path: Path, *, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {version}\n")
    path.chmod(0o755)
    return path


def test_every_contract_suite_that_needs_an_emulator_runs_or_says_why_not() -> None:
    needing = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests" / "contract" / "ports").glob("test_*.py")
        if re.search(r"\bemulator\b", path.read_text())
    }

    assert {suite for suite in (*genuine.SUITES, *genuine.OTHER_SUITES) if suite.endswith(".py")} == needing


def test_a_python_of_the_path_is_preferred(tmp_path: Path) -> None:
    write_python(tmp_path / "home/.pyenv/versions/3.13.1/bin/python3.13", version="3 13")
    chosen = write_python(tmp_path / "bin/python3.13", version="3 13")

    assert genuine.find_python(path=str(tmp_path / "bin"), home=tmp_path / "home") == str(chosen)


def test_a_shim_that_starts_nothing_is_passed_over_for_pyenvs_own(tmp_path: Path) -> None:
    write_python(tmp_path / "bin/python3.13", version="")
    chosen = write_python(tmp_path / "home/.pyenv/versions/3.13.1/bin/python3.13", version="3 13")

    assert genuine.find_python(path=str(tmp_path / "bin"), home=tmp_path / "home") == str(chosen)


def test_without_a_python_3_13_it_is_said_and_only_required_runs_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))

    assert genuine.main([]) == 0
    assert genuine.main(["--require"]) == 1
    assert capsys.readouterr().out.startswith("SKIPPED: LocalStack 4.14.0 needs Python 3.13")


def test_it_binds_loopback_and_writes_below_its_state_only(tmp_path: Path) -> None:
    program = genuine.build_program(python=Path(sys.executable), port=4567, state=tmp_path)

    assert program.environment["GATEWAY_LISTEN"] == "127.0.0.1:4567"
    assert program.environment["GATEWAY_SERVER"] == "hypercorn"
    assert {name for name, value in program.environment.items() if value.startswith(str(tmp_path))} == {"HOME", "FILESYSTEM_ROOT"}
    assert program.directory == tmp_path
    assert "-I" in program.command
    assert not any(name.startswith("PYTHONPATH") for name in program.environment)
    assert program.environment["PATH"] == os.environ["PATH"]  # noqa: TID251 - what it passes on
