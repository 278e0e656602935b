"""Settings of the worker, read once from `PRESAGE_*` variables."""

from __future__ import annotations

from typing import Literal

import msgspec


class DatabaseCredentials(msgspec.Struct, frozen=True):
    """The JSON secret that holds the database's user."""

    username: str
    password: str


class WorkerSettings(msgspec.Struct, frozen=True):
    """What the worker needs to know of its surroundings. Nothing has a default: a missing variable stops the start."""

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
    public_api_url: str
    emr_application_id: str
    emr_execution_role_arn: str
    emr_steps: dict[str, str]
    """Step to the S3 URI of its `step.py`; `py_files` to that of the zip with the library."""
    trainer_cluster: str
    trainer_task_definition: str
    trainer_subnets: str
    trainer_security_groups: str
