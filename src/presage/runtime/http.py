"""What every web service of Presage has in common: errors, request ids, access log, bodies, health.

Requests: `x-request-id` is taken over when it is well-formed, made otherwise, and always answered.
Errors: `application/problem+json` (RFC 9457) with a stable `code`; what the caller did not cause is logged once, and told to
the caller without the addresses, keys and statements that its message holds.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, UnsupportedMediaType
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import (
    AlreadyExistsError,
    ConflictError,
    CorruptArtifactError,
    ForbiddenError,
    InvalidInputError,
    JobCancelledError,
    NotFoundError,
    PresageError,
    UnauthenticatedError,
    UnavailableError,
)
from presage.runtime.observability import with_fields

MAX_BODY_BYTES = 1_200_000
RETRY_AFTER_SECONDS = 2
DETAIL_OF_UNAVAILABLE = "Something that this service needs did not answer; try again."
DETAIL_OF_FAULT = "An unexpected error happened; it was logged under this request id."
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
HEALTH_PATHS = frozenset({"/healthz", "/readyz"})

STATUS_OF_ERROR: Mapping[type[PresageError], HTTPStatus] = {
    InvalidInputError: HTTPStatus.BAD_REQUEST,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    AlreadyExistsError: HTTPStatus.CONFLICT,
    ConflictError: HTTPStatus.CONFLICT,
    JobCancelledError: HTTPStatus.CONFLICT,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    CorruptArtifactError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
STATUS_OF_CODE: Mapping[str, HTTPStatus] = {
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unsupported_encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
}
"""Codes of invalid input for which HTTP has a status of its own."""
CODE_OF_STATUS: Mapping[int, str] = {
    400: "malformed_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}

ValueT = TypeVar("ValueT")
_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}
_LOG = logging.getLogger("presage.http")


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of an error. `path` is a JSONPath into the request; `results` says what became of each item, if there are several."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    path: str | None = None
    results: Sequence[object] | None = None


def create_app(import_name: str, *, check_ready: Callable[[], None] | None = None, max_body_bytes: int = MAX_BODY_BYTES) -> Flask:
    """Return a Flask application with the conventions of this module, `/healthz` and `/readyz`.

    `check_ready` raises `UnavailableError` while the process should get no traffic.
    """
    app = Flask(import_name, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes
    app.url_map.merge_slashes = False
    app.before_request(_start_request)
    app.after_request(_finish_request)
    app.register_error_handler(PresageError, _answer_presage_error)
    app.register_error_handler(HTTPException, _answer_http_exception)
    app.register_error_handler(Exception, _answer_unexpected)
    app.add_url_rule("/healthz", "healthz", lambda: respond({"status": "ok"}))
    app.add_url_rule("/readyz", "readyz", lambda: _answer_readiness(check_ready))
    return app


def read_json(body_type: type[ValueT]) -> ValueT:
    """Return the request's body decoded into `body_type` (a `msgspec.Struct`, or anything msgspec can decode).

    Raises:
        InvalidInputError: The body is not JSON or not of that type; `path` says where.
        UnsupportedMediaType: The content type is not `application/json` (answered as 415).
    """
    if request.mimetype != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType("Send a body of `content-type: application/json` without content encoding.")
    return decode_json(request.get_data(cache=False), body_type)


def decode_json(body: bytes, body_type: type[ValueT]) -> ValueT:
    """Return `body` decoded into `body_type`.

    Raises:
        InvalidInputError: As for `read_json`.
    """
    try:
        decoded: ValueT = _decoder(body_type).decode(body)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        raise InvalidInputError(message, path=place.rstrip("`") or "$") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"The body is not valid JSON: {error}", path="$") from error
    except RecursionError as error:
        raise InvalidInputError("The body is nested too deeply", path="$") from error
    return decoded


def _decoder(body_type: Any) -> msgspec.json.Decoder[Any]:  # noqa: ANN401 - a type is no Hashable to mypy, so no functools.cache
    decoder = _DECODERS.get(body_type)
    if decoder is None:
        decoder = _DECODERS[body_type] = msgspec.json.Decoder(body_type)
    return decoder


def respond(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response of `value` (anything msgspec encodes: structs, dataclasses, mappings, datetimes)."""
    return Response(msgspec.json.encode(value), status, headers=dict(headers or {}), content_type="application/json")


def respond_problem(status: int, code: str, detail: str, *, path: str | None = None, results: Sequence[object] | None = None) -> Response:
    """Return a problem+json response; `results` says what became of each item of the request."""
    problem = Problem(
        type=f"urn:presage:problem:{code}",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        request_id=g.request_id,
        path=path,
        results=results,
    )
    return Response(msgspec.json.encode(problem), status, content_type="application/problem+json")


def note(**fields: object) -> None:
    """Put `fields` (JSON-able, no secrets) on this request's access-log line."""
    g.log_fields.update(fields)


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
            "path": request.path,
            "status": response.status_code,
            "duration_ms": round((time.perf_counter() - g.started) * 1000, 3),
            "request_bytes": request.content_length,
            **g.log_fields,
        }
        _LOG.info("request", extra=with_fields(fields))
    return response


def _answer_presage_error(error: PresageError) -> Response:
    status = _find_status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _LOG.warning("request failed", extra=with_fields({"request_id": g.request_id, "code": error.code}), exc_info=error)
    note(code=error.code)
    response = respond_problem(status, error.code, _describe(error, status), path=getattr(error, "path", None))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["retry-after"] = str(RETRY_AFTER_SECONDS)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["www-authenticate"] = "Bearer"
    return response


def _describe(error: PresageError, status: HTTPStatus) -> str:
    if status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return str(error)
    return DETAIL_OF_UNAVAILABLE if status == HTTPStatus.SERVICE_UNAVAILABLE else DETAIL_OF_FAULT


def _find_status(error: PresageError) -> HTTPStatus:
    if error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    kinds = (kind for kind in type(error).__mro__ if kind in STATUS_OF_ERROR)
    return STATUS_OF_ERROR.get(next(kinds, PresageError), HTTPStatus.INTERNAL_SERVER_ERROR)


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


def _answer_unexpected(error: Exception) -> Response:
    _LOG.error("unexpected error", extra=with_fields({"request_id": g.request_id}), exc_info=error)
    note(code=PresageError.code)
    return respond_problem(HTTPStatus.INTERNAL_SERVER_ERROR, PresageError.code, DETAIL_OF_FAULT)


def _answer_readiness(check_ready: Callable[[], None] | None) -> Response:
    if check_ready is not None:
        check_ready()
    return respond({"status": "ready"})
