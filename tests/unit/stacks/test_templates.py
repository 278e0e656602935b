"""Decisions that the templates must hold, whatever else changes in them."""

import json
from typing import Any

import pytest

from tests.fixtures.synthesis import STAGES, Resource, Synthesis, read_synthesis

SERVICES = {
    "AWS::S3::Bucket",
    "AWS::RedshiftServerless::Workgroup",
    "AWS::DynamoDB::GlobalTable",
    "AWS::RDS::DBInstance",
    "AWS::ElasticBeanstalk::Environment",
    "AWS::ApiGateway::RestApi",
    "AWS::ECR::Repository",
    "AWS::ECS::Service",
    "AWS::SQS::Queue",
    "AWS::Lambda::Function",
    "AWS::EMRServerless::Application",
    "AWS::Route53::HostedZone",
}
STATEFUL = {
    "AWS::S3::Bucket",
    "AWS::RedshiftServerless::Namespace",
    "AWS::DynamoDB::GlobalTable",
    "AWS::RDS::DBInstance",
    "AWS::SecretsManager::Secret",
    "AWS::KMS::Key",
}


@pytest.fixture(scope="module", params=STAGES)
def synthesis(request: pytest.FixtureRequest) -> Synthesis:
    return read_synthesis(request.param)


def properties_of(resources: dict[str, Resource]) -> list[dict[str, Any]]:
    return [resource["Properties"] for resource in resources.values()]


def test_all_twelve_services_are_there(synthesis: Synthesis) -> None:
    assert synthesis.types() >= SERVICES


def test_no_finding_of_cdk_nag_is_left(synthesis: Synthesis) -> None:
    assert synthesis.nag == []


def test_every_bucket_is_encrypted_private_and_tls_only(synthesis: Synthesis) -> None:
    buckets = synthesis.resources("AWS::S3::Bucket")
    policies = json.dumps(synthesis.resources("AWS::S3::BucketPolicy"))
    for name, bucket in buckets.items():
        properties = bucket["Properties"]
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"], name
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert properties["LifecycleConfiguration"]["Rules"], name
        assert name.split("/")[1] in policies, name
    assert policies.count("aws:SecureTransport") == len(buckets)


def test_the_lake_forgets_its_staging_files(synthesis: Synthesis) -> None:
    lake = next(bucket for name, bucket in synthesis.resources("AWS::S3::Bucket").items() if "/Lake" in name)
    rules = lake["Properties"]["LifecycleConfiguration"]["Rules"]
    staging = next(rule for rule in rules if rule.get("TagFilters") == [{"Key": "presage", "Value": "staging"}])
    assert (staging["ExpirationInDays"], staging["Status"]) == (60, "Enabled")


def test_the_prediction_log_has_its_keys_and_protection(synthesis: Synthesis) -> None:
    (table,) = properties_of(synthesis.resources("AWS::DynamoDB::GlobalTable"))
    replica = table["Replicas"][0]
    assert table["KeySchema"] == [{"AttributeName": "prediction_id", "KeyType": "HASH"}]
    assert {index["IndexName"]: [key["AttributeName"] for key in index["KeySchema"]] for index in table["GlobalSecondaryIndexes"]} == {
        "by_model_day": ["model_day_shard", "created_at"],
        "by_entity": ["entity_shard", "created_at"],
    }
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["SSESpecification"]["SSEType"] == "KMS"


def test_the_database_is_private_and_speaks_tls(synthesis: Synthesis) -> None:
    (database,) = properties_of(synthesis.resources("AWS::RDS::DBInstance"))
    (parameters,) = properties_of(synthesis.resources("AWS::RDS::DBParameterGroup"))
    assert database["EngineVersion"].startswith("8.4")
    assert database["PubliclyAccessible"] is False
    assert database["StorageEncrypted"] is True
    assert "{{resolve:secretsmanager:" in json.dumps(database["MasterUserPassword"])
    assert parameters["Parameters"]["require_secure_transport"] == "ON"


def test_the_warehouse_is_private_and_capped(synthesis: Synthesis) -> None:
    (workgroup,) = properties_of(synthesis.resources("AWS::RedshiftServerless::Workgroup"))
    (namespace,) = properties_of(synthesis.resources("AWS::RedshiftServerless::Namespace"))
    assert workgroup["PubliclyAccessible"] is False
    assert workgroup["EnhancedVpcRouting"] is True
    assert workgroup["MaxCapacity"] >= workgroup["BaseCapacity"]
    assert namespace["ManageAdminPassword"] is True
    assert set(namespace["LogExports"]) == {"userlog", "connectionlog", "useractivitylog"}


def test_spark_stops_when_idle_and_has_a_ceiling(synthesis: Synthesis) -> None:
    (application,) = properties_of(synthesis.resources("AWS::EMRServerless::Application"))
    assert application["AutoStopConfiguration"] == {"Enabled": True, "IdleTimeoutMinutes": 15}
    assert set(application["MaximumCapacity"]) == {"Cpu", "Memory"}


def test_every_gateway_method_needs_a_key_and_names_it_to_the_service(synthesis: Synthesis) -> None:
    methods = synthesis.resources("AWS::ApiGateway::Method")
    assert len(methods) == 4
    for name, method in methods.items():
        integration = method["Properties"]["Integration"]
        assert method["Properties"]["ApiKeyRequired"] is True, name
        mapped = integration["RequestParameters"]["integration.request.header.x-presage-api-key-id"]
        assert mapped == "context.identity.apiKeyId", name


