"""Settings of the backend, read once from `PRESAGE_*` variables."""

from __future__ import annotations

from presage.runtime.settings import DatabaseSettings


class BackendSettings(DatabaseSettings, frozen=True):
    """What the backend needs to know of its surroundings. Nothing has a default: a missing variable stops the start."""

    lake_bucket: str
    artifacts_bucket: str
    prediction_table: str
    jobs_queue_url: str
    queue_urls: dict[str, str]
    """Queue (`records`, `predictions`, `assignments`, `jobs`) to its address, for the operator's view."""
    dead_letter_urls: dict[str, str]
    """The same queue to the address of its dead letters."""
    redshift_workgroup: str
    redshift_database: str
    gateway_usage_plans: dict[str, str]
    """Plan (`free`, `standard`) to the id of its usage plan at the gateway."""
    cache_directory: str
    """The local disk: models and snapshots by their sha256, as replays need them."""
    public_api_url: str
    """Where products call; shown to users."""
    webhook_loopback: bool
    """Whether webhooks may lead to this machine itself: for a stage that is on one."""
    pages_url: str
    """The origin of the pages, which links in mails lead to: `https`, or this machine itself."""
    trusted_proxies: int
    """How many proxies are in front of it, each of which adds to `x-forwarded-for` who called it."""
    mail_sender: str
    """The address that people are mailed from about their accounts; the stage's identity at SES covers it."""
    mail_configuration_set: str
    operator_email: str
    """The address of who is alarmed: whoever has proven to read its mail sees the operations pages."""
    operator_token: str
    """The bearer token that may create workspaces, and look after the queues."""
