"""The one file for everything that differs between local, staging and production."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stacks.context import ReadContext, read_number, read_optional, read_text

AMPLITUDE_URLS = {"us": "https://amplitude.com/api/2/export", "eu": "https://analytics.eu.amplitude.com/api/2/export"}


@dataclass(frozen=True)
class NetworkConfig:
    """Address range, zones and ways out of the virtual network."""

    cidr: str
    availability_zones: int
    nat_gateways: int
    interface_endpoints: bool


@dataclass(frozen=True)
class DatabaseConfig:
    """Size and safety of the MySQL instance."""

    instance_class: str
    storage_gib: int
    multi_az: bool
    backup_days: int
    rotation_days: int


@dataclass(frozen=True)
class WarehouseConfig:
    """Redshift Serverless, or `cluster_nodes` of type RA3; without `monthly_unit_hours` nothing but `maximum_units` limits the use."""

    base_units: int
    maximum_units: int
    monthly_unit_hours: int
    cluster_nodes: int = 0
    cluster_node_type: str = "ra3.large"


@dataclass(frozen=True)
class SparkConfig:
    """Ceilings of the EMR Serverless application, which cap its cost; or EMR on EC2 when `cluster_nodes` are named.

    Then each step gets a cluster of its own with that many core nodes of 4 vCPU, which grows on Spot up to `maximum_vcpu`.
    `brings_packages`: steps get packages of their own as an archive; where the launcher runs them, its environment has them.
    """

    architecture: str
    maximum_vcpu: int
    maximum_memory_gib: int
    cluster_nodes: int = 0
    cluster_instance_types: tuple[str, ...] = ("m7g.xlarge", "m6g.xlarge", "m7gd.xlarge", "m6gd.xlarge")
    brings_packages: bool = True


@dataclass(frozen=True)
class FunctionConfig:
    """Platform the Lambda zips are built for, and sizes."""

    architecture: str
    python_version: str
    memory_mib: int
    sample_rows: int


@dataclass(frozen=True)
class ContainerConfig:
    """Platform, image tag and sizes of what runs on ECS."""

    architecture: str
    image_tag: str
    cpu: int
    memory_mib: int
    minimum_tasks: int
    maximum_tasks: int
    bake_minutes: int
    spot: bool
    cache_directory: str
    catalog_ttl_seconds: int
    model_memory_mib: int
    snapshot_stale_hours: int = 7 * 24


@dataclass(frozen=True)
class PlanConfig:
    """One usage plan: sustained requests a second, burst, calls a month, and what of the rate is left to records."""

    name: str
    rate_per_second: int
    burst: int
    calls_per_month: int
    records_per_second: int


@dataclass(frozen=True)
class GatewayConfig:
    """The public API's edge. With an `origin` the gateway calls it directly; without, it goes through the VPC link."""

    origin: str | None
    public_url: str | None
    rate_per_second: int
    burst: int
    plans: tuple[PlanConfig, ...]


@dataclass(frozen=True)
class BeanstalkConfig:
    """Platform branch and sizes of the backend and the worker."""

    solution_stack: str
    python_version: str
    instance_types: str
    minimum_instances: int
    maximum_instances: int
    cache_directory: str = "/tmp/presage"  # noqa: S108 - the services' own user may write there, and what it reads has a checksum


@dataclass(frozen=True)
class StageConfig:
    """Everything a stack may read about its stage; `retain` keeps and protects what holds data."""

    name: str
    account: str | None
    region: str
    retain: bool
    log_retention_days: int
    alarm_email: str | None
    monthly_budget_usd: int
    domain: str
    delegations: Mapping[str, tuple[str, ...]]
    network: NetworkConfig
    database: DatabaseConfig
    warehouse: WarehouseConfig
    spark: SparkConfig
    functions: FunctionConfig
    containers: ContainerConfig
    gateway: GatewayConfig
    beanstalk: BeanstalkConfig
    amplitude_urls: Mapping[str, str] = field(default_factory=AMPLITUDE_URLS.copy)
    """Region to the address of Amplitude's Export API there."""
    webhook_loopback: bool = False
    """Whether webhooks may go to the machine that the stage is on."""
    delivery_retention_days: int = 90

    @property
    def title(self) -> str:
        """The stage's name as part of stack ids."""
        return self.name.capitalize()


def read_stage(read_context: ReadContext) -> StageConfig:
    """Return the configuration of the stage named by the context value `stage` (`local` when absent).

    Raises:
        ValueError: The stage is unknown.
    """
    name = str(read_context("stage") or "local")
    builders = {"local": _local, "staging": _staging, "production": _production}
    if name not in builders:
        raise ValueError(f"stage is {name!r}; expected one of {', '.join(builders)}")
    return builders[name](read_context)


def _delegations(read_context: ReadContext) -> dict[str, tuple[str, ...]]:
    """The name servers of the staging zone, once it exists: `-c staging_name_servers=ns-1…,ns-2…`."""
    servers = read_text(read_context, "staging_name_servers", "")
    return {"staging": tuple(servers.split(","))} if servers else {}


def _plans(factor: int) -> tuple[PlanConfig, ...]:
    return (
        PlanConfig("free", 10 * factor, burst=20 * factor, calls_per_month=100_000 * factor, records_per_second=5 * factor),
        PlanConfig("standard", 200 * factor, burst=400 * factor, calls_per_month=10_000_000 * factor, records_per_second=100 * factor),
    )


