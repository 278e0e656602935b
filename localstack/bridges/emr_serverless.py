"""EMR on spark-submit, serverless and on EC2: `python -m localstack.bridges.emr_serverless --port N --log-directory D`.

It speaks the REST JSON of EMR Serverless for job runs, and the JSON 1.1 of EMR for clusters (`emr_clusters`). A run is
`spark-submit --master local[2]` of the very step and library that EMR would run: objects named by `s3://` URIs are brought from the
emulator before, and what changes is put back meanwhile and at the end. One run at a time; exit codes are real; cancelling kills.
Nothing but the logs survives the process: a run from before a restart is not found.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from localstack.bridges.emr_clusters import TARGET, ClusterBridge, RefusedError
from localstack.bridges.spark_runs import Run, SparkRuns
from localstack.bridges.staging import Staging
from localstack.calls import note_wsgi, open_log

_ROUTES = Map(
    [
        Rule("/health", endpoint="health", methods=["GET"]),
        Rule("/", endpoint="cluster", methods=["POST"]),
        Rule("/applications/<application_id>/jobruns", endpoint="start", methods=["POST"]),
        Rule("/applications/<application_id>/jobruns", endpoint="list", methods=["GET"]),
        Rule("/applications/<application_id>/jobruns/<run_id>", endpoint="get", methods=["GET"]),
        Rule("/applications/<application_id>/jobruns/<run_id>", endpoint="cancel", methods=["DELETE"]),
    ]
)


class NoSuchRunError(Exception):
    """The application has no run of that id."""


class Bridge:
    """The operations."""

    def __init__(self, runs: SparkRuns) -> None:
        """Start, find and stop `runs`."""
        self._runs = runs

    def health(self, _body: Mapping[str, Any]) -> dict[str, Any]:
        """Answer that the bridge is there."""
        return {"status": "ok"}

    def start(self, body: Mapping[str, Any], application_id: str) -> dict[str, Any]:
        """StartJobRun."""
        run = self._runs.start(application_id, {**body, "entryPoint": body["jobDriver"]["sparkSubmit"]["entryPoint"]})
        return {"applicationId": application_id, "jobRunId": run.run_id, "arn": _build_arn(run)}

    def list(self, _body: Mapping[str, Any], application_id: str) -> dict[str, Any]:
        """ListJobRuns."""
        return {"jobRuns": [_describe(run) | {"id": run.run_id} for run in self._runs.list_all(application_id)]}

    def get(self, _body: Mapping[str, Any], application_id: str, run_id: str) -> dict[str, Any]:
        """GetJobRun."""
        return {"jobRun": _describe(self._find(application_id, run_id))}

    def cancel(self, _body: Mapping[str, Any], application_id: str, run_id: str) -> dict[str, Any]:
        """CancelJobRun."""
        self._runs.cancel(self._find(application_id, run_id))
        return {"applicationId": application_id, "jobRunId": run_id}

    def _find(self, application_id: str, run_id: str) -> Run:
        run = self._runs.find(application_id, run_id)
        if run is None:
            raise NoSuchRunError(f"Job run {run_id} of application {application_id} does not exist")
        return run


def _build_arn(run: Run) -> str:
    return f"arn:aws:emr-serverless:us-east-1:000000000000:/applications/{run.application_id}/jobruns/{run.run_id}"


def _describe(run: Run) -> dict[str, Any]:
    return {
        "applicationId": run.application_id,
        "jobRunId": run.run_id,
        "arn": _build_arn(run),
        "name": run.request.get("name", ""),
        "createdBy": "bridge",
        "createdAt": run.created_at,
        "updatedAt": run.updated_at,
        "executionRole": run.request.get("executionRoleArn", ""),
        "state": run.state,
        "stateDetails": run.details,
        "releaseLabel": "local",
        "jobDriver": run.request["jobDriver"],
    }


def create_application(bridge: Bridge, clusters: ClusterBridge) -> Callable[..., Any]:
    """Return the WSGI application."""

    @Request.application
    def application(request: Request) -> Response:
        try:
            operation, arguments = _ROUTES.bind_to_environ(request.environ).match()
            body = msgspec.json.decode(request.get_data() or b"{}")
            if operation == "cluster":
                return _answer(clusters.call(request.headers.get("X-Amz-Target", "").removeprefix(TARGET), body), 200)
            return _answer(getattr(bridge, operation)(body, **arguments), 200)
        except RefusedError as error:
            return _answer({"__type": error.kind, "message": str(error)}, 400, error.kind)
        except NoSuchRunError as error:
            return _answer({"message": str(error)}, 404, "ResourceNotFoundException")
        except (KeyError, TypeError, msgspec.DecodeError) as error:
            return _answer({"message": f"missing or malformed: {error}"}, 400, "ValidationException")
        except HTTPException as error:
            return _answer(
                {"message": f"the bridge does not know {request.method} {request.path}"}, error.code or 400, "ValidationException"
            )

    log = open_log()
    return application if log is None else note_wsgi(application, log)


def _answer(body: Mapping[str, Any], status: int, kind: str = "") -> Response:
    headers = {"x-amzn-ErrorType": kind} if kind else None
    return Response(msgspec.json.encode(body), status, headers, content_type="application/json")


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT; what runs then is cancelled."""
    parser = argparse.ArgumentParser(description="EMR on spark-submit.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log-directory", type=Path, required=True)
    options = parser.parse_args(arguments)
    objects = options.log_directory / "objects"
    shutil.rmtree(objects, ignore_errors=True)
    objects.mkdir(parents=True)
    client = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    runs = SparkRuns(options.log_directory, Staging(objects, client))
    server = make_server("127.0.0.1", options.port, create_application(Bridge(runs), ClusterBridge(runs)), threaded=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"emr-serverless bridge: http://127.0.0.1:{server.port}; runs do not survive it", flush=True)
    server.serve_forever()
    server.server_close()
    runs.close()


if __name__ == "__main__":
    main(sys.argv[1:])
