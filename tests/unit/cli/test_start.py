"""How the command starts: what it imports, what others bring, and what needs a checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from presage_cli.catalogue import COMMANDS
from presage_cli.checkout import MARKS, find_checkout
from presage_cli.deriving import register
from presage_cli.exits import CliError
from presage_cli.platform import build_function
from presage_client.resources import Groups
from tests.fixtures.command_line import CommandLine
from tests.fixtures.synthesis import ROOT

PRESAGE = str(Path(sys.executable).with_name("presage"))
HEAVY = ("presage_client", "httpx", "msgspec", "presage", "importlib.metadata")
LIST_IMPORTS = f"""
import sys
from presage_cli.main import app
from typer.testing import CliRunner
ended = CliRunner().invoke(app, ["--help"])
assert ended.exit_code == 0
print([name for name in {HEAVY} if name in sys.modules])
"""


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, {})


def run(*arguments: str, folder: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.defpath, "HOME": "/nowhere", **variables}
    return subprocess.run([PRESAGE, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_help_imports_neither_the_client_nor_the_platform() -> None:
    told = subprocess.run([sys.executable, "-c", LIST_IMPORTS], capture_output=True, text=True, check=True)

    assert told.stdout == "[]\n"


def test_the_help_has_every_command_under_its_heading(line: CommandLine) -> None:
    ended = line.run("--help")

    assert ended.exit_code == 0
    assert all(f" {name} " in ended.out and entry.panel in ended.out for name, entry in COMMANDS.items())


def test_every_group_of_the_client_is_in_the_catalogue() -> None:
    derived = {name.replace("-", "_") for name, entry in COMMANDS.items() if register.__module__ in entry.modules}

    assert derived == vars(Groups(None)).keys()  # type: ignore[arg-type]  # nothing is called by it


def test_the_version_is_told(line: CommandLine) -> None:
    assert line.run("--version").out == f"presage {version('presage-cli')}\n"


def test_shells_are_told_what_can_follow() -> None:
    def complete(words: str) -> list[str]:
        last = str(len(words.split()) - 1)
        return run(COMP_WORDS=words, _PRESAGE_COMPLETE="complete_bash", COMP_CWORD=last).stdout.split()

    assert complete("presage mod") == ["models"]
    assert complete("presage models move") == ["move-alias"]
    assert complete("presage models move-alias mdl_1 st") == ["staging"]


def test_commands_of_the_platform_get_their_arguments_as_they_are() -> None:
    helped, wrong = run("experiments", "verify", "--help"), run("experiments", "certify", "--runs", "many")

    assert (helped.returncode, "usage: presage experiments verify [-h] certificate" in helped.stdout) == (0, True)
    assert (wrong.returncode, "argument --runs: invalid int value: 'many'" in wrong.stderr) == (2, True)


def test_a_command_of_another_package_ends_with_its_exit_code() -> None:
    called: list[object] = []

    def command(arguments: object) -> int:
        called.append(arguments)
        return 7

    class Context:
        args = ("--runs", "3")

    with pytest.raises(SystemExit) as caught:
        build_function("experiments.certify", lambda: command)(Context())  # type: ignore[arg-type]  # what is asked of one
    assert (called, caught.value.code) == ([["experiments", "certify", "--runs", "3"]], 7)


def test_without_the_platform_it_is_said_what_to_install() -> None:
    with pytest.raises(CliError, match="is a command of the platform's library") as caught:
        build_function("experiments.verify", None)(None)  # type: ignore[arg-type]  # not asked
    assert "presage[aws,schema,stats]" in caught.value.next_step


def make_checkout(folder: Path, recipe: str) -> Path:
    for mark in MARKS:
        (folder / mark).parent.mkdir(parents=True, exist_ok=True)
        (folder / mark).touch()
    (folder / "Makefile").write_text(f".PHONY: demo\ndemo:\n\t@{recipe}\n")
    below = folder / "docs" / "adr"
    below.mkdir(parents=True)
    return below


def test_the_demo_becomes_make_of_the_checkout_around_it(tmp_path: Path) -> None:
    below = make_checkout(tmp_path, 'echo "$(DATASET) in $(notdir $(CURDIR))"; exit 3')

    ended = run("demo", "--dataset", "cdnow", folder=below)

    assert (ended.stdout, ended.returncode) == (f"cdnow in {tmp_path.name}\n", 2)  # make's own code of a recipe that failed


def test_outside_of_a_checkout_the_demo_says_what_it_needs(tmp_path: Path) -> None:
    ended = run("demo", folder=tmp_path)

    assert (ended.returncode, "in no checkout of Presage" in ended.stderr, "make demo" in ended.stderr) == (2, True, True)


def test_a_checkout_is_found_upwards(tmp_path: Path) -> None:
    assert find_checkout(ROOT / "docs" / "adr") == ROOT
    assert find_checkout(tmp_path) is None


def test_in_a_checkout_the_doctor_tells_what_the_launcher_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(make_checkout(tmp_path / "checkout", "true"))
    line = CommandLine(tmp_path / "home", {})
    assert [each["state"] for each in line.run("doctor", "--json").json()[3:]] == ["not set up", "not set up"]
    python = tmp_path / "checkout" / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$3: all is bridged"\n[ "$3" = doctor ]\n')
    python.chmod(0o755)

    ended = line.run("doctor")

    assert ended.exit_code == 0
    assert "doctor: all is bridged\nstatus: all is bridged\n" in ended.out
    assert [each["state"] for each in line.run("doctor", "--json").json()[3:]] == ["fine", "lacking"]
