"""Webhook endpoints in a dictionary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock

from presage.errors import AlreadyExistsError, NotFoundError
from presage.notifications.model import WebhookEndpoint


class MemoryWebhookStore:
    """`WebhookStore` for tests."""

    def __init__(self) -> None:
        self._endpoints: dict[tuple[str, str], WebhookEndpoint] = {}
        self._lock = Lock()

    def create_endpoint(self, endpoint: WebhookEndpoint) -> None:
        """Add it, or raise `AlreadyExistsError`."""
        if self._endpoints.setdefault((endpoint.workspace_id, endpoint.endpoint_id), endpoint) is not endpoint:
            raise AlreadyExistsError(f"Webhook {endpoint.endpoint_id} exists already")

    def get_endpoint(self, workspace_id: str, endpoint_id: str) -> WebhookEndpoint:
        """Return it, or raise `NotFoundError`."""
        if (workspace_id, endpoint_id) not in self._endpoints:
            raise NotFoundError(f"There is no webhook {endpoint_id}")
        return self._endpoints[workspace_id, endpoint_id]

    def list_endpoints(self, workspace_id: str) -> Sequence[WebhookEndpoint]:
        """Return all of a workspace's, oldest first."""
        mine = [each for each in self._endpoints.values() if each.workspace_id == workspace_id]
        return sorted(mine, key=lambda each: (each.created_at, each.endpoint_id))

    def change_endpoint(self, workspace_id: str, endpoint_id: str, change: Callable[[WebhookEndpoint], WebhookEndpoint]) -> WebhookEndpoint:
        """Replace it by what `change` makes of it, nobody else changing it meanwhile, and return that; raise `NotFoundError`."""
        with self._lock:
            changed = change(self.get_endpoint(workspace_id, endpoint_id))
            self._endpoints[workspace_id, endpoint_id] = changed
        return changed

    def delete_endpoint(self, workspace_id: str, endpoint_id: str) -> None:
        """Forget it; one that is not there is as good. Its deliveries stay."""
        self._endpoints.pop((workspace_id, endpoint_id), None)
