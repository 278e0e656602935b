"""Glue between Lambda events and use cases: what a message's failure means, and how it is logged. No business rules.

A failed message is reported to SQS, which delivers it again and, after the queue's `maxReceiveCount`, moves it to the
dead-letter queue. `retry` expects a later delivery to succeed; `park` knows that none will, and logs an error at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar
from urllib.parse import unquote_plus

from presage.errors import (
    AlreadyExistsError,
    ConflictError,
    CorruptArtifactError,
    ForbiddenError,
    InvalidInputError,
    JobCancelledError,
    NotFoundError,
    PresageError,
    RateLimitedError,
    UnauthenticatedError,
    UnavailableError,
    WorkerStoppingError,
)
from presage.runtime.observability import with_fields

Verdict = Literal["ack", "retry", "park"]
Event = Mapping[str, Any]
MessageT = TypeVar("MessageT")

VERDICT_OF_ERROR: Mapping[type[PresageError], Verdict] = {
    AlreadyExistsError: "ack",
    JobCancelledError: "ack",
    ConflictError: "retry",
    UnavailableError: "retry",
    RateLimitedError: "retry",
    WorkerStoppingError: "retry",
    CorruptArtifactError: "park",
    ForbiddenError: "park",
    InvalidInputError: "park",
    NotFoundError: "park",
    UnauthenticatedError: "park",
}
_LOG = logging.getLogger("presage.functions")


def decide(error: Exception) -> Verdict:
    """Return what to do with the message whose handling raised `error`; what nobody foresaw is tried again."""
    return next((VERDICT_OF_ERROR[kind] for kind in type(error).__mro__ if kind in VERDICT_OF_ERROR), "retry")


def process_batch(
    event: Event, *, parse: Callable[[str], MessageT], handle: Callable[[Sequence[MessageT]], object]
) -> dict[str, list[dict[str, str]]]:
    """Handle the messages of an SQS event together and return the partial batch response.

    Every body is parsed on its own, so that a malformed message fails alone. The rest is handled in one call; when that fails
    for good, or as nobody foresaw, each message is handled by itself to find the culprit, lest it take its neighbours along to
    the dead letters; when a dependency is known to be down or busy, all are tried again.
    Idempotency: `handle` must be idempotent, as SQS delivers at least once.
    """
    parsed: dict[str, MessageT] = {}
    failed: list[str] = []
    for record in event["Records"]:
        message_id = record["messageId"]
        try:
            parsed[message_id] = parse(record["body"])
        except Exception as error:  # noqa: BLE001 - the boundary: any failure is this message's own
            if _judge(error, message_id, record) != "ack":
                failed.append(message_id)
    if parsed:
        failed += _handle_together(parsed, handle)
    _LOG.info("batch processed", extra=with_fields({"messages": len(event["Records"]), "failed": len(failed)}))
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def process_objects(event: Event, *, handle: Callable[[str], object]) -> None:
    """Call `handle` with the decoded key of every object of an S3 event.

    A key that fails does not stop the others. Afterwards the first failure is raised, so that Lambda tries the event again
    and, when that fails too, sends it to the function's dead-letter queue. Events without objects (S3's test) do nothing.
    """
    failures: list[Exception] = []
    for record in event.get("Records", []):
        key = unquote_plus(record["s3"]["object"]["key"])
        try:
            handle(key)
        except Exception as error:  # noqa: BLE001 - the boundary: raised again below
            if _judge(error, key, {}) != "ack":
                failures.append(error)
    if failures:
        raise failures[0]


def _handle_together(parsed: Mapping[str, MessageT], handle: Callable[[Sequence[MessageT]], object]) -> list[str]:
    try:
        handle(list(parsed.values()))
    except Exception as error:  # noqa: BLE001 - the boundary
        foreseen = isinstance(error, PresageError) and decide(error) != "park"
        if len(parsed) > 1 and not foreseen:
            return [message_id for message_id, message in parsed.items() if _handle_together({message_id: message}, handle)]
        verdict = _judge(error, ",".join(parsed), {})
        return [] if verdict == "ack" else list(parsed)
    return []


def _judge(error: Exception, subject: str, record: Mapping[str, Any]) -> Verdict:
    """Return the verdict and log it once, with all that is needed to find the message and its fault."""
    verdict = decide(error)
    fields = {
        "verdict": verdict,
        "subject": subject,
        "code": getattr(error, "code", "internal"),
        "path": getattr(error, "path", None),
        "reason": f"{type(error).__name__}: {error}",
        "receive_count": record.get("attributes", {}).get("ApproximateReceiveCount"),
    }
    level = {"ack": logging.INFO, "retry": logging.WARNING, "park": logging.ERROR}[verdict]
    foreseen = isinstance(error, PresageError)
    _LOG.log(level, "message failed", extra=with_fields(fields), exc_info=None if foreseen else error)
    return verdict
