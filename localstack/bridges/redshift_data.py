"""The Redshift Data API on PostgreSQL: `python -m localstack.bridges.redshift_data --port N --database-url postgresql://…`.

It speaks AWS JSON 1.1, runs statements in the background as Redshift does, a batch as one transaction, and forgets everything
but the database when it ends. The `Database` of a request names the database on the server that `--database-url` points to.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import uuid4

import boto3
import msgspec
import psycopg
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from localstack.bridges.redshift_sql import Outcome, PostgresExecutor, StatementError, list_parameters
from localstack.calls import note_wsgi, open_log

PAGE_ROWS = 1000
RUNNING_AT_ONCE = 8
KEPT_STATEMENTS = 10_000
GRACE_SECONDS = 3.0
TARGET = "RedshiftData."


class RefusedError(Exception):
    """A request that the API refuses; `kind` is the service's exception."""

    def __init__(self, kind: str, message: str) -> None:
        """Keep the exception's name."""
        super().__init__(message)
        self.kind = kind


@dataclass(slots=True)
class Submission:
    """One ExecuteStatement or BatchExecuteStatement and what has become of it."""

    statement_id: str
    statements: Sequence[str]
    database: str
    workgroup: str
    parameters: Mapping[str, str]
    is_batch: bool
    created_at: float
    status: str = "SUBMITTED"
    error: str = ""
    updated_at: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list)


