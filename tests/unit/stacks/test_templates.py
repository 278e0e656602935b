"""Decisions that the templates must hold, whatever else changes in them."""

import hashlib
import json
from typing import Any

import pytest

from presage.features import landing
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
SCALING_POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
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


def list_methods(synthesis: Synthesis) -> dict[str, Resource]:
    """Those of the public API; the mail policy is a gateway of its own."""
    return {name: each for name, each in synthesis.resources("AWS::ApiGateway::Method").items() if "-Gateway/" in name}


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


def test_the_pages_and_no_others_upload_to_the_lake_from_a_browser(synthesis: Synthesis) -> None:
    buckets = synthesis.resources("AWS::S3::Bucket")
    rules = {
        name: bucket["Properties"]["CorsConfiguration"]["CorsRules"]
        for name, bucket in buckets.items()
        if "CorsConfiguration" in bucket["Properties"]
    }
    ((lake, (rule,)),) = rules.items()
    assert "/Lake" in lake
    assert rule["AllowedMethods"] == ["PUT"]
    assert all(origin.startswith(("https://app.", "http://127.0.0.1")) for origin in rule["AllowedOrigins"])


def test_the_lake_forgets_its_staging_files(synthesis: Synthesis) -> None:
    lake = next(bucket for name, bucket in synthesis.resources("AWS::S3::Bucket").items() if "/Lake" in name)
    rules = lake["Properties"]["LifecycleConfiguration"]["Rules"]
    staging = next(rule for rule in rules if rule.get("TagFilters") == [{"Key": "presage", "Value": "staging"}])
    assert (staging["ExpirationInDays"], staging["Status"]) == (60, "Enabled")


def test_the_lake_forgets_ids_after_they_stop_counting(synthesis: Synthesis) -> None:
    lake = next(bucket for name, bucket in synthesis.resources("AWS::S3::Bucket").items() if "/Lake" in name)
    rules = lake["Properties"]["LifecycleConfiguration"]["Rules"]
    (ids,) = (rule for rule in rules if rule.get("TagFilters") == [{"Key": "presage", "Value": "ids"}])
    assert ids["Status"] == "Enabled"
    assert ids["ExpirationInDays"] > landing.REMEMBERED.days + 1


def find_table(synthesis: Synthesis, key: str) -> dict[str, Any]:
    tables = properties_of(synthesis.resources("AWS::DynamoDB::GlobalTable"))
    (table,) = (each for each in tables if each["KeySchema"][0]["AttributeName"] == key)
    return table


def test_the_table_of_idempotency_keys_expires_and_is_encrypted(synthesis: Synthesis) -> None:
    table = find_table(synthesis, "call_key")
    assert len(table["KeySchema"]) == 1
    assert "GlobalSecondaryIndexes" not in table
    assert "PointInTimeRecoverySpecification" not in table["Replicas"][0]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert (table["BillingMode"], table["SSESpecification"]["SSEType"]) == ("PAY_PER_REQUEST", "KMS")


def test_the_prediction_log_has_its_keys_and_protection(synthesis: Synthesis) -> None:
    table = find_table(synthesis, "prediction_id")
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
    assert parameters["Parameters"]["log_bin_trust_function_creators"] == "1", "the audit log's triggers cannot be made without"


def test_the_password_of_the_database_is_rotated_from_inside_the_network(synthesis: Synthesis) -> None:
    (schedule,) = properties_of(synthesis.resources("AWS::SecretsManager::RotationSchedule"))
    functions = {name.split("/")[1]: each["Properties"] for name, each in synthesis.resources("AWS::Lambda::Function").items()}
    function = functions[schedule["RotationLambdaARN"]["Fn::GetAtt"][0]]
    assert schedule["RotationRules"] == {"AutomaticallyAfterDays": 30}
    assert schedule["RotateImmediatelyOnUpdate"] is False
    assert function["VpcConfig"]["SubnetIds"]
    assert function["Handler"].startswith("lambdas.rotate_database_password.")
    (invoker,) = (
        each["Properties"]
        for name, each in synthesis.resources("AWS::Lambda::Permission").items()
        if each["Properties"]["Principal"] == "secretsmanager.amazonaws.com"
    )
    assert invoker["SourceArn"] == schedule["SecretId"]


