"""The container images and their versions in ECR, shared by the stages of an account."""

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from constructs import Construct

from stacks.config import StageConfig

SERVICES = ("public_api", "trainer")


class RegistryStack(cdk.Stack):
    """One immutable, scanned repository per image: the digest tried on staging is the one production runs."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(
            scope,
            "Presage-Registry",
            env=cdk.Environment(account=config.account, region=config.region),
            description="Presage: container images",
        )
        self.repositories = {service: self._repository(service) for service in SERVICES}

    def _repository(self, service: str) -> ecr.Repository:
        repository = ecr.Repository(
            self,
            service.title().replace("_", ""),
            repository_name=f"presage/{service}",
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            image_scan_on_push=True,
            encryption=ecr.RepositoryEncryption.KMS,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=[
                ecr.LifecycleRule(rule_priority=1, tag_status=ecr.TagStatus.UNTAGGED, max_image_age=cdk.Duration.days(7)),
                ecr.LifecycleRule(rule_priority=2, tag_status=ecr.TagStatus.ANY, max_image_count=100),
            ],
        )
        cdk.CfnOutput(self, f"{service.title().replace('_', '')}Repository", value=repository.repository_uri)
        return repository
