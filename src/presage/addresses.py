"""Which addresses are reached for a customer: public ones, and those of networks that an operator named.

What a customer names is reached from inside our network, so it must not lead there (server-side request forgery).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LOOPBACK: Sequence[Network] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
_TRANSLATED = IPv6Network("64:ff9b::/96")
"""NAT64 (RFC 6052): the last 32 bits are an IPv4 address."""
_COMPATIBLE = IPv6Network("::/96")
"""IPv4-compatible (RFC 4291, deprecated)."""
_LOCAL_TRANSLATED = IPv6Network("64:ff9b:1::/48")


def may_be_reached(address: Address, networks: Sequence[Network] = ()) -> bool:
    """Return whether an address is public, whatever form it is written in, or in one of `networks`, written as itself."""
    embedded = _find_embedded(address)
    if embedded is not None:
        return may_be_reached(embedded)
    if any(address in network for network in networks):
        return True
    is_special = address.is_multicast or address.is_private or address.is_link_local or address.is_reserved or address.is_unspecified
    return address.is_global and not is_special and address not in _LOCAL_TRANSLATED


def _find_embedded(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one stands for, by any of the ways that there are."""
    if not isinstance(address, IPv6Address):
        return None
    if address in _TRANSLATED or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
