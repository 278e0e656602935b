"""API keys in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from presage.adapters.memory.listing import MemoryListing
from presage.errors import AlreadyExistsError, NotFoundError
from presage.tenancy.model import API_KEY_LIST, ApiKey


class MemoryApiKeyStore:
    """`ApiKeyStore` for tests."""

    def __init__(self) -> None:
        self._keys: dict[str, ApiKey] = {}
        self.listing = MemoryListing(
            API_KEY_LIST, lambda workspace_id: [each for each in self._keys.values() if each.workspace_id == workspace_id]
        )

    def create_api_key(self, key: ApiKey) -> None:
        """Add it, or raise `AlreadyExistsError`."""
        if key.api_key_id in self._keys:
            raise AlreadyExistsError(f"API key {key.api_key_id} exists already")
        self._keys[key.api_key_id] = key

    def find_api_key(self, api_key_id: str) -> ApiKey | None:
        """Return the key by the gateway's id of it, or None; revoked keys are returned as such."""
        return self._keys.get(api_key_id)

    def list_api_keys(self, workspace_id: str, *, before: str = "", limit: int = 50) -> Sequence[ApiKey]:
        """Return a page of the workspace's keys, newest first, starting behind the key id `before`."""
        mine = [key for key in self._keys.values() if key.workspace_id == workspace_id]
        mark = next(((key.created_at, key.api_key_id) for key in mine if key.api_key_id == before), None)
        if before and mark is None:
            return []
        newest_first = sorted(mine, key=lambda key: (key.created_at, key.api_key_id), reverse=True)
        return [key for key in newest_first if mark is None or (key.created_at, key.api_key_id) < mark][:limit]

    def limit_api_key(self, workspace_id: str, api_key_id: str, *, expires_at: datetime) -> None:
        """Let it expire then, unless it does so sooner, or raise `NotFoundError`."""
        key = self._get(workspace_id, api_key_id)
        self._keys[api_key_id] = replace(key, expires_at=min(key.expires_at or expires_at, expires_at))

    def revoke_api_key(self, workspace_id: str, api_key_id: str, *, now: datetime) -> None:
        """Note the revocation, or raise `NotFoundError`. Idempotency: the first time stands."""
        key = self._get(workspace_id, api_key_id)
        self._keys[api_key_id] = replace(key, revoked_at=key.revoked_at or now)

    def _get(self, workspace_id: str, api_key_id: str) -> ApiKey:
        key = self._keys.get(api_key_id)
        if key is None or key.workspace_id != workspace_id:
            raise NotFoundError(f"There is no API key {api_key_id}")
        return key