class Bridge:
    """The API's operations over an executor. Thread-safe: submissions run on a pool, one connection each."""

    def __init__(self, executor: PostgresExecutor) -> None:
        """Start without statements."""
        self._executor = executor
        self._pool = ThreadPoolExecutor(RUNNING_AT_ONCE, thread_name_prefix="statement")
        self._lock = threading.Lock()
        self._submissions: dict[str, Submission] = {}
        self._tokens: dict[str, str] = {}
        self.operations: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "ExecuteStatement": self.execute_statement,
            "BatchExecuteStatement": self.batch_execute_statement,
            "DescribeStatement": self.describe_statement,
            "GetStatementResult": self.get_statement_result,
            "CancelStatement": self.cancel_statement,
        }

    def execute_statement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Submit one statement."""
        return self._submit(request, [request["Sql"]], is_batch=False)

    def batch_execute_statement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Submit statements that are one transaction."""
        return self._submit(request, request["Sqls"], is_batch=True)

    def describe_statement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Tell how far a submission is."""
        found = self._find(request["Id"])
        described = {
            "Id": found.statement_id,
            "Status": found.status,
            "Database": found.database,
            "WorkgroupName": found.workgroup,
            "CreatedAt": found.created_at,
            "UpdatedAt": found.updated_at,
            "Duration": int((found.updated_at - found.created_at) * 1e9),
            "HasResultSet": found.status == "FINISHED" and any(outcome.columns for outcome in found.outcomes),
            "ResultRows": found.outcomes[-1].touched if found.outcomes else -1,
            "QueryString": ";".join(found.statements),
        }
        described.update({"Error": found.error} if found.error else {})
        return {**described, "SubStatements": _describe_parts(found)} if found.is_batch else described

    def get_statement_result(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return a page of rows of a statement, or of `<id>:<n>` of a batch."""
        statement_id, _, number = request["Id"].partition(":")
        found = self._find(statement_id)
        index = int(number or 1) - 1
        if found.status != "FINISHED" or not 0 <= index < len(found.outcomes) or not found.outcomes[index].columns:
            raise RefusedError("ResourceNotFoundException", f"Query does not have result. Please check query status: {found.status}")
        outcome, start = found.outcomes[index], int(request.get("NextToken") or 0)
        page = outcome.rows[start : start + PAGE_ROWS]
        answer: dict[str, Any] = {
            "Records": [[_encode_field(value) for value in row] for row in page],
            "ColumnMetadata": [{"name": name, "label": name, "typeName": kind, "nullable": 1} for name, kind in outcome.columns],
            "TotalNumRows": len(outcome.rows),
        }
        more = start + PAGE_ROWS < len(outcome.rows)
        return {**answer, "NextToken": str(start + PAGE_ROWS)} if more else answer

    def cancel_statement(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Interrupt a running submission, which then has no effect."""
        return {"Status": self._executor.cancel(self._find(request["Id"]).statement_id)}

    def close(self) -> None:
        """Drop what waits, give what runs `GRACE_SECONDS`, and interrupt it then."""
        interrupt = threading.Timer(GRACE_SECONDS, self._executor.cancel_all)
        interrupt.start()
        self._pool.shutdown(wait=True, cancel_futures=True)
        interrupt.cancel()

    def _submit(self, request: Mapping[str, Any], statements: Sequence[str], *, is_batch: bool) -> dict[str, Any]:
        if not request.get("WorkgroupName"):
            raise RefusedError("ValidationException", "WorkgroupName is required")
        parameters = {entry["name"]: entry["value"] for entry in request.get("Parameters", [])}
        _require_parameters(statements, parameters)
        with self._lock:
            found = self._submissions.get(self._tokens.get(request.get("ClientToken", ""), ""))
            if found is None:
                now, statement_id = time.time(), str(uuid4())
                database, workgroup = request["Database"], request["WorkgroupName"]
                found = Submission(statement_id, list(statements), database, workgroup, parameters, is_batch, now, updated_at=now)
                self._remember(found, request.get("ClientToken"))
                self._pool.submit(self._run, found)
        return {"Id": found.statement_id, "CreatedAt": found.created_at, "Database": found.database, "WorkgroupName": found.workgroup}

    def _remember(self, submission: Submission, token: str | None) -> None:
        self._submissions[submission.statement_id] = submission
        if token:
            self._tokens[token] = submission.statement_id
        while len(self._submissions) > KEPT_STATEMENTS:
            self._submissions.pop(next(iter(self._submissions)))
        while len(self._tokens) > KEPT_STATEMENTS:
            self._tokens.pop(next(iter(self._tokens)))

    def _run(self, submission: Submission) -> None:
        submission.status = "STARTED"
        try:
            outcomes = self._executor.run_transaction(
                submission.statements, name=submission.statement_id, database=submission.database, parameters=submission.parameters
            )
            submission.outcomes.extend(outcomes)
            submission.status = "FINISHED"
        except psycopg.errors.QueryCanceled as error:
            submission.error, submission.status = f"ERROR: {error}", "ABORTED"
        except (StatementError, psycopg.Error, ClientError, BotoCoreError) as error:
            submission.error, submission.status = f"ERROR: {error}", "FAILED"
        except Exception as error:  # the pool would keep it to itself
            submission.error, submission.status = f"ERROR: the bridge failed: {type(error).__name__}: {error}", "FAILED"
            raise
        finally:
            submission.updated_at = time.time()

    def _find(self, statement_id: str) -> Submission:
        found = self._submissions.get(statement_id)
        if found is None:
            raise RefusedError("ResourceNotFoundException", f"Query {statement_id} does not exist")
        return found


def _require_parameters(statements: Sequence[str], parameters: Mapping[str, str]) -> None:
    try:
        wanted = set().union(*(list_parameters(statement) for statement in statements))
    except StatementError:
        return  # reported when it runs, as the service does
    if wanted != parameters.keys():
        raise RefusedError("ValidationException", f"Parameters: the SQL names {sorted(wanted)}, the request {sorted(parameters)}")


def _describe_parts(found: Submission) -> list[dict[str, Any]]:
    parts = []
    for index, statement in enumerate(found.statements):
        done = index < len(found.outcomes)
        failed = not done and index == len(found.outcomes) and found.status == "FAILED"
        status = "FINISHED" if done else "FAILED" if failed else "ABORTED" if found.status in {"FAILED", "ABORTED"} else found.status
        has_rows = done and bool(found.outcomes[index].columns)
        part = {"Id": f"{found.statement_id}:{index + 1}", "QueryString": statement, "Status": status, "HasResultSet": has_rows}
        parts.append({**part, "Error": found.error} if failed else part)
    return parts


def _encode_field(value: object) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    return {"doubleValue": value} if isinstance(value, float) and not isinstance(value, Decimal) else {"stringValue": str(value)}


def create_application(bridge: Bridge) -> Callable[..., Any]:
    """Return the WSGI application: one POST operation a request, and `GET /health`."""

    @Request.application
    def application(request: Request) -> Response:
        if request.method == "GET" and request.path == "/health":
            return Response('{"status":"ok"}', content_type="application/json")
        operation = bridge.operations.get(request.headers.get("X-Amz-Target", "").removeprefix(TARGET))
        if operation is None:
            return _answer({"__type": "UnknownOperationException", "message": "not an operation that the bridge knows"}, 400)
        try:
            return _answer(operation(msgspec.json.decode(request.get_data() or b"{}")), 200)
        except (KeyError, msgspec.DecodeError) as error:
            return _answer({"__type": "ValidationException", "message": f"missing or malformed: {error}"}, 400)
        except RefusedError as error:
            return _answer({"__type": error.kind, "message": str(error)}, 400)
        except HTTPException as error:
            return _answer({"__type": "ValidationException", "message": error.name}, error.code or 400)

    log = open_log()
    return application if log is None else note_wsgi(application, log)


def _answer(body: Mapping[str, Any], status: int) -> Response:
    return Response(msgspec.json.encode(body), status, content_type="application/x-amz-json-1.1")


def main(arguments: Sequence[str]) -> None:
    """Serve until SIGTERM or SIGINT; what runs then is finished first."""
    parser = argparse.ArgumentParser(description="The Redshift Data API on PostgreSQL.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database-url", required=True)
    options = parser.parse_args(arguments)
    s3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
    bridge = Bridge(PostgresExecutor(options.database_url, s3))
    server = make_server("127.0.0.1", options.port, create_application(bridge), threaded=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"redshift-data bridge: http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()
    server.server_close()
    bridge.close()


if __name__ == "__main__":
    main(sys.argv[1:])
