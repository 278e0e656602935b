"""What the routes work with, and who calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from flask import current_app, g

from presage.errors import ForbiddenError, RateLimitedError
from presage.features.ports import RecordQueue
from presage.features.recent_ids import RecentIds
from presage.predictions.use_cases import PredictionPorts
from presage.tenancy.model import Caller, Plan
from presage.tenancy.ports import IdempotencyStore, RateLimiter
from presage.tenancy.rate_limit import RateLimit, RateVerdict

EXTENSION = "presage.public_api"
KEY_HEADER = "x-presage-api-key-id"
"""Set by the gateway from the key it checked, whatever the caller sent under this name."""
OPEN_PATHS = frozenset({"/v1/openapi.json", "/healthz", "/readyz"})
Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PublicApiPorts:
    """The application's ports, and what each plan allows; `now` is the clock, aware UTC."""

    predictions: PredictionPorts
    records: RecordQueue
    answers: IdempotencyStore
    limiter: RateLimiter
    limits: Mapping[Plan, RateLimit]
    now: Callable[[], datetime]
    recent_ids: RecentIds = field(default_factory=RecentIds)


def admit(ports: PublicApiPorts, api_key_id: str | None) -> tuple[Caller, RateVerdict]:
    """Return who calls by the gateway's key id, and the verdict on one more call.

    Raises:
        UnauthenticatedError: The call did not come with a key.
        ForbiddenError: The key is unknown or revoked, or has expired.
    """
    caller = ports.predictions.catalog.get_caller(api_key_id)
    if caller.expires_at is not None and caller.expires_at <= ports.now():
        raise ForbiddenError(f"The API key expired at {caller.expires_at.isoformat()}", code="key_expired")
    return caller, ports.limiter.take(caller.api_key_id, ports.limits[caller.plan])


def require(verdict: RateVerdict, caller: Caller) -> None:
    """Raise `RateLimitedError` if the call may not go on."""
    if not verdict.allowed:
        raise RateLimitedError(f"The key's plan {caller.plan!r} allows no more calls now", retry_after_seconds=verdict.retry_after_seconds)


def describe_rate(verdict: RateVerdict) -> Headers:
    """Return the rate-limit headers of an answer: calls at once, calls left, seconds until all are back."""
    return [
        ("ratelimit-limit", str(verdict.limit)),
        ("ratelimit-remaining", str(verdict.remaining)),
        ("ratelimit-reset", str(int(verdict.reset_seconds) + 1)),
    ]


def get_ports() -> PublicApiPorts:
    """Return the ports of the application that answers this request."""
    return cast("PublicApiPorts", current_app.extensions[EXTENSION])


def get_caller() -> Caller:
    """Return who calls."""
    return cast("Caller", g.caller)


def get_workspace_id() -> str:
    """Return the caller's workspace."""
    return get_caller().workspace_id
