"""Processes of the local stack really start, come back when killed, and end."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localstack.guard import is_alive, run_guarded, stop_guarded
from localstack.places import Places
from localstack.program import Program, StartError, wait_until
from localstack.supervision import Supervisor

pytestmark = pytest.mark.integration

SERVER = "import os, pathlib, time; pathlib.Path('ready').write_text(f\"{os.getpid()} {os.environ['WORD']}\"); time.sleep(600)"


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(Places(state=tmp_path / "state", cache=tmp_path / "cache"))
    supervisor.start()
    yield supervisor
    supervisor.shut_down()


def build_program(folder: Path, *, word: str = "first", code: str = SERVER) -> Program:
    ready = folder / "ready"
    return Program(name="server", command=(sys.executable, "-c", code), environment={"WORD": word}, directory=folder, is_ready=ready.exists)


def read_ready(folder: Path) -> tuple[int, str]:
    pid, word = (folder / "ready").read_text().split()
    return int(pid), word


def test_a_program_gets_its_environment_and_stays_when_nothing_changed(supervisor: Supervisor, tmp_path: Path) -> None:
    assert supervisor.put(build_program(tmp_path)) == "started"
    first = read_ready(tmp_path)

    assert supervisor.put(build_program(tmp_path)) == "kept"
    assert read_ready(tmp_path) == first == (supervisor.pid("server"), "first")


def test_a_changed_program_is_restarted_with_the_change(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.put(build_program(tmp_path))
    first, _word = read_ready(tmp_path)
    (tmp_path / "ready").unlink()

    assert supervisor.put(build_program(tmp_path, word="second")) == "restarted"
    assert read_ready(tmp_path)[1] == "second"
    assert not is_alive(first)


def test_a_killed_program_comes_back(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.put(build_program(tmp_path))
    first, _word = read_ready(tmp_path)

    os.kill(first, signal.SIGKILL)

    wait_until(lambda: supervisor.pid("server") not in {None, first}, seconds=20, what="the new process")


def test_a_program_that_fails_is_reported_with_the_end_of_its_log(supervisor: Supervisor, tmp_path: Path) -> None:
    with pytest.raises(StartError, match="no such luck"):
        supervisor.put(build_program(tmp_path, code="raise SystemExit('no such luck')"))


def test_shutting_down_ends_every_process_and_a_second_time_does_nothing(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.put(build_program(tmp_path))
    pid, _word = read_ready(tmp_path)

    assert supervisor.shut_down() is True
    assert not is_alive(pid)
    assert not supervisor.is_running()
    assert supervisor.shut_down() is False


def test_processes_end_with_a_supervisor_that_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.put(build_program(tmp_path))
    pid, _word = read_ready(tmp_path)

    os.kill(int((tmp_path / "state" / "supervisord.pid").read_text()), signal.SIGKILL)

    wait_until(lambda: not is_alive(pid), seconds=10, what="the end of the orphan")


def test_secrets_are_on_no_command_line_and_in_no_public_file(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.put(build_program(tmp_path, word="s3cret"))
    pid, _word = read_ready(tmp_path)

    holding = [path for path in (tmp_path / "state").rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]

    assert b"s3cret" not in Path("/proc", str(pid), "cmdline").read_bytes()
    assert [path.name for path in holding] == ["server.json"]
    assert holding[0].stat().st_mode & 0o077 == 0


def test_a_guarded_program_ends_with_its_owner(tmp_path: Path) -> None:
    owner = os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", "import time; time.sleep(600)"])  # noqa: S606 - its end is the point
    run_guarded(build_program(tmp_path), owner=owner, log=tmp_path / "log")
    pid, _word = read_ready(tmp_path)

    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)

    wait_until(lambda: not is_alive(pid), seconds=10, what="the end of the guarded program")


def test_stopping_a_guard_stops_its_program(tmp_path: Path) -> None:
    guard = run_guarded(build_program(tmp_path), owner=os.getpid(), log=tmp_path / "log")
    pid, _word = read_ready(tmp_path)
    began = time.monotonic()

    stop_guarded(guard)

    wait_until(lambda: not is_alive(pid), seconds=10, what="the end of the guarded program")
    assert time.monotonic() - began < 10
