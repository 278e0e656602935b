"""Amplitude's Export API: a window's zip to disk, whole or not at all."""

from __future__ import annotations

import gzip
import io
import secrets
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from itertools import count
from typing import IO

import urllib3
from urllib3.exceptions import HTTPError

from presage.errors import ForbiddenError, InvalidInputError, ResponseTooLargeError, UnavailableError
from presage.features.sources.amplitude import AmplitudeExport, AmplitudeKeys, HourWindow

ATTEMPTS = 7
LONGEST_PAUSE_SECONDS = 30.0
MAX_EXPORT_BYTES = 4 << 30
"""What Amplitude sends at most; a longer answer is broken off."""
MAX_LINE_BYTES = 16 << 20
_CHUNK_BYTES = 1 << 18
_TIMEOUT = urllib3.Timeout(connect=5.0, read=60.0)
_SHOWN_BYTES = 300
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_HOUR_FORMAT = "%Y%m%dT%H"

Sleep = Callable[[float], None]


class _IncompleteError(Exception):
    """There was no whole answer; the next one may be."""

    def __init__(self, reason: str, *, after_seconds: float = 0.0) -> None:
        super().__init__(reason)
        self.after_seconds = after_seconds


class HttpAmplitudeExports:
    """`AmplitudeExports` at `url`. Throttling, faults and connections that drop are tried again, up to `ATTEMPTS` times."""

    def __init__(self, url: str, keys: AmplitudeKeys, *, pool: urllib3.PoolManager | None = None, sleep: Sleep = time.sleep) -> None:
        """Read with `keys`; nothing is connected yet."""
        self._url = url
        self._headers: Mapping[str, str] = urllib3.make_headers(basic_auth=f"{keys.api_key}:{keys.secret_key}")
        self._pool = pool or urllib3.PoolManager(retries=False)
        self._sleep = sleep

    @contextmanager
    def open_export(self, window: HourWindow) -> Iterator[AmplitudeExport]:
        """Yield the export of a window from a file without a name, which is gone when the process is."""
        with tempfile.TemporaryFile() as file:
            self._download(window, file)
            size_bytes = file.seek(0, io.SEEK_END)
            if not size_bytes:
                yield AmplitudeExport(0, iter(()))
                return
            with zipfile.ZipFile(file) as archive:
                yield AmplitudeExport(size_bytes, _iterate_files(archive))

    def _download(self, window: HourWindow, file: IO[bytes]) -> None:
        for attempt in count():
            try:
                return self._try_download(window, file)
            except (HTTPError, OSError, zipfile.BadZipFile, zlib.error) as error:
                failure = _IncompleteError(f"{type(error).__name__}: {error}")
            except _IncompleteError as error:
                failure = error
            if attempt + 1 == ATTEMPTS:
                raise UnavailableError(f"Amplitude gave no hours from {window.start.isoformat()} in {ATTEMPTS} attempts: {failure}")
            self._sleep(_pause_seconds(attempt, failure.after_seconds))
        return None

    def _try_download(self, window: HourWindow, file: IO[bytes]) -> None:
        """Fill the file with a zip whose checksums are right, or leave it empty when there is no data."""
        file.seek(0)
        file.truncate()
        last = HourWindow(window.start, window.hours - 1).end
        fields = {"start": f"{window.start:{_HOUR_FORMAT}}", "end": f"{last:{_HOUR_FORMAT}}"}
        response = self._pool.request(
            "GET", self._url, fields=fields, headers=self._headers, preload_content=False, redirect=False, timeout=_TIMEOUT
        )
        try:
            if _has_data(response):
                for chunk in response.stream(_CHUNK_BYTES, decode_content=False):
                    if file.tell() + len(chunk) > MAX_EXPORT_BYTES:
                        raise ResponseTooLargeError(f"more than {MAX_EXPORT_BYTES} bytes")
                    file.write(chunk)
                _check_whole(file)
        finally:
            response.close()


def _has_data(response: urllib3.BaseHTTPResponse) -> bool:
    """Return whether the answer is an export, False when there is no data."""
    status = response.status
    if status in {HTTPStatus.OK, HTTPStatus.NOT_FOUND}:
        return status == HTTPStatus.OK
    said = response.read(_SHOWN_BYTES).decode(errors="replace")
    if status == HTTPStatus.BAD_REQUEST:
        raise ResponseTooLargeError(f"Amplitude answered 400: {said}")
    if status in _REFUSED:
        raise ForbiddenError(f"Amplitude refused the credentials with {status}: {said}", code="credentials_refused")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _IncompleteError(f"it answered {status}: {said}", after_seconds=_read_retry_after(response))
    raise InvalidInputError(f"Amplitude answered {status}: {said}")


def _read_retry_after(response: urllib3.BaseHTTPResponse) -> float:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else 0.0


def _pause_seconds(attempt: int, after_seconds: float) -> float:
    """Return a random time below a bound that doubles with each attempt, and not before the server wants it."""
    bound: float = min(0.5 * 2.0**attempt, LONGEST_PAUSE_SECONDS)
    return min(after_seconds, LONGEST_PAUSE_SECONDS) + bound * secrets.randbelow(1_000) / 1_000


def _check_whole(file: IO[bytes]) -> None:
    with zipfile.ZipFile(file) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise _IncompleteError(f"{damaged} in the export is damaged")


def _iterate_files(archive: zipfile.ZipFile) -> Iterator[tuple[str, Iterator[bytes]]]:
    for entry in archive.infolist():
        if not entry.is_dir():
            with archive.open(entry) as packed, gzip.GzipFile(fileobj=packed) as plain:
                yield entry.filename, _iterate_lines(io.BufferedReader(plain, _CHUNK_BYTES), entry.filename)


def _iterate_lines(lines: io.BufferedReader[gzip.GzipFile], name: str) -> Iterator[bytes]:
    try:
        while line := lines.readline(MAX_LINE_BYTES):
            if len(line) == MAX_LINE_BYTES:
                raise InvalidInputError(f"{name} has a line of more than {MAX_LINE_BYTES} bytes")
            if not line.isspace():
                yield line
    except (EOFError, OSError, zlib.error) as error:
        raise UnavailableError(f"{name} in the export cannot be unpacked: {error}") from error
