"""Staging and production on one emulator: what is written to one is not in the other."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest
import requests

from localstack.emulator import REGION
from localstack.guard import run_guarded, stop_guarded
from localstack.mariadb import MariaDb
from localstack.program import free_port
from tests.fixtures.own_emulator import OwnEmulator, run_own_emulator
from tests.fixtures.servers import SessionServers
from tests.integration.stacks.test_synthesis import synthesise

pytestmark = pytest.mark.integration

STAGES = ("staging", "production")
STACKS = ("Gateway", "Warehouse", "Spark")
"""What these need is deployed with them: network, storage, queues, log, database, cluster and service. Spark is on EC2."""

ACCOUNT_WIDE = {"AWS::ApiGateway::Account"}
"""The role that API Gateway writes its logs with: one setting for an account and region, equal in both stages."""

NAMED_WITHIN_THEIR_API = {"AWS::ApiGateway::Model"}
"""Their physical ids are names inside the stage's own API, so equal ones are not one resource."""


@dataclass(frozen=True)
class Stage:
    """One deployed stage, seen through the APIs of its services."""

    emulator: OwnEmulator
    name: str
    outputs: dict[str, str]
    physical_ids: dict[str, str]

    def client(self, service: str) -> Any:  # noqa: ANN401 - one function for every service
        return self.emulator.client(service)

    def connect(self) -> "pymysql.Connection[pymysql.cursors.Cursor]":
        credentials = json.loads(self.emulator.deployed.secret(self.outputs["DatabaseCredentials"]))
        return pymysql.connect(
            host=self.outputs["DatabaseHost"],
            port=int(self.outputs["DatabasePort"]),
            user=credentials["username"],
            password=credentials["password"],
            database=self.outputs["DatabaseName"],
            autocommit=True,
        )

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(self.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def call(self, key: str) -> int:
        """The gateway's status for a call with the key: 403 for one of no plan of this stage."""
        url = f"http://127.0.0.1:{self.emulator.port}/_aws/execute-api/{self.outputs['ApiId']}/{self.outputs['ApiStage']}/v1/predict"
        return requests.post(url, json={}, headers={"x-api-key": key}, timeout=10).status_code


@pytest.fixture(scope="module")
def stages(servers: SessionServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Stage]]:
    folder = tmp_path_factory.mktemp("stages")
    second = MariaDb(folder / "mariadb", free_port(), secrets.token_hex(12))
    guard = run_guarded(second.build_program(fast=True), owner=os.getpid(), log=folder / "mariadb.log")
    try:
        with run_own_emulator(servers, folder, mariadb_of_stacks={"Presage-Production": second}) as emulator:
            yield {stage: deploy(emulator, stage) for stage in STAGES}
    finally:
        stop_guarded(guard)


def deploy(emulator: OwnEmulator, stage: str) -> Stage:
    assembly = emulator.folder / stage
    # The warehouse's limit is set by an API that the emulator lacks.
    synthesise(assembly, stage=stage, redshift_unit_hours="0", spark_nodes="2")
    tool = emulator.deployment({})
    tool.bootstrap(assembly, region=REGION, say=print)
    prefix = f"Presage-{stage.capitalize()}-"
    tool.deploy(assembly, say=print, stacks=[f"{prefix}{name}" for name in STACKS])
    client = emulator.client("cloudformation")
    deployed = [each for each in client.describe_stacks()["Stacks"] if each["StackName"].startswith(prefix)]
    outputs = {each["OutputKey"]: each["OutputValue"] for stack in deployed for each in stack.get("Outputs", ())}
    physical_ids = {
        f"{stack['StackName']}/{each['LogicalResourceId']}": each["PhysicalResourceId"]
        for stack in deployed
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack["StackName"])
        for each in page["StackResourceSummaries"]
        if each["ResourceType"] not in ACCOUNT_WIDE | NAMED_WITHIN_THEIR_API
    }
    return Stage(emulator, stage, outputs, physical_ids)


@pytest.fixture(params=[STAGES, STAGES[::-1]], ids=lambda order: f"written to {order[0]}")
def pair(request: pytest.FixtureRequest, stages: dict[str, Stage]) -> tuple[Stage, Stage]:
    written, other = request.param
    return stages[written], stages[other]


def test_no_resource_belongs_to_both_stages(stages: dict[str, Stage]) -> None:
    staging, production = (set(stages[name].physical_ids.values()) for name in STAGES)

    assert len(staging) > 50
    assert staging & production == set()


def test_each_stage_has_its_cluster_and_runs_its_service_there_only(pair: tuple[Stage, Stage]) -> None:
    mine, other = pair
    arns = mine.client("ecs").list_services(cluster=mine.outputs["ClusterName"])["serviceArns"]

    assert mine.outputs["ClusterName"] != other.outputs["ClusterName"]
    assert [arn.rpartition("/")[2] for arn in arns] == [mine.outputs["PublicApiService"]]


