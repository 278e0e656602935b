"""What the emulator lacks is there: mapped gateway headers, real databases behind templates, state that outlives it."""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pymysql
import pytest
import requests

from localstack import emulator as local_emulator
from localstack.environments import ensure_environment
from localstack.guard import is_alive, run_guarded
from localstack.mariadb import MariaDb
from localstack.places import Places
from localstack.postgres import Postgres
from localstack.program import free_port
from tests.fixtures.servers import SessionServers

pytestmark = pytest.mark.integration

TIMEOUT_SECONDS = 30


class Echo(BaseHTTPRequestHandler):
    """Answers with what it received, and with headers worth passing on."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body.decode()}).encode()
        self.send_response(429)
        for name, value in {"Retry-After": "7", "Location": "/x", "Content-Type": "application/problem+json"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_arguments: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def origin() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def build_gateway_template(origin: str) -> dict[str, Any]:
    mapped = {
        "integration.request.header.x-key-id": "context.identity.apiKeyId",
        "integration.request.path.name": "method.request.path.name",
    }
    integration = {"Type": "HTTP_PROXY", "IntegrationHttpMethod": "POST", "Uri": f"{origin}/v1/{{name}}", "RequestParameters": mapped}
    return {
        "Resources": {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "echo"}},
            "Path": {
                "Type": "AWS::ApiGateway::Resource",
                "Properties": {"RestApiId": {"Ref": "Api"}, "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]}, "PathPart": "{name}"},
            },
            "Post": {
                "Type": "AWS::ApiGateway::Method",
                "Properties": {
                    "RestApiId": {"Ref": "Api"},
                    "ResourceId": {"Ref": "Path"},
                    "HttpMethod": "POST",
                    "AuthorizationType": "NONE",
                    "ApiKeyRequired": True,
                    "RequestParameters": {"method.request.path.name": True},
                    "Integration": integration,
                },
            },
            "Deployment": {"Type": "AWS::ApiGateway::Deployment", "DependsOn": "Post", "Properties": {"RestApiId": {"Ref": "Api"}}},
            "Stage": {
                "Type": "AWS::ApiGateway::Stage",
                "Properties": {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Deployment"}, "StageName": "s"},
            },
            "Plan": {
                "Type": "AWS::ApiGateway::UsagePlan",
                "DependsOn": "Stage",
                "Properties": {"ApiStages": [{"ApiId": {"Ref": "Api"}, "Stage": "s"}]},
            },
        },
        "Outputs": {"Api": {"Value": {"Ref": "Api"}}, "Plan": {"Value": {"Ref": "Plan"}}},
    }


def deploy(name: str, template: Mapping[str, Any]) -> dict[str, str]:
    client = boto3.client("cloudformation")
    client.create_stack(StackName=name, TemplateBody=json.dumps(template))
    client.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    outputs = client.describe_stacks(StackName=name)["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def test_the_gateway_says_which_key_let_a_request_in_and_passes_headers_both_ways(emulator: str, origin: str) -> None:
    outputs = deploy("echo", build_gateway_template(origin))
    gateway = boto3.client("apigateway")
    key = gateway.create_api_key(name="k", enabled=True)
    gateway.create_usage_plan_key(usagePlanId=outputs["Plan"], keyId=key["id"], keyType="API_KEY")
    url = f"{emulator}/_aws/execute-api/{outputs['Api']}/s/a%20b?q=1"

    refused = requests.post(url, data="body", timeout=TIMEOUT_SECONDS)
    answered = requests.post(url, data="body", headers={"x-api-key": key["value"], "x-key-id": "forged"}, timeout=TIMEOUT_SECONDS)

    received = answered.json()
    assert refused.status_code == 403
    assert answered.status_code == 429
    assert (received["path"], received["body"]) == ("/v1/a%20b?q=1", "body")
    assert received["headers"]["x-key-id"] == key["id"]
    assert (answered.headers["Retry-After"], answered.headers["Location"]) == ("7", "/x")
    assert answered.headers["Content-Type"] == "application/problem+json"


@contextlib.contextmanager
def running_emulator(folder: Path, *, port: int, provisioning: Mapping[str, str]) -> Iterator[None]:
    """An emulator of its own whose state stays in `folder`."""
    python = ensure_environment(
        Places().cache / "ministack-venv", places=Places(), python=sys.executable, requirements=local_emulator.REQUIREMENTS
    )
    program = local_emulator.build_program(python=python, port=port, state=folder / "state", provisioning=provisioning, directory=folder)
    guard = run_guarded(program, owner=os.getpid(), log=folder / "emulator.log")
    try:
        yield
    finally:
        os.kill(guard, signal.SIGTERM)
        while is_alive(guard):
            time.sleep(0.1)


def write_provisioning(folder: Path, *, mariadb: MariaDb, postgres: Postgres) -> dict[str, str]:
    facts = {
        "resources": str(folder / "resources"),
        "region": local_emulator.REGION,
        "mariadb": {"host": "127.0.0.1", "port": mariadb.port, "user": mariadb.user, "password": mariadb.password},
        "postgres_url": postgres.url(),
        "postgres_port": postgres.port,
        "beanstalk_urls": {},
    }
    (folder / "provisioning.json").write_text(json.dumps(facts))
    return {"LOCALSTACK_PROVISIONING_FILE": str(folder / "provisioning.json")}


DATABASES = {
    "Resources": {
        "Credentials": {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "GenerateSecretString": {
                    "SecretStringTemplate": '{"username":"stand_in"}',
                    "GenerateStringKey": "password",
                    "ExcludePunctuation": True,
                }
            },
        },
        "Database": {
            "Type": "AWS::RDS::DBInstance",
            "Properties": {
                "Engine": "mysql",
                "DBName": "stand_in",
                "MasterUsername": "stand_in",
                "MasterUserPassword": {
                    "Fn::Join": ["", ["{{resolve:secretsmanager:", {"Ref": "Credentials"}, ":SecretString:password::}}"]]
                },
            },
        },
        "Namespace": {"Type": "AWS::RedshiftServerless::Namespace", "Properties": {"NamespaceName": "n", "DbName": "stand_in"}},
    },
    "Outputs": {
        "Secret": {"Value": {"Ref": "Credentials"}},
        "Host": {"Value": {"Fn::GetAtt": ["Database", "Endpoint.Address"]}},
        "Port": {"Value": {"Fn::GetAtt": ["Database", "Endpoint.Port"]}},
    },
}


def test_a_template_makes_real_databases_and_the_emulators_state_outlives_it(
    servers: SessionServers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mariadb, postgres, port = servers.mariadb(), servers.postgres(), free_port()
    provisioning = write_provisioning(tmp_path, mariadb=mariadb, postgres=postgres)
    for name, value in local_emulator.client_environment(port).items():
        monkeypatch.setenv(name, value)

    with running_emulator(tmp_path, port=port, provisioning=provisioning):
        outputs = deploy("databases", DATABASES)
        boto3.client("s3").create_bucket(Bucket="kept")
        boto3.client("s3").put_object(Bucket="kept", Key="k", Body=b"bytes")
    with running_emulator(tmp_path, port=port, provisioning=provisioning):
        stacks = boto3.client("cloudformation").describe_stacks(StackName="databases")["Stacks"]
        secret = json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=outputs["Secret"])["SecretString"])
        kept = boto3.client("s3").get_object(Bucket="kept", Key="k")["Body"].read()

    assert (stacks[0]["StackStatus"], kept) == ("CREATE_COMPLETE", b"bytes")
    with pymysql.connect(
        host=outputs["Host"], port=int(outputs["Port"]), user=secret["username"], password=secret["password"], database="stand_in"
    ) as connection:
        connection.cursor().execute("CREATE TABLE t (n INT)")
    with psycopg.connect(postgres.url("stand_in")) as warehouse:
        assert warehouse.execute("SELECT current_database()").fetchone() == ("stand_in",)


def test_a_type_that_nothing_stands_for_fails_its_stack(emulator: str) -> None:
    client = boto3.client("cloudformation", endpoint_url=emulator)
    template = {"Resources": {"Ship": {"Type": "AWS::Space::Ship"}}}

    with pytest.raises(client.exceptions.ClientError, match="AWS::Space::Ship"):
        client.create_stack(StackName="ship", TemplateBody=json.dumps(template))
