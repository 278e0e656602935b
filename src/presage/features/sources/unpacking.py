"""What is inside an uploaded file: itself, or what gzip or zip packed, never more than it may be. By content, whatever the name says."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, Protocol

from presage.errors import InvalidInputError

MAX_PLAIN_BYTES = 64 << 30
MAX_RATIO = 300
"""Of plain to packed bytes, beyond the first `FREE_BYTES`; repetitive tables reach 100, bombs 1,000 and more."""
FREE_BYTES = 64 << 20
MAX_MEMBERS = 1_000
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_BUFFER_BYTES = 1 << 18
_EMPTY_ZIP = b"PK\x05\x06"
_DAMAGED = (EOFError, zipfile.BadZipFile, zlib.error, gzip.BadGzipFile)


class Budget:
    """How many plain bytes a packed file of `size_bytes` may still give, over all of its members."""

    def __init__(self, size_bytes: int) -> None:
        """Allow what the size allows."""
        self._most = min(MAX_PLAIN_BYTES, max(FREE_BYTES, size_bytes * MAX_RATIO))
        self._spent = 0

    def spend(self, size_bytes: int) -> None:
        """Count bytes that were unpacked, or raise `InvalidInputError` when they are too many."""
        self._spent += size_bytes
        if self._spent > self._most:
            raise InvalidInputError(f"the file unpacks to more than {self._most} bytes", path="$.key", code="file_too_large")


class Packed(Protocol):
    """What gives plain bytes and takes packed ones."""

    def read(self, size: int, /) -> bytes:
        """Return at most so many plain bytes, none at the end."""


class Plain(io.RawIOBase):
    """The plain bytes of a packed stream, counted; broken ones raise `InvalidInputError`."""

    def __init__(self, stream: Packed, budget: Budget) -> None:
        """Read `stream`."""
        super().__init__()
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # of what there is, these are given
        """Fill the buffer with what comes next."""
        try:
            chunk = self._stream.read(len(buffer))
        except _DAMAGED as error:
            raise InvalidInputError(f"the file cannot be unpacked: {error}", path="$.key", code="malformed_file") from error
        self._budget.spend(len(chunk))
        buffer[: len(chunk)] = chunk
        return len(chunk)


Member = tuple[str, IO[bytes]]
"""A name, empty for the file itself, and its plain bytes."""


def unpack(file: IO[bytes]) -> Iterator[Member]:
    """Yield what a seekable file holds, in order; each is to be read before the next.

    Raises:
        InvalidInputError: It is damaged, encrypted, packed more than twice, or a bomb; also while a member is read.
    """
    size_bytes = file.seek(0, io.SEEK_END)
    file.seek(0)
    budget = Budget(size_bytes)
    kind = _peek(file)
    if kind in {_ZIP, _EMPTY_ZIP}:
        yield from _unzip(file, budget)
    elif kind[:2] == _GZIP:
        yield "", _gunzip(file, budget)
    else:
        yield "", file


def _unzip(file: IO[bytes], budget: Budget) -> Iterator[Member]:
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise _refuse(f"it is no zip: {error}") from error
    with archive:
        members = [member for member in archive.infolist() if not member.is_dir() and not member.filename.startswith("__MACOSX/")]
        if not 0 < len(members) <= MAX_MEMBERS:
            raise _refuse(f"the zip holds {len(members)} files; expected 1 to {MAX_MEMBERS}")
        for member in members:
            try:
                stream = archive.open(member)
            except (*_DAMAGED, RuntimeError, NotImplementedError) as error:
                raise _refuse(f"{member.filename} in the zip cannot be read: {error}") from error
            with stream:
                plain = io.BufferedReader(Plain(stream, budget), _BUFFER_BYTES)
                yield member.filename, _gunzip(plain, budget) if plain.peek(2)[:2] == _GZIP else plain


def _gunzip(stream: IO[bytes], budget: Budget) -> IO[bytes]:
    return io.BufferedReader(Plain(gzip.GzipFile(fileobj=stream), budget), _BUFFER_BYTES)


def _peek(file: IO[bytes]) -> bytes:
    kind = file.read(len(_ZIP))
    file.seek(0)
    return kind


def _refuse(reason: str) -> InvalidInputError:
    return InvalidInputError(f"the file cannot be unpacked: {reason}", path="$.key", code="malformed_file")
