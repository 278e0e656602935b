"""The virtual network."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.logs import build_log_group
from stacks.stage_stack import StageStack

_INTERFACE_SERVICES = {
    "EcrApi": ec2.InterfaceVpcEndpointAwsService.ECR,
    "EcrDocker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "Logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "Secrets": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "Queues": ec2.InterfaceVpcEndpointAwsService.SQS,
    "Keys": ec2.InterfaceVpcEndpointAwsService.KMS,
    "RedshiftData": ec2.InterfaceVpcEndpointAwsService.REDSHIFT_DATA,
}


class NetworkStack(StageStack):
    """Public, private and isolated subnets, gateway endpoints for S3 and DynamoDB, flow logs."""

    def __init__(self, scope: Construct, *, config: StageConfig) -> None:
        super().__init__(scope, "Network", config=config, description="Presage: network and endpoints")
        network = config.network
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(network.cidr),
            availability_zones=[cdk.Fn.select(zone, cdk.Fn.get_azs()) for zone in range(network.availability_zones)],
            nat_gateways=network.nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False),
                ec2.SubnetConfiguration(name="service", subnet_type=self._service_subnets(), cidr_mask=20),
                ec2.SubnetConfiguration(name="data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3),
                "DynamoDb": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.DYNAMODB),
            },
        )
        self.vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(build_log_group(self, "FlowLogs")))
        if network.interface_endpoints:
            self._add_interface_endpoints()

    @property
    def service_subnets(self) -> ec2.SubnetSelection:
        """Where containers, instances and Spark run."""
        return ec2.SubnetSelection(subnet_group_name="service")

    @property
    def data_subnets(self) -> ec2.SubnetSelection:
        """Where databases run: no way out."""
        return ec2.SubnetSelection(subnet_group_name="data")

    def _add_interface_endpoints(self) -> None:
        group = ec2.SecurityGroup(self, "EndpointSecurityGroup", vpc=self.vpc, allow_all_outbound=False, description="Interface endpoints")
        group.add_ingress_rule(ec2.Peer.ipv4(self.config.network.cidr), ec2.Port.tcp(443), "services of this network")
        for name, service in _INTERFACE_SERVICES.items():
            self.vpc.add_interface_endpoint(name, service=service, subnets=self.service_subnets, security_groups=[group], open=False)

    def _service_subnets(self) -> ec2.SubnetType:
        return ec2.SubnetType.PRIVATE_WITH_EGRESS if self.config.network.nat_gateways else ec2.SubnetType.PRIVATE_ISOLATED
