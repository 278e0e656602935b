"""Runs of spark-submit, one at a time, in the order in which they were asked for."""

from __future__ import annotations

import os
import queue
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import pyspark
from botocore.exceptions import BotoCoreError, ClientError

from localstack.bridges.staging import Prefix, Staging, find_prefixes

State = Literal["SUBMITTED", "RUNNING", "CANCELLING", "SUCCESS", "FAILED", "CANCELLED"]
ENDED: frozenset[State] = frozenset({"SUCCESS", "FAILED", "CANCELLED"})
KILL_SECONDS = 10.0
KEEP_SECONDS = 2.0
LOCAL_PARAMETERS = {
    "spark.driver.memory": "2g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.default.parallelism": "4",
    "spark.hadoop.mapreduce.fileoutputcommitter.marksuccessfuljobs": "false",
    "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
    "spark.hadoop.fs.viewfs.overload.scheme.target.s3.impl": "org.apache.hadoop.fs.LocalFileSystem",
}


@dataclass
class Run:
    """One job run and what has become of it. Times are seconds since the epoch."""

    application_id: str
    request: Mapping[str, Any]
    run_id: str = field(default_factory=lambda: uuid4().hex)
    state: State = "SUBMITTED"
    details: str = ""
    created_at: float = field(default_factory=time.time)
    updated_at: float = field(default_factory=time.time)
    process: subprocess.Popen[bytes] | None = None

    def move(self, state: State, details: str = "") -> None:
        """Note the new state."""
        self.state, self.details, self.updated_at = state, details, time.time()


class SparkRuns:
    """A queue of runs and the thread that works it off. Nothing survives the process."""

    def __init__(self, folder: Path, staging: Staging) -> None:
        """Write one log a run into `folder`."""
        self._folder = folder
        self._staging = staging
        self._queue: queue.Queue[Run | None] = queue.Queue()
        self._lock = threading.Lock()
        self._runs: dict[str, Run] = {}
        self._by_token: dict[tuple[str, str], Run] = {}
        self._worker = threading.Thread(target=self._work, name="spark-runs")
        self._worker.start()

    def start(self, application_id: str, request: Mapping[str, Any]) -> Run:
        """Queue a run and return it. Idempotency: one run a client token."""
        key = (application_id, str(request["clientToken"]))
        with self._lock:
            run = self._by_token.get(key)
            if run is None:
                run = Run(application_id, request)
                self._by_token[key] = self._runs[run.run_id] = run
                self._queue.put(run)
        return run

    def find(self, application_id: str, run_id: str) -> Run | None:
        """Return the application's run of that id, or None."""
        run = self._runs.get(run_id)
        return run if run is not None and run.application_id == application_id else None

    def list_all(self, application_id: str) -> list[Run]:
        """Return the application's runs, newest first."""
        return [run for run in reversed(self._runs.values()) if run.application_id == application_id]

    def cancel(self, run: Run) -> None:
        """Stop the run; one that has ended stays as it is."""
        with self._lock:
            if run.state == "SUBMITTED":
                run.move("CANCELLED")
            elif run.state == "RUNNING":
                run.move("CANCELLING")
                if run.process is not None:
                    _kill(run.process)

    def close(self) -> None:
        """Cancel everything and wait for the thread to end."""
        for run in list(self._runs.values()):
            self.cancel(run)
        self._queue.put(None)
        self._worker.join()

    def _work(self) -> None:
        while (run := self._queue.get()) is not None:
            with self._lock:
                if run.state != "SUBMITTED":
                    continue
                run.move("RUNNING")
            try:
                self._run(run)
            except (BotoCoreError, ClientError, OSError, ValueError, KeyError) as error:
                run.move("FAILED", f"the bridge could not run it: {error!r}")
            print(f"run {run.run_id} {run.request.get('name', '')}: {run.state} {run.details}".rstrip(), flush=True)

    def _run(self, run: Run) -> None:
        submit = run.request["jobDriver"]["sparkSubmit"]
        parameters = shlex.split(submit.get("sparkSubmitParameters", ""))
        arguments = [str(argument) for argument in submit.get("entryPointArguments", [])]
        code, data = find_prefixes([submit["entryPoint"], *parameters]), find_prefixes(arguments)
        self._staging.bring([*code, *data])
        command = self._build_command(submit["entryPoint"], parameters, arguments, buckets={prefix.bucket for prefix in code + data})
        log = self._folder / f"{run.run_id}.log"
        with log.open("wb") as sink:
            with self._lock:
                if run.state == "RUNNING":
                    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
                    run.process = subprocess.Popen(command, stdout=sink, stderr=sink, start_new_session=True, env=environment)
            exit_code = None if run.process is None else self._wait(run.process, data)
        self._staging.keep(data)  # whatever the end: on S3 an object is there from when it is written
        self._conclude(run, exit_code, log)

    def _wait(self, process: subprocess.Popen[bytes], data: list[Prefix]) -> int:
        while True:
            try:
                return process.wait(KEEP_SECONDS)
            except subprocess.TimeoutExpired:
                self._staging.keep(data, settled_seconds=1.0)

    def _conclude(self, run: Run, exit_code: int | None, log: Path) -> None:
        with self._lock:
            cancelled = run.state == "CANCELLING"
        if cancelled:
            run.move("CANCELLED")
        elif exit_code == 0:
            run.move("SUCCESS")
        else:
            run.move("FAILED", f"exit code {exit_code}: {_find_reason(log)} (see {log.name})")

    def _build_command(self, entry: str, parameters: list[str], arguments: list[str], *, buckets: set[str]) -> list[str]:
        settings = dict(LOCAL_PARAMETERS)
        for bucket in sorted(buckets):
            folder = (self._staging.root / bucket).resolve()
            settings[f"spark.hadoop.fs.viewfs.mounttable.{bucket}.linkFallback"] = folder.as_uri()
        options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        local = [str(self._staging.locate(word)) if word.startswith("s3://") else word for word in parameters]
        program = Path(pyspark.__file__).parent / "bin" / "spark-submit"
        guard = [sys.executable, "-m", "localstack.bridges.child"]
        return [*guard, str(program), "--master", "local[2]", *options, *local, str(self._staging.locate(entry)), *arguments]


def _find_reason(log: Path) -> str:
    """Return the last line that looks like a Python error, else the last line."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "Error: " in line or "Exception: " in line]
    return ((errors or lines or ["no output"])[-1])[:500]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Terminate the process group; kill it if it takes too long."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
