"""Bodies that say where notifications go."""

from __future__ import annotations

import msgspec

from presage.notifications.events import ALL


class WebhookBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a webhook leads, and what it is told of: `<kind of job>.<how it ended>`, either of which may be `*`."""

    url: str
    events: tuple[str, ...] = ALL


class MailSettingsBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the caller gets notifications by mail, and of which events."""

    enabled: bool
    events: tuple[str, ...] = ALL
