"""CloudFormation types that the emulator lacks or fakes: made real where something real exists, else recorded and said aloud.

Runs inside the emulator, so it imports nothing but the standard library and the two database drivers.
Every resource provisioned here leaves a record below `<state>/resources`; the launcher reads Beanstalk's option settings from it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Properties = dict[str, Any]
Created = tuple[str, dict[str, str]]
Handler = dict[str, Any]
Kind = Literal["real", "bridged", "stub"]

_ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Plain:
    """A type without an effect of its own: how it is named and which attributes a template may read.

    Patterns know `{id}` (the physical id), `{region}`, `{account}`, and the resource's own properties by name.
    """

    kind: Kind
    name_property: str | None = None
    attributes: tuple[tuple[str, str], ...] = ()


PLAIN: dict[str, Plain] = {
    "AWS::EC2::SecurityGroupIngress": Plain("stub"),
    "AWS::EC2::SecurityGroupEgress": Plain("stub"),
    "AWS::EC2::EIP": Plain("stub", attributes=(("AllocationId", "eipalloc-{id}"), ("PublicIp", "192.0.2.1"))),
    "AWS::EC2::NatGateway": Plain("stub", attributes=(("NatGatewayId", "{id}"),)),
    "AWS::EC2::FlowLog": Plain("stub", attributes=(("Id", "{id}"),)),
    "AWS::ApplicationAutoScaling::ScalableTarget": Plain("stub", attributes=(("Id", "{id}"),)),
    "AWS::ApplicationAutoScaling::ScalingPolicy": Plain(
        "stub", attributes=(("Arn", "arn:aws:autoscaling:{region}:{account}:scalingPolicy:{id}"), ("PolicyName", "{PolicyName}"))
    ),
    "AWS::ApiGateway::VpcLink": Plain("stub", attributes=(("VpcLinkId", "{id}"),)),
    "AWS::ApiGatewayV2::VpcLink": Plain("stub", attributes=(("VpcLinkId", "{id}"),)),
    "AWS::CodeDeploy::Application": Plain("stub", "ApplicationName"),
    "AWS::CodeDeploy::DeploymentConfig": Plain("stub", "DeploymentConfigName"),
    "AWS::CodeDeploy::DeploymentGroup": Plain("stub", "DeploymentGroupName"),
    "AWS::CloudWatch::CompositeAlarm": Plain("stub", "AlarmName", (("Arn", "arn:aws:cloudwatch:{region}:{account}:alarm:{id}"),)),
    "AWS::Route53::HealthCheck": Plain("stub", attributes=(("HealthCheckId", "{id}"),)),
    "AWS::Route53::KeySigningKey": Plain("stub"),
    "AWS::Route53::DNSSEC": Plain("stub"),
    "AWS::Budgets::Budget": Plain("stub"),
    "AWS::CE::AnomalyMonitor": Plain("stub", attributes=(("MonitorArn", "arn:aws:ce::{account}:anomalymonitor/{id}"),)),
    "AWS::CE::AnomalySubscription": Plain("stub"),
    "AWS::WAFv2::WebACLAssociation": Plain("stub"),
    "AWS::WAFv2::LoggingConfiguration": Plain("stub"),
    "AWS::S3::StorageLens": Plain("stub"),
    "AWS::RDS::OptionGroup": Plain("stub", "OptionGroupName"),
    "AWS::EMRServerless::Application": Plain(
        "bridged",
        attributes=(("ApplicationId", "{id}"), ("Arn", "arn:aws:emr-serverless:{region}:{account}:/applications/{id}")),
    ),
    "AWS::ElasticBeanstalk::Application": Plain("bridged", "ApplicationName"),
    "AWS::ElasticBeanstalk::ApplicationVersion": Plain("bridged"),
    "AWS::ElasticBeanstalk::ConfigurationTemplate": Plain("bridged", attributes=(("TemplateName", "{id}"),)),
    "AWS::ElasticBeanstalk::Environment": Plain("bridged", "EnvironmentName", (("EndpointURL", "{endpoint}"),)),
}
_IDENTITY = "AWS::SES::EmailIdentity"
WITH_EFFECT: dict[str, Kind] = {
    "AWS::RDS::DBInstance": "real",
    "AWS::RedshiftServerless::Namespace": "real",
    "AWS::RedshiftServerless::Workgroup": "bridged",
}


@dataclass(frozen=True)
class Surroundings:
    """The servers that provisioners make things real on, and the folder that they keep records in.

    A database server that services reach by another address than the emulator does has that one as `seen_as`.
    """

    resources: Path
    region: str
    mariadb: Mapping[str, Any]
    postgres_url: str
    postgres_port: int
    beanstalk_urls: Mapping[str, str]
    mariadb_of_stacks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Servers of stacks whose names begin so: two stages name their databases and users alike, and need a server each."""

    def find_mariadb(self, stack: str) -> Mapping[str, Any]:
        """Return the server that the databases of a stack are made on."""
        return next((server for beginning, server in self.mariadb_of_stacks.items() if stack.startswith(beginning)), self.mariadb)

    @staticmethod
    def read(path: Path) -> "Surroundings":
        """Return what the launcher wrote to `path` as JSON."""
        facts = json.loads(path.read_text())
        return Surroundings(**{**facts, "resources": Path(facts["resources"])})


