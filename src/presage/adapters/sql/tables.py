"""The tables. `workspace_id` is on every row and leads every unique key.

The exceptions are the two secrets that tell the workspace: `users.token_sha256` and `api_keys.api_key_id`. People's accounts
(`account_tables`) are of no workspace.
Text compares by bytes (`utf8mb4_bin`): names and ids are case-sensitive.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Double, Index, MetaData, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from presage.adapters.sql.database import UtcDateTime

ID_LENGTH = 64
NAME_LENGTH = 200

JsonObject = dict[str, Any]


class Row(DeclarativeBase):
    """What all tables share."""

    type_annotation_map: ClassVar[dict[Any, TypeEngine[Any] | type[TypeEngine[Any]]]] = {
        datetime: UtcDateTime,
        str: String(ID_LENGTH),
        float: Double,
        JsonObject: JSON,
    }
    metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"})
    __table_args__: Any = ({"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin", "mysql_engine": "InnoDB"},)


def table_arguments(*constraints: UniqueConstraint | Index) -> tuple[Any, ...]:
    """Return the arguments of a table with these constraints beside what all share."""
    return (*constraints, *Row.__table_args__)


class WorkspaceRow(Row):
    """A tenant."""

    __tablename__ = "workspaces"
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    created_at: Mapped[datetime]


class UserRow(Row):
    """A person in a workspace."""

    __tablename__ = "users"
    __table_args__ = table_arguments(
        UniqueConstraint("workspace_id", "email"),
        UniqueConstraint("token_sha256"),
        UniqueConstraint("workspace_id", "account_id"),
        Index("ix_users_account_id", "account_id"),
    )
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    role: Mapped[str] = mapped_column(String(16))
    token_sha256: Mapped[str]
    created_at: Mapped[datetime]
    account_id: Mapped[str | None]


class ApiKeyRow(Row):
    """A gateway key of a workspace."""

    __tablename__ = "api_keys"
    __table_args__ = table_arguments(UniqueConstraint("api_key_id"))
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    api_key_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    plan: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    kind: Mapped[str] = mapped_column(String(16), server_default="secret")
    origins: Mapped[JsonObject] = mapped_column(server_default=text("(JSON_ARRAY())"))
    scopes: Mapped[JsonObject] = mapped_column(server_default=text("(JSON_ARRAY('predict', 'records.write', 'predictions.read'))"))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class DatasetRow(Row):
    """A dataset; its versions live in the lake."""

    __tablename__ = "datasets"
    __table_args__ = table_arguments(UniqueConstraint("workspace_id", "name"))
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    entity: Mapped[str] = mapped_column(String(NAME_LENGTH))
    columns: Mapped[JsonObject]
    created_at: Mapped[datetime]
    schema_version: Mapped[int] = mapped_column(server_default="1")


class DatasetSchemaRow(Row):
    """One entry of a dataset's lineage of schemas, never changed."""

    __tablename__ = "dataset_schemas"
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    dataset_id: Mapped[str] = mapped_column(primary_key=True)
    schema_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    columns: Mapped[JsonObject]
    columns_added: Mapped[JsonObject]
    cause: Mapped[str]
    created_at: Mapped[datetime]


class ModelRow(Row):
    """A model. `last_version` is the highest version number ever reserved."""

    __tablename__ = "models"
    __table_args__ = table_arguments(UniqueConstraint("workspace_id", "name"))
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    spec: Mapped[JsonObject]
    default: Mapped[JsonObject]
    created_at: Mapped[datetime]
    last_version: Mapped[int] = mapped_column(server_default="0")


class ModelVersionRow(Row):
    """A trained version of a model."""

    __tablename__ = "model_versions"
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    training_set_id: Mapped[str] = mapped_column(String(128))
    artifact_key: Mapped[str] = mapped_column(String(512))
    snapshot_key: Mapped[str] = mapped_column(String(512))
    metrics: Mapped[JsonObject]
    created_at: Mapped[datetime]


