"""The part of the composition root that starts Spark steps and training tasks."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial

import msgspec

from presage.adapters.client import build_client
from presage.adapters.ecs.task_runner import EcsTaskRunner
from presage.adapters.emr.cluster_runner import ClusterPlan, EmrClusterRunner
from presage.adapters.emr.spark_runner import EmrSparkRunner
from presage.adapters.emr.steps import StepPrograms
from presage.adapters.s3.training_files import S3TrainingFiles
from presage.adapters.sql.stores import SqlStores
from presage.features.ports import FeatureSetStore
from presage.training.ports import SparkRunner
from presage.training.use_cases import BuildPorts
from services.worker.settings import ServerlessSpark, WorkerSettings


def build_build_ports(settings: WorkerSettings, sql: SqlStores, feature_sets: FeatureSetStore) -> BuildPorts:
    """Return what building a model needs."""
    tasks = EcsTaskRunner(
        build_client("ecs"),
        cluster=settings.trainer_cluster,
        task_definition=settings.trainer_task_definition,
        subnets=settings.trainer_subnets.split(","),
        security_groups=settings.trainer_security_groups.split(","),
    )
    files = S3TrainingFiles(settings.lake_bucket, settings.artifacts_bucket, build_client("s3"))
    return BuildPorts(
        sql.datasets, feature_sets, build_spark_runner(settings), tasks, files, sql.versions, partial(datetime.now, UTC), time.sleep
    )


def build_spark_runner(settings: WorkerSettings) -> SparkRunner:
    """Return what runs the steps where the settings say."""
    target, programs = settings.spark_target, StepPrograms(settings.emr_steps, settings.lake_bucket)
    if isinstance(target, ServerlessSpark):
        return EmrSparkRunner(build_client("emr-serverless"), programs=programs, **msgspec.structs.asdict(target))
    plan = ClusterPlan(**msgspec.structs.asdict(target))
    return EmrClusterRunner(build_client("emr"), plan=plan, programs=programs, clock=partial(datetime.now, UTC))