def test_the_warehouse_is_private_and_capped(synthesis: Synthesis) -> None:
    (workgroup,) = properties_of(synthesis.resources("AWS::RedshiftServerless::Workgroup"))
    (namespace,) = properties_of(synthesis.resources("AWS::RedshiftServerless::Namespace"))
    assert workgroup["PubliclyAccessible"] is False
    assert workgroup["EnhancedVpcRouting"] is True
    assert workgroup["MaxCapacity"] >= workgroup["BaseCapacity"]
    assert namespace["ManageAdminPassword"] is True
    assert set(namespace["LogExports"]) == {"userlog", "connectionlog", "useractivitylog"}


def test_a_months_use_of_the_warehouse_is_limited() -> None:
    for stage in ("staging", "production"):
        (limit,) = properties_of(read_synthesis(stage).resources("Custom::RedshiftUsageLimit"))
        call = json.loads(limit["Create"]) if isinstance(limit["Create"], str) else json.dumps(limit["Create"])
        assert "createUsageLimit" in str(call)
        assert "monthly" in str(call)


def test_spark_stops_when_idle_and_has_a_ceiling(synthesis: Synthesis) -> None:
    (application,) = properties_of(synthesis.resources("AWS::EMRServerless::Application"))
    assert application["AutoStopConfiguration"] == {"Enabled": True, "IdleTimeoutMinutes": 15}
    assert set(application["MaximumCapacity"]) == {"Cpu", "Memory"}


def test_what_steps_bring_along_is_shipped_where_emr_runs() -> None:
    steps = ("build_training_set", "predict_batch")
    told = {stage: json.dumps(read_synthesis(stage).templates) for stage in STAGES}
    brought = {stage: [name for name in steps if f"{name}.environment" in text] for stage, text in told.items()}
    assert brought == {"local": [], "staging": [*steps], "production": [*steps]}


def test_every_gateway_method_but_preflights_needs_a_key_and_all_name_it_to_the_service(synthesis: Synthesis) -> None:
    methods = list_methods(synthesis)
    assert sorted(method["Properties"]["HttpMethod"] for method in methods.values()) == ["GET", "GET", "OPTIONS", "OPTIONS", "POST", "POST"]
    for name, method in methods.items():
        integration = method["Properties"]["Integration"]
        assert method["Properties"]["ApiKeyRequired"] is (method["Properties"]["HttpMethod"] != "OPTIONS"), name
        mapped = integration["RequestParameters"]["integration.request.header.x-presage-api-key-id"]
        assert mapped == "context.identity.apiKeyId", name


def test_every_usage_plan_throttles_and_meters_the_stage(synthesis: Synthesis) -> None:
    plans = properties_of(synthesis.resources("AWS::ApiGateway::UsagePlan"))
    assert sorted(plan["UsagePlanName"].rpartition("-")[2] for plan in plans) == ["free", "standard"]
    for plan in plans:
        assert plan["Throttle"]["RateLimit"] > 0
        assert plan["Quota"]["Period"] == "MONTH"
        (stage,) = plan["ApiStages"]
        assert set(stage["Throttle"]) == {"/v1/predict/POST", "/v1/datasets/{dataset}/records/POST"}
        assert stage["Throttle"]["/v1/datasets/{dataset}/records/POST"]["RateLimit"] < plan["Throttle"]["RateLimit"]
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
    deployment = service["DeploymentConfiguration"]
    alarms = {alarm.get("AlarmName") for alarm in properties_of(synthesis.resources("AWS::CloudWatch::Alarm"))}
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    assert deployment["MinimumHealthyPercent"] == 100
    assert (deployment["Alarms"]["Enable"], deployment["Alarms"]["Rollback"]) == (True, True)
    assert set(deployment["Alarms"]["AlarmNames"]) <= alarms


def test_a_new_build_runs_beside_the_old_one_until_it_has_baked(synthesis: Synthesis) -> None:
    (service,) = properties_of(synthesis.resources("AWS::ECS::Service"))
    (rule,) = properties_of(synthesis.resources("AWS::ElasticLoadBalancingV2::ListenerRule"))
    (group,) = service["LoadBalancers"]
    assert service["DeploymentConfiguration"]["Strategy"] == "BLUE_GREEN"
    assert service["DeploymentConfiguration"]["BakeTimeInMinutes"] >= 1
    (action,) = rule["Actions"]
    colours = [each["TargetGroupArn"] for each in action["ForwardConfig"]["TargetGroups"]]
    assert colours == [group["TargetGroupArn"], group["AdvancedConfiguration"]["AlternateTargetGroupArn"]]
    assert [each["Weight"] for each in action["ForwardConfig"]["TargetGroups"]] == [100, 0]


