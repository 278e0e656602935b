"""Lets containers reach servers that listen on loopback only: `python -m localstack.containers.forwarder --address A PORT…`.

Each port of the bridge's address is joined to the same port of 127.0.0.1. The address may appear later: it is podman's, made with
the first container.
"""

import argparse
import asyncio
import contextlib
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence

_FREE_BIND = 15  # IP_FREEBIND of Linux, which Python's socket module does not name
_CHUNK_BYTES = 65_536


async def serve(address: str, ports: Sequence[int]) -> None:
    """Forward until cancelled."""
    async with contextlib.AsyncExitStack() as servers:
        for port in ports:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.IPPROTO_IP, _FREE_BIND, 1)
            listener.bind((address, port))
            server = await asyncio.start_server(_join(port), sock=listener)
            await servers.enter_async_context(server)
        await asyncio.Event().wait()


def _join(port: int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))

    return forward


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy until the end, which is passed on."""
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


def main(arguments: Sequence[str]) -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser(description="Joins ports of an address to those of loopback.")
    parser.add_argument("--address", required=True)
    parser.add_argument("ports", type=int, nargs="+")
    options = parser.parse_args(arguments)
    asyncio.run(serve(options.address, options.ports))


if __name__ == "__main__":
    main(sys.argv[1:])
