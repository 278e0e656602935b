"""The body of a call that sends records: bytes in, one raw JSON text per record out. Knows no HTTP.

Limits are the contract's: `MAX_RECORDS` records and `MAX_BODY_BYTES` after decompression.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import msgspec

from presage.errors import InvalidInputError

MAX_RECORDS = 500
MAX_BODY_BYTES = 1_048_576
"""1 MiB, after decompression."""
JSON_CONTENT_TYPE = "application/json"
NDJSON_CONTENT_TYPE = "application/x-ndjson"
_GZIP_WINDOW_BITS = 31  # gzip framing only, no bare zlib streams
MAX_GZIP_MEMBERS = 64
"""Compressed pieces that may follow each other in a body; an empty one costs 20 bytes to send, and a decompressor to unpack."""
_CHUNK_BYTES = 4_096
"""What is fed to a gzip member at once: behind its end the rest of the chunk is copied, never the rest of the body."""

RawRecord = bytes | msgspec.Raw


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    records: list[msgspec.Raw]


_ENVELOPE = msgspec.json.Decoder(_Envelope)


class CallBody(msgspec.Struct, frozen=True):
    """The plain body of a call: `{"records": [...]}`, or a record a line."""

    text: bytes
    in_lines: bool = False

    def split(self) -> Sequence[RawRecord]:
        """Return the raw records, in order.

        Raises:
            InvalidInputError: It is no envelope, or holds no record or too many; `code` says which.
        """
        records = split_lines(self.text) if self.in_lines else split_envelope(self.text)
        if not records:
            raise InvalidInputError("the body holds no record; send at least one", path="$.records", code="no_records")
        if len(records) > MAX_RECORDS:
            raise InvalidInputError(
                f"{len(records)} records in one call; at most {MAX_RECORDS} are taken", path="$.records", code="too_many_records"
            )
        return records


def parse_body(body: bytes, *, content_type: str, content_encoding: str = "") -> CallBody:
    """Return the plain body of what was received.

    Args:
        body: As received.
        content_type: `application/json` with `{"records": [...]}`, or `application/x-ndjson` with a record a line.
            Parameters such as `; charset=utf-8` are ignored.
        content_encoding: `gzip`, `identity` or nothing.

    Raises:
        InvalidInputError: Unsupported type or encoding, broken gzip, or too many bytes; `code` says which.
    """
    plain = decompress_body(body, content_encoding=content_encoding)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in {JSON_CONTENT_TYPE, NDJSON_CONTENT_TYPE}:
        raise InvalidInputError(
            f"content type {content_type!r}: expected {JSON_CONTENT_TYPE} or {NDJSON_CONTENT_TYPE}", code="unsupported_media_type"
        )
    return CallBody(plain, in_lines=media_type == NDJSON_CONTENT_TYPE)


def decompress_body(body: bytes, *, content_encoding: str) -> bytes:
    """Return the plain body, never more than `MAX_BODY_BYTES`, however small the compressed one is.

    Raises:
        InvalidInputError: `unsupported_encoding`, `malformed_gzip` or `body_too_large`.
    """
    encoding = content_encoding.strip().lower()
    if encoding == "gzip":
        plain = _gunzip(body)
    elif encoding in {"", "identity"}:
        plain = body
    else:
        raise InvalidInputError(f"content encoding {content_encoding!r}: expected gzip or none", code="unsupported_encoding")
    if len(plain) > MAX_BODY_BYTES:
        raise InvalidInputError(f"the body is larger than {MAX_BODY_BYTES} bytes", code="body_too_large")
    return plain


def split_envelope(body: bytes) -> Sequence[RawRecord]:
    """Return the elements of `{"records": [...]}` undecoded.

    Raises:
        InvalidInputError: `malformed_json`, or `invalid_envelope` with the path of the fault.
    """
    try:
        return _ENVELOPE.decode(body).records
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `")
        raise InvalidInputError(
            f'{message}; expected {{"records": [...]}}', path=place.rstrip("`") or "$", code="invalid_envelope"
        ) from error
    except RecursionError as error:
        raise InvalidInputError("the body nests objects or arrays too deeply", path="$", code="nested_too_deeply") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"the body is not valid JSON: {error}", path="$", code="malformed_json") from error


def split_lines(body: bytes) -> Sequence[RawRecord]:
    """Return the non-blank lines of an NDJSON body; each is decoded, and can fail, on its own."""
    return [line for line in (text.strip() for text in body.split(b"\n")) if line]


def _gunzip(body: bytes) -> bytes:
    """Return at most `MAX_BODY_BYTES` + 1 bytes; the extra one tells that there is more. Members may follow each other."""
    plain = bytearray()
    members = 1
    stream = zlib.decompressobj(_GZIP_WINDOW_BITS)
    for start in range(0, len(body), _CHUNK_BYTES):
        rest = body[start : start + _CHUNK_BYTES]
        while rest:
            if stream.eof:
                members += 1
                if members > MAX_GZIP_MEMBERS:
                    raise InvalidInputError(f"more than {MAX_GZIP_MEMBERS} gzip members in one body", code="malformed_gzip")
                stream = zlib.decompressobj(_GZIP_WINDOW_BITS)
            try:
                plain += stream.decompress(rest, MAX_BODY_BYTES + 1 - len(plain))
            except zlib.error as error:
                raise InvalidInputError(f"the body is not valid gzip: {error}", code="malformed_gzip") from error
            if len(plain) > MAX_BODY_BYTES:
                return bytes(plain)
            rest = stream.unused_data
    if not stream.eof:
        raise InvalidInputError("the gzip body ends too early", code="malformed_gzip")
    return bytes(plain)
