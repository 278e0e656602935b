"""What every web service of Presage has in common: errors, request ids, access log, bodies, health.

Requests: `x-request-id` is taken over when it is well-formed, made otherwise, and always answered.
Errors: see `presage.runtime.problems`.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TypeVar
from uuid import uuid4

import msgspec
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError
from presage.runtime.bodies import decode_json
from presage.runtime.observability import with_fields
from presage.runtime.problems import CONTENT_TYPE, answer_error, build_problem

MAX_BODY_BYTES = 1_200_000
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
SECRET_PARAMETERS = frozenset({"token"})
"""Parts of paths that are written down nowhere: whoever reads them could use them."""
HEALTH_PATHS = frozenset({"/healthz", "/readyz"})

CODE_OF_STATUS: Mapping[int, str] = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}

ValueT = TypeVar("ValueT")
_LOG = logging.getLogger("presage.http")


def create_app(import_name: str, *, check_ready: Callable[[], None] | None = None, max_body_bytes: int = MAX_BODY_BYTES) -> Flask:
    """Return a Flask application with the conventions of this module, `/healthz` and `/readyz`.

    `check_ready` raises `UnavailableError` while the process should get no traffic.
    """
    app = Flask(import_name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.url_map.merge_slashes = False
    app.before_request(_start_request)
    app.after_request(_finish_request)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_error)
    app.add_url_rule("/healthz", "healthz", lambda: respond({"status": "ok"}))
    app.add_url_rule("/readyz", "readyz", lambda: _answer_readiness(check_ready))
    return app


def read_json(body_type: type[ValueT]) -> ValueT:
    """Return the request's body decoded into `body_type` (a `msgspec.Struct`, or anything msgspec can decode).

    Raises:
        InvalidInputError: The body is not JSON or not of that type; `path` says where.
            Or its content type or encoding is not taken; `code` says which.
    """
    if request.mimetype != "application/json":
        raise InvalidInputError("Send a body of `content-type: application/json`", code="unsupported_media_type")
    if request.headers.get("content-encoding", "identity") != "identity":
        raise InvalidInputError("Send the body without a content encoding", code="unsupported_encoding")
    return decode_json(request.get_data(cache=False), body_type)


def respond(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response of `value` (anything msgspec encodes: structs, dataclasses, mappings, datetimes)."""
    return Response(msgspec.json.encode(value), status, headers=dict(headers or {}), content_type="application/json")


def respond_problem(status: int, code: str, detail: str, *, path: str | None = None, results: Sequence[object] | None = None) -> Response:
    """Return a problem+json response; `results` says what became of each item of the request."""
    problem = build_problem(status, code, detail, request_id=g.request_id, path=path, results=results)
    return Response(msgspec.json.encode(problem), status, content_type=CONTENT_TYPE)


def note(**fields: object) -> None:
    """Put `fields` (JSON-able, no secrets) on this request's access-log line."""
    g.log_fields.update(fields)


def read_note(name: str) -> object:
    """Return a field of this request's access-log line; `code` is there once an error is answered."""
    return g.log_fields.get(name)


def _start_request() -> None:
    given = request.headers.get("x-request-id", "")
    g.request_id = given if REQUEST_ID.fullmatch(given) else uuid4().hex
    g.log_fields = {}
    g.started = time.perf_counter()


def _finish_request(response: Response) -> Response:
    response.headers["x-request-id"] = g.request_id
    response.headers.setdefault("cache-control", "no-store")
    if request.path not in HEALTH_PATHS or response.status_code >= HTTPStatus.BAD_REQUEST:
        fields = {
            "request_id": g.request_id,
            "method": request.method,
            "route": request.url_rule.rule if request.url_rule else None,
            "path": _find_path(),
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.started) * 1000, 3),
            "request_bytes": request.content_length,
            **g.log_fields,
        }
        _LOG.info("request", extra=with_fields(fields))
    return response


def _find_path() -> str:
    """Return the path as it is logged: without secrets."""
    is_secret = not SECRET_PARAMETERS.isdisjoint(request.view_args or {})
    return request.url_rule.rule if request.url_rule and is_secret else request.path


def _answer_error(error: Exception) -> Response:
    answer = answer_error(error, request_id=g.request_id)
    note(code=answer.problem.code)
    return Response(answer.body, answer.problem.status, headers=dict(answer.headers), content_type=CONTENT_TYPE)


def _answer_http_exception(error: HTTPException) -> BaseResponse:
    if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
        return error.get_response(request.environ)
    code = CODE_OF_STATUS.get(error.code, f"http_{error.code}")
    note(code=code)
    response = respond_problem(error.code, code, error.description or HTTPStatus(error.code).phrase)
    for name, value in error.get_headers(request.environ):
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def _answer_readiness(check_ready: Callable[[], None] | None) -> Response:
    if check_ready is not None:
        check_ready()
    return respond({"status": "ready"})
