"""The whole set of stacks on an emulator of its own: deployed, deployed again, grown by a queue, destroyed."""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pymysql
import pytest
import requests
from rich.console import Console

from localstack.emulator import REGION
from localstack.screen import Screen
from localstack.stand_ins import KINDS, list_stand_ins, print_stand_ins
from tests.fixtures.grown_app import OUTPUT
from tests.fixtures.own_emulator import OwnEmulator, run_own_emulator
from tests.fixtures.servers import SessionServers

pytestmark = pytest.mark.integration

BODY = b"kept"
GROWN_APP = f"{sys.executable} -m tests.fixtures.grown_app"


@dataclass(frozen=True)
class Sight:
    """What the services of the emulator answer at one moment; `physical_ids` is what CloudFormation says."""

    physical_ids: dict[str, str]
    queues: frozenset[str]
    buckets: frozenset[str]
    tables: frozenset[str]
    functions: frozenset[str]
    apis: frozenset[str]
    clusters: frozenset[str]
    secrets: frozenset[str]
    records: frozenset[str]
    zones: frozenset[str]
    repositories: frozenset[str]


@dataclass(frozen=True)
class Life:
    """Sights after each step, what the tool said at it, and what was found while everything was deployed."""

    sights: dict[str, Sight]
    said: dict[str, list[str]]
    outputs: dict[str, str]
    printed: str
    found: dict[str, Any]


def look(emulator: OwnEmulator) -> Sight:
    return Sight(
        physical_ids=_list_physical_ids(emulator),
        queues=frozenset(emulator.client("sqs").list_queues().get("QueueUrls", [])),
        buckets=frozenset(each["Name"] for each in emulator.client("s3").list_buckets()["Buckets"] if "cdk-" not in each["Name"]),
        tables=frozenset(emulator.client("dynamodb").list_tables()["TableNames"]),
        functions=frozenset(each["FunctionName"] for each in emulator.client("lambda").list_functions()["Functions"]),
        apis=frozenset(each["id"] for each in emulator.client("apigateway").get_rest_apis()["items"]),
        clusters=frozenset(emulator.client("ecs").list_clusters()["clusterArns"]),
        secrets=frozenset(each["Name"] for each in emulator.client("secretsmanager").list_secrets()["SecretList"]),
        records=frozenset(path.name for path in (emulator.folder / "resources").glob("*.json")),
        zones=frozenset(each["Name"] for each in emulator.client("route53").list_hosted_zones()["HostedZones"]),
        repositories=frozenset(
            each["repositoryName"]
            for each in emulator.client("ecr").describe_repositories()["repositories"]
            if each["repositoryName"].startswith("presage/")
        ),
    )


def _list_physical_ids(emulator: OwnEmulator) -> dict[str, str]:
    client = emulator.client("cloudformation")
    names = [each["StackName"] for each in client.describe_stacks()["Stacks"] if each["StackName"].startswith("Presage-")]
    return {
        f"{name}/{each['LogicalResourceId']}": each["PhysicalResourceId"]
        for name in names
        for page in client.get_paginator("list_stack_resources").paginate(StackName=name)
        for each in page["StackResourceSummaries"]
    }


