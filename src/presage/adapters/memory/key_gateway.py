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

    def create_key(self, *, name: str, plan: Plan, workspace_id: str) -> tuple[str, str]:
        """Create a key and return (api_key_id, value)."""
        self._created += 1
        api_key_id = f"key{self._created:04d}"
        value = f"value-of-{api_key_id}"
        self.keys[api_key_id] = GatewayKey(name, plan, workspace_id, value)
        return api_key_id, value

    def delete_key(self, api_key_id: str) -> None:
        """Delete it; a key that is gone stays gone."""
        self.keys.pop(api_key_id, None)
