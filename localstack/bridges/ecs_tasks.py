"""ECS RunTask on a subprocess: `python -m localstack.bridges.ecs_tasks --port N --log-directory D`.

It speaks the JSON 1.1 of RunTask, DescribeTasks and StopTask. A task is its definition's command, read from the emulator
(`AWS_ENDPOINT_URL`), run from the repository's root with the environment that ECS's agent would give it. Exit codes are real;
stopping sends SIGTERM, then SIGKILL. Nothing but the logs survives the process: a task from before a restart is not found.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import msgspec
from botocore.exceptions import ClientError
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from localstack.bridges.task_definitions import Launch, RefusedError, resolve_launch
from localstack.calls import note_wsgi, open_log

ROOT = Path(__file__).resolve().parents[2]
TARGET = "AmazonEC2ContainerServiceV20141113."
KILL_SECONDS = 30.0
Resolve = Callable[[Mapping[str, Any]], Launch]


@dataclass
class Task:
    """One task and what has become of it. Times are seconds since the epoch."""

    cluster: str
    launch: Launch
    process: subprocess.Popen[bytes]
    task_id: str
    created_at: float = field(default_factory=time.time)
    stopped_at: float | None = None
    stop_reason: str = ""
    stopped_by_user: bool = False

    @property
    def arn(self) -> str:
        """The task's name at ECS."""
        return f"arn:aws:ecs:us-east-1:000000000000:task/{self.cluster.rpartition('/')[2]}/{self.task_id}"


