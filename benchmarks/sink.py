"""A small stand-in for AWS that does not take the cores from what is measured: `python -m benchmarks.sink PORT FOLDER`.

It speaks the protocols of S3, SQS, DynamoDB and Secrets Manager for what serving calls: objects got and put, messages sent, items
put, secrets read. All is kept in files below the folder before it is answered, so that what was handed over can be counted:
`objects/BUCKET/KEY`, `secrets/NAME`, `queues/NAME`, `tables/NAME`, the latter two with one JSON value a line.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

_CHUNK_BYTES = 1 << 20
_MISSING = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>There is no such key.</Message></Error>'


class Sink:
    """What was put, in files."""

    def __init__(self, folder: Path) -> None:
        """Keep everything below `folder`."""
        self._folder = folder
        self._logs: dict[str, BinaryIO] = {}
        self._actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "AmazonSQS.SendMessage": self._send_message,
            "AmazonSQS.SendMessageBatch": self._send_batch,
            "DynamoDB_20120810.PutItem": self._put_item,
            "DynamoDB_20120810.BatchWriteItem": self._write_batch,
            "secretsmanager.GetSecretValue": self._get_secret,
        }

    def act(self, target: str, body: bytes) -> tuple[int, bytes]:
        """Return status and answer of a call of the JSON protocol."""
        action = self._actions.get(target)
        if action is None:
            return 400, json.dumps({"__type": "UnknownOperationException", "message": f"the sink does not know {target}"}).encode()
        return 200, json.dumps(action(json.loads(body))).encode()

    def find_object(self, path: str) -> Path:
        """Return where the object of a path-style URL is kept."""
        return self._folder / "objects" / urllib.parse.unquote(path.partition("?")[0]).lstrip("/")

    def put_object(self, path: str, body: bytes) -> str:
        """Keep an object and return its ETag."""
        place = self.find_object(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(body)
        return _hash(body)

    def _append(self, kind: str, name: str, value: object) -> None:
        path = f"{kind}/{name}"
        if path not in self._logs:
            (self._folder / kind).mkdir(parents=True, exist_ok=True)
            self._logs[path] = (self._folder / path).open("ab", buffering=0)
        self._logs[path].write(json.dumps(value).encode() + b"\n")

    def _send_message(self, call: dict[str, Any]) -> dict[str, Any]:
        self._append("queues", call["QueueUrl"].rpartition("/")[2], call["MessageBody"])
        return _receipt(call["MessageBody"])

    def _send_batch(self, call: dict[str, Any]) -> dict[str, Any]:
        for entry in call["Entries"]:
            self._append("queues", call["QueueUrl"].rpartition("/")[2], entry["MessageBody"])
        return {"Successful": [{"Id": entry["Id"], **_receipt(entry["MessageBody"])} for entry in call["Entries"]], "Failed": []}

    def _get_secret(self, call: dict[str, Any]) -> dict[str, Any]:
        return {"Name": call["SecretId"], "SecretString": (self._folder / "secrets" / call["SecretId"]).read_text()}

    def _put_item(self, call: dict[str, Any]) -> dict[str, Any]:
        self._append("tables", call["TableName"], call["Item"])
        return {}

    def _write_batch(self, call: dict[str, Any]) -> dict[str, Any]:
        for table, writes in call["RequestItems"].items():
            for write in writes:
                self._append("tables", table, write["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}


def _receipt(body: str) -> dict[str, Any]:
    return {"MessageId": _hash(body.encode())[:32], "MD5OfMessageBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()}


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


class _Connection:
    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._sink = sink
        self._reader = reader
        self._writer = writer

    async def serve(self) -> None:
        try:
            while await self._serve_one():
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the client has gone
        finally:
            self._writer.close()

    async def _serve_one(self) -> bool:
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        if headers.get("expect", "").lower() == "100-continue":
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        if "x-amz-target" in headers:
            status, answer = self._sink.act(headers["x-amz-target"], body)
            self._answer(status, answer, "application/x-amz-json-1.0")
        elif method == "PUT":
            self._answer(200, b"", "application/xml", etag=self._sink.put_object(path, body))
        else:
            await self._send_object(method, path)
        await self._writer.drain()
        return headers.get("connection", "").lower() != "close"

    def _answer(self, status: int, body: bytes, kind: str, *, etag: str = "") -> None:
        head = f"HTTP/1.1 {status} \r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n"
        head += f'etag: "{etag}"\r\n' if etag else ""
        self._writer.write(f"{head}\r\n".encode() + body)

    async def _send_object(self, method: str, path: str) -> None:
        place = self._sink.find_object(path)
        if not place.is_file():
            self._answer(404, _MISSING, "application/xml")
            return
        self._writer.write(f"HTTP/1.1 200 \r\ncontent-length: {place.stat().st_size}\r\n\r\n".encode())
        if method != "HEAD":
            with place.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    self._writer.write(chunk)
                    await self._writer.drain()


async def serve(port: int, folder: Path) -> None:
    """Serve on loopback until a signal ends the process."""
    sink = Sink(folder)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Connection(sink, reader, writer).serve()

    server = await asyncio.start_server(answer, "127.0.0.1", port, limit=1 << 22)
    async with server:
        await server.serve_forever()


def main(port: int, folder: Path) -> None:
    """Serve until the process ends."""
    asyncio.run(serve(port, folder))


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