def test_the_service_grows_by_cpu_and_by_requests_of_either_colour(synthesis: Synthesis) -> None:
    policies = [each["TargetTrackingScalingPolicyConfiguration"] for each in properties_of(synthesis.resources(SCALING_POLICY))]
    by_metric = sorted(
        (each["PredefinedMetricSpecification"]["PredefinedMetricType"], each.get("DisableScaleIn", False)) for each in policies
    )
    assert by_metric == [
        ("ALBRequestCountPerTarget", True),
        ("ALBRequestCountPerTarget", True),
        ("ECSServiceAverageCPUUtilization", False),
    ]


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
    assert text.count("DkimDNSTokenName") == 3
    assert {"Type": "MX", "ResourceRecords": ["0 ."]}.items() <= next(
        each for each in records if each["ResourceRecords"] == ["0 ."]
    ).items()


def test_notifications_are_mailed_over_tls_from_one_address_and_bounces_are_counted(synthesis: Synthesis) -> None:
    (outgoing,) = properties_of(synthesis.resources("AWS::SES::ConfigurationSet"))
    assert outgoing["DeliveryOptions"] == {"TlsPolicy": "REQUIRE"}
    assert set(outgoing["SuppressionOptions"]["SuppressedReasons"]) == {"BOUNCE", "COMPLAINT"}
    (destination,) = properties_of(synthesis.resources("AWS::SES::ConfigurationSetEventDestination"))
    counted = {event.upper() for event in destination["EventDestination"]["MatchingEventTypes"]}
    alarms = [each for each in properties_of(synthesis.resources("AWS::CloudWatch::Alarm")) if each.get("Namespace") == "AWS/SES"]
    assert {each["MetricName"].upper() for each in alarms} == counted == {"BOUNCE", "COMPLAINT", "REJECT"}
    assert all(each["AlarmActions"] and each["Dimensions"][0]["Name"] == "ses:configuration-set" for each in alarms)
    policies = properties_of(synthesis.resources("AWS::IAM::Policy"))
    sending = [each for policy in policies for each in policy["PolicyDocument"]["Statement"] if "ses:" in str(each["Action"])]
    assert [each["Action"] for each in sending] == ["ses:SendEmail"] * 2, "the worker's and the backend's"
    assert {each["Condition"]["StringEquals"]["ses:FromAddress"].partition("@")[0] for each in sending} == {"notifications"}
    assert "*" not in json.dumps([each["Resource"] for each in sending])


def test_senders_are_told_to_deliver_over_tls_to_the_server_that_takes_the_mail(synthesis: Synthesis) -> None:
    records = properties_of(synthesis.resources("AWS::Route53::RecordSet"))
    (announcement,) = (each["ResourceRecords"][0] for each in records if str(each["Name"]).startswith("_mta-sts."))
    (server,) = (
        each["ResourceRecords"][0].split()[1] for each in records if each["Type"] == "MX" and "inbound" in str(each["ResourceRecords"])
    )
    (answer,) = (
        each["Integration"]["IntegrationResponses"][0]
        for each in properties_of(synthesis.resources("AWS::ApiGateway::Method"))
        if each["Integration"]["Type"] == "MOCK"
    )
    policy = answer["ResponseTemplates"]["application/json"]
    assert f"mx: {server}\n" in policy
    assert policy.startswith("version: STSv1\nmode: enforce\n")
    assert hashlib.sha256(policy.encode()).hexdigest()[:32] in announcement
    assert announcement.startswith('"v=STSv1; id=')
    (domain,) = (
        each["DomainName"]
        for each in properties_of(synthesis.resources("AWS::ApiGateway::DomainName"))
        if each["DomainName"].startswith("mta-sts.")
    )
    assert any(each["Name"] == f"{domain}." and each["Type"] == "A" for each in records)


def test_the_zone_is_signed_and_its_queries_are_logged(synthesis: Synthesis) -> None:
    (zone,) = properties_of(synthesis.resources("AWS::Route53::HostedZone"))
    (signing,) = properties_of(synthesis.resources("AWS::Route53::KeySigningKey"))
    keys = {name.split("/")[1]: key["Properties"] for name, key in synthesis.resources("AWS::KMS::Key").items()}
    assert zone["QueryLoggingConfig"]["CloudWatchLogsLogGroupArn"]
    assert signing["Status"] == "ACTIVE"
    assert keys[signing["KeyManagementServiceArn"]["Fn::GetAtt"][0]]["KeySpec"] == "ECC_NIST_P256"
    assert len(synthesis.resources("AWS::Route53::DNSSEC")) == 1


