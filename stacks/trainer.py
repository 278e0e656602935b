"""The trainer: a task that runs on the stage's cluster and ends."""

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.callers import CALLER_VARIABLE, name_caller
from stacks.constructs.findings import accept_wildcards, acknowledge
from stacks.constructs.grants import BucketRights
from stacks.constructs.logs import build_log_group
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack
from stacks.storage import StorageStack

_ARCHITECTURES = {"X86_64": ecs.CpuArchitecture.X86_64, "ARM64": ecs.CpuArchitecture.ARM64}


@dataclass(frozen=True)
class TrainerInputs:
    """What the trainer runs on, reads and writes."""

    network: NetworkStack
    storage: StorageStack
    cluster: ecs.Cluster
    repository: ecr.Repository


class TrainerStack(StageStack):
    """Task definition whose command line names what to fit; started by the worker."""

    def __init__(self, scope: Construct, *, config: StageConfig, inputs: TrainerInputs) -> None:
        super().__init__(scope, "Trainer", config=config, description="Presage: trainer task")
        self.inputs = inputs
        self.task_definition = self._task_definition()
        self.security_group = ec2.SecurityGroup(self, "SecurityGroup", vpc=inputs.network.vpc, description="Trainer tasks")
        lake = BucketRights(inputs.storage.lake, self.task_definition.task_role)
        lake.read("ws=*/training_sets/*", "ws=*/snapshots/*")
        lake.write("ws=*/snapshots/*", "ws=*/reports/*")
        artifacts = BucketRights(inputs.storage.artifacts, self.task_definition.task_role)
        artifacts.read("ws=*/models/*")
        artifacts.write("ws=*/models/*")
        accept_wildcards(
            self.task_definition,
            "Training sets, snapshots, models and reports of every workspace.",
            r"Resource::.*(Lake|Artifacts).*/ws=\*/(training_sets|snapshots|models|reports)/\*",
        )
        accept_wildcards(self.task_definition, "ecr:GetAuthorizationToken knows no resources.", r"Resource::\*")
        self.export_output("TrainerTaskDefinition", self.task_definition.task_definition_arn)

    @property
    def variables(self) -> dict[str, str]:
        """Variables of the service that starts the trainer."""
        subnets = self.inputs.network.vpc.select_subnets(subnet_group_name="service").subnet_ids
        return {
            "PRESAGE_TRAINER_CLUSTER": self.inputs.cluster.cluster_name,
            "PRESAGE_TRAINER_TASK_DEFINITION": self.task_definition.task_definition_arn,
            "PRESAGE_TRAINER_SUBNETS": ",".join(subnets),
            "PRESAGE_TRAINER_SECURITY_GROUPS": self.security_group.security_group_id,
        }

    def grant_run(self, role: iam.IRole) -> None:
        """Let `role` start, follow and stop this task on this cluster."""
        on_cluster = {"ArnEquals": {"ecs:cluster": self.inputs.cluster.cluster_arn}}
        self.task_definition.grant_run(role)
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["ecs:DescribeTasks", "ecs:StopTask"], resources=["*"], conditions=on_cluster)
        )

    def _task_definition(self) -> ecs.FargateTaskDefinition:
        containers = self.config.containers
        definition = ecs.FargateTaskDefinition(
            self,
            "Task",
            cpu=4096,
            memory_limit_mib=16384,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=_ARCHITECTURES[containers.architecture], operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            volumes=[ecs.Volume(name="scratch")],
        )
        container = definition.add_container(
            "trainer",
            image=ecs.ContainerImage.from_ecr_repository(self.inputs.repository, containers.image_tag),
            entry_point=["python", "-m", "services.trainer.app"],
            environment={
                CALLER_VARIABLE: name_caller("trainer"),
                "PRESAGE_STAGE": self.config.name,
                "PRESAGE_LAKE_BUCKET": self.inputs.storage.lake.bucket_name,
                "PRESAGE_ARTIFACTS_BUCKET": self.inputs.storage.artifacts.bucket_name,
            },
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="trainer", log_group=build_log_group(self, "Logs"), mode=ecs.AwsLogDriverMode.NON_BLOCKING
            ),
            readonly_root_filesystem=True,
        )
        container.add_mount_points(
            ecs.MountPoint(container_path="/tmp", source_volume="scratch", read_only=False),  # noqa: S108 - the only writable folder of a read-only root
        )
        acknowledge(definition, {"ECS2": "Only names are plain; the trainer has no secrets."})
        return definition
