"""The wire form of logged predictions, in the journal and on the queue: `{"schema": 2, "entries": […]}`.

A call is written down as a JSON array of entries or, if it has blocks, packed: MessagePack. Entries travel as the JSON, and packed
calls as the base64, of what was written down: whoever passes them on joins texts, and encodes nothing again. Schema 1 has no packed
calls; it is still read.
"""

from __future__ import annotations

import binascii
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import NAMESPACE_URL, uuid5

import msgspec

from presage.errors import InvalidInputError
from presage.experiments.messages import escape_noncharacters, keep_storable
from presage.experiments.model import Assignment, AssignmentBlock, Variant
from presage.predictions.blocks import Block, read_entries
from presage.predictions.ports import LoggedCall, PredictionLogEntry

SCHEMA = 2
KNOWN_SCHEMAS = frozenset({1, SCHEMA})
MAX_MESSAGE_BYTES = 200_000
"""Below SQS's limit of 256 KiB with room for attributes."""
_HEAD, _TAIL = b'{"schema":2,"entries":[', b"]}"
_ROOM = MAX_MESSAGE_BYTES - len(_HEAD) - len(_TAIL)
_STAGED = re.compile(r"ws=([^/]+)/staging/predictions/[0-9a-f-]{36}\.json")
MessageT = TypeVar("MessageT")


class PredictionMessage(msgspec.Struct, frozen=True):
    """One message of the predictions queue; with a `staging_key`, too large for it, and to be staged there."""

    body: bytes
    staging_key: str | None = None


class StagedCall(msgspec.Struct, frozen=True):
    """A call as an object below its workspace's `staging/`."""

    body: bytes
    staging_key: str


class _Message(msgspec.Struct):
    schema: int
    entries: tuple[PredictionLogEntry | str, ...] = ()
    payload_key: str | None = None


class _Packed(msgspec.Struct, array_like=True):
    """A call with blocks; `entries` is the JSON array of what is in none."""

    entries: bytes
    blocks: tuple[Block, ...]


class _Pointer(msgspec.Struct):
    schema: int
    payload_key: str


class _Shown(msgspec.Struct):
    prediction: str | float | tuple[str, ...]
    allocation_version: int = 1


class _Exposure(msgspec.Struct):
    """What of an entry makes its assignment."""

    workspace_id: str
    prediction_id: str
    model_version: int | None
    entity_id: str | None
    variant: Variant
    experiment_id: str | None
    predicted_for: datetime
    result: _Shown


_ENCODER = msgspec.json.Encoder()
_MESSAGE = msgspec.json.Decoder(_Message)
_EXPOSURES = msgspec.json.Decoder(tuple[_Exposure, ...])
_ENTRIES = msgspec.json.Decoder(tuple[PredictionLogEntry, ...])
_PACKER = msgspec.msgpack.Encoder()
_PACKED = msgspec.msgpack.Decoder(_Packed)
_JSON_ARRAY = b"["
"""No packed call begins so: to MessagePack it is the number 91."""


def encode_call(entries: Sequence[PredictionLogEntry], blocks: Sequence[Block] = ()) -> bytes:
    """Return the entries of a call, at least one, as the journal holds them."""
    text = _ENCODER.encode(entries)
    return _PACKER.encode(_Packed(text, tuple(blocks))) if blocks else text


def decode_call(payload: bytes) -> tuple[PredictionLogEntry, ...]:
    """Return the entries of a call, those in no block first.

    Raises:
        InvalidInputError: The payload is none that `encode_call` made.
    """
    if payload.startswith(_JSON_ARRAY):
        return _decode(_ENTRIES, payload)
    packed = _decode(_PACKED, payload)
    return (*_decode(_ENTRIES, packed.entries), *[entry for block in packed.blocks for entry in read_entries(block)])


def read_call(payload: bytes) -> LoggedCall:
    """Return what is to become of a call's entries, of which there is at least one.

    Raises:
        InvalidInputError: The payload is none that `encode_call` made.
    """
    if payload.startswith(_JSON_ARRAY):
        return _read_exposures(payload)
    packed = _decode(_PACKED, payload)
    if not packed.blocks:
        raise InvalidInputError("the call holds no block", path="$", code="malformed_message")
    first = packed.blocks[0].first
    loose = _list_assignments(_decode(_EXPOSURES, packed.entries))
    assigned = (_find_assigned(block) for block in packed.blocks)
    return LoggedCall(
        workspace_id=first.workspace_id,
        first_prediction_id=first.prediction_id,
        entries=b'"%b"' % binascii.b2a_base64(payload, newline=False),
        assignments=(*loose, *[each for each in assigned if each is not None]),
    )


def _read_exposures(payload: bytes) -> LoggedCall:
    exposures = _decode(_EXPOSURES, payload)
    if not exposures:
        raise InvalidInputError("the call holds no entry", path="$", code="malformed_message")
    return LoggedCall(
        workspace_id=exposures[0].workspace_id,
        first_prediction_id=exposures[0].prediction_id,
        entries=escape_noncharacters(payload)[1:-1],
        assignments=tuple(_list_assignments(exposures)),
    )


