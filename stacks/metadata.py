"""The relational database: workspaces, datasets, models, experiments, jobs."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secrets
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.config import StageConfig
from stacks.constructs.findings import acknowledge
from stacks.constructs.password_rotation import PasswordRotation
from stacks.network import NetworkStack
from stacks.stage_stack import StageStack

DATABASE_NAME = "presage"
PORT = 3307


@dataclass(frozen=True)
class DatabaseAddress:
    """What a service is told about the database, besides the secret."""

    host: str
    port: str
    name: str

    @property
    def variables(self) -> dict[str, str]:
        """Variables of every deployable that finds the database."""
        return {"PRESAGE_DATABASE_HOST": self.host, "PRESAGE_DATABASE_PORT": self.port, "PRESAGE_DATABASE_NAME": self.name}


class MetadataStack(StageStack):
    """MySQL 8.4 in isolated subnets, TLS only, its credentials generated into a secret and changed by a rotation."""

    def __init__(self, scope: Construct, *, config: StageConfig, network: NetworkStack, topic: sns.ITopic) -> None:
        super().__init__(scope, "Metadata", config=config, description="Presage: relational database")
        key = kms.Key(self, "Key", enable_key_rotation=True, removal_policy=self.removal_policy)
        self.credentials = self._credentials()
        self.security_group = ec2.SecurityGroup(self, "SecurityGroup", vpc=network.vpc, allow_all_outbound=False)
        self.security_group.add_ingress_rule(ec2.Peer.ipv4(config.network.cidr), ec2.Port.tcp(PORT), "services of this network")
        self.instance = self._instance(network, key)
        self.address = DatabaseAddress(self.instance.db_instance_endpoint_address, self.instance.db_instance_endpoint_port, DATABASE_NAME)
        rotation = PasswordRotation(self, "Rotation", config=config, network=network, topic=topic)
        variables = {"PRESAGE_STAGE": config.name, **self.address.variables}
        rotation.rotate(self.credentials, self.instance, port=PORT, environment=variables)
        self.export_output("RotateDatabasePasswordFunction", rotation.rotation.function.function_name)
        self.export_output("DatabaseHost", self.address.host)
        self.export_output("DatabasePort", self.address.port)
        self.export_output("DatabaseName", self.address.name)
        self.export_output("DatabaseCredentials", self.credentials.secret_arn)

    @property
    def variables(self) -> dict[str, str]:
        """Variables of every deployable that opens the database; it needs `grant_opening` too."""
        return {**self.address.variables, "PRESAGE_DATABASE_SECRET_ARN": self.credentials.secret_arn}

    def grant_opening(self, role: iam.IRole) -> None:
        """Let `role` read the credentials, in every version that a rotation makes."""
        policy = iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[self.credentials.secret_arn])
        role.add_to_principal_policy(policy)

    def _credentials(self) -> secrets.Secret:
        return secrets.Secret(
            self,
            "Credentials",
            description="User and password of the relational database",
            removal_policy=self.removal_policy,
            generate_secret_string=secrets.SecretStringGenerator(
                secret_string_template='{"username":"presage"}',  # noqa: S106 - the template has no password; it is generated into it
                generate_string_key="password",
                password_length=40,
                exclude_punctuation=True,
            ),
        )

    def _instance(self, network: NetworkStack, key: kms.Key) -> rds.DatabaseInstance:
        database = self.config.database
        engine = rds.DatabaseInstanceEngine.mysql(version=rds.MysqlEngineVersion.VER_8_4_5)
        instance = rds.DatabaseInstance(
            self,
            "Instance",
            engine=engine,
            parameter_group=self._parameters(engine),
            instance_type=ec2.InstanceType(database.instance_class.removeprefix("db.")),
            vpc=network.vpc,
            vpc_subnets=network.data_subnets,
            security_groups=[self.security_group],
            port=PORT,
            database_name=DATABASE_NAME,
            credentials=rds.Credentials.from_password("presage", self.credentials.secret_value_from_json("password")),
            multi_az=database.multi_az,
            allocated_storage=database.storage_gib,
            max_allocated_storage=database.storage_gib * 5,
            storage_type=rds.StorageType.GP3,
            storage_encryption_key=key,
            backup_retention=cdk.Duration.days(database.backup_days),
            cloudwatch_logs_exports=["error", "slowquery"],
            deletion_protection=self.config.retain,
            publicly_accessible=False,
            removal_policy=self.removal_policy,
        )
        if not self.config.retain:
            reason = "A stage without customers' data must be possible to take down."
            acknowledge(instance, {"RDS10": reason} if database.multi_az else {"RDS3": reason, "RDS10": reason})
        return instance

    def _parameters(self, engine: rds.IInstanceEngine) -> rds.ParameterGroup:
        return rds.ParameterGroup(
            self,
            "Parameters",
            engine=engine,
            parameters={
                "require_secure_transport": "ON",
                "character_set_server": "utf8mb4",
                "time_zone": "UTC",
                "slow_query_log": "1",
                "innodb_print_all_deadlocks": "1",
                "log_bin_trust_function_creators": "1",  # the audit log's triggers: backups need the binary log, and nobody is SUPER here
            },
        )
