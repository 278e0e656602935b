"""What a key has used of its plan, as the gateway counts it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from presage.errors import InvalidInputError, NotFoundError
from presage.tenancy.model import Plan, User
from presage.tenancy.permissions import authorise
from presage.tenancy.ports import ApiKeyStore, KeyGateway
from presage.tenancy.usage_model import DailyUsage, PlanLimits

LONGEST_DAYS = 90
"""How far back the gateway tells."""


@dataclass(frozen=True, slots=True)
class KeyUsage:
    """A key's plan, and its calls day by day (UTC), the oldest first; days without calls may be missing."""

    api_key_id: str
    plan: Plan
    limits: PlanLimits
    days: Sequence[DailyUsage]

    @property
    def used(self) -> int:
        """Return all calls of these days."""
        return sum(day.used for day in self.days)


def read_usage(api_key_id: str, *, by: User, since: date, until: date, gateway: KeyGateway, store: ApiKeyStore) -> KeyUsage:
    """Return what a key used from `since` to `until`, both included.

    Raises:
        NotFoundError: The workspace has no such key.
        InvalidInputError: These are no days in order, or more than 90.
        UnavailableError: The gateway or the database did not answer.
    """
    workspace_id = authorise(by, "workspace.read")
    if not timedelta(0) <= until - since < timedelta(days=LONGEST_DAYS):
        raise InvalidInputError(f"Expected since and until in order, {LONGEST_DAYS} days at most, got {since} and {until}", path="?since")
    key = store.find_api_key(api_key_id)
    if key is None or key.workspace_id != workspace_id:
        raise NotFoundError(f"There is no API key {api_key_id}")
    return KeyUsage(api_key_id, key.plan, gateway.get_limits(key.plan), gateway.list_usage(key.plan, api_key_id, since=since, until=until))
