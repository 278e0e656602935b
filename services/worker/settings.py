"""Settings of the worker, read once from `PRESAGE_*` variables."""

from __future__ import annotations

from presage.runtime.settings import DatabaseSettings


class WorkerSettings(DatabaseSettings, frozen=True):
    """What the worker needs to know of its surroundings. Nothing has a default: a missing variable stops the start."""

    lake_bucket: str
    artifacts_bucket: str
    jobs_queue_url: str
    redshift_workgroup: str
    redshift_database: str
    redshift_copy_role_arn: str
    emr_application_id: str
    emr_execution_role_arn: str
    emr_steps: dict[str, str]
    """Step to the S3 URI of its `step.py`; `py_files` to that of the zip with the library."""
    trainer_cluster: str
    trainer_task_definition: str
    trainer_subnets: str
    trainer_security_groups: str
