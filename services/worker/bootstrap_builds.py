"""The part of the composition root that starts Spark steps and training tasks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

from presage.adapters.client import build_client
from presage.adapters.ecs.task_runner import EcsTaskRunner
from presage.adapters.emr.spark_runner import EmrSparkRunner
from presage.adapters.s3.training_files import S3TrainingFiles
from presage.adapters.sql.stores import SqlStores
from presage.features.ports import FeatureSetStore
from presage.training.use_cases import BuildPorts
from services.worker.settings import WorkerSettings


def build_build_ports(settings: WorkerSettings, sql: SqlStores, feature_sets: FeatureSetStore) -> BuildPorts:
    """Return what building a model needs."""
    spark = EmrSparkRunner(
        build_client("emr-serverless"),
        application_id=settings.emr_application_id,
        execution_role_arn=settings.emr_execution_role_arn,
        steps=settings.emr_steps,
        lake_bucket=settings.lake_bucket,
    )
    tasks = EcsTaskRunner(
        build_client("ecs"),
        cluster=settings.trainer_cluster,
        task_definition=settings.trainer_task_definition,
        subnets=settings.trainer_subnets.split(","),
        security_groups=settings.trainer_security_groups.split(","),
    )
    files = S3TrainingFiles(settings.lake_bucket, settings.artifacts_bucket, build_client("s3"))
    return BuildPorts(sql.datasets, feature_sets, spark, tasks, files, sql.versions, partial(datetime.now, UTC), time.sleep)