def test_every_usage_plan_throttles_and_meters_the_stage(synthesis: Synthesis) -> None:
    plans = properties_of(synthesis.resources("AWS::ApiGateway::UsagePlan"))
    assert sorted(plan["UsagePlanName"].rpartition("-")[2] for plan in plans) == ["free", "standard"]
    for plan in plans:
        assert plan["Throttle"]["RateLimit"] > 0
        assert plan["Quota"]["Period"] == "MONTH"
        assert len(plan["ApiStages"]) == 1
    assert synthesis.resources("AWS::ApiGateway::ApiKey") == {}  # keys are made at run time


def test_the_gateways_own_refusals_are_problems(synthesis: Synthesis) -> None:
    answers = {answer["ResponseType"]: answer for answer in properties_of(synthesis.resources("AWS::ApiGateway::GatewayResponse"))}
    assert answers["THROTTLED"]["StatusCode"] == answers["QUOTA_EXCEEDED"]["StatusCode"] == "429"
    assert answers["THROTTLED"]["ResponseParameters"]["gatewayresponse.header.Retry-After"] == "'1'"
    for response_type, answer in answers.items():
        assert answer["ResponseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'", response_type
        text = answer["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"words"')
        assert {"type", "title", "detail", "code", "request_id"} <= json.loads(text).keys()


def test_images_are_immutable_and_scanned(synthesis: Synthesis) -> None:
    repositories = properties_of(synthesis.resources("AWS::ECR::Repository"))
    assert {repository["RepositoryName"] for repository in repositories} == {"presage/public_api", "presage/trainer"}
    for repository in repositories:
        assert repository["ImageTagMutability"] == "IMMUTABLE"
        assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert repository["LifecyclePolicy"]


def test_a_failed_deployment_rolls_back(synthesis: Synthesis) -> None:
    (service,) = properties_of(synthesis.resources("AWS::ECS::Service"))
    assert service["DeploymentConfiguration"]["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert service["DeploymentConfiguration"]["MinimumHealthyPercent"] == 100
    assert len(synthesis.resources("AWS::ApplicationAutoScaling::ScalingPolicy")) == 2


def test_containers_cannot_write_their_own_image(synthesis: Synthesis) -> None:
    for definition in properties_of(synthesis.resources("AWS::ECS::TaskDefinition")):
        assert all(container["ReadonlyRootFilesystem"] for container in definition["ContainerDefinitions"])


def test_instances_refuse_the_first_metadata_service(synthesis: Synthesis) -> None:
    environments = properties_of(synthesis.resources("AWS::ElasticBeanstalk::Environment"))
    assert len(environments) == 2
    for environment in environments:
        options = {(option["Namespace"], option["OptionName"]): option["Value"] for option in environment["OptionSettings"]}
        assert options["aws:autoscaling:launchconfiguration", "DisableIMDSv1"] == "true"


def test_every_log_group_expires(synthesis: Synthesis) -> None:
    groups = properties_of(synthesis.resources("AWS::Logs::LogGroup"))
    assert groups
    assert all("RetentionInDays" in group for group in groups)


def test_the_domain_has_its_mail_records(synthesis: Synthesis) -> None:
    records = properties_of(synthesis.resources("AWS::Route53::RecordSet"))
    text = json.dumps(records)
    assert {"A", "CAA", "MX", "TXT"} <= {record["Type"] for record in records}
    assert "v=spf1" in text
    assert "v=DMARC1" in text


def test_nothing_is_open_to_the_world(synthesis: Synthesis) -> None:
    rules = [
        rule for group in properties_of(synthesis.resources("AWS::EC2::SecurityGroup")) for rule in group.get("SecurityGroupIngress", [])
    ]
    rules += properties_of(synthesis.resources("AWS::EC2::SecurityGroupIngress"))
    assert rules
    assert not [rule for rule in rules if rule.get("CidrIp") == "0.0.0.0/0" or rule.get("CidrIpv6") == "::/0"]


def test_production_keeps_and_protects_what_holds_data() -> None:
    synthesis = read_synthesis("production")
    for type_name in STATEFUL:
        for name, resource in synthesis.resources(type_name).items():
            assert resource["DeletionPolicy"] == "Retain", name
    (table,) = properties_of(synthesis.resources("AWS::DynamoDB::GlobalTable"))
    (database,) = properties_of(synthesis.resources("AWS::RDS::DBInstance"))
    assert table["Replicas"][0]["DeletionProtectionEnabled"] is True
    assert (database["DeletionProtection"], database["MultiAZ"]) == (True, True)


def test_outside_local_the_gateway_goes_through_the_vpc_link() -> None:
    for stage in ("staging", "production"):
        for method in properties_of(read_synthesis(stage).resources("AWS::ApiGateway::Method")):
            assert method["Integration"]["ConnectionType"] == "VPC_LINK"
            assert "Balancer" in json.dumps(method["Integration"]["IntegrationTarget"])
    for method in properties_of(read_synthesis("local").resources("AWS::ApiGateway::Method")):
        assert method["Integration"]["Uri"].startswith("http://127.0.0.1:8081/v1/")


def test_stages_have_the_same_types_apart_from_the_ways_out() -> None:
    ways_out = {"AWS::ApiGatewayV2::VpcLink", "AWS::EC2::EIP", "AWS::EC2::NatGateway"}
    local, staging, production = (read_synthesis(stage).types() for stage in STAGES)
    assert staging - local == ways_out
    assert production == staging
    assert local <= staging
