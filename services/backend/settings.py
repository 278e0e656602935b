"""Settings of the backend, read once from `PRESAGE_*` variables."""

from __future__ import annotations

from typing import Literal

import msgspec


class DatabaseCredentials(msgspec.Struct, frozen=True):
    """The JSON secret that holds the database's user."""

    username: str
    password: str


class BackendSettings(msgspec.Struct, frozen=True):
    """What the backend needs to know of its surroundings. Nothing has a default: a missing variable stops the start."""

    stage: Literal["local", "staging", "production"]
    lake_bucket: str
    artifacts_bucket: str
    prediction_table: str
    jobs_queue_url: str
    database_host: str
    database_port: int
    database_name: str
    database_credentials: DatabaseCredentials
    redshift_workgroup: str
    redshift_database: str
    redshift_copy_role_arn: str
    gateway_usage_plans: dict[str, str]
    """Plan (`free`, `standard`) to the id of its usage plan at the gateway."""
    public_api_url: str
    """Where products call; shown to users."""
    operator_token: str
    """The bearer token that may create workspaces."""
