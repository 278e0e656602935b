"""The public API on ECS: cluster, service, internal load balancer, scaling."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as balancing
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.config import PlanConfig, StageConfig
from stacks.constructs.blue_green import BlueGreen, watch_deployments
from stacks.constructs.callers import CALLER_VARIABLE, name_caller
from stacks.constructs.findings import accept_wildcards, acknowledge
from stacks.constructs.grants import BucketRights, grant_keeping_answers, grant_log_getting, grant_sending
from stacks.constructs.journal_watch import JournalWatch
from stacks.constructs.logs import build_log_group
from stacks.idempotency import IdempotencyStack
from stacks.metadata import MetadataStack
from stacks.network import NetworkStack
from stacks.prediction_log import PredictionLogStack
from stacks.queues import QueuesStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack

PORT = 8080
_REQUESTS_PER_MINUTE = 6000
_COMMAND = [
    "python",
    "-m",
    "services.public_api",
    "--bind",
    f"0.0.0.0:{PORT}",
]
STOP_SECONDS = 90
"""Longer than the server lets requests end (35 s) and the shipper hands over what is left (45 s)."""
_READY = f"import urllib.request; urllib.request.urlopen('http://127.0.0.1:{PORT}/readyz', timeout=3)"
_ARCHITECTURES = {"X86_64": ecs.CpuArchitecture.X86_64, "ARM64": ecs.CpuArchitecture.ARM64}


@dataclass(frozen=True)
class PublicApiInputs:
    """What the public API stands on."""

    network: NetworkStack
    storage: StorageStack
    prediction_log: PredictionLogStack
    idempotency: IdempotencyStack
    queues: QueuesStack
    metadata: MetadataStack
    repository: ecr.Repository
    topic: sns.ITopic


class PublicApiStack(StageStack):
    """The stage's cluster, and on it the Flask application behind an internal load balancer, deployed blue/green."""

    def __init__(self, scope: Construct, *, config: StageConfig, inputs: PublicApiInputs) -> None:
        super().__init__(scope, "PublicApi", config=config, description="Presage: public API on ECS")
        self.inputs = inputs
        self.cluster = ecs.Cluster(
            self,
            "Cluster",
            vpc=inputs.network.vpc,
            container_insights_v2=ecs.ContainerInsights.ENHANCED,
        )
        _offer_spot(self.cluster)
        self.log_group = build_log_group(self, "Logs")
        self.task_definition = self._task_definition()
        self._grant()
        self.security_group = ec2.SecurityGroup(self, "TaskSecurityGroup", vpc=inputs.network.vpc, description="Public API tasks")
        self.balancer = self._balancer()
        self.listener = self._listener()
        self.groups = BlueGreen.build(self, vpc=inputs.network.vpc, listener=self.listener, port=PORT)
        self.service = self._service()
        self.groups.attach(self.service, container="public_api", port=PORT)
        self._scale()
        self.journal = JournalWatch(self, "Journal", log_group=self.log_group, namespace=f"Presage/{config.name}", topic=inputs.topic)
        self.export_output("ClusterName", self.cluster.cluster_name)
        self.export_output("PublicApiTaskDefinition", self.task_definition.task_definition_arn)
        self.export_output("PublicApiService", self.service.service_name)

    def _task_definition(self) -> ecs.FargateTaskDefinition:
        containers = self.config.containers
        definition = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=containers.cpu,
            memory_limit_mib=containers.memory_mib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=_ARCHITECTURES[containers.architecture], operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            volumes=[ecs.Volume(name="cache"), ecs.Volume(name="scratch")],
        )
        container = definition.add_container(
            "public_api",
            image=ecs.ContainerImage.from_ecr_repository(self.inputs.repository, containers.image_tag),
            command=_COMMAND,
            environment=self._environment(),
            logging=ecs.LogDriver.aws_logs(stream_prefix="public_api", log_group=self.log_group, mode=ecs.AwsLogDriverMode.NON_BLOCKING),
            health_check=ecs.HealthCheck(command=["CMD", "python", "-c", _READY], start_period=cdk.Duration.seconds(60)),
            port_mappings=[ecs.PortMapping(container_port=PORT)],
            readonly_root_filesystem=True,
            stop_timeout=cdk.Duration.seconds(STOP_SECONDS),
        )
        container.add_mount_points(
            ecs.MountPoint(container_path=containers.cache_directory, source_volume="cache", read_only=False),
            ecs.MountPoint(container_path="/tmp", source_volume="scratch", read_only=False),  # noqa: S108 - the only writable folders of a read-only root
        )
        acknowledge(
            definition, {"ECS2": "Only names and addresses are plain; the credentials are read from the secret that one of them names."}
        )
        return definition

    def _environment(self) -> dict[str, str]:
        inputs, containers = self.inputs, self.config.containers
        return {
            CALLER_VARIABLE: name_caller("public_api"),
            "PRESAGE_STAGE": self.config.name,
            "PRESAGE_LAKE_BUCKET": inputs.storage.lake.bucket_name,
            "PRESAGE_ARTIFACTS_BUCKET": inputs.storage.artifacts.bucket_name,
            "PRESAGE_PREDICTION_TABLE": inputs.prediction_log.table.table_name,
            "PRESAGE_IDEMPOTENCY_TABLE": inputs.idempotency.table.table_name,
            "PRESAGE_RECORDS_QUEUE_URL": inputs.queues.records.queue.queue_url,
            "PRESAGE_PREDICTIONS_QUEUE_URL": inputs.queues.predictions.queue.queue_url,
            "PRESAGE_ASSIGNMENTS_QUEUE_URL": inputs.queues.assignments.queue.queue_url,
            **inputs.metadata.variables,
            "PRESAGE_REQUEST_LIMITS": _describe_limits(self.config.gateway.plans),
            "PRESAGE_CATALOG_TTL_SECONDS": str(containers.catalog_ttl_seconds),
            "PRESAGE_CACHE_DIRECTORY": containers.cache_directory,
            "PRESAGE_SNAPSHOT_STALE_SECONDS": str(containers.snapshot_stale_hours * 3_600),
            "PRESAGE_MODEL_MEMORY_BYTES": str(containers.model_memory_mib << 20),
        }

    def _grant(self) -> None:
        role, inputs = self.task_definition.task_role, self.inputs
        lake = BucketRights(inputs.storage.lake, role)
        lake.read("ws=*/snapshots/*", "ws=*/predictions/*", "ws=*/staging/answers/*")
        lake.write("ws=*/staging/records/*", "ws=*/staging/predictions/*", "ws=*/staging/answers/*", tagged=True)
        BucketRights(inputs.storage.artifacts, role).read("ws=*/models/*")
        inputs.metadata.grant_opening(role)
        grant_log_getting(role, inputs.prediction_log.table)
        grant_keeping_answers(role, inputs.idempotency.table)
        queues = inputs.queues
        grant_sending(role, queues.records.queue, queues.predictions.queue, queues.assignments.queue)
        accept_wildcards(
            self.task_definition,
            "Objects of every workspace below these prefixes.",
            r"Resource::.*Lake.*/ws=\*/(snapshots|predictions|staging/records|staging/predictions|staging/answers)/\*",
            r"Resource::.*Artifacts.*/ws=\*/models/\*",
        )
        accept_wildcards(self.task_definition, "ecr:GetAuthorizationToken knows no resources.", r"Resource::\*")

    def _service(self) -> ecs.FargateService:
        containers = self.config.containers
        provider = "FARGATE_SPOT" if containers.spot else "FARGATE"
        names = (f"presage-{self.config.name}-public-api-failing", f"presage-{self.config.name}-public-api-slow")
        alarms = watch_deployments(self, self.balancer, names=names, topic=self.inputs.topic)
        service = ecs.FargateService(
            self,
            "Service",
            cluster=self.cluster,
            task_definition=self.task_definition,
            desired_count=containers.minimum_tasks,
            security_groups=[self.security_group],
            vpc_subnets=self.inputs.network.service_subnets,
            capacity_provider_strategies=[ecs.CapacityProviderStrategy(capacity_provider=provider, weight=1)],
            deployment_strategy=ecs.DeploymentStrategy.BLUE_GREEN,
            bake_time=cdk.Duration.minutes(containers.bake_minutes),
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            deployment_alarms=ecs.DeploymentAlarmConfig(alarm_names=list(names), behavior=ecs.AlarmBehavior.ROLLBACK_ON_ALARM),
            min_healthy_percent=100,
            max_healthy_percent=200,
            health_check_grace_period=cdk.Duration.seconds(90),
            enable_execute_command=False,
        )
        service.node.add_dependency(self.groups.rule, *alarms)
        return service

    def _balancer(self) -> balancing.ApplicationLoadBalancer:
        group = ec2.SecurityGroup(self, "BalancerSecurityGroup", vpc=self.inputs.network.vpc, description="Public API load balancer")
        balancer = balancing.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=self.inputs.network.vpc,
            vpc_subnets=self.inputs.network.service_subnets,
            internet_facing=False,
            security_group=group,
            drop_invalid_header_fields=True,
            idle_timeout=cdk.Duration.seconds(60),
            deletion_protection=self.config.retain,
        )
        balancer.log_access_logs(self.inputs.storage.access_logs, "public_api_balancer")
        return balancer

    def _listener(self) -> balancing.ApplicationListener:
        nothing = balancing.ListenerAction.fixed_response(404)
        listener = self.balancer.add_listener(
            "Http", port=80, protocol=balancing.ApplicationProtocol.HTTP, open=False, default_action=nothing
        )
        listener.connections.allow_default_port_from(ec2.Peer.ipv4(self.config.network.cidr), "the gateway's VPC link")
        return listener

    def _scale(self) -> None:
        """Grow by CPU or by requests, shrink by CPU only: the colour without traffic would hold every other policy back."""
        containers = self.config.containers
        scaling = self.service.auto_scale_task_count(min_capacity=containers.minimum_tasks, max_capacity=containers.maximum_tasks)
        scaling.scale_on_cpu_utilization("Cpu", target_utilization_percent=60)
        for colour, group in (("Blue", self.groups.blue), ("Green", self.groups.green)):
            scaling.scale_on_request_count(
                f"{colour}Requests", requests_per_target=_REQUESTS_PER_MINUTE, target_group=group, disable_scale_in=True
            )


def _describe_limits(plans: Sequence[PlanConfig]) -> str:
    return json.dumps({plan.name: {"per_second": plan.rate_per_second, "burst": plan.burst} for plan in plans}, sort_keys=True)


def _offer_spot(cluster: ecs.Cluster) -> None:
    """Name the capacity providers on the cluster itself, which saves a resource that only associates them."""
    resource = cluster.node.default_child
    if not isinstance(resource, ecs.CfnCluster):
        raise TypeError(f"{cluster.node.path} has no cluster resource")
    resource.capacity_providers = ["FARGATE", "FARGATE_SPOT"]
