"""How often somebody may try to log in, or let mails be sent: by the address that they name, and by where they come from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Literal

from presage.errors import RateLimitedError
from presage.tenancy.accounts.model import fold_email
from presage.tenancy.ports import RateLimiter
from presage.tenancy.rate_limit import RateLimit
from presage.tenancy.tokens import hash_token

Attempt = Literal["log_in", "mail"]

_QUARTER, _HOUR = 15 * 60, 60 * 60
BY_EMAIL: Mapping[Attempt, RateLimit] = {"log_in": RateLimit(10 / _QUARTER, 10), "mail": RateLimit(5 / _HOUR, 5)}
BY_CLIENT: Mapping[Attempt, RateLimit] = {"log_in": RateLimit(100 / _QUARTER, 100), "mail": RateLimit(30 / _HOUR, 30)}


def count_attempt(attempt: Attempt, *, email: str, client: str, limiter: RateLimiter) -> None:
    """Count an attempt for its address and for where it comes from, whether or not there is an account of that address.

    Raises:
        RateLimitedError: It is one too many; it says when the next one is allowed.
        UnavailableError: It could not be counted, so it is none.
    """
    for limit, key in ((BY_CLIENT[attempt], f"client {name_network(client)}"), (BY_EMAIL[attempt], f"email {fold_email(email)}")):
        verdict = limiter.take(hash_token(f"{attempt} {key}"), limit)
        if not verdict.allowed:
            minutes = math.ceil(verdict.retry_after_seconds / 60)
            message = f"There were too many attempts; try again in {minutes} min"
            raise RateLimitedError(message, retry_after_seconds=verdict.retry_after_seconds)


def name_network(client: str) -> str:
    """Return what attempts of one client have in common: its IPv4 address, or the 64 leading bits that one client has of IPv6."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)
