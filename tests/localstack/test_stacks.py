"""The project's stacks create on LocalStack what their templates say, as far as LocalStack knows the types."""

import json

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.sqs.batch_sender import SqsBatchSender
from presage.adapters.sqs.group_commit import GroupCommit
from presage.adapters.sqs.record_queue import SqsRecordMessages, SqsRecordQueue
from tests.fixtures.feature_records import make_batch, make_dataset, write
from tests.localstack.project_stacks import ProjectStacks

pytestmark = pytest.mark.integration

UNSUPPORTED = {
    "Alerts": set[str](),
    "Storage": set[str](),
    "Queues": set[str](),
    "Gateway": {"AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation"},
    "Dns": {"AWS::Route53::HostedZone", "AWS::Route53::KeySigningKey", "AWS::Route53::DNSSEC", "AWS::Logs::ResourcePolicy"},
}
"""What LocalStack 4.14 cannot create of the stacks tested here; a new entry means less is shown than before."""


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_localstack_knows_the_types_of_the_stack(name: str, stacks: ProjectStacks) -> None:
    assert stacks.list_unsupported(name) == UNSUPPORTED[name]


def test_nothing_of_the_deployed_stacks_is_pretended(
    stacks: ProjectStacks, alerts: dict[str, str], storage: dict[str, str], queues: dict[str, str]
) -> None:
    assert alerts["AlarmTopic"]
    assert storage["LakeBucket"]
    assert queues["JobsQueueUrl"]
    assert {name: stacks.list_pretended(name) for name in ("Alerts", "Storage", "Queues")} == {
        "Alerts": set(),
        "Storage": set(),
        "Queues": set(),
    }


def test_the_buckets_are_versioned_and_refuse_plain_http(storage: dict[str, str]) -> None:
    client = boto3.client("s3")

    for bucket in (storage["LakeBucket"], storage["ArtifactsBucket"]):
        assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
        statements = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
        refused = [each for each in statements if each["Effect"] == "Deny"]
        assert {"Bool": {"aws:SecureTransport": "false"}} in [each["Condition"] for each in refused]


@pytest.mark.parametrize("name", ["Records", "Assignments", "Jobs"])
def test_a_queue_moves_what_fails_too_often_to_its_dead_letters(name: str, queues: dict[str, str]) -> None:
    client = boto3.client("sqs")
    queue, dead_letters = queues[f"{name}QueueUrl"], queues[f"{name}DeadLettersUrl"]
    attributes = client.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])["Attributes"]
    attempts = json.loads(attributes["RedrivePolicy"])["maxReceiveCount"]
    client.send_message(QueueUrl=queue, MessageBody="poison")

    for _ in range(int(attempts) + 1):
        client.receive_message(QueueUrl=queue, VisibilityTimeout=0, WaitTimeSeconds=1)

    messages = client.receive_message(QueueUrl=dead_letters, WaitTimeSeconds=10)["Messages"]
    assert [message["Body"] for message in messages] == ["poison"]


def test_every_alarm_notifies_the_topic(alerts: dict[str, str], queues: dict[str, str]) -> None:
    alarms = boto3.client("cloudwatch").describe_alarms()["MetricAlarms"]

    watched = {dimension["Value"] for alarm in alarms for dimension in alarm["Dimensions"]}
    assert {url.rpartition("/")[2] for url in queues.values() if url.startswith("http")} <= watched
    assert {action for alarm in alarms for action in alarm["AlarmActions"]} == {alerts["AlarmTopic"]}


def test_a_batch_goes_through_the_deployed_queue_and_lake(storage: dict[str, str], queues: dict[str, str]) -> None:
    sqs, s3 = build_client("sqs"), build_client("s3")
    batch = make_batch(make_dataset(), 1, 2, 3)

    group = GroupCommit(SqsBatchSender(queues["RecordsQueueUrl"]).send)
    SqsRecordQueue(group, storage["LakeBucket"], s3=s3).publish_batch(write(batch))

    messages = sqs.receive_message(QueueUrl=queues["RecordsQueueUrl"], WaitTimeSeconds=10)["Messages"]
    assert [SqsRecordMessages(storage["LakeBucket"], s3=s3).read_batch(message["Body"]) for message in messages] == [batch]
