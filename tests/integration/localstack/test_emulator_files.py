"""What the emulator unpacks on the disk does not pile up."""

import io
import os
import sys
import zipfile
from pathlib import Path

import boto3
import pytest

from localstack import emulator
from localstack.guard import run_guarded, stop_guarded
from localstack.places import Places
from localstack.program import free_port

pytestmark = pytest.mark.integration


def test_functions_are_unpacked_below_the_emulators_folder_and_go_with_it(tmp_path: Path) -> None:
    port = free_port()
    python = emulator.install(Places(), python=sys.executable)
    program = emulator.build_program(python=python, port=port, state=None, directory=tmp_path)
    unpacked = Path(program.environment["TMPDIR"])
    (unpacked / "ministack-lambda-of-a-killed-one").mkdir(parents=True)

    guard = run_guarded(program, owner=os.getpid(), log=tmp_path / "emulator.log")
    try:
        answer = invoke_a_function(emulator.endpoint(port))
        kept = [found.name for found in unpacked.iterdir()]
    finally:
        stop_guarded(guard)

    assert Path(answer).is_relative_to(unpacked)
    assert "ministack-lambda-of-a-killed-one" not in kept
    assert any(name.startswith("ministack-lambda") for name in kept)
    assert not unpacked.exists()


def invoke_a_function(url: str) -> str:
    """Return where a function finds its own code."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("told.py", "def answer(event, context):\n    return __file__\n")
    client = boto3.client("lambda", endpoint_url=url)
    client.create_function(
        FunctionName="told",
        Runtime="python3.11",
        Handler="told.answer",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": body.getvalue()},
    )
    return str(client.invoke(FunctionName="told")["Payload"].read().decode().strip('"'))
