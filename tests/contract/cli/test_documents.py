"""Every block of docs/cli.md runs, in order, in one shell, against both APIs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from presage_cli.exits import Exit
from tests.contract.cli.test_flows_live import finish_next_job
from tests.fixtures.live_apis import API_KEY, serve_apis
from tests.fixtures.synthesis import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text()
BLOCKS = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
BIN = Path(sys.executable).parent


def run(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{BIN}:{os.defpath}", "XDG_CONFIG_HOME": str(folder / "config"), **variables}
    return subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_the_blocks_of_the_page_run(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    with serve_apis(tmp_path) as apis:
        worker = finish_next_job(apis, "succeeded")
        variables = {"BACKEND": apis.workspace_url, "TOKEN": apis.token, "GATEWAY": apis.public_url, "KEY": API_KEY}
        ended = run("\n".join(BLOCKS), tmp_path / "work", **variables)
        worker.join()

    assert ended.returncode == 0, ended.stderr
    assert re.findall(r"^ended with (\d+)$", ended.stdout, re.MULTILINE) == ["3", "11"]
    assert "spent is 'much', and no number" in ended.stdout
    assert len((tmp_path / "work" / "datasets.ndjson").read_text().splitlines()) == 2
    assert json.loads((tmp_path / "work" / "openapi.json").read_text())["paths"]
    assert apis.token not in ended.stdout + ended.stderr
    assert API_KEY not in ended.stdout + ended.stderr


def test_the_readme_runs(tmp_path: Path) -> None:
    [install, calls] = re.findall(r"```sh\n(.*?)```", (ROOT / "clients" / "cli" / "README.md").read_text(), re.DOTALL)
    with serve_apis(tmp_path) as apis:
        ended = run(
            calls,
            tmp_path,
            PRESAGE_BACKEND_URL=apis.workspace_url,
            PRESAGE_TOKEN=apis.token,
            PRESAGE_GATEWAY_URL=apis.public_url,
            PRESAGE_API_KEY=API_KEY,
        )

    assert install == "pip install presage-cli\n"
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("code", Exit, ids=str)
def test_every_exit_code_is_in_the_table(code: Exit) -> None:
    table = PAGE.partition("## Exit codes")[2].partition("##")[0]

    assert re.search(rf"^\| (\d+, )?{code.value}(, \d+)? \|", table, re.MULTILINE)