def test_bodies_have_models_and_parameters_are_required(synthesis: Synthesis) -> None:
    assert {model["Name"] for model in properties_of(synthesis.resources("AWS::ApiGateway::Model"))} == {"Prediction", "Records"}
    for method in properties_of(list_methods(synthesis)):
        assert method["RequestValidatorId"]
        assert ("RequestModels" in method) == (method["HttpMethod"] == "POST")


def test_the_stage_has_a_budget_and_hears_of_anomalies(synthesis: Synthesis) -> None:
    (budget,) = properties_of(synthesis.resources("AWS::Budgets::Budget"))
    (monitor,) = properties_of(synthesis.resources("AWS::CE::AnomalyMonitor"))
    (stage,) = budget["Budget"]["CostFilters"]["TagKeyValue"]
    assert json.loads(monitor["MonitorSpecification"])["Tags"]["Values"] == [stage.removeprefix("user:stage$")]
    assert {notice["Notification"]["NotificationType"] for notice in budget["NotificationsWithSubscribers"]} == {"ACTUAL", "FORECASTED"}
    assert len(synthesis.resources("AWS::CE::AnomalySubscription")) == 1


def test_the_objective_burns_in_two_windows_at_two_speeds(synthesis: Synthesis) -> None:
    burns = synthesis.resources("AWS::CloudWatch::CompositeAlarm")
    thresholds = sorted(
        (alarm["Period"], alarm["Threshold"])
        for alarm in properties_of(synthesis.resources("AWS::CloudWatch::Alarm"))
        if alarm.get("MetricName") == "5XXError"
    )
    assert len(burns) == 2
    assert thresholds == [
        (period, pytest.approx(limit)) for period, limit in ((300, 0.0144), (1800, 0.006), (3600, 0.0144), (21600, 0.006))
    ]
    assert len(synthesis.resources("AWS::CloudWatch::Dashboard")) == 1


def test_what_costs_money_carries_its_tags(synthesis: Synthesis) -> None:
    for name, bucket in synthesis.resources("AWS::S3::Bucket").items():
        assert {"app", "stage", "service", "owner", "cost-center"} <= {tag["Key"] for tag in bucket["Properties"]["Tags"]}, name


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
    tables = properties_of(synthesis.resources("AWS::DynamoDB::GlobalTable"))
    (database,) = properties_of(synthesis.resources("AWS::RDS::DBInstance"))
    assert [table["Replicas"][0]["DeletionProtectionEnabled"] for table in tables] == [True, True]
    assert (database["DeletionProtection"], database["MultiAZ"]) == (True, True)


def test_outside_local_the_gateway_goes_through_the_vpc_link() -> None:
    for stage in ("staging", "production"):
        for method in properties_of(list_methods(read_synthesis(stage))):
            assert method["Integration"]["ConnectionType"] == "VPC_LINK"
            assert "Balancer" in json.dumps(method["Integration"]["IntegrationTarget"])
    for method in properties_of(list_methods(read_synthesis("local"))):
        assert method["Integration"]["Uri"].startswith("http://127.0.0.1:8081/v1/")


def test_stages_have_the_same_types_apart_from_the_ways_out_and_the_monthly_limit() -> None:
    ways_out = {"AWS::ApiGatewayV2::VpcLink", "AWS::EC2::EIP", "AWS::EC2::NatGateway", "Custom::RedshiftUsageLimit"}
    local, staging, production = (read_synthesis(stage).types() for stage in STAGES)
    assert staging - local == ways_out
    assert production == staging
    assert local <= staging


def test_links_in_mails_lead_to_where_the_pages_are(synthesis: Synthesis) -> None:
    environments = properties_of(synthesis.resources("AWS::ElasticBeanstalk::Environment"))
    options = {(each["OptionName"], str(each["Value"])) for environment in environments for each in environment["OptionSettings"]}
    (record,) = (each for each in properties_of(synthesis.resources("AWS::Route53::RecordSet")) if str(each["Name"]).startswith("app."))
    url, proxies = (next(value for found, value in options if found == name) for name in ("PRESAGE_PAGES_URL", "PRESAGE_TRUSTED_PROXIES"))
    if url.startswith("http://127.0.0.1:"):
        assert proxies == "0"
    else:
        assert (url, proxies) == (f"https://{str(record['Name']).rstrip('.')}", "2")
