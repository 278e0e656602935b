"""Rows of one call that the model answered, column by column: what the log keeps of them takes no look at each value.

A block holds the first row's log entry whole, but for the feature vector, and its result, and of all rows
what differs between them. Whoever needs entries makes them of it, off the request's path (docs/adr/0027).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from presage.errors import InvalidInputError
from presage.identifiers import derive_uuids
from presage.predictions.ports import PredictionLogEntry

_FLOAT_BYTES = 8
PartT = TypeVar("PartT")
_NAMES = msgspec.json.Decoder(tuple[str, ...])
_RESULT = msgspec.json.Decoder(dict[str, object])
_ASKED = msgspec.json.Decoder(list[object])


class Block(msgspec.Struct, frozen=True, array_like=True):
    """Answers of one version to entries that are for one time, of one variant, and either all have an id or none has.

    Shape: `predictions`, `entity_ids` if there, `scores` and `found` have an item a row; `values` is (rows, columns). Numbers are
    little-endian float64, null is NaN.
    """

    first: PredictionLogEntry
    """Of the first row, without features and result, and with no entry in its request."""
    result: bytes
    """The first row's, as JSON."""
    columns: bytes
    """The features' names, a JSON array that is made once a version."""
    entity_ids: list[str] | None
    asked: bytes
    """The entries as they were asked, a JSON array; empty if each was its id alone."""
    predictions: list[str | float]
    scores: bytes
    found: bytes
    values: bytes


def read_entries(block: Block) -> Iterator[PredictionLogEntry]:
    """Yield the log entries of a block's rows, in order.

    Raises:
        InvalidInputError: Its columns are not of one length.
    """
    first, result, rows = block.first, _decode(_RESULT, block.result), len(block.predictions)
    names = _decode(_NAMES, block.columns)
    width = len(names)
    if len(block.values) != rows * width * _FLOAT_BYTES:
        raise InvalidInputError(f"{len(block.values)} bytes of values for {rows} rows of {width} columns", path="$.values")
    vectors = struct.iter_unpack(f"<{width}d", block.values) if width else iter([()] * rows)
    for exposure, score, found, asked, vector in zip(
        list_exposures(block), _read_scores(block), _read_found(block), _read_asked(block), vectors, strict=True
    ):
        prediction_id, entity_id, prediction = exposure
        own: dict[str, object] = {"prediction": prediction, "prediction_id": prediction_id, "score": score}
        if entity_id is not None:
            own["entity_found"] = found
        yield msgspec.structs.replace(
            first,
            prediction_id=prediction_id,
            entity_id=entity_id,
            request={**first.request, "features": [asked]},
            features={name: None if value != value else value for name, value in zip(names, vector, strict=True)},  # noqa: PLR0124 - NaN is not itself
            result={**result, **own},
        )


def list_exposures(block: Block) -> list[tuple[str, str | None, str | float]]:
    """Return id, entity and prediction of each row.

    Raises:
        InvalidInputError: Its columns are not of one length.
    """
    rows = len(block.predictions)
    entity_ids: Sequence[str | None] = (None,) * rows if block.entity_ids is None else block.entity_ids
    if not rows or len(entity_ids) != rows:
        raise InvalidInputError(f"{len(entity_ids)} entities for {rows} rows", path="$.entity_ids")
    return list(zip(derive_uuids(block.first.prediction_id, rows), entity_ids, block.predictions, strict=True))


def _read_scores(block: Block) -> Sequence[float]:
    rows = len(block.predictions)
    if len(block.scores) != rows * _FLOAT_BYTES:
        raise InvalidInputError(f"{len(block.scores)} bytes of scores for {rows} rows", path="$.scores")
    return struct.unpack(f"<{rows}d", block.scores)


def _read_found(block: Block) -> Sequence[bool]:
    if len(block.found) != len(block.predictions):
        raise InvalidInputError(f"{len(block.found)} of {len(block.predictions)} rows were found or not", path="$.found")
    return [byte != 0 for byte in block.found]


def _read_asked(block: Block) -> Sequence[object]:
    if not block.asked:
        return [{"id": entity_id} for entity_id in block.entity_ids or ()]
    asked = _decode(_ASKED, block.asked)
    if len(asked) != len(block.predictions):
        raise InvalidInputError(f"{len(asked)} entries for {len(block.predictions)} rows", path="$.asked")
    return asked


def _decode(decoder: msgspec.json.Decoder[PartT], part: bytes) -> PartT:
    try:
        return decoder.decode(part)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"a part of a block is malformed: {error}", path="$", code="malformed_message") from error
