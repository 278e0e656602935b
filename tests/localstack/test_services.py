"""What the adapters take for granted of AWS also holds on the genuine LocalStack."""

import http.client
import json
import secrets

import boto3
import pytest

from localstack import genuine

pytestmark = pytest.mark.integration


def test_it_is_the_genuine_localstack(genuine_localstack: str) -> None:
    host = genuine_localstack.rpartition("/")[2]
    connection = http.client.HTTPConnection(host, timeout=5)
    connection.request("GET", "/_localstack/health")
    facts = json.loads(connection.getresponse().read())

    assert facts["version"] == genuine.VERSION
    assert "runtime" not in str(facts).lower() or facts["edition"]


def test_a_secret_comes_back_as_it_was_put(genuine_localstack: str) -> None:
    client = boto3.client("secretsmanager")
    name = f"presage/{secrets.token_hex(4)}"
    value = json.dumps({"username": "presage", "password": secrets.token_hex(8)})

    arn = client.create_secret(Name=name, SecretString=value)["ARN"]

    assert client.meta.endpoint_url == genuine_localstack
    assert client.get_secret_value(SecretId=arn)["SecretString"] == value
