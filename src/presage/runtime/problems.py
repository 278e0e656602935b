"""What an error is told to whoever caused it over HTTP: `application/problem+json` (RFC 9457) with a stable `code`.

What the caller did not cause is logged once, and told to the caller without the addresses, keys and statements that its message holds.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from presage.errors import (
    AlreadyExistsError,
    CallInFlightError,
    ConflictError,
    CorruptArtifactError,
    ForbiddenError,
    InvalidInputError,
    JobCancelledError,
    JournalFullError,
    NotFoundError,
    OverloadedError,
    PresageError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
)
from presage.runtime.observability import with_fields

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 2
DETAIL_OF_UNAVAILABLE = "Something that this service needs did not answer; try again."
DETAIL_OF_FAULT = "An unexpected error happened; it was logged under this request id."

STATUS_OF_ERROR: Mapping[type[PresageError], HTTPStatus] = {
    InvalidInputError: HTTPStatus.BAD_REQUEST,
    UnauthenticatedError: HTTPStatus.UNAUTHORIZED,
    ForbiddenError: HTTPStatus.FORBIDDEN,
    NotFoundError: HTTPStatus.NOT_FOUND,
    AlreadyExistsError: HTTPStatus.CONFLICT,
    ConflictError: HTTPStatus.CONFLICT,
    JobCancelledError: HTTPStatus.CONFLICT,
    RateLimitedError: HTTPStatus.TOO_MANY_REQUESTS,
    UnavailableError: HTTPStatus.SERVICE_UNAVAILABLE,
    CorruptArtifactError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
STATUS_OF_CODE: Mapping[str, HTTPStatus] = {
    "body_incomplete": HTTPStatus.REQUEST_TIMEOUT,
    "body_too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "length_required": HTTPStatus.LENGTH_REQUIRED,
    "body_too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_media_type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "unsupported_encoding": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
}
"""Codes of invalid input for which HTTP has a status of its own."""

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


class ErrorAnswer(msgspec.Struct, frozen=True):
    """An error as it goes over the wire, whatever serves."""

    problem: Problem
    headers: Mapping[str, str] = {}

    @property
    def body(self) -> bytes:
        """Return the encoded problem."""
        return msgspec.json.encode(self.problem)


def build_problem(
    status: int, code: str, detail: str, *, request_id: str, path: str | None = None, results: Sequence[object] | None = None
) -> Problem:
    """Return the problem of that code; `results` says what became of each item of the request."""
    return Problem(f"urn:presage:problem:{code}", HTTPStatus(status).phrase, status, detail, code, request_id, path, results)


def answer_error(error: Exception, *, request_id: str) -> ErrorAnswer:
    """Return what is answered for `error`, and log it if the caller did not cause it."""
    if not isinstance(error, PresageError):
        _LOG.error("unexpected error", extra=with_fields({"request_id": request_id}), exc_info=error)
        return ErrorAnswer(build_problem(HTTPStatus.INTERNAL_SERVER_ERROR, PresageError.code, DETAIL_OF_FAULT, request_id=request_id))
    status = _find_status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, OverloadedError):
        cause = None if isinstance(error, JournalFullError) else error  # refused by the thousand, and always for the same reason
        _LOG.warning("request failed", extra=with_fields({"request_id": request_id, "code": error.code}), exc_info=cause)
    problem = build_problem(status, error.code, _describe(error, status), request_id=request_id, path=getattr(error, "path", None))
    return ErrorAnswer(problem, _build_headers(error, status))


def _build_headers(error: PresageError, status: HTTPStatus) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"www-authenticate": "Bearer"}
    if isinstance(error, RateLimitedError | CallInFlightError):
        return {"retry-after": str(max(1, round(error.retry_after_seconds + 0.5)))}
    return {"retry-after": str(RETRY_AFTER_SECONDS)} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}


def _describe(error: PresageError, status: HTTPStatus) -> str:
    if status < HTTPStatus.INTERNAL_SERVER_ERROR or isinstance(error, OverloadedError):
        return str(error)
    return DETAIL_OF_UNAVAILABLE if status == HTTPStatus.SERVICE_UNAVAILABLE else DETAIL_OF_FAULT


def _find_status(error: PresageError) -> HTTPStatus:
    if error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    kinds = (kind for kind in type(error).__mro__ if kind in STATUS_OF_ERROR)
    return STATUS_OF_ERROR.get(next(kinds, PresageError), HTTPStatus.INTERNAL_SERVER_ERROR)
