"""What the tables of this folder have in common: bounds of a call, and what an answer of DynamoDB means."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

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
        if error.cause_response_code in {*REFUSALS, CONDITION_FAILED}:
            raise
        raise UnavailableError("DynamoDB did not answer") from error