def pack_calls(calls: Sequence[LoggedCall]) -> Iterator[PredictionMessage]:
    """Yield the messages that carry the calls, few and full ones.

    The calls of a workspace that overfill a message are one object to be staged below that workspace; all others share messages.
    """
    by_workspace: dict[str, list[LoggedCall]] = defaultdict(list)
    for call in calls:
        by_workspace[call.workspace_id].append(call)
    shared: list[bytes] = []
    size = 0
    for workspace_id, own in by_workspace.items():
        text = b",".join([call.entries for call in own])
        if len(text) > _ROOM:
            yield PredictionMessage(_wrap(text), f"ws={workspace_id}/staging/predictions/{own[0].first_prediction_id}.json")
            continue
        if size + len(text) + 1 > _ROOM:
            yield PredictionMessage(_wrap(b",".join(shared)))
            shared, size = [], 0
        shared.append(text)
        size += len(text) + 1
    if shared:
        yield PredictionMessage(_wrap(b",".join(shared)))


def stage_call(call: LoggedCall) -> StagedCall:
    """Return a call by itself as the object that a message can point to.

    Its key is none of `pack_calls`: what was staged with this call first holds others' entries too, and may not be read yet.
    """
    name = uuid5(NAMESPACE_URL, f"urn:presage:prediction:{call.first_prediction_id}")
    return StagedCall(_wrap(call.entries), f"ws={call.workspace_id}/staging/predictions/{name}.json")


def encode_pointer(staging_key: str) -> bytes:
    """Return the message that points to a staged one."""
    return _ENCODER.encode(_Pointer(SCHEMA, staging_key))


def decode_message(body: str | bytes) -> tuple[PredictionLogEntry, ...] | str:
    """Return the entries of a message, or the key of the object that it points to.

    Raises:
        InvalidInputError: It is no message of this schema, or points to where none is staged.
    """
    message = _decode(_MESSAGE, body)
    if message.schema not in KNOWN_SCHEMAS:
        raise InvalidInputError(f"a message of schema {message.schema}; expected {SCHEMA}", path="$.schema", code="unknown_schema")
    if message.payload_key is None:
        if not message.entries:
            raise InvalidInputError("the message holds no entry", path="$.entries", code="malformed_message")
        return tuple(_unpack(message.entries))
    if _STAGED.fullmatch(message.payload_key) is None:
        raise InvalidInputError(f"the message points to {message.payload_key!r}, where nothing is staged", path="$.payload_key")
    return message.payload_key


def decode_staged(body: bytes, *, key: str) -> tuple[PredictionLogEntry, ...]:
    """Return the entries of what was staged under `key`.

    Raises:
        InvalidInputError: It is no message, or holds entries of another workspace than the key's.
    """
    found = decode_message(body)
    match = _STAGED.fullmatch(key)
    if isinstance(found, str) or match is None or any(entry.workspace_id != match[1] for entry in found):
        raise InvalidInputError(f"{key!r} does not hold entries of its workspace alone", path="$.payload_key")
    return found


def _unpack(found: Iterable[PredictionLogEntry | str]) -> Iterator[PredictionLogEntry]:
    for each in found:
        if isinstance(each, str):
            yield from decode_call(_decode_base64(each))
        else:
            yield each


def _decode_base64(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise InvalidInputError(f"a packed call is not base64: {error}", path="$.entries", code="malformed_message") from error


def _list_assignments(exposures: tuple[_Exposure, ...]) -> list[Assignment]:
    assignments = (_build_assignment(exposure) for exposure in exposures)
    return [assignment for assignment in assignments if assignment is not None]


def _find_assigned(block: Block) -> AssignmentBlock | None:
    """Return the exposures of a block's rows, or None outside an experiment."""
    answered = msgspec.structs.replace(block.first, result=msgspec.json.decode(block.result))
    first = _build_assignment(msgspec.convert(answered, _Exposure, from_attributes=True))
    if first is None or block.entity_ids is None:
        return None
    return AssignmentBlock(first, block.entity_ids, list(map(str, block.predictions)))


def _build_assignment(exposure: _Exposure) -> Assignment | None:
    """Return the exposure, at the time that the prediction is for, or None outside an experiment.

    An item of another length than the warehouse takes cannot count as shown, and is left out lest it cost the whole exposure.
    """
    if exposure.experiment_id is None or exposure.entity_id is None or exposure.variant == "none":
        return None
    answer = exposure.result.prediction
    shown = answer if isinstance(answer, tuple) else (str(answer),)
    return Assignment(
        workspace_id=exposure.workspace_id,
        experiment_id=exposure.experiment_id,
        prediction_id=exposure.prediction_id,
        unit_id=exposure.entity_id,
        variant=exposure.variant,
        exposed_at=exposure.predicted_for,
        model_version=exposure.model_version,
        shown=keep_storable(shown),
        allocation_version=exposure.result.allocation_version,
    )


def _wrap(entries: bytes) -> bytes:
    return b"".join((_HEAD, entries, _TAIL))


def _decode(decoder: msgspec.json.Decoder[MessageT] | msgspec.msgpack.Decoder[MessageT], body: bytes | str) -> MessageT:
    try:
        return decoder.decode(body)  # type: ignore[arg-type]  # a text is always JSON
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        raise InvalidInputError(f"malformed message: {message}", path=place.rstrip("`") or "$", code="malformed_message") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"the message is malformed: {error}", path="$", code="malformed_message") from error
