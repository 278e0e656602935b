"""What a view gets at: the ports, the caller, the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from flask import current_app, g

from presage.batch_predictions.ports import BatchResults
from presage.experiments.model import Experiment
from presage.experiments.ports import CertificateStore, ExperimentEvents, ExperimentStore, HoldoutStore
from presage.features.dataset import Dataset
from presage.features.ports import DatasetStore, FeatureSetStore, UploadStore
from presage.features.quarantine import QuarantineStore
from presage.features.sources.credentials import CredentialStore
from presage.jobs.model import Job, Notification
from presage.jobs.ports import NotificationStore, QueueInspector
from presage.jobs.use_cases import JobPorts
from presage.listing import Listing
from presage.notifications.ports import DeliveryStore, MailSettingsStore
from presage.notifications.webhooks import WebhookPorts
from presage.predictions.ports import PredictionApi, PredictionLog
from presage.predictions.replay import ReplayPorts
from presage.tenancy.accounts.ports import AccountPorts
from presage.tenancy.model import ApiKey, User
from presage.tenancy.ports import ApiKeyStore, AuditLog, KeyGateway, MemberStore, WorkspaceStore
from presage.training.model import ListedModel
from presage.training.ports import (
    ModelRegistry,
    RecipeStore,
    RetrainingPolicyStore,
    TrainingReportStore,
    VersionRegistry,
    VersionReportStore,
)

EXTENSION = "presage"


@dataclass(frozen=True, slots=True)
class Listings:
    """The workspace's things as lists that people look through."""

    datasets: Listing[Dataset]
    models: Listing[ListedModel]
    experiments: Listing[Experiment]
    jobs: Listing[Job]
    notifications: Listing[Notification]
    users: Listing[User]
    api_keys: Listing[ApiKey]


@dataclass(frozen=True, slots=True)
class BackendPorts:
    """Everything the backend talks to."""

    workspaces: WorkspaceStore
    members: MemberStore
    accounts: AccountPorts
    api_keys: ApiKeyStore
    gateway: KeyGateway
    datasets: DatasetStore
    feature_sets: FeatureSetStore
    uploads: UploadStore
    quarantine: QuarantineStore
    credentials: CredentialStore
    models: ModelRegistry
    versions: VersionRegistry
    recipes: RecipeStore
    policies: RetrainingPolicyStore
    experiments: ExperimentStore
    experiment_events: ExperimentEvents
    holdouts: HoldoutStore
    certificates: CertificateStore
    estimates: VersionReportStore
    drift_reports: VersionReportStore
    reports: TrainingReportStore
    jobs: JobPorts
    notifications: NotificationStore
    webhooks: WebhookPorts
    deliveries: DeliveryStore
    mail_settings: MailSettingsStore
    predictions: PredictionLog
    replay: ReplayPorts
    prediction_api: PredictionApi
    batch_results: BatchResults
    listings: Listings
    audit: AuditLog
    queues: QueueInspector


def get_ports() -> BackendPorts:
    """Return the ports of the running application."""
    return cast("BackendPorts", current_app.extensions[EXTENSION])


def get_user() -> User:
    """Return the authenticated caller, whose workspace is the only one a view may touch."""
    return cast("User", g.user)


def get_now() -> datetime:
    """Return the current time, aware UTC."""
    return datetime.now(UTC)
