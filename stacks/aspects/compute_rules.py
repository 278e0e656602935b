"""Rules on what computes: containers, images, functions, instances, Spark."""

from typing import Any

from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticbeanstalk as beanstalk
from aws_cdk import aws_emr as emr_on_ec2
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_lambda as lambda_

from stacks.aspects.rule import Rule, list_neighbours, read, read_keys, refers_to

_SECOND_METADATA_SERVICE = 2
_TLS_POLICIES = ("ELBSecurityPolicy-TLS13-1-2", "ELBSecurityPolicy-TLS13-1-3")


def _deployment(service: ecs.CfnService) -> dict[str, Any]:
    return read_keys(read(service, "deployment_configuration"))


def _service_breaks_off(service: ecs.CfnService) -> bool:
    breaker = read_keys(_deployment(service).get("deploymentcircuitbreaker"))
    return breaker.get("enable") is True and breaker.get("rollback") is True


def _service_has_alarms(service: ecs.CfnService) -> bool:
    alarms = read_keys(_deployment(service).get("alarms"))
    return alarms.get("enable") is True and alarms.get("rollback") is True and bool(alarms.get("alarmnames"))


def _containers(definition: ecs.CfnTaskDefinition) -> list[dict[str, Any]]:
    return [read_keys(container) for container in read(definition, "container_definitions") or ()]


def _images_are_pinned(definition: ecs.CfnTaskDefinition) -> bool:
    """By digest, or by a tag other than `latest`: tags of our repositories cannot move (ECR-IMMUTABLE)."""
    images = [_text_of(container.get("image", "")) for container in _containers(definition)]
    return bool(images) and all(
        ("@sha256:" in image or ":" in image.rpartition("/")[2]) and not image.endswith(":latest") for image in images
    )


def _text_of(value: Any) -> str:  # noqa: ANN401 - text, or an intrinsic function that joins text
    if isinstance(value, dict):
        return "".join(_text_of(part) for part in value.values())
    if isinstance(value, list):
        return "".join(_text_of(part) for part in value)
    return str(value)


def _function_keeps_failures(function: lambda_.CfnFunction) -> bool:
    """A queue feeds it (whose dead letters keep what fails: SQS3), or it has a destination or dead-letter queue of its own."""
    invoked = [each for each in list_neighbours(function, lambda_.CfnEventInvokeConfig) if refers_to(read(each, "function_name"), function)]
    destinations = [read_keys(read_keys(read(each, "destination_config")).get("onfailure")).get("destination") for each in invoked]
    return bool(read(function, "dead_letter_config") or _fed_by(function) or any(destinations))


def _function_is_bounded(function: lambda_.CfnFunction) -> bool:
    bounded = [read_keys(read(each, "scaling_config")).get("maximumconcurrency") for each in _fed_by(function)]
    return read(function, "reserved_concurrent_executions") is not None or (bool(bounded) and all(bounded))


def _fed_by(function: lambda_.CfnFunction) -> list[lambda_.CfnEventSourceMapping]:
    return [each for each in list_neighbours(function, lambda_.CfnEventSourceMapping) if refers_to(read(each, "function_name"), function)]


def _options(environment: beanstalk.CfnEnvironment) -> dict[tuple[str, str], str]:
    settings = [read_keys(option) for option in read(environment, "option_settings") or ()]
    return {(option["namespace"], option["optionname"]): option.get("value", "") for option in settings}


def _instances_need_tokens(environment: beanstalk.CfnEnvironment) -> bool:
    return _options(environment).get(("aws:autoscaling:launchconfiguration", "DisableIMDSv1")) == "true"


def _web_speaks_tls(environment: beanstalk.CfnEnvironment) -> bool:
    if read_keys(read(environment, "tier")).get("name") != "WebServer":
        return True
    options = _options(environment)
    policy = str(options.get(("aws:elbv2:listener:443", "SSLPolicy"), ""))
    return options.get(("aws:elbv2:listener:default", "ListenerEnabled")) == "false" and policy.startswith(_TLS_POLICIES)


def _spark_stops(application: emr.CfnApplication) -> bool:
    return read_keys(read(application, "auto_stop_configuration")).get("enabled") is True


def _spark_is_private(application: emr.CfnApplication) -> bool:
    network = read_keys(read(application, "network_configuration"))
    return bool(network.get("subnetids")) and bool(network.get("securitygroupids"))


def _spark_uses_kms(application: emr.CfnApplication) -> bool:
    monitoring = read_keys(read(application, "monitoring_configuration"))
    return bool(read_keys(monitoring.get("managedpersistencemonitoringconfiguration")).get("encryptionkeyarn"))


