"""All stores of one database, for composition roots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Engine

from presage.adapters.sql.account_store import SqlAccountStore
from presage.adapters.sql.account_sweep import SqlAccountSweep
from presage.adapters.sql.api_key_store import SqlApiKeyStore
from presage.adapters.sql.audit_log import SqlAuditLog
from presage.adapters.sql.dataset_store import SqlDatasetStore
from presage.adapters.sql.delivery_store import SqlDeliveryStore
from presage.adapters.sql.experiment_events import SqlExperimentEvents
from presage.adapters.sql.experiment_store import SqlExperimentStore
from presage.adapters.sql.holdout_store import SqlHoldoutStore
from presage.adapters.sql.job_outbox import SqlJobOutbox
from presage.adapters.sql.job_store import SqlJobStore
from presage.adapters.sql.mail_settings_store import SqlMailSettingsStore
from presage.adapters.sql.mailed_links import SqlMailedLinks
from presage.adapters.sql.member_store import SqlMemberStore
from presage.adapters.sql.model_registry import SqlModelRegistry
from presage.adapters.sql.notification_store import SqlNotificationStore
from presage.adapters.sql.rate_limiter import SqlRateLimiter
from presage.adapters.sql.retraining_policy_store import SqlRetrainingPolicyStore
from presage.adapters.sql.session_store import SqlSessionStore
from presage.adapters.sql.snapshot_history import SqlSnapshotHistory
from presage.adapters.sql.traffic_switch import SqlTrafficSwitch
from presage.adapters.sql.version_registry import SqlVersionRegistry
from presage.adapters.sql.webhook_store import SqlWebhookStore
from presage.adapters.sql.workspace_store import SqlWorkspaceStore


@dataclass(frozen=True, slots=True)
class SqlStores:
    """One store a port, on one engine."""

    workspaces: SqlWorkspaceStore
    members: SqlMemberStore
    api_keys: SqlApiKeyStore
    datasets: SqlDatasetStore
    models: SqlModelRegistry
    versions: SqlVersionRegistry
    snapshots: SqlSnapshotHistory
    policies: SqlRetrainingPolicyStore
    traffic: SqlTrafficSwitch
    experiments: SqlExperimentStore
    experiment_events: SqlExperimentEvents
    holdouts: SqlHoldoutStore
    jobs: SqlJobStore
    outbox: SqlJobOutbox
    notifications: SqlNotificationStore
    deliveries: SqlDeliveryStore
    webhooks: SqlWebhookStore
    mail_settings: SqlMailSettingsStore
    accounts: SqlAccountStore
    sessions: SqlSessionStore
    links: SqlMailedLinks
    limiter: SqlRateLimiter
    account_sweep: SqlAccountSweep
    audit: SqlAuditLog

    @classmethod
    def build(cls, engine: Engine) -> Self:
        """Return the stores of `engine`; nothing is connected."""
        return cls(
            SqlWorkspaceStore(engine),
            SqlMemberStore(engine),
            SqlApiKeyStore(engine),
            SqlDatasetStore(engine),
            SqlModelRegistry(engine),
            SqlVersionRegistry(engine),
            SqlSnapshotHistory(engine),
            SqlRetrainingPolicyStore(engine),
            SqlTrafficSwitch(engine),
            SqlExperimentStore(engine),
            SqlExperimentEvents(engine),
            SqlHoldoutStore(engine),
            SqlJobStore(engine),
            SqlJobOutbox(engine),
            SqlNotificationStore(engine),
            SqlDeliveryStore(engine),
            SqlWebhookStore(engine),
            SqlMailSettingsStore(engine),
            SqlAccountStore(engine),
            SqlSessionStore(engine),
            SqlMailedLinks(engine),
            SqlRateLimiter(engine),
            SqlAccountSweep(engine),
            SqlAuditLog(engine),
        )
