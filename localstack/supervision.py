"""Keeps the local stack's processes running: supervisord in the background, asked over its own socket."""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
from supervisor.xmlrpc import SupervisorTransport

from localstack.guard import is_alive
from localstack.places import Places
from localstack.program import Program, StartError, wait_until
from localstack.state import write_private

Effect = Literal["started", "restarted", "kept"]
_SOCKET_PATH_LIMIT = 100  # bytes; the kernel's is 107
_STARTED = {"STARTING", "RUNNING"}
_FAILED = {"FATAL", "EXITED", "UNKNOWN"}


class Supervisor:
    """One supervisord below `places.state`; it and its processes are found by its socket and its process id, never by name."""

    def __init__(self, places: Places, *, order: Sequence[str] = ()) -> None:
        """Use the folders; `order` is the one in which programs are started, and ended in reverse."""
        self._places = places
        self._order = list(order)
        self._configuration = places.state / "supervisord.conf"
        self._programs = places.state / "programs"
        self._pid_file = places.state / "supervisord.pid"
        socket = str(places.state / "supervisord.sock")
        if len(socket) > _SOCKET_PATH_LIMIT:
            socket = f"/tmp/presage-{hashlib.sha256(socket.encode()).hexdigest()[:16]}.sock"  # noqa: S108 - mode 0700, see the configuration
        self._socket = socket

    def _ask(self, method: str, *arguments: object) -> Any:  # noqa: ANN401 - XML-RPC has no types
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            return getattr(xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor, method)(*arguments)
        finally:
            transport.close()

    def is_running(self) -> bool:
        """Return whether supervisord answers."""
        try:
            return bool(self._ask("getState")["statename"] == "RUNNING")
        except (OSError, xmlrpc.client.Error):
            return False

    def start(self) -> bool:
        """Start supervisord if it does not run; return whether it was started.

        Raises:
            StartError: It did not answer in time.
        """
        if self.is_running():
            return False
        self._programs.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._places.logs.mkdir(parents=True, exist_ok=True)
        for left in self._programs.iterdir():
            left.unlink()
        write_private(self._configuration, self._render().encode())
        log = self._places.logs / "supervisord.out"
        with log.open("ab") as sink:
            subprocess.run(
                [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._configuration)],
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
                stdout=sink,
                stderr=sink,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                check=False,
            )
        wait_until(self.is_running, seconds=15, what=f"supervisord (log: {log})")
        return True

    def put(self, program: Program, *, version: str = "", ready_seconds: float = 60) -> Effect:
        """Run the program as described and wait until it is ready; one that runs from the same description is kept.

        Raises:
            StartError: It failed or was not ready in time; the message holds the end of its log.
        """
        spec = self._programs / f"{program.name}.json"
        content = msgspec.json.encode(
            {
                "command": program.command,
                "environment": dict(program.environment),
                "directory": str(program.directory),
                "user": program.user,
                "version": version,
            }
        )
        known = spec.exists()
        same = known and spec.read_bytes() == content
        if same and self.state(program.name) in _STARTED and program.is_ready():
            return "kept"
        write_private(spec, content)
        self._reload(program)
        self._stop(program.name)
        self._ask("startProcess", program.name, False)
        log = self._places.logs / f"{program.name}.log"
        try:
            wait_until(program.is_ready, seconds=ready_seconds, what=program.name, is_alive=lambda: self.state(program.name) not in _FAILED)
        except StartError as error:
            raise StartError(f"{error}; its log {log} ends:\n{tail(log)}") from error
        return "restarted" if known else "started"

    def state(self, name: str) -> str:
        """Return the state of a program in supervisord's words, `ABSENT` if it has none."""
        try:
            return str(self._ask("getProcessInfo", name)["statename"])
        except (OSError, xmlrpc.client.Error):
            return "ABSENT"

    def pid(self, name: str) -> int | None:
        """Return the process id of a running program."""
        try:
            return int(self._ask("getProcessInfo", name)["pid"]) or None
        except (OSError, xmlrpc.client.Error):
            return None

    def signal(self, name: str, name_of_signal: str) -> None:
        """Send a program a signal."""
        self._ask("signalProcess", name, name_of_signal)

    def shut_down(self) -> bool:
        """End supervisord and every process it started, in reverse order; return whether it ran. Idempotency: repeats do nothing."""
        pid = self._running_pid()
        if pid is None:
            return False
        with contextlib.suppress(OSError, xmlrpc.client.Error):
            names = [str(info["name"]) for info in self._ask("getAllProcessInfo")]
            for name in sorted(names, key=lambda name: self._order.index(name) if name in self._order else -1, reverse=True):
                self._stop(name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 60
        while is_alive(pid) and time.monotonic() < deadline:
            time.sleep(0.1)
        return True

    def _running_pid(self) -> int | None:
        try:
            pid = int(self._pid_file.read_text())
            command = Path("/proc", str(pid), "cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self._configuration).encode() in command else None

    def _stop(self, name: str) -> None:
        with contextlib.suppress(xmlrpc.client.Fault):
            self._ask("stopProcess", name, True)

    def _reload(self, program: Program) -> None:
        block = self._programs / f"{program.name}.conf"
        text = self._render_program(program).encode()
        if block.exists() and block.read_bytes() == text:
            return
        write_private(block, text)
        self._stop(program.name)
        added, changed, removed = cast("tuple[list[str], list[str], list[str]]", self._ask("reloadConfig")[0])
        for name in (*changed, *removed):
            self._ask("removeProcessGroup", name)
        for name in (*added, *changed):
            self._ask("addProcessGroup", name)

    def _render(self) -> str:
        user = "user=root\n" if os.geteuid() == 0 else ""
        return (
            f"[unix_http_server]\nfile={self._socket}\nchmod=0700\n"
            f"[supervisord]\n{user}logfile={self._places.logs}/supervisord.log\npidfile={self._pid_file}\n"
            f"childlogdir={self._places.logs}\nidentifier=presage\nminfds=1024\n"
            "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n"
            f"[supervisorctl]\nserverurl=unix://{self._socket}\n"
            f"[include]\nfiles={self._programs}/*.conf\n"
        )

    def _render_program(self, program: Program) -> str:
        runner = Path(__file__).with_name("exec_program.py")
        return (
            f"[program:{program.name}]\n"
            f"command={sys.executable} -I {runner} {self._programs / program.name}.json\n"
            f"autostart=false\nautorestart=true\nstartsecs=1\nstartretries=3\n"
            f"stopsignal={program.stop_signal}\nstopwaitsecs={program.stop_seconds}\n"
            f"stopasgroup={str(program.stops_group).lower()}\nkillasgroup=true\n"
            f"redirect_stderr=true\nstdout_logfile={self._places.logs}/{program.name}.log\nstdout_logfile_backups=1\n"
        )


def tail(log: Path, lines: int = 25) -> str:
    """Return the last lines of a log."""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no log)"