def _encryption(security: emr_on_ec2.CfnSecurityConfiguration) -> dict[str, Any]:
    found: dict[str, Any] = (read(security, "security_configuration") or {}).get("EncryptionConfiguration", {})
    return found


def _nodes_encrypt_at_rest(security: emr_on_ec2.CfnSecurityConfiguration) -> bool:
    at_rest = _encryption(security).get("AtRestEncryptionConfiguration", {})
    disks, objects = at_rest.get("LocalDiskEncryptionConfiguration", {}), at_rest.get("S3EncryptionConfiguration", {})
    keys = [disks.get("AwsKmsKey"), objects.get("AwsKmsKey")]
    return _encryption(security).get("EnableAtRestEncryption") is True and disks.get("EnableEbsEncryption") is True and all(keys)


def _nodes_encrypt_in_transit(security: emr_on_ec2.CfnSecurityConfiguration) -> bool:
    encryption = _encryption(security)
    certificates = encryption.get("InTransitEncryptionConfiguration", {}).get("TLSCertificateConfiguration", {})
    return encryption.get("EnableInTransitEncryption") is True and bool(certificates.get("S3Object"))


def _nodes_need_tokens(security: emr_on_ec2.CfnSecurityConfiguration) -> bool:
    metadata = (read(security, "security_configuration") or {}).get("InstanceMetadataServiceConfiguration", {})
    return bool(metadata.get("MinimumInstanceMetadataServiceVersion") == _SECOND_METADATA_SERVICE)


RULES = (
    Rule("ECS-BREAKER", "a service rolls back by its circuit breaker", ecs.CfnService, _service_breaks_off),
    Rule("ECS-ALARMS", "a service's deployment is rolled back by alarms", ecs.CfnService, _service_has_alarms),
    Rule("ECS-PINNED", "an image is named by digest or by a tag that cannot move", ecs.CfnTaskDefinition, _images_are_pinned),
    Rule(
        "ECS-READONLY",
        "a container cannot write to its root",
        ecs.CfnTaskDefinition,
        lambda each: all(container.get("readonlyrootfilesystem") is True for container in _containers(each)),
    ),
    Rule("ECR-IMMUTABLE", "tags cannot move", ecr.CfnRepository, lambda each: read(each, "image_tag_mutability") == "IMMUTABLE"),
    Rule(
        "ECR-SCANNED",
        "images are scanned when pushed",
        ecr.CfnRepository,
        lambda each: read_keys(read(each, "image_scanning_configuration")).get("scanonpush") is True,
    ),
    Rule("ECR-LIFECYCLE", "old images expire", ecr.CfnRepository, lambda each: bool(read(each, "lifecycle_policy"))),
    Rule(
        "LAMBDA-LOGS",
        "a function writes to a log group of ours, which expires",
        lambda_.CfnFunction,
        lambda each: bool(read_keys(read(each, "logging_config")).get("loggroup")),
    ),
    Rule("LAMBDA-FAILURES", "what a function fails on is kept", lambda_.CfnFunction, _function_keeps_failures),
    Rule("LAMBDA-BOUNDED", "a function's concurrency is bounded", lambda_.CfnFunction, _function_is_bounded),
    Rule("EB-IMDSV2", "instances refuse the first metadata service", beanstalk.CfnEnvironment, _instances_need_tokens),
    Rule("EB-TLS", "a web environment listens with TLS 1.2 or newer only", beanstalk.CfnEnvironment, _web_speaks_tls),
    Rule("EMR-CAPPED", "Spark has a ceiling", emr.CfnApplication, lambda each: bool(read(each, "maximum_capacity"))),
    Rule("EMR-STOPS", "Spark stops when idle", emr.CfnApplication, _spark_stops),
    Rule("EMR-NETWORK", "Spark runs in the VPC", emr.CfnApplication, _spark_is_private),
    Rule("EMR-KMS", "Spark's logs are encrypted with a key of ours", emr.CfnApplication, _spark_uses_kms),
    Rule("EMR-AT-REST", "nodes encrypt disks and objects with keys of ours", emr_on_ec2.CfnSecurityConfiguration, _nodes_encrypt_at_rest),
    Rule("EMR-IN-TRANSIT", "nodes speak TLS among themselves", emr_on_ec2.CfnSecurityConfiguration, _nodes_encrypt_in_transit),
    Rule("EMR-IMDSV2", "nodes refuse the first metadata service", emr_on_ec2.CfnSecurityConfiguration, _nodes_need_tokens),
)
