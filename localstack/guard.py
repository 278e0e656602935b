"""Runs a command for as long as another process lives: `python -m localstack.guard PID COMMAND…`.

A test session ends in many ways; its servers must end with it in all of them.
"""

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from localstack.program import Program, StartError, wait_until

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.2


def run_guarded(program: Program, *, owner: int, log: Path, ready_seconds: float = 60) -> int:
    """Start the program, wait until it is ready, and let it run until the process `owner` ends; return the guard's id for `stop_guarded`.

    Raises:
        StartError: It ended or was not ready in time; the message holds the end of its log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    user = ["--user", program.user] if program.user else []
    command = [
        sys.executable,
        "-m",
        "localstack.guard",
        *user,
        str(owner),
        program.stop_signal,
        str(program.stop_seconds),
        *program.command,
    ]
    environment = {"PYTHONPATH": str(Path(__file__).resolve().parent.parent), **program.environment}
    with log.open("ab") as sink:
        result = subprocess.run(
            command, cwd=program.directory, env=environment, stdout=subprocess.PIPE, stderr=sink, stdin=subprocess.DEVNULL, check=True
        )
    guard = int(result.stdout)
    try:
        wait_until(program.is_ready, seconds=ready_seconds, what=program.name, is_alive=lambda: is_alive(guard))
    except StartError as error:
        with contextlib.suppress(ProcessLookupError):
            os.kill(guard, signal.SIGTERM)
        raise StartError(f"{error}; its log {log} ends:\n{_tail(log)}") from error
    return guard


def stop_guarded(guard: int, *, seconds: float = 30) -> None:
    """End a program before its owner does, and wait until it has. Idempotency: one that ended stays so."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(guard, signal.SIGTERM)
    wait_until(lambda: not is_alive(guard), seconds=seconds, what=f"the end of process {guard}")


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _start(command: list[str], user: str | None) -> subprocess.Popen[bytes]:
    if user is None:
        return subprocess.Popen(command, preexec_fn=_die_with_parent)  # noqa: PLW1509 - the guard has one thread
    entry = pwd.getpwnam(user)
    return subprocess.Popen(
        command,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - the guard has one thread
        user=entry.pw_uid,
        group=entry.pw_gid,
        extra_groups=[],
    )


def is_alive(pid: int) -> bool:
    """Return whether the process runs; one that ended and was not yet waited for does not."""
    try:
        os.kill(pid, 0)
        status = Path("/proc", str(pid), "stat").read_text() if Path("/proc/self/stat").exists() else ""
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        return True
    return status.rpartition(")")[2].split()[:1] != ["Z"]


def _detach() -> None:
    """Go on in a process of its own session, whose id the caller reads from standard output."""
    pid = os.fork()
    if pid:
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        os._exit(0)
    os.setsid()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def _stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, seconds: float) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(stop_signal)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def main(arguments: list[str]) -> int:
    """Run the command of the arguments until it ends or the owner does, in the background; return its exit code."""
    user = None
    if arguments[0] == "--user":
        user, arguments = arguments[1], arguments[2:]
    _detach()
    owner, stop_signal, stop_seconds, command = int(arguments[0]), signal.Signals[f"SIG{arguments[1]}"], float(arguments[2]), arguments[3:]
    asked_to_stop = False

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked_to_stop
        asked_to_stop = True

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    process = _start(command, user)
    while process.poll() is None and not asked_to_stop and is_alive(owner):
        time.sleep(_POLL_SECONDS)
    if process.poll() is None:
        _stop(process, stop_signal, stop_seconds)
    return process.returncode or 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