class Bridge:
    """The operations."""

    def __init__(self, resolve: Resolve, folder: Path) -> None:
        """Write one log a task into `folder`."""
        self._resolve = resolve
        self._folder = folder
        self._lock = threading.Lock()
        self._tasks: dict[str, Task] = {}
        self._by_token: dict[str, Task] = {}
        self.operations: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "RunTask": self.run_task,
            "DescribeTasks": self.describe_tasks,
            "StopTask": self.stop_task,
        }

    def run_task(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Start one task. Idempotency: one task a client token."""
        if request.get("count", 1) != 1:
            raise RefusedError("InvalidParameterException", "the bridge starts one task a call")
        token = request.get("clientToken", uuid4().hex)
        with self._lock:
            task = self._by_token.get(token)
            if task is None:
                task = self._by_token[token] = self._start(request)
                self._tasks[task.task_id] = task
        return {"tasks": [_describe(task)], "failures": []}

    def describe_tasks(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Describe tasks by id or ARN."""
        found = {name: self._tasks.get(name.rpartition("/")[2]) for name in request["tasks"]}
        failures = [{"arn": name, "reason": "MISSING"} for name, task in found.items() if task is None]
        return {"tasks": [_describe(task) for task in found.values() if task is not None], "failures": failures}

    def stop_task(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ask a task to stop; one that has ended stays as it is."""
        task = self._tasks.get(request["task"].rpartition("/")[2])
        if task is None:
            raise RefusedError("InvalidParameterException", "The referenced task was not found.")
        if task.stopped_at is None:
            task.stopped_by_user, task.stop_reason = True, request.get("reason", "Task stopped by user")
            threading.Thread(target=_stop, args=(task.process,)).start()
        return {"task": _describe(task)}

    def close(self) -> None:
        """Stop everything that still runs and wait for it."""
        for task in list(self._tasks.values()):
            _stop(task.process)

    def _start(self, request: Mapping[str, Any]) -> Task:
        launch = self._resolve(request)
        task_id = uuid4().hex
        started: list[Task] = []
        ready = threading.Event()

        def run() -> None:
            # The thread that starts a process must outlive it: the process ends with its parent thread.
            with (self._folder / f"{task_id}.log").open("wb") as sink:
                process = subprocess.Popen(
                    [sys.executable, "-m", "localstack.bridges.child", *launch.command],
                    cwd=ROOT,
                    env=dict(launch.environment),
                    stdout=sink,
                    stderr=sink,
                    start_new_session=True,
                )
            started.append(Task(request.get("cluster", "default"), launch, process, task_id))
            ready.set()
            process.wait()
            _note_end(started[0])

        threading.Thread(target=run, name=f"task-{task_id}").start()
        ready.wait()
        return started[0]


def _note_end(task: Task) -> None:
    task.stop_reason = task.stop_reason or "Essential container in task exited"
    task.stopped_at = time.time()
    print(f"task {task.task_id}: exit code {_find_exit_code(task)}", flush=True)


def _find_exit_code(task: Task) -> int | None:
    """Return the container's exit code as ECS reports it: 128 + n for a signal."""
    code = task.process.poll()
    return code if code is None or code >= 0 else 128 - code


def _stop(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(KILL_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _describe(task: Task) -> dict[str, Any]:
    ended = task.stopped_at is not None
    status = "STOPPED" if ended else "RUNNING"
    container: dict[str, Any] = {"name": task.launch.container, "taskArn": task.arn, "lastStatus": status}
    described: dict[str, Any] = {
        "taskArn": task.arn,
        "clusterArn": task.cluster,
        "taskDefinitionArn": task.launch.task_definition_arn,
        "lastStatus": status,
        "desiredStatus": "STOPPED" if ended or task.stopped_by_user else "RUNNING",
        "launchType": "FARGATE",
        "createdAt": task.created_at,
        "startedAt": task.created_at,
        "containers": [container],
    }
    if ended:
        container["exitCode"] = _find_exit_code(task)
        described["stoppedAt"] = task.stopped_at
        described["stoppedReason"] = task.stop_reason
        described["stopCode"] = "UserInitiated" if task.stopped_by_user else "EssentialContainerExited"
    return described


def _refuse(_request: Mapping[str, Any]) -> dict[str, Any]:
    raise RefusedError("UnknownOperationException", "not an operation that the bridge knows")


def create_application(bridge: Bridge) -> Callable[..., Any]:
    """Return the WSGI application: one POST operation a request, and `GET /health`."""

    @Request.application
    def application(request: Request) -> Response:
        if request.method == "GET" and request.path == "/health":
            return _answer({"status": "ok"}, 200)
        name = request.headers.get("X-Amz-Target", "").removeprefix(TARGET)
        try:
            operation = bridge.operations.get(name, _refuse)
            return _answer(operation(msgspec.json.decode(request.get_data() or b"{}")), 200)
        except (KeyError, msgspec.DecodeError) as error:
            return _answer({"__type": "InvalidParameterException", "message": f"missing or malformed: {error}"}, 400)
        except RefusedError as error:
            return _answer({"__type": error.kind, "message": str(error)}, 400)
        except ClientError as error:
            return _answer({"__type": "ServerException", "message": f"the emulator refused: {error}"}, 500)
        except HTTPException as error:
            return _answer({"__type": "InvalidParameterException", "message": error.name}, error.code or 400)

    log = open_log()
    return application if log is None else note_wsgi(application, log)


def _answer(body: Mapping[str, Any], status: int) -> Response:
    return Response(msgspec.json.encode(body), status, content_type="application/x-amz-json-1.1")


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT; what runs then is stopped."""
    parser = argparse.ArgumentParser(description="ECS RunTask on a subprocess.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log-directory", type=Path, required=True)
    options = parser.parse_args(arguments)
    options.log_directory.mkdir(parents=True, exist_ok=True)
    emulator = os.environ["AWS_ENDPOINT_URL"]
    ecs, secrets = boto3.client("ecs", endpoint_url=emulator), boto3.client("secretsmanager", endpoint_url=emulator)
    machine = {"AWS_ENDPOINT_URL": emulator}
    bridge = Bridge(lambda request: resolve_launch(request, ecs=ecs, secrets=secrets, machine=machine), options.log_directory)
    server = make_server("127.0.0.1", options.port, create_application(bridge), threaded=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"ecs bridge: http://127.0.0.1:{server.port}; tasks do not survive it", flush=True)
    server.serve_forever()
    server.server_close()
    bridge.close()


if __name__ == "__main__":
    main(sys.argv[1:])
