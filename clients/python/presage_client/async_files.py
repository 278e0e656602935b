"""Big files, streamed to and from storage, async."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import httpx

from presage_client import files as f
from presage_client import models as m
from presage_client.caller import AsyncClock
from presage_client.errors import FileTransferError
from presage_client.flow import RetryPolicy


class AsyncFiles:
    """Uploads and downloads, async. Files are read and written in threads."""

    def __init__(self, transport: httpx.AsyncBaseTransport, policy: RetryPolicy, clock: AsyncClock) -> None:
        self._transport, self._policy, self._clock = transport, policy, clock

    async def put(self, upload: m.Upload, source: Path, on_progress: f.Progress | None) -> None:
        """Bring a file to where `upload` says; each attempt starts from its beginning."""
        await self._repeat(f"upload of {source.name}", lambda: self._put(upload, source, on_progress))

    async def get(self, file: m.BatchPredictionFile, target: Path, on_progress: f.Progress | None) -> None:
        """Fetch a file, checked by size and sha256; `target` is there once it is whole."""
        part = f.name_part(target)
        try:
            await self._repeat(f"download of {target.name}", lambda: self._get(file, part, on_progress))
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def _repeat(self, what: str, attempt: Callable[[], Awaitable[f.Failure | None]]) -> None:
        for number in range(self._policy.attempts):
            failure = await attempt()
            if failure is None:
                return
            if not failure.transient or number + 1 == self._policy.attempts:
                raise FileTransferError(f"{what}: {failure.reason}")
            await self._clock.sleep(self._policy.draw_wait(number))

    async def _put(self, upload: m.Upload, source: Path, on_progress: f.Progress | None) -> f.Failure | None:
        size = (await anyio.Path(source).stat()).st_size
        async with await anyio.open_file(source, "rb") as opened:
            request = f.build_put(upload, size, f.read_chunks_async(opened.wrapped, on_progress))
            try:
                response = await self._transport.handle_async_request(request)
                content = await response.aread()
                await response.aclose()
            except httpx.TransportError as error:
                return f.tell_error(error)
        return None if response.is_success else f.tell_refusal(response, content)

    async def _get(self, file: m.BatchPredictionFile, part: Path, on_progress: f.Progress | None) -> f.Failure | None:
        checked = f.Checked(file)
        try:
            response = await self._transport.handle_async_request(f.build_get(file))
            try:
                if not response.is_success:
                    return f.tell_refusal(response, (await response.aread())[: f.TOLD_BYTES])
                async with await anyio.open_file(part, "wb") as opened:
                    async for chunk in response.aiter_raw(f.CHUNK_BYTES):
                        await opened.write(chunk)
                        checked.take(chunk)
                        if on_progress is not None:
                            on_progress(checked.size)
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            return f.tell_error(error)
        return checked.find_failure()
