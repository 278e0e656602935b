"""How a receiver can tell that a webhook is ours, and of now (docs/webhooks.md)."""

from __future__ import annotations

import hashlib
import hmac
import secrets as random
from collections.abc import Sequence

import msgspec

from presage.jobs.model import Notification

SIGNATURE_HEADER = "presage-signature"
IDEMPOTENCY_HEADER = "idempotency-key"
DELIVERY_HEADER = "presage-delivery"
REPLAY_WINDOW_SECONDS = 300
"""How old a signature may be that receivers should still take; every attempt is signed anew."""
_SECRET_BYTES = 32


def new_secret() -> str:
    """Return a secret; its text, as UTF-8, is the key."""
    return f"whsec_{random.token_urlsafe(_SECRET_BYTES)}"


def build_body(notification: Notification) -> bytes:
    """Return what is sent of a notification: the same bytes every time."""
    return msgspec.json.encode(
        {
            "id": notification.notification_id,
            "event": notification.event,
            "workspace_id": notification.workspace_id,
            "subject": notification.subject,
            "body": notification.body,
            "created_at": notification.created_at,
        }
    )


def sign(body: bytes, secrets: Sequence[str], *, timestamp: int) -> str:
    """Return the header's value: `t=<unix seconds>,v1=<hex>` with one `v1` for each secret.

    References:
        RFC 2104, HMAC, with SHA-256 over `<t>.<body>`.
    """
    signed = b"%d.%s" % (timestamp, body)
    digests = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={digest}" for digest in digests)])