def _local(read_context: ReadContext) -> StageConfig:
    cache_directory = read_text(read_context, "cache_directory", ".local/cache")
    return StageConfig(
        name="local",
        account="000000000000",
        region="us-east-1",
        retain=False,
        log_retention_days=7,
        alarm_email=None,
        monthly_budget_usd=1,
        domain="presage.internal",
        delegations={},
        network=NetworkConfig("10.20.0.0/16", availability_zones=3, nat_gateways=0, interface_endpoints=False),
        database=DatabaseConfig("db.t4g.micro", storage_gib=20, multi_az=False, backup_days=1, rotation_days=30),
        warehouse=WarehouseConfig(base_units=8, maximum_units=8, monthly_unit_hours=0),
        spark=SparkConfig("X86_64", maximum_vcpu=8, maximum_memory_gib=32, brings_packages=False),
        functions=FunctionConfig("x86_64", read_text(read_context, "lambda_python", "3.11"), memory_mib=1024, sample_rows=1000),
        containers=ContainerConfig(
            architecture="X86_64",
            image_tag=read_text(read_context, "image_tag", "local"),
            cpu=512,
            memory_mib=1024,
            minimum_tasks=1,
            maximum_tasks=2,
            bake_minutes=1,
            spot=False,
            cache_directory=cache_directory,
            catalog_ttl_seconds=1,
            model_memory_mib=128,
        ),
        gateway=GatewayConfig(
            origin=read_text(read_context, "public_api_origin", "http://127.0.0.1:8081"),
            public_url=read_text(read_context, "public_api_url", "http://127.0.0.1:4566/_aws/execute-api/{api}/{stage}"),
            rate_per_second=2000,
            burst=4000,
            plans=_plans(10),
        ),
        beanstalk=BeanstalkConfig(
            "64bit Amazon Linux 2023 v4.7.2 running Python 3.11", "3.11", "t3.small", 1, 1, cache_directory=f"{cache_directory}-worker"
        ),
        webhook_loopback=True,
        amplitude_urls={region: read_text(read_context, "amplitude_url", url) for region, url in AMPLITUDE_URLS.items()},
    )


def _staging(read_context: ReadContext) -> StageConfig:
    return StageConfig(
        name="staging",
        account=read_optional(read_context, "account"),
        region=read_text(read_context, "region", "us-east-1"),
        retain=False,
        log_retention_days=30,
        alarm_email=read_optional(read_context, "alarm_email"),
        monthly_budget_usd=900,
        domain=read_text(read_context, "domain", "staging.presage.example"),
        delegations={},
        network=NetworkConfig("10.30.0.0/16", availability_zones=3, nat_gateways=1, interface_endpoints=False),
        database=DatabaseConfig("db.t4g.small", storage_gib=20, multi_az=True, backup_days=7, rotation_days=30),
        warehouse=WarehouseConfig(
            8,
            maximum_units=16,
            monthly_unit_hours=read_number(read_context, "redshift_unit_hours", 200),
            cluster_nodes=read_number(read_context, "redshift_nodes"),
        ),
        spark=SparkConfig("ARM64", 32, 128, cluster_nodes=read_number(read_context, "spark_nodes")),
        functions=FunctionConfig("arm64", "3.13", memory_mib=1024, sample_rows=1000),
        containers=ContainerConfig(
            architecture="ARM64",
            image_tag=read_text(read_context, "image_tag", "unreleased"),
            cpu=1024,
            memory_mib=2048,
            minimum_tasks=1,
            maximum_tasks=4,
            bake_minutes=5,
            spot=True,
            cache_directory="/var/cache/presage",
            catalog_ttl_seconds=10,
            model_memory_mib=256,
        ),
        gateway=GatewayConfig(origin=None, public_url=None, rate_per_second=1000, burst=2000, plans=_plans(1)),
        beanstalk=BeanstalkConfig("64bit Amazon Linux 2023 v4.7.2 running Python 3.13", "3.13", "t3.small", 1, 2),
    )


def _production(read_context: ReadContext) -> StageConfig:
    return StageConfig(
        name="production",
        account=read_optional(read_context, "account"),
        region=read_text(read_context, "region", "us-east-1"),
        retain=True,
        log_retention_days=365,
        alarm_email=read_optional(read_context, "alarm_email"),
        monthly_budget_usd=6000,
        domain=read_text(read_context, "domain", "presage.example"),
        delegations=_delegations(read_context),
        network=NetworkConfig("10.40.0.0/16", availability_zones=3, nat_gateways=3, interface_endpoints=True),
        database=DatabaseConfig("db.m7g.large", storage_gib=100, multi_az=True, backup_days=35, rotation_days=30),
        warehouse=WarehouseConfig(
            16,
            maximum_units=64,
            monthly_unit_hours=read_number(read_context, "redshift_unit_hours", 3000),
            cluster_nodes=read_number(read_context, "redshift_nodes"),
        ),
        spark=SparkConfig("ARM64", 128, 512, cluster_nodes=read_number(read_context, "spark_nodes")),
        functions=FunctionConfig("arm64", "3.13", memory_mib=2048, sample_rows=1000),
        containers=ContainerConfig(
            architecture="ARM64",
            image_tag=read_text(read_context, "image_tag", "unreleased"),
            cpu=2048,
            memory_mib=4096,
            minimum_tasks=read_number(read_context, "minimum_tasks", 3),
            maximum_tasks=30,
            bake_minutes=15,
            spot=False,
            cache_directory="/var/cache/presage",
            catalog_ttl_seconds=30,
            model_memory_mib=512,
        ),
        gateway=GatewayConfig(origin=None, public_url=None, rate_per_second=5000, burst=10_000, plans=_plans(1)),
        beanstalk=BeanstalkConfig("64bit Amazon Linux 2023 v4.7.2 running Python 3.13", "3.13", "m7i.large", 2, 6),
    )
