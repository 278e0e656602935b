"""Who gets mail, in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.notifications.model import MailRecipient, MailSettings


class MemoryMailSettingsStore:
    """`MailSettingsStore` for tests, with the addresses of the users of `workspaces`."""

    def __init__(self, workspaces: MemoryWorkspaceStore) -> None:
        self._workspaces = workspaces
        self._settings: dict[tuple[str, str], MailSettings] = {}

    def find_settings(self, workspace_id: str, user_id: str) -> MailSettings | None:
        """Return the user's, or None."""
        return self._settings.get((workspace_id, user_id))

    def put_settings(self, settings: MailSettings) -> None:
        """Keep them in place of the user's last ones."""
        self._settings[settings.workspace_id, settings.user_id] = settings

    def list_recipients(self, workspace_id: str) -> Sequence[MailRecipient]:
        """Return the users who want mail, with their addresses."""
        users = {(user.workspace_id, user.user_id): user for user in self._workspaces.users()}
        wanting = [
            each for key, each in sorted(self._settings.items()) if each.workspace_id == workspace_id and each.enabled and key in users
        ]
        return [MailRecipient(each.user_id, users[workspace_id, each.user_id].email, each.events) for each in wanting]
