"""Settings of the worker, read once from `PRESAGE_*` variables."""

from __future__ import annotations

import msgspec

from presage.runtime.settings import DatabaseSettings


class ServerlessSpark(msgspec.Struct, frozen=True, tag_field="kind", tag="serverless"):
    """Spark on an application of EMR Serverless."""

    application_id: str
    execution_role_arn: str


class ClusterSpark(msgspec.Struct, frozen=True, tag_field="kind", tag="cluster"):
    """Spark on EMR clusters on EC2, one a step."""

    name: str
    release: str
    service_role: str
    instance_profile: str
    security_configuration: str
    log_uri: str
    log_key_arn: str
    subnets: list[str]
    primary_security_group: str
    core_security_group: str
    service_security_group: str
    instance_types: list[str]
    core_nodes: int
    task_nodes: int
    tags: dict[str, str]


class WorkerSettings(DatabaseSettings, frozen=True):
    """What the worker needs to know of its surroundings. Nothing has a default: a missing variable stops the start."""

    lake_bucket: str
    artifacts_bucket: str
    prediction_table: str
    cache_directory: str
    """Where models and snapshots are kept that a job looks at again."""
    amplitude_urls: dict[str, str]
    """Region to the address of Amplitude's Export API there."""
    warehouse_networks: list[str]
    """Networks (CIDR) that customers' warehouses may be in, beside public addresses."""
    jobs_queue_url: str
    redshift_workgroup: str
    redshift_database: str
    redshift_copy_role_arn: str
    spark_target: ServerlessSpark | ClusterSpark
    """What runs the steps: `kind` says which."""
    emr_steps: dict[str, str]
    """Step to the S3 URI of its `step.py`; `py_files` to that of the zip with the library, `archives` to that of the workers' packages."""
    webhook_loopback: bool
    """Whether webhooks may go to this machine itself, and there without TLS: for a stage that is on one."""
    delivery_retention_days: int
    """How long it is told what became of a notification's delivery, after it ended."""
    mail_sender: str
    """The address that notifications are mailed from; the stage's identity at SES covers it."""
    mail_configuration_set: str
    trainer_cluster: str
    trainer_task_definition: str
    trainer_subnets: str
    trainer_security_groups: str
