"""Big files, streamed to and from storage by URLs that are credentials themselves.

Such a URL goes through a transport of its own: httpx's client logs every URL, and this one must be in no log, message or traceback.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import anyio
import anyio.to_thread
import httpx

from presage_client import models as m
from presage_client.caller import Clock
from presage_client.errors import FileTransferError
from presage_client.flow import TRANSIENT, RetryPolicy

CHUNK_BYTES = 2**18
TIMEOUT = httpx.Timeout(60, connect=5)
TOLD_BYTES = 4096
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Failure:
    """Why an attempt came to nothing, and whether another one may do better."""

    reason: str
    transient: bool


@dataclass
class Checked:
    """What has come of a file, held against what was promised."""

    promised: m.BatchPredictionFile
    size: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256, repr=False)

    def take(self, chunk: bytes) -> None:
        """Count a chunk."""
        self.size += len(chunk)
        self.digest.update(chunk)

    def find_failure(self) -> Failure | None:
        """Return what is wrong with the whole, if anything is."""
        if (self.size, self.digest.hexdigest()) == (self.promised.bytes, self.promised.sha256):
            return None
        return Failure(f"{self.size} bytes came that are not the {self.promised.bytes} promised ones", transient=True)


def read_chunks(file: IO[bytes], on_progress: Progress | None) -> Iterator[bytes]:
    """Yield a file's chunks, and tell how many bytes went before each next one."""
    sent = 0
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
        sent += len(chunk)
        if on_progress is not None:
            on_progress(sent)


async def read_chunks_async(file: IO[bytes], on_progress: Progress | None) -> AsyncIterator[bytes]:
    """Yield a file's chunks, read in a thread, and tell how many bytes went before each next one."""
    sent = 0
    while chunk := await anyio.to_thread.run_sync(file.read, CHUNK_BYTES):
        yield chunk
        sent += len(chunk)
        if on_progress is not None:
            on_progress(sent)


def build_put(upload: m.Upload, size: int, content: Iterator[bytes] | AsyncIterator[bytes]) -> httpx.Request:
    """Return the request that brings a file; storage takes no chunks, so its length is told."""
    headers = {"content-length": str(size)}
    return httpx.Request("PUT", upload.url, headers=headers, content=content, extensions={"timeout": TIMEOUT.as_dict()})


def build_get(file: m.BatchPredictionFile) -> httpx.Request:
    """Return the request for a file."""
    return httpx.Request("GET", file.url, extensions={"timeout": TIMEOUT.as_dict()})


def tell_error(error: httpx.TransportError) -> Failure:
    """Return what a broken connection says."""
    return Failure(f"{type(error).__name__} ({error})", transient=True)


def tell_refusal(response: httpx.Response, content: bytes) -> Failure:
    """Return what a refusal says: storage's code, and nothing else of an answer that may repeat the signature."""
    code = re.search(rb"<Code>(\w{1,64})</Code>", content)
    return Failure(f"{response.status_code} {code[1].decode() if code else ''}".strip(), transient=response.status_code in TRANSIENT)


def name_part(target: Path) -> Path:
    """Return where a file is until it is whole."""
    return target.with_name(f"{target.name}.part")


class Files:
    """Uploads and downloads."""

    def __init__(self, transport: httpx.BaseTransport, policy: RetryPolicy, clock: Clock) -> None:
        self._transport, self._policy, self._clock = transport, policy, clock

    def put(self, upload: m.Upload, source: Path, on_progress: Progress | None) -> None:
        """Bring a file to where `upload` says; each attempt starts from its beginning."""
        self._repeat(f"upload of {source.name}", lambda: self._put(upload, source, on_progress))

    def get(self, file: m.BatchPredictionFile, target: Path, on_progress: Progress | None) -> None:
        """Fetch a file, checked by size and sha256; `target` is there once it is whole."""
        part = name_part(target)
        try:
            self._repeat(f"download of {target.name}", lambda: self._get(file, part, on_progress))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _repeat(self, what: str, attempt: Callable[[], Failure | None]) -> None:
        for number in range(self._policy.attempts):
            failure = attempt()
            if failure is None:
                return
            if not failure.transient or number + 1 == self._policy.attempts:
                raise FileTransferError(f"{what}: {failure.reason}")
            self._clock.sleep(self._policy.draw_wait(number))

    def _put(self, upload: m.Upload, source: Path, on_progress: Progress | None) -> Failure | None:
        with source.open("rb") as opened:
            request = build_put(upload, source.stat().st_size, read_chunks(opened, on_progress))
            try:
                response = self._transport.handle_request(request)
                content = response.read()
                response.close()
            except httpx.TransportError as error:
                return tell_error(error)
        return None if response.is_success else tell_refusal(response, content)

    def _get(self, file: m.BatchPredictionFile, part: Path, on_progress: Progress | None) -> Failure | None:
        checked = Checked(file)
        try:
            response = self._transport.handle_request(build_get(file))
            try:
                if not response.is_success:
                    return tell_refusal(response, response.read()[:TOLD_BYTES])
                with part.open("wb") as opened:
                    for chunk in response.iter_raw(CHUNK_BYTES):
                        opened.write(chunk)
                        checked.take(chunk)
                        if on_progress is not None:
                            on_progress(checked.size)
            finally:
                response.close()
        except httpx.TransportError as error:
            return tell_error(error)
        return checked.find_failure()
