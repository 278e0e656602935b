"""Gateway keys in a dictionary."""

from __future__ import annotations

from dataclasses import dataclass

from presage.tenancy.model import Plan


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """What the gateway would know of a key."""

    name: str
    plan: Plan
    workspace_id: str
    value: str


class MemoryKeyGateway:
    """`KeyGateway` for tests. `keys` is public, so that a test can look."""

    def __init__(self) -> None:
        self.keys: dict[str, GatewayKey] = {}
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
