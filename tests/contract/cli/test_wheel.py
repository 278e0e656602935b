"""The wheel installs with the client's alone, into an environment of nothing, and its command runs."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.contract.clients.test_wheel import BROUGHT, run
from tests.fixtures.synthesis import ROOT

pytestmark = pytest.mark.integration

DECLARED = ["msgspec>=0.20", "presage-client", "rich>=14", "typer>=0.20"]
MORE = {
    "annotated-types",
    "pydantic",
    "pydantic-core",
    "typing-inspection",
    "annotated-doc",
    "markdown-it-py",
    "mdurl",
    "presage-cli",
    "pygments",
    "rich",
    "shellingham",
    "typer",
}


def test_the_wheel_installs_with_the_clients_alone_and_runs(tmp_path: Path) -> None:
    uv = shutil.which("uv") or str(ROOT / ".cache" / "uv-venv" / "bin" / "uv")
    wheels = []
    for name in ("python", "cli"):
        source = tmp_path / name
        shutil.copytree(ROOT / "clients" / name, source, ignore=shutil.ignore_patterns("__pycache__"))
        run(
            uv,
            "build",
            "--quiet",
            "--no-sources",
            "--wheel",
            "--python",
            sys.executable,
            "--out-dir",
            str(tmp_path),
            str(source),
            cwd=tmp_path,
        )
        wheels += list(tmp_path.glob(f"presage_{'client' if name == 'python' else name}-*.whl"))
    run(uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(tmp_path / "venv"), cwd=tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    run(uv, "pip", "install", "--quiet", "--python", python, *map(str, wheels), cwd=tmp_path)

    installed = run(uv, "pip", "freeze", "--python", python, cwd=tmp_path)
    presage = str(tmp_path / "venv" / "bin" / "presage")
    alone = subprocess.run([presage, "experiments", "verify", "c.json"], cwd=tmp_path, env={}, capture_output=True, text=True, check=False)

    assert set(re.findall(r"^([a-z0-9-]+)", installed, re.MULTILINE)) == BROUGHT | MORE
    assert "datasets" in run(presage, "--help", cwd=tmp_path)
    assert "Calls `GET /api/v1/holdout`" in run(presage, "holdout", "get", "--help", cwd=tmp_path)
    assert (alone.returncode, "presage[aws,schema,stats]" in alone.stderr) == (2, True)
    names = {name.partition("/")[0] for name in ZipFile(wheels[1]).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"presage_cli"}


def test_its_dependencies_are_few_and_known() -> None:
    project = tomllib.loads((ROOT / "clients" / "cli" / "pyproject.toml").read_text())["project"]

    assert project["dependencies"] == DECLARED
