"""The message that carries a batch of records from the public API to the lake. JSON, `schema` 1."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from presage.errors import InvalidInputError
from presage.features.dataset import Dataset
from presage.features.records import Record, RecordBatch, compute_batch_id
from presage.features.validation import WireRecord

SCHEMA = 1

MessageT = TypeVar("MessageT")


class BatchMessage(msgspec.Struct, frozen=True):
    """The message of one batch, written, and what says whose it is."""

    workspace_id: str
    dataset_id: str
    batch_id: str
    body: bytes


class _Message(msgspec.Struct):
    schema: int
    dataset: Dataset
    batch_id: str
    received_at: datetime
    records: tuple[Record, ...]


class _Written(msgspec.Struct):
    """`_Message` before it is written: its records need not become `Record`s for that."""

    schema: int
    dataset: Dataset
    batch_id: str
    received_at: datetime
    records: Sequence[Record] | Sequence[WireRecord]


class _Pointer(msgspec.Struct):
    schema: int
    payload_key: str | None = None


_MESSAGE = msgspec.json.Decoder(_Message)
_POINTER = msgspec.json.Decoder(_Pointer)


def build_message(dataset: Dataset, records: Sequence[Record] | Sequence[WireRecord], *, received_at: datetime) -> BatchMessage:
    """Return the message of the batch of these records."""
    batch_id = compute_batch_id([record.record_id for record in records])
    body = msgspec.json.encode(_Written(SCHEMA, dataset, batch_id, received_at, records))
    return BatchMessage(dataset.workspace_id, dataset.dataset_id, batch_id, body)


def encode_pointer(payload_key: str) -> bytes:
    """Return the message that points to a batch in the lake's staging area."""
    return msgspec.json.encode(_Pointer(SCHEMA, payload_key))


def decode_pointer(body: bytes | str) -> str | None:
    """Return the key that a message points to, or None when it carries its batch.

    Raises:
        InvalidInputError: It is no message of this schema.
    """
    pointer = _decode(_POINTER, body)
    if pointer.schema != SCHEMA:
        raise InvalidInputError(f"a message of schema {pointer.schema}; expected {SCHEMA}", path="$.schema", code="unknown_schema")
    return pointer.payload_key


def decode_batch(body: bytes | str) -> RecordBatch:
    """Return the batch of a message.

    Raises:
        InvalidInputError: It is no message of this schema, or holds no record.
    """
    decode_pointer(body)
    message = _decode(_MESSAGE, body)
    if not message.records:
        raise InvalidInputError("the batch holds no record", path="$.records", code="malformed_message")
    return RecordBatch(message.dataset, message.batch_id, message.received_at, message.records)


def _decode(decoder: msgspec.json.Decoder[MessageT], body: bytes | str) -> MessageT:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        raise InvalidInputError(f"malformed message: {message}", path=place.rstrip("`") or "$", code="malformed_message") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"the message is not valid JSON: {error}", path="$", code="malformed_message") from error
