"""Exit codes of refusals, and how they are told, by the program itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.live_apis import API_KEY, LiveApis, serve_apis

PRESAGE = str(Path(sys.executable).with_name("presage"))


@pytest.fixture(scope="module")
def apis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApis]:
    with serve_apis(tmp_path_factory.mktemp("apis")) as apis:
        yield apis


def run(apis: LiveApis, *arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    told = {
        "PRESAGE_BACKEND_URL": apis.workspace_url,
        "PRESAGE_TOKEN": apis.token,
        "PRESAGE_GATEWAY_URL": apis.public_url,
        "PRESAGE_API_KEY": API_KEY,
        "XDG_CONFIG_HOME": str(folder),
        "PATH": os.defpath,
    }
    return subprocess.run([PRESAGE, *arguments], env={**told, **variables}, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("arguments", "variables", "code"),
    [
        (["workspace", "get"], {}, 0),
        (["datasets", "create"], {}, 2),
        (["datasets", "lst"], {}, 2),
        (["records", "send", "orders", "no-such-file"], {}, 2),
        (["holdout", "set", "--share", "2"], {}, 3),
        (["workspace", "get"], {"PRESAGE_TOKEN": "wrong"}, 4),
        (["predict", "buys-again", "c1"], {"PRESAGE_API_KEY": "wrong"}, 4),
        (["workspace", "get"], {"PRESAGE_TOKEN": ""}, 4),
        (["datasets", "get", "ds_other"], {}, 5),
    ],
)
def test_the_exit_code_says_what_kind_of_end_it_was(
    arguments: list[str], variables: dict[str, str], code: int, apis: LiveApis, tmp_path: Path
) -> None:
    read = run(apis, *arguments, folder=tmp_path, **variables)
    told = run(apis, *arguments, "--json", folder=tmp_path, **variables)

    assert (read.returncode, told.returncode) == (code, code), read.stderr
    if code:
        error: dict[str, Any] = json.loads(told.stderr)["error"]
        assert (error["exit_code"], read.stdout, told.stdout) == (code, "", "")
        assert " ".join(error["message"].split())[:30] in " ".join(read.stderr.replace("│", " ").split())
    for text in (read.stdout, read.stderr, told.stderr):
        assert "\x1b" not in text
        assert apis.token not in text


def test_a_conflict_is_6_and_no_connection_is_8(apis: LiveApis, tmp_path: Path) -> None:
    made = ("datasets", "create", "--name", "twice", "--entity", "customer", "--json")
    assert run(apis, *made, folder=tmp_path).returncode == 0
    assert run(apis, *made, folder=tmp_path).returncode == 6
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
        ended = run(apis, "workspace", "get", folder=tmp_path, PRESAGE_BACKEND_URL=nobody)
    assert (ended.returncode, "is the URL right, and up?" in ended.stderr) == (8, True)


def test_a_reader_that_goes_away_leaves_no_traceback(apis: LiveApis, tmp_path: Path) -> None:
    command = f"{PRESAGE} public openapi | head -c 10"
    told = {"PRESAGE_GATEWAY_URL": apis.public_url, "PRESAGE_API_KEY": API_KEY, "XDG_CONFIG_HOME": str(tmp_path), "PATH": os.defpath}

    ended = subprocess.run(["/bin/sh", "-c", command], env=told, capture_output=True, text=True, check=False)

    assert "Traceback" not in ended.stderr
