"""Every rule of ours fires on a construct that breaks it, and has judged something of each stage."""

import json
import re

import aws_cdk as cdk
import pytest
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticbeanstalk as beanstalk
from aws_cdk import aws_emr as emr_on_ec2
from aws_cdk import aws_emrserverless as emr
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_redshiftserverless as redshift
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from stacks.aspects.checks import RULES, OwnRules
from stacks.aspects.rule import accept_rule
from tests.fixtures.synthesis import ROOT, STAGES, read_synthesis

OF_CLUSTERS = ("EMR-AT-REST", "EMR-IN-TRANSIT", "EMR-IMDSV2")
"""Rules on what is there only with Spark on EMR on EC2."""


def build_violations(stack: cdk.Stack) -> None:
    """Add one bare resource of every kind that a rule judges: it has none of what the rules demand."""
    s3.CfnBucket(stack, "Bucket")
    dynamodb.CfnGlobalTable(
        stack,
        "Table",
        attribute_definitions=[dynamodb.CfnGlobalTable.AttributeDefinitionProperty(attribute_name="a", attribute_type="S")],
        key_schema=[dynamodb.CfnGlobalTable.KeySchemaProperty(attribute_name="a", key_type="HASH")],
        replicas=[dynamodb.CfnGlobalTable.ReplicaSpecificationProperty(region="us-east-1")],
    )
    redshift.CfnNamespace(stack, "Namespace", namespace_name="n")
    redshift.CfnWorkgroup(stack, "Workgroup", workgroup_name="w", publicly_accessible=True)
    logs.CfnLogGroup(stack, "Logs")
    container = ecs.CfnTaskDefinition.ContainerDefinitionProperty(name="c", image="c:latest")
    ecs.CfnTaskDefinition(stack, "Task", container_definitions=[container])
    ecs.CfnService(stack, "Service", cluster="c")
    ecr.CfnRepository(stack, "Repository")
    lambda_.CfnFunction(stack, "Function", code=lambda_.CfnFunction.CodeProperty(zip_file="x"), role="r")
    web = beanstalk.CfnEnvironment.TierProperty(name="WebServer", type="Standard")
    beanstalk.CfnEnvironment(stack, "Environment", application_name="a", tier=web)
    emr.CfnApplication(stack, "Spark", release_label="emr-7.9.0", type="SPARK")
    emr_on_ec2.CfnSecurityConfiguration(stack, "Nodes", security_configuration={})
    apigateway.CfnMethod(stack, "Method", http_method="GET", resource_id="r", rest_api_id="a")
    apigateway.CfnStage(stack, "Stage", rest_api_id="a")
    route53.CfnHostedZone(stack, "Zone", name="example.com")
    sqs.CfnQueue(stack, "Queue")
    cloudwatch.CfnAlarm(stack, "Alarm", comparison_operator="GreaterThanThreshold", evaluation_periods=1)
    cloudwatch.CfnCompositeAlarm(stack, "Composite", alarm_rule="TRUE")


@pytest.fixture(scope="module")
def broken() -> set[str]:
    stack = cdk.Stack(cdk.App(), "Broken")
    build_violations(stack)
    nodes = stack.node.find_all()
    return {rule.name for rule in RULES for node in nodes if rule.is_broken_by(node)}


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_the_rule_fires_on_a_construct_that_breaks_it(name: str, broken: set[str]) -> None:
    assert name in broken


def test_names_are_unique() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", [rule.name for rule in RULES if rule.name not in OF_CLUSTERS])
def test_the_rule_has_judged_something_of_the_stage(name: str, stage: str) -> None:
    """That the stage was synthesised at all says that nothing broke it: a broken rule ends the synthesis."""
    assert read_synthesis(stage).met.get(name, 0) > 0


@pytest.mark.parametrize("stage", ["staging", "production"])
@pytest.mark.parametrize("name", OF_CLUSTERS)
def test_the_rule_has_judged_something_of_the_stage_with_clusters(name: str, stage: str) -> None:
    assert read_synthesis(stage, "spark_nodes=2").met.get(name, 0) > 0


def test_a_broken_rule_ends_the_synthesis() -> None:
    app = cdk.App(context=json.loads((ROOT / "cdk.json").read_text())["context"])
    s3.CfnBucket(cdk.Stack(app, "Broken"), "Bucket")
    cdk.Aspects.of(app).add(OwnRules())
    with pytest.raises(RuntimeError, match="S3-KMS"):
        app.synth()


def test_an_accepted_rule_concerns_only_its_place() -> None:
    stack = cdk.Stack(cdk.App(), "Stack")
    accepted, other = s3.CfnBucket(stack, "Accepted"), s3.CfnBucket(stack, "Other")
    accept_rule(accepted, {"S3-KMS": "a test"})
    rule = next(rule for rule in RULES if rule.name == "S3-KMS")
    assert not rule.is_broken_by(accepted)
    assert rule.is_broken_by(other)


@pytest.mark.parametrize("stage", STAGES)
def test_the_runbooks_have_the_sections_that_alarms_name(stage: str) -> None:
    synthesis = read_synthesis(stage)
    for type_name in ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"):
        for name, alarm in synthesis.resources(type_name).items():
            path, _, section = str(alarm["Properties"]["AlarmDescription"]).rpartition(" ")[2].partition("#")
            headings = re.findall(r"^## (.+)$", (ROOT / path).read_text(), flags=re.MULTILINE)
            assert section in {heading.lower().replace(" ", "-") for heading in headings}, name
