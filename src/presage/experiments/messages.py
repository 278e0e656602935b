"""The wire form of assignments: `{"schema": 2, "assignments": […], "blocks": […]}`. Schema 1 has no blocks; it is still read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from presage.errors import InvalidInputError
from presage.experiments.model import VARIANT_NAME, Assignment, AssignmentBlock
from presage.identifiers import derive_uuids

SCHEMA = 2
KNOWN_SCHEMAS = frozenset({1, SCHEMA})
MAX_MESSAGE_BYTES = 200_000
"""Below SQS's limit of 256 KiB with room for attributes."""

LONGEST_IDENTIFIER = 64
LONGEST_TEXT = 256
"""Characters of a unit or an item: what the warehouse's columns hold in any script."""


class AssignmentMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One message of the assignments queue."""

    schema: int
    assignments: tuple[Assignment, ...]
    blocks: tuple[AssignmentBlock, ...] = ()


def escape_noncharacters(message: bytes) -> bytes:
    """Return a JSON text with U+FFFE and U+FFFF escaped: queues replace or refuse them when they stand for themselves."""
    return message.replace(b"\xef\xbf\xbe", b"\\ufffe").replace(b"\xef\xbf\xbf", b"\\uffff")


def encode_messages(assignments: Sequence[Assignment | AssignmentBlock]) -> Iterator[bytes]:
    """Yield the messages that carry the assignments in order, none over `MAX_MESSAGE_BYTES`.

    Raises:
        InvalidInputError: One assignment alone is larger than a message may be.
    """
    singles = tuple(each for each in assignments if isinstance(each, Assignment))
    blocks = tuple(each for each in assignments if isinstance(each, AssignmentBlock))
    body = escape_noncharacters(msgspec.json.encode(AssignmentMessage(SCHEMA, singles, blocks)))
    if len(body) <= MAX_MESSAGE_BYTES:
        yield body
        return
    if len(assignments) == 1 and blocks:
        yield from encode_messages(read_block(blocks[0]))
        return
    if len(assignments) == 1:
        raise InvalidInputError(f"an assignment of {len(body)} bytes shows too much; a message holds {MAX_MESSAGE_BYTES}", path="$.shown")
    middle = len(assignments) // 2
    yield from encode_messages(assignments[:middle])
    yield from encode_messages(assignments[middle:])


def decode_message(body: str | bytes) -> tuple[Assignment, ...]:
    """Return the assignments of one message.

    Raises:
        InvalidInputError: The body is not a message of this schema, or holds what the warehouse cannot; the path says where.
    """
    try:
        message = msgspec.json.decode(body, type=AssignmentMessage)
    except (msgspec.DecodeError, UnicodeError) as error:
        path = str(error).rpartition(" - at `")[2].rstrip("`")
        raise InvalidInputError(f"not an assignments message: {error}", path=path or "$") from error
    if message.schema not in KNOWN_SCHEMAS:
        raise InvalidInputError(f"schema must be {SCHEMA}, got {message.schema}", path="$.schema")
    assignments = (*message.assignments, *[each for block in message.blocks for each in read_block(block)])
    for index, assignment in enumerate(assignments):
        _require_storable(assignment, f"$.assignments[{index}]")
    return assignments


def read_block(block: AssignmentBlock) -> list[Assignment]:
    """Return a block's assignments, in order.

    An item of another length than the warehouse takes cannot count as shown, and is left out lest it cost the whole exposure.

    Raises:
        InvalidInputError: Its columns are not of one length.
    """
    rows = len(block.unit_ids)
    if len(block.shown) != rows:
        raise InvalidInputError(f"{len(block.shown)} items shown to {rows} units", path="$.blocks")
    return [
        replace(block.first, prediction_id=prediction_id, unit_id=unit_id, shown=keep_storable((item,)))
        for prediction_id, unit_id, item in zip(derive_uuids(block.first.prediction_id, rows), block.unit_ids, block.shown, strict=True)
    ]


def keep_storable(shown: Sequence[str]) -> tuple[str, ...]:
    """Return the items of a length that the warehouse takes."""
    return tuple(item for item in shown if 0 < len(item) <= LONGEST_TEXT)


def _require_storable(assignment: Assignment, path: str) -> None:
    if assignment.exposed_at.utcoffset() is None:
        raise InvalidInputError("exposed_at needs an offset from UTC", path=f"{path}.exposed_at")
    if VARIANT_NAME.fullmatch(assignment.variant) is None:
        raise InvalidInputError(f"variant must be an arm's name, got {assignment.variant[:50]!r}", path=f"{path}.variant")
    limits = [(name, getattr(assignment, name), LONGEST_IDENTIFIER) for name in ("workspace_id", "experiment_id", "prediction_id")]
    limits.append(("unit_id", assignment.unit_id, LONGEST_TEXT))
    limits += [(f"shown[{index}]", item, LONGEST_TEXT) for index, item in enumerate(assignment.shown)]
    for name, text, longest in limits:
        if not 0 < len(text) <= longest or "\x00" in text:
            raise InvalidInputError(f"must have 1 to {longest} characters and no NUL, got {len(text)}", path=f"{path}.{name}")
