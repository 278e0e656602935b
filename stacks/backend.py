"""The backend: dashboard and workspace API in a web environment of Elastic Beanstalk."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.beanstalk import BeanstalkEnvironment, BeanstalkProgram
from stacks.constructs.findings import accept_wildcards, acknowledge
from stacks.constructs.grants import BucketRights, grant_credentials, grant_log_reading, grant_sending
from stacks.data_plane import DataPlane
from stacks.dns import DnsStack
from stacks.gateway import GatewayStack
from stacks.mail import MailStack
from stacks.network import NetworkStack
from stacks.pages import HOST, read_pages_url
from stacks.stage_stack import StageStack

_PROXIES = 2
"""In front of the process on an instance: the load balancer, and the instance's own nginx."""


NOBODY = "operator@example.com"
"""The operator where nobody is alarmed: an address of a domain that takes no mail (RFC 2606), except from a stage on one machine."""


@dataclass(frozen=True)
class BackendInputs:
    """What the backend works on, and where it is."""

    network: NetworkStack
    data: DataPlane
    gateway: GatewayStack
    dns: DnsStack
    mail: MailStack


class BackendStack(StageStack):
    """The web environment behind HTTPS, and the token that operators open workspaces with."""

    def __init__(self, scope: Construct, *, config: StageConfig, inputs: BackendInputs) -> None:
        super().__init__(scope, "Backend", config=config, description="Presage: backend on Elastic Beanstalk")
        self.operator_token = self._operator_token()
        data, dns = inputs.data, inputs.dns
        program = BeanstalkProgram(
            service="backend",
            tier="web",
            environment={
                "PRESAGE_STAGE": config.name,
                **data.variables,
                "PRESAGE_ARTIFACTS_BUCKET": data.storage.artifacts.bucket_name,
                "PRESAGE_PREDICTION_TABLE": data.prediction_log.table.table_name,
                "PRESAGE_CACHE_DIRECTORY": config.beanstalk.cache_directory,
                "PRESAGE_GATEWAY_USAGE_PLANS": inputs.gateway.plan_ids,
                "PRESAGE_PUBLIC_API_URL": inputs.gateway.public_url,
                "PRESAGE_QUEUE_URLS": self.to_json_string({name: each.queue.queue_url for name, each in data.queues.named.items()}),
                "PRESAGE_DEAD_LETTER_URLS": self.to_json_string(
                    {name: each.dead_letters.queue_url for name, each in data.queues.named.items()}
                ),
                "PRESAGE_WEBHOOK_LOOPBACK": str(config.webhook_loopback).lower(),
                "PRESAGE_PAGES_URL": read_pages_url(self, config),
                "PRESAGE_TRUSTED_PROXIES": str(0 if config.name == "local" else _PROXIES),
                "PRESAGE_OPERATOR_EMAIL": config.alarm_email or NOBODY,
                **inputs.mail.variables,
            },
            secrets={"PRESAGE_OPERATOR_TOKEN": self.operator_token},
            options=_https_options(inputs.network, dns),
        )
        self.web = BeanstalkEnvironment(self, "Web", config=config, network=inputs.network, program=program)
        self._grant_data(data)
        self._grant_keys(inputs.gateway)
        inputs.mail.grant_sending(self.web.role)
        grant_credentials(self.web.role, "CreateSecret", "PutSecretValue", "DeleteSecret", stage=config.name)
        accept_wildcards(self.web.role, "A statement has no ARN; the Data API shows each caller its own ones.", r"Resource::\*")
        route53.CnameRecord(self, "App", zone=dns.zone, record_name=HOST, domain_name=self.web.environment.attr_endpoint_url)
        self.export_output("BackendEnvironment", self.web.environment.ref)
        self.export_output("BackendEndpoint", self.web.environment.attr_endpoint_url)
        self.export_output("OperatorTokenSecret", self.operator_token.secret_arn)

    def _grant_data(self, data: DataPlane) -> None:
        """Let the backend show data and estimates, make predictions again, plan, sign uploads, send jobs, migrate the warehouse."""
        lake = BucketRights(data.storage.lake, self.web.role)
        lake.read("ws=*/imports/*", "ws=*/dataset=*/versions/*", "ws=*/dataset=*/profiles/*", "ws=*/predictions/*")
        lake.read("ws=*/dataset=*/records/*", "ws=*/experiments/*", "ws=*/off_policy/*", "ws=*/drift/*", "ws=*/training_sets/*/*.json")
        lake.read("ws=*/batch_predictions/*", "ws=*/reports/*", "ws=*/quarantine/*/load.json", "ws=*/quarantine/*/decisions/*")
        lake.read("ws=*/snapshots/*")
        BucketRights(data.storage.artifacts, self.web.role).read("ws=*/models/*")
        lake.write("ws=*/imports/*", "ws=*/quarantine/*/decisions/*")
        lake.delete("ws=*/quarantine/*/file/*")
        data.metadata.grant_opening(self.web.role)
        grant_log_reading(self.web.role, data.prediction_log.table)
        data.warehouse.grant_statements(self.web.role)
        self._grant_queues(data)

    def _grant_queues(self, data: DataPlane) -> None:
        """Let the backend send jobs, look at every queue, and put dead letters of jobs back."""
        grant_sending(self.web.role, data.queues.jobs.queue)
        for watched in data.queues.named.values():
            watched.queue.grant(self.web.role, "sqs:GetQueueAttributes")
            watched.dead_letters.grant(self.web.role, "sqs:GetQueueAttributes")
        data.queues.jobs.dead_letters.grant(self.web.role, "sqs:ReceiveMessage", "sqs:DeleteMessage")

    def _operator_token(self) -> secrets.Secret:
        token = secrets.Secret(
            self,
            "OperatorToken",
            description="Bearer token that opens new workspaces",
            removal_policy=self.removal_policy,
            generate_secret_string=secrets.SecretStringGenerator(password_length=48, exclude_punctuation=True),
        )
        acknowledge(token, {"SMG4": "Operators replace it by hand, with a rolling restart of the environment."})
        return token

    def _grant_keys(self, gateway: GatewayStack) -> None:
        """Let the backend create and delete API keys, attach them to this stage's plans, and read these and what is used of them."""
        prefix = f"arn:{self.partition}:apigateway:{self.region}::"
        plans = [f"{prefix}/usageplans/{plan.usage_plan_id}/keys" for plan in gateway.plans.values()]
        create = iam.PolicyStatement(actions=["apigateway:POST"], resources=[f"{prefix}/apikeys", *plans])
        delete = iam.PolicyStatement(actions=["apigateway:DELETE"], resources=[f"{prefix}/apikeys/*"])
        read = [f"{prefix}/usageplans/{plan.usage_plan_id}{part}" for plan in gateway.plans.values() for part in ("", "/usage")]
        look = iam.PolicyStatement(actions=["apigateway:GET"], resources=read)
        for statement in (create, delete, look):
            self.web.role.add_to_principal_policy(statement)
        accept_wildcards(self.web.role, "Keys are made at run time, so their ids are not known here.", r"Resource::.*apikeys/\*")


def _https_options(network: NetworkStack, dns: DnsStack) -> dict[tuple[str, str], str]:
    balancer, https = "aws:elasticbeanstalk:environment", "aws:elbv2:listener:443"
    return {
        (balancer, "LoadBalancerType"): "application",
        ("aws:ec2:vpc", "ELBScheme"): "public",
        ("aws:ec2:vpc", "ELBSubnets"): ",".join(network.vpc.select_subnets(subnet_group_name="public").subnet_ids),
        ("aws:elbv2:listener:default", "ListenerEnabled"): "false",
        (https, "ListenerEnabled"): "true",
        (https, "Protocol"): "HTTPS",
        (https, "SSLCertificateArns"): dns.certificate.certificate_arn,
        (https, "SSLPolicy"): "ELBSecurityPolicy-TLS13-1-2-2021-06",
        ("aws:elasticbeanstalk:environment:process:default", "HealthCheckPath"): "/healthz",
    }
