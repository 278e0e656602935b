"""Webhooks: one signed POST to a customer's server, wherever its name leads in public, in a bounded time."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from time import monotonic
from typing import Protocol

from presage.addresses import Address
from presage.errors import InvalidInputError
from presage.notifications.addresses import Destination, choose_addresses, parse_destination
from presage.notifications.model import Envelope, Receipt
from presage.notifications.signing import DELIVERY_HEADER, IDEMPOTENCY_HEADER, SIGNATURE_HEADER, build_body, sign

CONNECT_SECONDS = 3.0
DEADLINE_SECONDS = 10.0
"""For all of an attempt behind the resolver, however slowly the other side trickles."""
MOST_ADDRESSES = 2
MAX_ANSWER_BYTES = 1024
"""What is read of an answer; the rest is never asked for."""
SHOWN_CHARACTERS = 200
_SUCCESS, _REDIRECT, _ERROR, _GONE = 200, 300, 400, 410


class Resolver(Protocol):
    """Turns a name into the addresses that it has now."""

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return them as text, or raise `OSError`."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses that the system's resolver knows."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class HttpWebhookChannel:
    """`Channel` to customers' HTTP servers. A name is resolved once, and what was checked is what is connected to."""

    def __init__(
        self,
        *,
        allow_loopback: bool,
        resolver: Resolver = resolve,
        context: ssl.SSLContext | None = None,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        """Take what a stage allows; nothing is connected. Proxies of the environment are not used."""
        self._allow_loopback = allow_loopback
        self._resolve = resolver
        self._context = context or ssl.create_default_context()
        self._deadline_seconds = deadline_seconds

    def send(self, envelope: Envelope) -> Receipt:
        """Try once and return what came of it: only 2xx is a success, and 410 asks for no more."""
        try:
            destination = parse_destination(envelope.recipient, allow_loopback=self._allow_loopback)
            resolved = self._resolve(destination.host, destination.port)
            addresses = choose_addresses(destination, resolved, allow_loopback=self._allow_loopback)
            return self._post(destination, addresses[:MOST_ADDRESSES], envelope)
        except InvalidInputError as error:
            return Receipt("failed", f"Not sent: {error}")
        except (OSError, HTTPException, UnicodeError) as error:
            return Receipt("failed", f"No answer: {_describe(error)}")

    def _post(self, destination: Destination, addresses: Sequence[Address], envelope: Envelope) -> Receipt:
        body = build_body(envelope.notification)
        begun = monotonic()
        plain = _connect(addresses, destination.port)
        with plain, _deadline(plain, self._deadline_seconds - (monotonic() - begun)) as passed:
            try:
                connected = self._secure(plain, destination)
                with connected:
                    return _ask(connected, destination, _build_headers(envelope, body), body)
            except (OSError, HTTPException) as error:
                if passed.is_set():
                    raise TimeoutError(f"nothing whole within {self._deadline_seconds:g} s") from error
                raise

    def _secure(self, plain: socket.socket, destination: Destination) -> socket.socket:
        plain.settimeout(self._deadline_seconds)
        if destination.scheme == "http":
            return plain
        return self._context.wrap_socket(plain, server_hostname=destination.host)


def _connect(addresses: Sequence[Address], port: int) -> socket.socket:
    """Return a connection to the first address that takes one."""
    for address in addresses[:-1]:
        try:
            return socket.create_connection((str(address), port), timeout=CONNECT_SECONDS)
        except OSError:
            continue
    return socket.create_connection((str(addresses[-1]), port), timeout=CONNECT_SECONDS)


@contextmanager
def _deadline(plain: socket.socket, seconds: float) -> Iterator[threading.Event]:
    """Cut the connection after that time, whatever is waited for; yields an event that says whether it was."""
    passed = threading.Event()
    descriptor = plain.dup()  # of the same connection: TLS takes the other one over

    def cut() -> None:
        passed.set()
        try:
            descriptor.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended already

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield passed
    finally:
        timer.cancel()
        timer.join()
        descriptor.close()


def _ask(connected: socket.socket, destination: Destination, headers: dict[str, str], body: bytes) -> Receipt:
    connection = HTTPConnection(destination.host, destination.port)
    connection.sock = connected
    connection.putrequest("POST", destination.target, skip_host=True, skip_accept_encoding=True)
    for name, value in {"host": destination.authority, **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    response = connection.getresponse()
    return _judge(response)


def _judge(response: HTTPResponse) -> Receipt:
    status = response.status
    if _SUCCESS <= status < _REDIRECT:
        return Receipt("delivered", f"Answered {status}", status)
    if _REDIRECT <= status < _ERROR:
        return Receipt("failed", f"Answered {status}: redirects are not followed", status)
    said = response.read1(MAX_ANSWER_BYTES).decode(errors="replace")
    shown = "".join(character if character.isprintable() else " " for character in said)[:SHOWN_CHARACTERS].strip()
    if status == _GONE:
        return Receipt("refused", "Answered 410: it wants nothing more", status)
    return Receipt("failed", f"Answered {status}: {shown}" if shown else f"Answered {status}", status)


def _build_headers(envelope: Envelope, body: bytes) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "user-agent": "presage-webhooks/1",
        "connection": "close",
        IDEMPOTENCY_HEADER: envelope.notification.notification_id,
        DELIVERY_HEADER: envelope.delivery_id,
        SIGNATURE_HEADER: sign(body, envelope.secrets, timestamp=int(envelope.sent_at.timestamp())),
    }


def _describe(error: Exception) -> str:
    """Return what happened without the addresses that the name has."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, TimeoutError):
        return str(error) or "it timed out"
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
