"""Calls of SQS, with less around them than a boto3 client has.

boto3 spends 0.9 ms of CPU on a call: on validating, resolving, hooking, and on an HTTP client that parses anew what is the same every
time. Here a call costs 0.2 ms, of which the signature is 0.08. Endpoint, region, credentials, signature, user agent and certificates are
botocore's, the connections are the standard library's. Left out are botocore's retries, which the caller does, and proxies: whoever
makes so many calls is near to what he calls.
"""

from __future__ import annotations

import select
import ssl
import threading
import weakref
from collections import deque
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TypedDict
from urllib.parse import urlsplit

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.httpsession import get_cert_path
from botocore.session import get_session
from botocore.useragent import UserAgentString

from presage.adapters.client import CONNECT_TIMEOUT_SECONDS, build_client
from presage.errors import UnavailableError

IDLE_CONNECTIONS = 8


class _Failure(msgspec.Struct):
    kind: str = msgspec.field(name="__type", default="Unknown")
    message: str = ""


class _Error(TypedDict):
    Code: str
    Message: str


class SignedCalls:
    """Calls operations of SQS, each once. Safe to use from several threads."""

    def __init__(self, *, read_timeout_seconds: float) -> None:
        """Take region, keys and endpoint from the machine around it."""
        client, session = build_client("sqs"), get_session()
        described = client.meta.service_model.metadata
        self._url = f"{client.meta.endpoint_url.rstrip('/')}/"
        self._region = client.meta.region_name
        self._signing_name = client.meta.service_model.signing_name
        self._target = described["targetPrefix"]
        self._headers = {
            "content-type": f"application/x-amz-json-{described['jsonVersion']}",
            "user-agent": UserAgentString.from_environment().with_client_config(client.meta.config).to_string(),
        }
        self._credentials = session.get_credentials()
        self._connections = _Connections(self._url, session.get_config_variable("ca_bundle"), read_timeout_seconds=read_timeout_seconds)

    def call(self, operation: str, body: bytes) -> bytes:
        """Return the answer to one call.

        Raises:
            botocore.exceptions.ClientError: The service refused it, or failed.
            UnavailableError: It did not answer.
        """
        if self._credentials is None:
            raise NoCredentialsError
        request = AWSRequest("POST", self._url, data=body, headers={**self._headers, "x-amz-target": f"{self._target}.{operation}"})
        SigV4Auth(self._credentials.get_frozen_credentials(), self._signing_name, self._region).add_auth(request)
        status, answer = self._connections.post(dict(request.headers), body)
        if status != HTTPStatus.OK:
            raise _build_error(operation, status, answer)
        return answer


class _Connections:
    """Connections to one host that stay open between requests."""

    def __init__(self, url: str, ca_bundle: str | None, *, read_timeout_seconds: float) -> None:
        parts = urlsplit(url)
        self._host, self._port, self._path = parts.hostname or "", parts.port, parts.path
        authorities = ca_bundle or get_cert_path(verify=True)
        self._context = ssl.create_default_context(cafile=authorities) if parts.scheme == "https" else None
        self._read_timeout_seconds = read_timeout_seconds
        self._idle: deque[HTTPConnection] = deque(maxlen=IDLE_CONNECTIONS)
        self._lock = threading.Lock()
        weakref.finalize(self, _close_all, self._idle)

    def post(self, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer. The connection is used again if it can be."""
        connection = self._find_idle() or self._build()
        try:
            if connection.sock is None:
                self._open(connection)
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, HTTPException) as error:
            connection.close()
            raise UnavailableError(f"{self._host} did not answer: {error!r}") from error
        if response.will_close:
            connection.close()
        else:
            self._keep(connection)
        return response.status, answer

    def _build(self) -> HTTPConnection:
        if self._context is None:
            return HTTPConnection(self._host, self._port, timeout=CONNECT_TIMEOUT_SECONDS)
        return HTTPSConnection(self._host, self._port, timeout=CONNECT_TIMEOUT_SECONDS, context=self._context)

    def _open(self, connection: HTTPConnection) -> None:
        connection.connect()
        connection.sock.settimeout(self._read_timeout_seconds)

    def _find_idle(self) -> HTTPConnection | None:
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None or not _is_readable(connection):
                return connection
            connection.close()  # nothing was asked, so what there is to read is the other side's goodbye

    def _keep(self, connection: HTTPConnection) -> None:
        with self._lock:
            superfluous = self._idle.popleft() if len(self._idle) == IDLE_CONNECTIONS else None
            self._idle.append(connection)
        if superfluous is not None:
            superfluous.close()


def _close_all(connections: deque[HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _is_readable(connection: HTTPConnection) -> bool:
    poller = select.poll()
    poller.register(connection.sock, select.POLLIN)
    return bool(poller.poll(0))


def _build_error(operation: str, status: int, body: bytes) -> ClientError:
    """Return what a boto3 client would raise."""
    try:
        failure = msgspec.json.decode(body, type=_Failure)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a balancer's page
        failure = _Failure(str(status), body[:200].decode(errors="replace"))
    error = _Error(Code=failure.kind.rpartition("#")[2], Message=failure.message)
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)  # type: ignore[typeddict-item]  # only these are read