def use(emulator: OwnEmulator, outputs: dict[str, str]) -> dict[str, Any]:
    """Leave an object and a message, and ask the database and the gateway."""
    emulator.client("s3").put_object(Bucket=outputs["LakeBucket"], Key="ws=1/kept", Body=BODY)
    emulator.client("sqs").send_message(QueueUrl=outputs["JobsQueueUrl"], MessageBody="kept")
    credentials = json.loads(emulator.deployed.secret(outputs["DatabaseCredentials"]))
    with (
        pymysql.connect(
            host=outputs["DatabaseHost"],
            port=int(outputs["DatabasePort"]),
            user=credentials["username"],
            password=credentials["password"],
            database=outputs["DatabaseName"],
        ) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT CURRENT_USER()")
        row = cursor.fetchone()
    url = f"http://127.0.0.1:{emulator.port}/_aws/execute-api/{outputs['ApiId']}/{outputs['ApiStage']}/v1/predict"
    policy = f"http://127.0.0.1:{emulator.port}/_aws/execute-api/{outputs['MailPolicyApiId']}/{outputs['ApiStage']}/.well-known/mta-sts.txt"
    answer = requests.get(policy, timeout=10)
    return {
        "database_user": row and row[0],
        "without_key": requests.post(url, json={}, timeout=10).status_code,
        "mail_policy": (answer.status_code, answer.headers["content-type"].partition(";")[0], answer.text),
    }


@pytest.fixture(scope="module")
def life(servers: SessionServers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    folder = tmp_path_factory.mktemp("life")
    said: dict[str, list[str]] = {name: [] for name in ("deployed", "again", "grown", "destroyed")}
    sights: dict[str, Sight] = {}
    with run_own_emulator(servers, folder) as emulator:
        tool, first = emulator.deployment_of_local(servers)
        grown = folder / "grown"
        tool.bootstrap(first, region=REGION, say=print)
        tool.deploy(first, say=said["deployed"].append)
        outputs = emulator.deployed.outputs()
        found = use(emulator, outputs)
        sights["deployed"] = look(emulator)
        text = io.StringIO()
        print_stand_ins(list_stand_ins(emulator.client("cloudformation")), Screen(Console(file=text, soft_wrap=True)))
        sys.stdout.write(text.getvalue())
        tool.deploy(first, say=said["again"].append)
        sights["again"] = look(emulator)
        tool.synth(grown, say=print, app=GROWN_APP)
        tool.deploy(grown, say=said["grown"].append)
        sights["grown"] = look(emulator)
        found |= find_kept(emulator, outputs) | find_new_queue(emulator)
        tool.destroy(grown, say=said["destroyed"].append)
        sights["destroyed"] = look(emulator)
        yield Life(sights, said, outputs, text.getvalue(), found)


def find_kept(emulator: OwnEmulator, outputs: dict[str, str]) -> dict[str, Any]:
    messages = emulator.client("sqs").receive_message(QueueUrl=outputs["JobsQueueUrl"], WaitTimeSeconds=2)["Messages"]
    s3 = emulator.client("s3")
    body = s3.get_object(Bucket=outputs["LakeBucket"], Key="ws=1/kept")["Body"].read()
    return {"message": messages[0]["Body"], "object": body}


def find_new_queue(emulator: OwnEmulator) -> dict[str, Any]:
    url = emulator.deployed.outputs()[OUTPUT]
    sqs = emulator.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    alarms = emulator.client("cloudwatch").describe_alarms()["MetricAlarms"]
    watched = {dimension["Value"] for alarm in alarms for dimension in alarm["Dimensions"]}
    return {"new_queue": url, "new_queue_attributes": attributes, "watched": watched}


def test_every_stack_is_deployed_and_its_resources_answer(life: Life) -> None:
    sight = life.sights["deployed"]

    assert len([line for line in life.said["deployed"] if line.startswith("✅")]) >= 16
    assert {life.outputs[f"{name}QueueUrl"] for name in ("Records", "Assignments", "Jobs")} <= sight.queues
    assert {life.outputs[name] for name in ("LakeBucket", "ArtifactsBucket", "AccessLogsBucket")} <= sight.buckets
    assert life.outputs["PredictionTable"] in sight.tables
    assert {life.outputs[f"{name}Function"] for name in ("LandRecords", "ProfileFeatureSet", "LoadAssignments")} <= sight.functions
    assert life.outputs["ApiId"] in sight.apis
    assert f"AWS-ElasticBeanstalk-Environment.{life.outputs['WorkerEnvironment']}.json" in sight.records


def test_the_database_lets_the_secrets_user_in_and_the_gateway_nobody_without_a_key(life: Life) -> None:
    assert life.found["database_user"] == "presage@127.0.0.1"
    assert life.found["without_key"] == 403


def test_the_policy_for_senders_of_mail_is_answered_without_a_key(life: Life) -> None:
    status, content_type, text = life.found["mail_policy"]

    assert (status, content_type) == (200, "text/plain")
    assert text == "version: STSv1\nmode: enforce\nmx: inbound-smtp.us-east-1.amazonaws.com\nmax_age: 604800\n"


def test_what_is_real_emulated_bridged_and_stubbed_is_printed_for_every_resource(life: Life) -> None:
    lines = life.printed.splitlines()

    assert [line for line in lines if "AWS::RDS::DBInstance" in line] == ["  1 x              real      AWS::RDS::DBInstance"]
    assert any(" stub " in line and "AWS::WAFv2::WebACL" in line for line in lines)
    assert any(" bridged " in line and "AWS::ElasticBeanstalk::Environment" in line for line in lines)
    counts = {kind: sum(int(line.split()[0]) for line in lines if line.split()[2] == kind) for kind in KINDS}
    assert all(counts.values())
    assert sum(counts.values()) == len(life.sights["deployed"].physical_ids)
    assert lines[-1].strip() == "resources: " + ", ".join(f"{count} {kind}" for kind, count in counts.items())


def test_a_second_deployment_changes_nothing(life: Life) -> None:
    stacks = [line for line in life.said["again"] if line.startswith("✅")]

    assert len(stacks) >= 16
    assert [line for line in stacks if not line.endswith("(no changes)")] == []
    assert life.sights["again"] == life.sights["deployed"]


def test_an_update_adds_its_queue_and_leaves_all_else_in_place(life: Life) -> None:
    before, after = life.sights["again"], life.sights["grown"]

    changed = [line for line in life.said["grown"] if line.startswith("✅") and not line.endswith("(no changes)")]
    assert changed == ["✅  Presage-Local-Queues"]
    assert {name: after.physical_ids.get(name) for name in before.physical_ids} == before.physical_ids
    assert after.queues - before.queues >= {life.found["new_queue"]}
    assert len(after.queues - before.queues) == 2
    assert (after.buckets, after.tables, after.functions, after.apis) == (before.buckets, before.tables, before.functions, before.apis)


def test_the_added_queue_has_dead_letters_and_alarms(life: Life) -> None:
    redrive = json.loads(life.found["new_queue_attributes"]["RedrivePolicy"])

    assert redrive["maxReceiveCount"] in {5, "5"}
    assert {life.found["new_queue"].rpartition("/")[2], redrive["deadLetterTargetArn"].rpartition(":")[2]} <= life.found["watched"]


def test_what_was_stored_before_the_update_is_there_after_it(life: Life) -> None:
    assert (life.found["object"], life.found["message"]) == (BODY, "kept")


def test_destruction_leaves_what_is_retained_and_nothing_else(life: Life) -> None:
    sight = life.sights["destroyed"]

    kept = {"zones": frozenset({"presage.internal."}), "repositories": frozenset({"presage/public_api", "presage/trainer"})}
    assert {name: value for name, value in vars(sight).items() if value} == kept
    assert all(vars(life.sights["deployed"]).values())
