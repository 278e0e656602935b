"""Requests become calls by component, operation and resource; each distinct one is written once."""

import asyncio
import io
import json
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import pytest

from localstack.calls import URL_SIGNER, Call, CallLog, Received, describe, hide_ids, note_asgi, note_wsgi

AGENT = "Boto3/1.40 md/Botocore#1.40 lang/python#3.11 app/presage-worker"


def received(service: str, method: str, path: str, *, target: str = "", body: object = None, **headers: str) -> Received:
    signature = f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host"
    names = {"user-agent": AGENT, "authorization": signature, **({"x-amz-target": target} if target else {})}
    return Received(method, path, {}, {**names, **headers}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("request_", "service", "operation", "resource"),
    [
        (received("s3", "GET", "/lake/ws=a1/imports/u-1/file.csv"), "s3", "GetObject", "lake/ws=*/imports/*/file.csv"),
        (received("s3", "PUT", "/lake/a/b.json"), "s3", "PutObject", "lake/a/b.json"),
        (received("s3", "PUT", "/lake/a.json", **{"x-amz-tagging": "a=b"}), "s3", "PutObject+Tagging", "lake/a.json"),
        (received("s3", "GET", "/lake"), "s3", "ListObjectsV2", "lake"),
        (
            received("sqs", "POST", "/", target="AmazonSQS.SendMessage", body={"QueueUrl": "http://x/0/jobs"}),
            *("sqs", "SendMessage", "jobs"),
        ),
        (
            received("elasticmapreduce", "POST", "/", target="ElasticMapReduce.TerminateJobFlows", body={"JobFlowIds": ["j-1"]}),
            *("elasticmapreduce", "TerminateJobFlows", "{clusters}/*"),
        ),
        (
            received("dynamodb", "POST", "/", target="DynamoDB_20120810.Query", body={"TableName": "log", "IndexName": "by_entity"}),
            *("dynamodb", "Query", "log/index/by_entity"),
        ),
        (
            received("dynamodb", "POST", "/", target="DynamoDB_20120810.BatchWriteItem", body={"RequestItems": {"log": []}}),
            *("dynamodb", "BatchWriteItem", "log"),
        ),
        (
            received("secretsmanager", "POST", "/", target="secretsmanager.CreateSecret", body={"Name": "presage-local/ws_1/amplitude"}),
            *("secretsmanager", "CreateSecret", "{credentials}/*"),
        ),
        (
            received("secretsmanager", "POST", "/", target="secretsmanager.GetSecretValue", body={"SecretId": "arn/Presage-Local-Db"}),
            *("secretsmanager", "GetSecretValue", "Presage-Local-Db"),
        ),
        (
            received("emr-serverless", "DELETE", "/applications/app/jobruns/1"),
            *("emr-serverless", "CancelJobRun", "applications/app/jobruns/*"),
        ),
        (received("ses", "POST", "/v2/email/outbound-emails", body={"ConfigurationSetName": "set"}), "ses", "SendEmail", "set"),
        (received("apigateway", "POST", "/usageplans/ab12/keys"), "apigateway", "POST", "/usageplans/*/keys"),
    ],
)
def test_a_request_tells_its_operation_and_resource(request_: Received, service: str, operation: str, resource: str) -> None:
    assert describe(request_) == Call("worker", service, operation, resource)


def test_a_request_of_nobody_is_no_call() -> None:
    assert describe(Received("GET", "/lake", {}, {"user-agent": "curl/8"})) is None


def test_a_presigned_url_counts_for_its_signer() -> None:
    query = {"X-Amz-Credential": ["test/20260101/us-east-1/s3/aws4_request"]}
    assert describe(Received("PUT", "/lake/ws=1/imports/2/a.csv", query, {})) == Call(
        URL_SIGNER, "s3", "PutObject", "lake/ws=*/imports/*/a.csv"
    )


def test_a_browser_that_asks_whether_it_may_upload_is_no_call() -> None:
    assert describe(Received("OPTIONS", "/lake/ws%3Dws_1/imports/up_1/a.csv", {"AWSAccessKeyId": ["test"]}, {})) is None


@pytest.mark.parametrize(
    ("key", "pattern"),
    [
        ("ws=9f/dataset=ds_1/versions/00000001.manifest.json", "ws=*/dataset=*/versions/*.manifest.json"),
        ("ws=9f/training_sets/1a2b/data/part-00000-c1.snappy.parquet", "ws=*/training_sets/*/data/*.snappy.parquet"),
        ("ws=9f/training_sets/1a2b/manifest.json", "ws=*/training_sets/*/manifest.json"),
    ],
)
def test_generated_names_are_hidden_and_given_ones_stay(key: str, pattern: str) -> None:
    assert hide_ids(key) == pattern


def test_a_call_is_written_once(tmp_path: Path) -> None:
    log = CallLog(tmp_path / "calls.ndjson")
    for number in range(3):
        log.note(received("s3", "GET", f"/lake/ws=a/imports/{number}/a.csv"))
    (line,) = (tmp_path / "calls.ndjson").read_text().splitlines()
    assert json.loads(line)["operation"] == "GetObject"


def test_a_wsgi_application_still_reads_its_body(tmp_path: Path) -> None:
    def application(environ: Mapping[str, Any], _start: object) -> list[bytes]:
        return [environ["wsgi.input"].read()]

    body = b'{"QueueUrl": "http://x/0/jobs"}'
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_USER_AGENT": AGENT,
        "HTTP_X_AMZ_TARGET": "AmazonSQS.SendMessage",
    }
    noting = note_wsgi(application, CallLog(tmp_path / "calls.ndjson"))
    assert list(noting(environ, lambda *_: None)) == [body]
    assert "SendMessage" in (tmp_path / "calls.ndjson").read_text()


def test_an_asgi_application_still_receives_its_body_in_parts(tmp_path: Path) -> None:
    parts: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": b'{"QueueUrl": ', "more_body": True},
        {"type": "http.request", "body": b'"http://x/0/jobs"}', "more_body": False},
    ]
    seen = []

    async def application(_scope: object, receive: Any, _send: object) -> None:  # noqa: ANN401 - ASGI's own
        seen.extend([await receive(), await receive()])

    async def receive() -> MutableMapping[str, Any]:
        return parts.pop(0)

    async def send(_message: MutableMapping[str, Any]) -> None:
        return

    headers = [(b"User-Agent", AGENT.encode()), (b"X-Amz-Target", b"AmazonSQS.SendMessage")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    asyncio.run(note_asgi(application, CallLog(tmp_path / "calls.ndjson"))(scope, receive, send))
    assert b"".join(each["body"] for each in seen) == b'{"QueueUrl": "http://x/0/jobs"}'
    assert "SendMessage" in (tmp_path / "calls.ndjson").read_text()
