"""TCP proxies in front of what the service needs, to be cut and joined again."""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, Literal

Cut = Literal["refused", "silent"]
"""Connections are reset and new ones refused; or they stay, and nothing passes: a network that drops packets."""
CHUNK = 65_536


class Proxy:
    """Passes connections of a loopback port on to another one, unless it is cut. Runs on a thread of its own."""

    def __init__(self, name: str, upstream: int) -> None:
        self.name = name
        self.passed_bytes = 0
        self._upstream = upstream
        self._cut: Cut | None = None
        self._joined = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"proxy-{name}", daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._pass_on, "127.0.0.1", 0)).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]
        self.join()

    def cut(self, how: Cut) -> None:
        """Let nothing pass from now on; open connections are cut as well."""
        self._run(self._set(how)).result(10)

    def join(self) -> None:
        """Let all pass again; what was held up is lost."""
        self._run(self._set(None)).result(10)

    def close(self) -> None:
        self._run(self._close()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _set(self, cut: Cut | None) -> None:
        self._cut = cut
        if cut is None:
            self._joined.set()
        else:
            self._joined.clear()
        if cut != "silent":
            self._reset_all()

    def _reset_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._cut == "refused":
                writer.transport.abort()
                return
            await self._joined.wait()
            back_reader, back_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
            self._writers.add(back_writer)
            try:
                await asyncio.gather(self._copy(reader, back_writer), self._copy(back_reader, writer))
            finally:
                self._writers.discard(back_writer)
                back_writer.close()
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._joined.wait()
            self.passed_bytes += len(chunk)
            writer.write(chunk)
            await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def _close(self) -> None:
        self._server.close()
        self._joined.set()
        self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