@pytest.mark.parametrize("bucket", ["LakeBucket", "ArtifactsBucket", "EmrFilesBucket"])
def test_an_object_is_in_its_own_stage_only(pair: tuple[Stage, Stage], bucket: str) -> None:
    mine, other = pair
    mine.client("s3").put_object(Bucket=mine.outputs[bucket], Key=f"ws=1/{mine.name}", Body=b"1")

    assert mine.client("s3").list_objects_v2(Bucket=mine.outputs[bucket])["KeyCount"] == 1
    keys = [each["Key"] for each in other.client("s3").list_objects_v2(Bucket=other.outputs[bucket]).get("Contents", [])]
    assert f"ws=1/{mine.name}" not in keys


def test_a_prediction_is_in_its_own_stage_only(pair: tuple[Stage, Stage]) -> None:
    mine, other = pair
    key = {"prediction_id": {"S": mine.name}}
    mine.client("dynamodb").put_item(TableName=mine.outputs["PredictionTable"], Item=key)

    assert mine.client("dynamodb").get_item(TableName=mine.outputs["PredictionTable"], Key=key)["Item"] == key
    assert "Item" not in other.client("dynamodb").get_item(TableName=other.outputs["PredictionTable"], Key=key)


@pytest.mark.parametrize("queue", ["RecordsQueueUrl", "AssignmentsQueueUrl", "JobsQueueUrl"])
def test_a_message_is_in_its_own_stage_only(pair: tuple[Stage, Stage], queue: str) -> None:
    mine, other = pair
    sqs = mine.client("sqs")
    sqs.send_message(QueueUrl=mine.outputs[queue], MessageBody=mine.name)

    assert "Messages" not in sqs.receive_message(QueueUrl=other.outputs[queue], WaitTimeSeconds=1)
    (message,) = sqs.receive_message(QueueUrl=mine.outputs[queue], WaitTimeSeconds=5)["Messages"]
    sqs.delete_message(QueueUrl=mine.outputs[queue], ReceiptHandle=message["ReceiptHandle"])
    assert message["Body"] == mine.name


def test_a_row_is_in_its_own_stage_only_and_the_credentials_open_no_other(pair: tuple[Stage, Stage]) -> None:
    mine, other = pair
    mine.query(f"CREATE TABLE of_{mine.name} (id INT)")

    assert (f"of_{mine.name}",) in mine.query("SHOW TABLES")
    assert (f"of_{mine.name}",) not in other.query("SHOW TABLES")
    borrowed = Stage(mine.emulator, mine.name, {**other.outputs, "DatabaseCredentials": mine.outputs["DatabaseCredentials"]}, {})
    with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
        borrowed.query("SELECT 1")


def test_a_key_opens_the_gateway_of_its_own_stage_only(pair: tuple[Stage, Stage]) -> None:
    mine, other = pair
    gateway = mine.client("apigateway")
    key = gateway.create_api_key(name=mine.name, enabled=True)
    gateway.create_usage_plan_key(usagePlanId=mine.outputs["FreePlanId"], keyId=key["id"], keyType="API_KEY")

    assert [each["id"] for each in gateway.get_usage_plan_keys(usagePlanId=mine.outputs["FreePlanId"])["items"]] == [key["id"]]
    assert other.call(key["value"]) == 403
    assert mine.call(key["value"]) != 403
    others = gateway.get_usage_plan_keys(usagePlanId=other.outputs["FreePlanId"])["items"]
    assert key["id"] not in [each["id"] for each in others]


def test_each_stage_has_its_own_warehouse(stages: dict[str, Stage]) -> None:
    workgroups = {stages[name].outputs["RedshiftWorkgroup"] for name in STAGES}
    namespaces = {path.name for path in (stages["staging"].emulator.folder / "resources").glob("AWS-RedshiftServerless-Namespace.*")}

    assert len(workgroups) == len(namespaces) == len(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_what_clusters_are_started_with_is_there(stages: dict[str, Stage], stage: str) -> None:
    mine = stages[stage]
    (profile,) = (value for name, value in mine.physical_ids.items() if name.startswith(f"Presage-{stage.capitalize()}-Spark/Profile"))
    roles = mine.client("iam").get_instance_profile(InstanceProfileName=profile.rpartition("/")[2])["InstanceProfile"]["Roles"]
    groups = [value for name, value in mine.physical_ids.items() if "-Spark/" in name and value.startswith("sg-")]

    assert [each["Arn"] for each in roles] == [mine.outputs["EmrExecutionRoleArn"]]
    assert len(mine.client("ec2").describe_security_groups(GroupIds=groups)["SecurityGroups"]) == 3