class AliasMoveRow(Row):
    """One entry of an alias's append-only history; `sequence` gives the order."""

    __tablename__ = "alias_moves"
    __table_args__ = table_arguments(Index("ix_alias_moves_alias", "workspace_id", "model_id", "alias", "sequence"))
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    workspace_id: Mapped[str]
    model_id: Mapped[str]
    alias: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]
    traffic: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(512))
    moved_at: Mapped[datetime]


class SnapshotRow(Row):
    """One entry of a version's append-only history of snapshots; `sequence` gives the order."""

    __tablename__ = "snapshots"
    __table_args__ = table_arguments(
        UniqueConstraint("workspace_id", "snapshot_key"), Index("ix_snapshots_version", "workspace_id", "model_id", "version", "sequence")
    )
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    workspace_id: Mapped[str]
    model_id: Mapped[str]
    version: Mapped[int]
    snapshot_key: Mapped[str] = mapped_column(String(512))
    as_of: Mapped[datetime]
    created_at: Mapped[datetime]


class RetrainingPolicyRow(Row):
    """When a model is built anew by itself."""

    __tablename__ = "retraining_policies"
    __table_args__ = table_arguments(Index("ix_retraining_policies_model_id", "model_id"))
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(primary_key=True)
    every_days: Mapped[int | None]
    on_drift: Mapped[bool]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]


class ExperimentRow(Row):
    """An experiment. `active_model_id` is the model while the experiment runs, so that a model has at most one running."""

    __tablename__ = "experiments"
    __table_args__ = table_arguments(UniqueConstraint("workspace_id", "name"), UniqueConstraint("workspace_id", "active_model_id"))
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    model_id: Mapped[str]
    active_model_id: Mapped[str | None]
    plan: Mapped[JsonObject]
    salt: Mapped[str]
    state: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    concluded_at: Mapped[datetime | None]
    control_version: Mapped[int | None]
    holdout_share: Mapped[float] = mapped_column(server_default=text("0"))


class HoldoutRow(Row):
    """The share of a workspace's units that meet no experiment."""

    __tablename__ = "holdouts"
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    share: Mapped[float]
    changed_by: Mapped[str]
    changed_at: Mapped[datetime]


class LookRow(Row):
    """One analysis of an experiment, never changed."""

    __tablename__ = "looks"
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    as_of: Mapped[datetime]
    decision: Mapped[str] = mapped_column(String(32))
    detail: Mapped[JsonObject]


class ExperimentEventRow(Row):
    """An operator's order, never changed."""

    __tablename__ = "experiment_events"
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    experiment_id: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    by: Mapped[str]
    reason: Mapped[str] = mapped_column(String(512))
    extra_days: Mapped[int]
    extra_units: Mapped[int]
    treatment_share: Mapped[float | None]
    arm_weights: Mapped[JsonObject | None] = mapped_column(JSON(none_as_null=True))


class JobRow(Row):
    """A background job and its outbox entry (`published_at` is null while its message is not on the queue)."""

    __tablename__ = "jobs"
    __table_args__ = table_arguments(
        Index("ix_jobs_unpublished", "published_at", "created_at"),
        Index("ix_jobs_page", "workspace_id", "created_at", "job_id"),
        Index("ix_jobs_state", "workspace_id", "state", "created_at", "job_id"),
        Index("ix_jobs_kind", "workspace_id", "kind", "created_at", "job_id"),
        Index("ix_jobs_lease", "state", "lease_until"),
    )
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    job_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32))
    arguments: Mapped[JsonObject]
    state: Mapped[str] = mapped_column(String(16))
    progress: Mapped[float]
    message: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int]
    checkpoint: Mapped[JsonObject]
    result: Mapped[JsonObject]
    created_by: Mapped[str]
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    cancel_requested: Mapped[bool] = mapped_column(server_default=false())
    retry_of: Mapped[str | None]
    retried_as: Mapped[str | None]
