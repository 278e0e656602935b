"""Where webhooks may go: to public addresses over TLS, and nowhere inside."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from presage.addresses import LOOPBACK, Address, may_be_reached
from presage.errors import InvalidInputError

MAX_URL_LENGTH = 2048
_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Destination:
    """The parts of a URL that are needed to connect and to ask."""

    scheme: str
    host: str
    port: int
    authority: str
    target: str


def parse_destination(url: str, *, allow_loopback: bool) -> Destination:
    """Return where a URL leads, by its form alone.

    Raises:
        InvalidInputError: It is no `https` URL (nor, with `allow_loopback`, an `http` one), names a user, a fragment or what is no
            host, is too long, or its host is an address that is not allowed.
    """
    schemes = {"https", "http"} if allow_loopback else {"https"}
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidInputError(f"the URL cannot be read: {error}", path="$.url") from error
    if parts.scheme not in schemes:
        raise InvalidInputError(f"expected a URL that begins with {' or '.join(sorted(schemes))}://", path="$.url")
    is_plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= MAX_URL_LENGTH
    if not is_plain or not host or "@" in parts.netloc or parts.fragment or port == 0:
        raise InvalidInputError(f"expected at most {MAX_URL_LENGTH} ASCII characters, a host, and neither user nor fragment", path="$.url")
    literal = _read_literal(host)
    if literal is not None and not may_be_reached(literal, LOOPBACK if allow_loopback else ()):
        raise InvalidInputError("the URL's address is not public", path="$.url")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(parts.scheme, host, port or _PORTS[parts.scheme], parts.netloc, target)


def choose_addresses(destination: Destination, resolved: Sequence[str], *, allow_loopback: bool) -> list[Address]:
    """Return the addresses that a name was resolved to, if every one of them is allowed.

    Raises:
        InvalidInputError: There is none, or one is not allowed: who mixes them means no good. Over `http` only loopback is.
    """
    addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in dict.fromkeys(resolved)]
    networks = LOOPBACK if allow_loopback else ()
    forbidden = [
        address
        for address in addresses
        if not may_be_reached(address, networks) or (destination.scheme == "http" and not address.is_loopback)
    ]
    if forbidden or not addresses:
        raise InvalidInputError(f"{destination.host} has no address, or one that is not public", path="$.url")
    return addresses


def _read_literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
