"""Where webhooks may go: to public addresses over TLS, and nowhere inside.

What a customer names is reached from inside our network, so it must not lead there (server-side request forgery).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from presage.errors import InvalidInputError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_URL_LENGTH = 2048
_PORTS = {"https": 443, "http": 80}
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""NAT64 (RFC 6052): the last 32 bits are an IPv4 address."""
_COMPATIBLE = ipaddress.ip_network("::/96")
"""IPv4-compatible (RFC 4291, deprecated)."""
_LOCAL_TRANSLATED = ipaddress.ip_network("64:ff9b:1::/48")


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
    if literal is not None and not is_allowed(literal, allow_loopback=allow_loopback):
        raise InvalidInputError("the URL's address is not public", path="$.url")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Destination(parts.scheme, host, port or _PORTS[parts.scheme], parts.netloc, target)


def choose_addresses(destination: Destination, resolved: Sequence[str], *, allow_loopback: bool) -> list[Address]:
    """Return the addresses that a name was resolved to, if every one of them is allowed.

    Raises:
        InvalidInputError: There is none, or one is not allowed: who mixes them means no good. Over `http` only loopback is.
    """
    addresses = [ipaddress.ip_address(text.partition("%")[0]) for text in dict.fromkeys(resolved)]
    forbidden = [
        address
        for address in addresses
        if not is_allowed(address, allow_loopback=allow_loopback) or (destination.scheme == "http" and not address.is_loopback)
    ]
    if forbidden or not addresses:
        raise InvalidInputError(f"{destination.host} has no address, or one that is not public", path="$.url")
    return addresses


def is_allowed(address: Address, *, allow_loopback: bool) -> bool:
    """Return whether an address is public, whatever form it is written in, or loopback where that is allowed."""
    embedded = _find_embedded(address)
    if embedded is not None:
        return is_allowed(embedded, allow_loopback=False)
    if address.is_loopback:
        return allow_loopback
    is_special = address.is_multicast or address.is_private or address.is_link_local or address.is_reserved or address.is_unspecified
    return address.is_global and not is_special and address not in _LOCAL_TRANSLATED


def _find_embedded(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for, by any of the ways that there are."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def _read_literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
