"""Identifiers: a prefix that tells what a thing is, and 32 hexadecimal digits of a random UUID; and UUIDs that follow from one."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

NewUuid = Callable[[], UUID]
_TAIL_DIGITS = 12
_TAIL_MASK = (1 << 4 * _TAIL_DIGITS) - 1


def new_identifier(prefix: str, new_uuid: NewUuid = uuid4) -> str:
    """Return e.g. `ds_9f0c…`; pass `new_uuid` to make it deterministic in a test."""
    return f"{prefix}_{new_uuid().hex}"


def derive_uuids(first: str, count: int) -> list[str]:
    """Return that many UUIDs of which the first is given: their last 48 bits are counted up, and behind the last comes 0.

    They are as unlike all others as the given one is, whose bits are random.
    """
    head, tail = first[:-_TAIL_DIGITS], int(first[-_TAIL_DIGITS:], 16)
    return [first, *[f"{head}{(tail + number) & _TAIL_MASK:012x}" for number in range(1, count)]]
