"""To which addresses connections of customers may go: a name is looked up once, judged, and the address is what is connected to."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from presage.addresses import Network, may_be_reached
from presage.errors import InvalidInputError, UnavailableError
from presage.features.sources.warehouse import WarehouseLogin

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:.]{2,45}")
_HIGHEST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Place:
    """Where a warehouse is: its name, for its certificate, and the address that the name was at when it was judged.

    What `is_loopback` stays on this machine, and needs no TLS.
    """

    host: str
    address: str
    port: int
    is_loopback: bool = False


def find_place(login: WarehouseLogin, default_port: int, *, networks: Sequence[Network]) -> Place:
    """Return where to connect to. All addresses of the name must be public, or in one of `networks`.

    Raises:
        InvalidInputError: It is no host or port, there is no such name, or it is at an address that is not allowed.
        UnavailableError: The name could not be looked up.
    """
    if not _HOST.fullmatch(login.host):
        raise InvalidInputError(f"{login.host[:100]!r} is no host", path="$.credential")
    port = int(login.port) if login.port.isdecimal() and login.port.isascii() else (0 if login.port else default_port)
    if not 0 < port <= _HIGHEST_PORT:
        raise InvalidInputError(f"{login.port[:20]!r} is no port", path="$.credential")
    addresses = _look_up(login.host, port)
    for address in addresses:
        if not may_be_reached(ip_address(address), networks):
            reason = f"{login.host} is at an address that is not public, and not in a network that may be reached"
            raise InvalidInputError(reason, path="$.credential", code="address_refused")
    return Place(login.host, addresses[0], port, ip_address(addresses[0]).is_loopback)


def _look_up(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            raise UnavailableError(f"{host} could not be looked up") from error
        raise InvalidInputError(f"there is no host {host}", path="$.credential", code="unknown_host") from error
    return [str(address[0]).partition("%")[0] for *_, address in found]
