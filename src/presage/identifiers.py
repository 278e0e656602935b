"""Identifiers: a prefix that tells what a thing is, and 32 hexadecimal digits of a random UUID."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

NewUuid = Callable[[], UUID]


def new_identifier(prefix: str, new_uuid: NewUuid = uuid4) -> str:
    """Return e.g. `ds_9f0c…`; pass `new_uuid` to make it deterministic in a test."""
    return f"{prefix}_{new_uuid().hex}"