def physical_id(type_name: str, stack: str, logical_id: str) -> str:
    """Return the id of an unnamed resource: the same for the same place in the same stack."""
    return hashlib.sha256(f"{type_name}\0{stack}\0{logical_id}".encode()).hexdigest()[:16]


class Provisioners:
    """Handlers in the emulator's form, `{"create": …, "update": …, "delete": …}`, by type name."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def register(self, registry: dict[str, Handler], rds_instances: Any) -> None:  # noqa: ANN401 - a dictionary of the emulator's own
        """Add the handlers to the emulator's registry; types that it does know keep their own, RDS instances excepted."""
        for type_name, plain in PLAIN.items():
            registry.setdefault(type_name, self._plain(type_name, plain))
        if _IDENTITY in registry:
            registry[_IDENTITY] = complete_identity(registry[_IDENTITY])
        registry["AWS::RDS::DBInstance"] = self._database(registry.get("AWS::RDS::DBInstance", {}), rds_instances)
        registry["AWS::RedshiftServerless::Namespace"] = self._handler(self._create_namespace)
        registry["AWS::RedshiftServerless::Workgroup"] = self._handler(self._create_workgroup)

    def _handler(self, create: Callable[[str, Properties, str], Created]) -> Handler:
        def update(_physical_id: str, _old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
            return create(logical_id, new, stack)

        return {"create": create, "update": update, "update_with_logical_id": True, "delete": self._delete}

    def _record(self, type_name: str, kind: Kind, identity: str, properties: Properties) -> None:
        folder = self._surroundings.resources
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{type_name.replace('::', '-')}.{identity}.json"
        path.write_text(json.dumps({"type": type_name, "kind": kind, "id": identity, "properties": properties}, indent=1, default=str))
        path.chmod(0o600)

    def _delete(self, identity: str, _properties: Properties) -> None:
        for path in self._surroundings.resources.glob(f"*.{identity}.json"):
            path.unlink(missing_ok=True)

    def _plain(self, type_name: str, plain: Plain) -> Handler:
        def create(logical_id: str, properties: Properties, stack: str) -> Created:
            named = properties.get(plain.name_property) if plain.name_property else None
            identity = str(named or physical_id(type_name, stack, logical_id))
            values = {
                **{name: str(value) for name, value in properties.items()},
                "id": identity,
                "region": self._surroundings.region,
                "account": _ACCOUNT,
                "endpoint": self._endpoint(properties),
            }
            self._record(type_name, plain.kind, identity, properties)
            return identity, {name: pattern.format_map(values) for name, pattern in plain.attributes}

        return self._handler(create)

    def _endpoint(self, properties: Properties) -> str:
        tier = str((properties.get("Tier") or {}).get("Name", "WebServer"))
        return str(self._surroundings.beanstalk_urls.get(tier, ""))

    def _database(self, original: Handler, instances: Any) -> Handler:  # noqa: ANN401 - a dictionary of the emulator's own
        def serve(identity: str, attributes: dict[str, str], properties: Properties, stack: str) -> Created:
            server = self._surroundings.find_mariadb(stack)
            create_mysql_database(server, properties)
            address = str(server.get("seen_as", server["host"]))
            if identity in instances:
                instances[identity]["Endpoint"] |= {"Address": address, "Port": server["port"]}
            self._record(
                "AWS::RDS::DBInstance", "real", identity, {name: value for name, value in properties.items() if "Password" not in name}
            )
            return identity, {**attributes, "Endpoint.Address": address, "Endpoint.Port": str(server["port"])}

        def create(logical_id: str, properties: Properties, stack: str) -> Created:
            identity, attributes = original["create"](logical_id, properties, stack)
            return serve(identity, attributes, properties, stack)

        def update(identity: str, old: Properties, new: Properties, stack: str, logical_id: str) -> Created:
            updated, attributes = original["update"](identity, old, new, stack, logical_id)
            return serve(updated, attributes, new, stack)

        def delete(identity: str, properties: Properties) -> None:
            original["delete"](identity, properties)
            self._delete(identity, properties)

        return {**original, "create": create, "update": update, "update_with_logical_id": True, "delete": delete}

    def _create_namespace(self, _logical_id: str, properties: Properties, _stack: str) -> Created:
        name = str(properties["NamespaceName"])
        database = str(properties.get("DbName") or "dev")
        create_postgres_database(self._surroundings.postgres_url, database)
        identity = physical_id("namespace", "", name)
        self._record("AWS::RedshiftServerless::Namespace", "real", name, {k: v for k, v in properties.items() if "Password" not in k})
        arn = f"arn:aws:redshift-serverless:{self._surroundings.region}:{_ACCOUNT}:namespace/{identity}"
        values = {"NamespaceArn": arn, "NamespaceId": identity, "NamespaceName": name, "DbName": database, "Status": "AVAILABLE"}
        return name, {f"Namespace.{key}": value for key, value in values.items()}

    def _create_workgroup(self, _logical_id: str, properties: Properties, _stack: str) -> Created:
        name = str(properties["WorkgroupName"])
        identity = physical_id("workgroup", "", name)
        self._record("AWS::RedshiftServerless::Workgroup", "bridged", name, properties)
        arn = f"arn:aws:redshift-serverless:{self._surroundings.region}:{_ACCOUNT}:workgroup/{identity}"
        values = {
            "WorkgroupArn": arn,
            "WorkgroupId": identity,
            "WorkgroupName": name,
            "Endpoint.Address": "127.0.0.1",
            "Endpoint.Port": str(self._surroundings.postgres_port),
            "Status": "AVAILABLE",
        }
        return name, {f"Workgroup.{key}": value for key, value in values.items()}


def complete_identity(original: Handler) -> Handler:
    """Return the emulator's handler of mail identities with the names and values of DKIM records, which it lacks."""

    def complete(call: Callable[..., Created]) -> Callable[..., Created]:
        def completed(*arguments: Any, **named: Any) -> Created:  # noqa: ANN401 - passed on as they come
            domain, attributes = call(*arguments, **named)
            for number in (1, 2, 3):
                token = physical_id(_IDENTITY, domain, str(number))
                attributes |= {
                    f"DkimDNSTokenName{number}": f"{token}._domainkey.{domain}",
                    f"DkimDNSTokenValue{number}": f"{token}.dkim.amazonses.com",
                }
            return domain, attributes

        return completed

    return {**original, **{name: complete(original[name]) for name in ("create", "update") if name in original}}


def complete_containers(normalized: list[Properties], declared: list[Properties], *, region: str) -> list[Properties]:
    """Return container definitions in ECS's own form with the secrets and health checks that the emulator's conversion loses.

    A secret is named by its ARN: the emulator's `Ref` gives the bare name, by which ECS would look for a parameter.
    """
    arn = f"arn:aws:secretsmanager:{region}:{_ACCOUNT}:secret:"
    for container, source in zip(normalized, declared, strict=True):
        if "Secrets" in source:
            values = {each["Name"]: str(each["ValueFrom"]) for each in source["Secrets"]}
            container["secrets"] = [
                {"name": name, "valueFrom": value if value.startswith("arn:") else f"{arn}{value}"} for name, value in values.items()
            ]
        if "HealthCheck" in source:
            container["healthCheck"] = {name[0].lower() + name[1:]: value for name, value in source["HealthCheck"].items()}
    return normalized


def create_mysql_database(server: Mapping[str, Any], properties: Properties) -> None:
    """Create the database and the master user that the properties of an RDS instance name. Idempotency: repeats change nothing.

    Nothing is ever dropped: removing the instance from a stack leaves its data, as its final snapshot would.

    Raises:
        ValueError: The instance is not of the MySQL kind, or lacks a user, a password or a database.
    """
    import pymysql  # noqa: PLC0415 - in the emulator's environment, loaded when first needed

    engine = str(properties.get("Engine", ""))
    if engine not in {"mysql", "mariadb"}:
        raise ValueError(f"Engine is {engine!r}; only mysql and mariadb can be served by MariaDB")
    missing = [name for name in ("MasterUsername", "MasterUserPassword", "DBName") if not properties.get(name)]
    if missing:
        raise ValueError(f"AWS::RDS::DBInstance needs {', '.join(missing)}")
    user, password, database = (str(properties[name]) for name in ("MasterUsername", "MasterUserPassword", "DBName"))
    with (
        pymysql.connect(
            host=server["host"],
            port=int(server["port"]),
            user=server["user"],
            password=server["password"],
            autocommit=True,
            connect_timeout=5,
        ) as connection,
        connection.cursor() as cursor,
    ):
        quoted = "`" + database.replace("`", "``") + "`"
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS {quoted} CHARACTER SET utf8mb4")
        cursor.execute("CREATE USER IF NOT EXISTS %s@'127.0.0.1'", (user,))
        cursor.execute("ALTER USER %s@'127.0.0.1' IDENTIFIED BY %s", (user, password))
        cursor.execute(f"GRANT ALL ON {quoted}.* TO %s@'127.0.0.1'", (user,))


def create_postgres_database(url: str, database: str) -> None:
    """Create the database on the server of `url`. Idempotency: one that exists is left as it is."""
    import psycopg  # noqa: PLC0415 - in the emulator's environment, loaded when first needed
    from psycopg import sql  # noqa: PLC0415 - same

    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
