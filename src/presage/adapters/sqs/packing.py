"""Bodies of messages, compressed: `{"schema":1,"packed":"…"}`, base64 of zstd.

Records are alike, so that a fifth or less is left of them. That costs as much CPU as it saves in quoting JSON inside of JSON and in
hashing the payload for its signature; and more of them share a call, fewer have to be staged, SQS counts fewer chunks of 64 KiB.
"""

from __future__ import annotations

import msgspec
import zstandard

from presage.errors import InvalidInputError

SCHEMA = 1
LEVEL = 1
MAX_UNPACKED_BYTES = 16_777_216
"""Many times what a call of records can become; what says that it is more is none of ours."""


class _Packed(msgspec.Struct):
    schema: int
    packed: bytes | None = None


_DECODER = msgspec.json.Decoder(_Packed)


def pack(message: bytes) -> bytes:
    """Return the body that carries a JSON message: ASCII, so that SQS keeps every character."""
    return msgspec.json.encode(_Packed(SCHEMA, zstandard.ZstdCompressor(level=LEVEL).compress(message)))


def unpack(body: str | bytes) -> str | bytes:
    """Return the message that a body carries; a body that is not packed is its own message.

    Raises:
        InvalidInputError: What it carries is not zstd, or too large.
    """
    try:
        packed = _DECODER.decode(body).packed
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body  # whoever reads the message says what is wrong with it
    if packed is None:
        return body
    try:
        size_bytes = zstandard.frame_content_size(packed)
        if not 0 <= size_bytes <= MAX_UNPACKED_BYTES:
            raise InvalidInputError(f"{size_bytes} bytes in a packed message", path="$.packed", code="malformed_message")
        return zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise InvalidInputError(f"the packed message is not zstd: {error}", path="$.packed", code="malformed_message") from error
