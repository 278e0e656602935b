"""How a call lies in a segment: length and crc32 of the payload, when it was appended, then the payload."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Literal
from zlib import crc32

import msgspec

from presage.predictions.ports import JournalCall

_HEADER = struct.Struct("<IId")
HEADER_BYTES = _HEADER.size
Fault = Literal["torn", "damaged"]
"""`torn`: the bytes end within a frame. `damaged`: a frame is whole and not what was written."""


class Frames(msgspec.Struct, frozen=True):
    """What some bytes of a segment hold: the good frames, how many bytes they take, and what is wrong behind them, if anything is.

    `next_bytes` is how long the frame behind the good ones is, as far as is known.
    """

    calls: Sequence[JournalCall]
    size_bytes: int
    fault: Fault | None
    next_bytes: int


def build_frame(payload: bytes, appended_at: float) -> bytes:
    """Return the frame of a call."""
    return _HEADER.pack(len(payload), crc32(payload), appended_at) + payload


def read_appended_at(header: bytes) -> float:
    """Return when the call of a frame's first `HEADER_BYTES` bytes was appended."""
    appended_at: float = _HEADER.unpack(header)[2]
    return appended_at


def read_frames(data: bytes) -> Frames:
    """Return the frames at the start of `data`."""
    calls: list[JournalCall] = []
    start, end = 0, len(data)
    while start + HEADER_BYTES <= end:
        length, checksum, appended_at = _HEADER.unpack_from(data, start)
        behind = start + HEADER_BYTES + length
        if behind > end:
            return Frames(calls, start, "torn", behind - start)
        payload = data[start + HEADER_BYTES : behind]
        if not length or crc32(payload) != checksum:
            return Frames(calls, start, "damaged", behind - start)
        calls.append(JournalCall(appended_at, payload))
        start = behind
    return Frames(calls, start, "torn" if start < end else None, HEADER_BYTES)
