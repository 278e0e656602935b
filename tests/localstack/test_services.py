"""Services that the project uses only through its stacks and programs answer as AWS says they do."""

import contextlib
import http.client
import json
import secrets

import boto3
import pytest

from localstack import genuine

pytestmark = pytest.mark.integration


def test_it_is_localstack_of_the_pinned_version(genuine_localstack: str) -> None:
    with contextlib.closing(http.client.HTTPConnection(genuine_localstack.rpartition("/")[2], timeout=10)) as connection:
        connection.request("GET", "/_localstack/health")
        facts = json.loads(connection.getresponse().read())

    assert facts["version"] == genuine.VERSION


def test_a_secret_comes_back_as_it_was_put(genuine_localstack: str) -> None:
    client = boto3.client("secretsmanager")
    value = json.dumps({"username": "presage", "password": secrets.token_hex(8)})

    arn = client.create_secret(Name=f"presage/{secrets.token_hex(4)}", SecretString=value)["ARN"]

    assert client.meta.endpoint_url == genuine_localstack
    assert client.get_secret_value(SecretId=arn)["SecretString"] == value


@pytest.mark.usefixtures("genuine_localstack")
def test_a_parameter_keeps_its_versions() -> None:
    client = boto3.client("ssm")
    name = f"/presage/{secrets.token_hex(4)}"

    client.put_parameter(Name=name, Value="first", Type="String")
    client.put_parameter(Name=name, Value="second", Type="String", Overwrite=True)

    assert client.get_parameter(Name=name)["Parameter"]["Value"] == "second"
    assert client.get_parameter(Name=f"{name}:1")["Parameter"]["Value"] == "first"


@pytest.mark.usefixtures("genuine_localstack")
def test_a_topic_delivers_to_its_queue() -> None:
    topics, queues = boto3.client("sns"), boto3.client("sqs")
    name = f"presage-{secrets.token_hex(4)}"
    topic = topics.create_topic(Name=name)["TopicArn"]
    queue = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    topics.publish(TopicArn=topic, Message="an alarm")

    messages = queues.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    assert [message["Body"] for message in messages] == ["an alarm"]
