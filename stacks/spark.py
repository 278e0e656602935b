"""Spark: training sets and snapshots. On EMR Serverless, or on clusters on EC2 as the configuration says."""

from pathlib import Path

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.bundles import ROOT, build_step_library, build_step_packages, list_members, list_steps_with_packages
from stacks.constructs.findings import accept_wildcards
from stacks.constructs.grants import BucketRights, grant_asset
from stacks.constructs.serverless_spark import ServerlessSpark
from stacks.constructs.spark_clusters import SparkClusters
from stacks.constructs.spark_target import SparkTarget
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack


class SparkStack(StageStack):
    """What runs the steps, and the steps themselves, which are assets."""

    def __init__(self, scope: Construct, *, config: StageConfig, network: NetworkStack, storage: StorageStack) -> None:
        super().__init__(scope, "Spark", config=config, description="Presage: Spark and its steps")
        self.target = self._target(network, storage)
        self.role = self.target.role
        lake, written = BucketRights(storage.lake, self.role), ("ws=*/training_sets/*", "ws=*/snapshots/*", "ws=*/batch_predictions/*")
        lake.read("ws=*/dataset=*/records/*", "ws=*/imports/*", *written)
        lake.write(*written)
        lake.delete(*written)
        accept_wildcards(self.role, "Objects of every workspace, below these prefixes only.", r"Resource::.*Lake.*/ws=\*/.*")
        self.steps = self._steps()
        self.export_output("EmrExecutionRoleArn", self.role.role_arn)

    @property
    def variables(self) -> dict[str, str]:
        """Variables of the service that submits steps."""
        return {"PRESAGE_SPARK_TARGET": self.to_json_string(self.target.setting), "PRESAGE_EMR_STEPS": self.to_json_string(self.steps)}

    def grant_submit(self, role: iam.IRole) -> None:
        """Let `role` start, follow and cancel steps."""
        self.target.grant_submit(role)

    def _target(self, network: NetworkStack, storage: StorageStack) -> SparkTarget:
        if self.config.spark.cluster_nodes:
            return SparkClusters(self, network=network, storage=storage)
        return ServerlessSpark(self, network=network)

    def _steps(self) -> dict[str, str]:
        """Upload every step and the library they share; return their S3 URIs by name."""
        library = assets.Asset(self, "StepLibrary", path=str(build_step_library()))
        grant_asset(library, self.role)
        uris = {"py_files": library.s3_object_url}
        for name in list_members("emr_steps", entry="step.py"):
            step = assets.Asset(self, f"Step-{name}", path=str(Path(ROOT, "emr_steps", name, "step.py")))
            grant_asset(step, self.role)
            uris[name] = step.s3_object_url
        for name in list_steps_with_packages() if self.config.spark.brings_packages else ():
            packages = assets.Asset(self, f"Packages-{name}", path=str(self._build_packages(name)))
            grant_asset(packages, self.role)
            uris[f"{name}.environment"] = packages.s3_object_url
        return uris

    def _build_packages(self, name: str) -> Path:
        if self.bundling_required:
            return build_step_packages(name, architecture=self.config.spark.architecture)
        return Path(ROOT, "emr_steps", name)
