"""Gateway keys in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from presage.tenancy.model import Plan
from presage.tenancy.usage_model import DailyUsage, PlanLimits


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """What the gateway would know of a key."""

    name: str
    plan: Plan
    workspace_id: str
    value: str


class MemoryKeyGateway:
    """`KeyGateway` for tests. `keys` and `usage` are public, so that a test can look and fill in."""

    def __init__(self) -> None:
        self.keys: dict[str, GatewayKey] = {}
        self.usage: dict[str, list[DailyUsage]] = {}
        self._created = 0

    def create_key(self, *, name: str, plan: Plan, workspace_id: str, value: str) -> str:
        """Create a key of that value and return its id."""
        self._created += 1
        api_key_id = f"key{self._created:04d}"
        self.keys[api_key_id] = GatewayKey(name, plan, workspace_id, value)
        return api_key_id

    def delete_key(self, api_key_id: str) -> None:
        """Delete it; a key that is gone stays gone."""
        self.keys.pop(api_key_id, None)

    def get_limits(self, plan: Plan) -> PlanLimits:
        """Return limits that tell one plan from another."""
        return PlanLimits(5.0, 10, 10_000) if plan == "free" else PlanLimits(50.0, 100, None)

    def list_usage(self, plan: Plan, api_key_id: str, *, since: date, until: date) -> Sequence[DailyUsage]:
        """Return the key's calls of each day, the oldest first."""
        _ = plan
        return [day for day in self.usage.get(api_key_id, []) if since <= day.day <= until]
