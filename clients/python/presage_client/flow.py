"""The course of a call with its retries, without sending or sleeping: the sync and the async client both drive it."""

import gzip
import logging
import random
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar, cast
from urllib.parse import quote

import httpx
import msgspec

from presage_client.errors import ConnectionFailedError, PresageError, UnexpectedAnswerError, build_problem
from presage_client.operation import Arguments, Operation

T = TypeVar("T")
TRANSIENT = {408, 429, 500, 502, 503, 504}
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
REFUSED = 429
NOT_FOUND = 404
FINAL = {"quota_exceeded"}
"""Codes of refusals that no wait of ours outlasts."""
PACKED_FROM_BYTES = 1024
LOG = logging.getLogger("presage_client")


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is tried, and how long is waited: uniformly up to a bound that doubles ("full jitter")."""

    attempts: int = 5
    first_seconds: float = 0.25
    most_seconds: float = 20.0
    most_retry_after_seconds: float = 60.0
    source: random.Random = field(default_factory=random.SystemRandom, repr=False)

    def draw_wait(self, attempt: int) -> float:
        """Return the seconds to wait after a failed attempt, counted from 0."""
        return self.source.uniform(0, min(self.most_seconds, self.first_seconds * 2**attempt))


@dataclass(frozen=True)
class Api:
    """Where an API is, and how the client identifies itself there."""

    url: str
    credential: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Sleep:
    """Asks the driver to wait."""

    seconds: float


Flow = Generator[httpx.Request | Sleep, Any, T]


def build_request(operation: Operation[Any], arguments: Arguments, api: Api) -> httpx.Request:
    """Return the request, with an idempotency key of its own where the operation takes one and none is given."""
    headers = {name: str(value) for name, value in arguments.headers.items() if value is not msgspec.UNSET}
    if operation.takes_idempotency_key:
        headers.setdefault("idempotency-key", str(uuid.uuid4()))
    query = {name: msgspec.to_builtins(value) for name, value in arguments.query.items() if value is not msgspec.UNSET}
    content = None
    if arguments.body is not None:
        content = msgspec.json.encode({name: value for name, value in arguments.body.items() if value is not msgspec.UNSET})
        headers["content-type"] = "application/json"
        if operation.takes_gzip and len(content) >= PACKED_FROM_BYTES:
            content = gzip.compress(content, compresslevel=6, mtime=0)
            headers["content-encoding"] = "gzip"
    url = api.url.rstrip("/") + fill_path(operation.path, arguments.path)
    return httpx.Request(operation.verb, url, params=query, headers={**api.credential, **headers}, content=content)


def fill_path(path: str, values: Mapping[str, Any]) -> str:
    """Return a path with its parameters, each as one segment.

    Raises:
        ValueError: A value would make another path of it.
    """
    for name, value in values.items():
        if str(value) in {"", ".", ".."}:
            raise ValueError(f"{name} is {value!r}, which names nothing")
        path = path.replace(f"{{{name}}}", quote(str(value), safe=""))
    return path


def run_call(operation: Operation[T], arguments: Arguments, api: Api, policy: RetryPolicy) -> Flow[T]:
    """Send a call until it is answered for good, and return the answer.

    Yields:
        Requests, to be answered by a response or by throwing httpx's error in, and waits.
    """
    request = build_request(operation, arguments, api)
    perhaps_done = False
    for attempt in range(policy.attempts):
        failure: PresageError
        wait: float | None = policy.draw_wait(attempt)
        try:
            response: httpx.Response = yield request
        except httpx.TransportError as error:
            failure = ConnectionFailedError(
                f"{operation.operation_id}: {type(error).__name__} at {request.url.host} ({error}); is the URL right, and up?"
            )
            never_sent = isinstance(error, NEVER_SENT)
            perhaps_done = perhaps_done or not never_sent
            wait = wait if operation.repeatable or never_sent else None
        else:
            if response.is_success:
                return decode(operation, response)
            if perhaps_done and operation.verb == "DELETE" and response.status_code == NOT_FOUND:
                return cast("T", None)  # an attempt before, whose answer was lost, deleted it
            perhaps_done = perhaps_done or response.is_server_error
            failure, wait = judge(operation, response, policy, jitter=policy.draw_wait(attempt))
        if wait is None or attempt + 1 == policy.attempts:
            raise failure
        LOG.info("%s: %s; again in %.2f s", operation.operation_id, type(failure).__name__, wait)
        yield Sleep(wait)
    raise ValueError(f"a call needs at least one attempt, not {policy.attempts}")


def judge(operation: Operation[Any], response: httpx.Response, policy: RetryPolicy, *, jitter: float) -> tuple[PresageError, float | None]:
    """Return what a refusal says, and after how many seconds to try again: None for never."""
    if response.has_redirect_location:
        return UnexpectedAnswerError(
            f"{operation.operation_id}: a redirect, which is not followed with a credential; is the URL right?"
        ), None
    retry_after = read_retry_after(response.headers.get("retry-after", ""))
    problem = build_problem(response.status_code, response.content, retry_after_seconds=retry_after)
    transient = problem.code == "call_in_flight" or (response.status_code in TRANSIENT and problem.code not in FINAL)
    if (
        not transient
        or not (operation.repeatable or response.status_code == REFUSED)
        or (retry_after or 0) > policy.most_retry_after_seconds
    ):
        return problem, None
    return problem, (retry_after or 0) + jitter


def read_retry_after(told: str) -> float | None:
    """Return the seconds that `Retry-After` tells, as a number or as a time; None if it tells none."""
    if told.isdecimal():
        return float(told)
    try:
        return max(0.0, (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # nothing, nonsense, or a time without a zone
        return None


def decode(operation: Operation[T], response: httpx.Response) -> T:
    """Return the answer as the operation's type."""
    if operation.answer is type(None):
        return None
    if operation.answer is str:
        return cast("T", response.text)
    try:
        return msgspec.json.decode(response.content, type=operation.answer)
    except msgspec.MsgspecError as error:
        raise UnexpectedAnswerError(f"{operation.operation_id}: {error}; a newer presage-client may know this answer") from error
