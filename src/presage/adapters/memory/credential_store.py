"""Credentials in memory."""

from __future__ import annotations

from collections.abc import Mapping

from presage.errors import NotFoundError


class MemoryCredentialStore:
    """`CredentialStore` on a dictionary."""

    def __init__(self) -> None:
        """Start empty."""
        self._contents: dict[tuple[str, str], Mapping[str, str]] = {}

    def put_credential(self, workspace_id: str, name: str, content: Mapping[str, str]) -> None:
        """Keep `content` under that name, in place of what was there."""
        self._contents[workspace_id, name] = dict(content)

    def get_credential(self, workspace_id: str, name: str) -> Mapping[str, str]:
        """Return what is kept under that name, or raise `NotFoundError`."""
        if (workspace_id, name) not in self._contents:
            raise NotFoundError(f"There is no credential {name!r}")
        return self._contents[workspace_id, name]

    def delete_credential(self, workspace_id: str, name: str) -> None:
        """Forget it; one that is not there is as good."""
        self._contents.pop((workspace_id, name), None)

    def list_names(self, workspace_id: str) -> list[str]:
        """Return the names that a workspace keeps something under."""
        return sorted(name for owner, name in self._contents if owner == workspace_id)
