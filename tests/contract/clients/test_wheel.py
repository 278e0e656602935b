"""The wheel installs alone, into an environment of nothing, with what it declares and no more."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.fixtures.synthesis import ROOT

pytestmark = pytest.mark.integration

DECLARED = ["anyio>=4.4", "httpx>=0.27,<1", "msgspec>=0.20"]
BROUGHT = {"anyio", "certifi", "h11", "httpcore", "httpx", "idna", "msgspec", "presage-client", "typing-extensions"}
"""All that is installed, what dependencies depend on among it."""
USE = """
import httpx
from presage_client import AsyncClient, Client

answers = httpx.MockTransport(lambda request: httpx.Response(200, json={"share": 0.1, "changed_by": None, "changed_at": None}))
with Client(workspace=("https://api.example", "t"), http=httpx.Client(transport=answers)) as client:
    print(client.holdout.get().share, len(vars(client)))
"""


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_installs_alone_and_works(tmp_path: Path) -> None:
    uv = shutil.which("uv") or str(ROOT / ".cache" / "uv-venv" / "bin" / "uv")
    source = tmp_path / "source"
    shutil.copytree(ROOT / "clients" / "python", source, ignore=shutil.ignore_patterns("__pycache__"))

    run(uv, "build", "--quiet", "--wheel", "--python", sys.executable, "--out-dir", str(tmp_path), str(source), cwd=tmp_path)
    [wheel] = tmp_path.glob("presage_client-*.whl")
    run(uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(tmp_path / "venv"), cwd=tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    run(uv, "pip", "install", "--quiet", "--python", python, str(wheel), cwd=tmp_path)
    installed = run(uv, "pip", "freeze", "--python", python, cwd=tmp_path)

    assert set(re.findall(r"^([a-z0-9-]+)", installed, re.MULTILINE)) == BROUGHT
    assert run(python, "-I", "-c", USE, cwd=tmp_path).startswith("0.1 ")
    names = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert {name for name in names if not name.endswith(".dist-info")} == {"presage_client"}
    assert "presage_client/py.typed" in ZipFile(wheel).namelist()


def test_its_dependencies_are_few_and_known() -> None:
    project = tomllib.loads((ROOT / "clients" / "python" / "pyproject.toml").read_text())["project"]

    assert project["dependencies"] == DECLARED
