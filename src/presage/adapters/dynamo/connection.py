"""What the tables of this folder have in common: bounds of a call, and what an answer of DynamoDB means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pynamodb.exceptions import PynamoDBConnectionError

from presage.errors import UnavailableError

CONNECT_TIMEOUT_SECONDS = 2
READ_TIMEOUT_SECONDS = 3
RETRIES = 1
"""Of one call; the prediction log itself puts a batch again, with pauses and up to a deadline."""
POOL_SIZE = 32
REFUSALS = frozenset({"ValidationException", "AccessDeniedException", "ResourceNotFoundException"})
"""Answers of DynamoDB that asking again does not change: ours to repair, so they are not called unavailable."""
CONDITION_FAILED = "ConditionalCheckFailedException"


@contextmanager
def translated() -> Iterator[None]:
    """Turn what PynamoDB raises inside the block into `UnavailableError`, unless it is a refusal or a failed condition."""
    try:
        yield
    except PynamoDBConnectionError as error:
        if read_code(error) in {*REFUSALS, CONDITION_FAILED}:
            raise
        raise UnavailableError("DynamoDB did not answer") from error


def read_code(error: PynamoDBConnectionError) -> str | None:
    """Return DynamoDB's code for it, if DynamoDB answered: PynamoDB's own way to it fails at a connection that was cut."""
    response: Mapping[str, Any] | None = getattr(error.cause, "response", None)
    return None if response is None else response.get("Error", {}).get("Code")
