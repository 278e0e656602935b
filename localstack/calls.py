"""Writes down, at the receiving end, which AWS operations each component of the platform calls, each distinct one once.

A component tells its name in `AWS_SDK_UA_APP_ID`, which the stacks give it and every AWS SDK appends to its user agent, so AWS's
own records name it as well. Calls of anyone else (tests, the launcher, the CDK) are not written.
The emulator imports this file under its own interpreter: it uses the standard library only.
"""

import io
import json
import os
import re
import urllib.parse
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FILE_VARIABLE = "LOCALSTACK_CALLS_FILE"
COMPONENT_VARIABLE = "AWS_SDK_UA_APP_ID"
PREFIX = "presage-"
URL_SIGNER = "presigned"
"""Component of whoever uses a presigned URL: on AWS the rights of the one who signed it count."""
_APP = re.compile(rf"\bapp/{PREFIX}([\w-]+)")
_SCOPE = re.compile(r"Credential=[^/]+/[^/]+/[^/]+/([^/,]+)/")
_TARGETS = {
    "AmazonSQS": "sqs",
    "DynamoDB_20120810": "dynamodb",
    "RedshiftData": "redshift-data",
    "AmazonEC2ContainerServiceV20141113": "ecs",
    "secretsmanager": "secretsmanager",
    "ElasticMapReduce": "elasticmapreduce",
}
_CLUSTER_MEMBERS = {"ClusterId", "JobFlowIds"}
_NAMES = ("QueueUrl", "TableName", "WorkgroupName", "taskDefinition", "SecretId")
"""Members of a JSON body that name what an operation acts on, the first that is there counts."""
_CREDENTIAL = re.compile(r"presage-[a-z]+/")
"""How the names of credentials begin, which workspaces make at run time."""
_EMR = {"POST": "StartJobRun", "GET": "GetJobRun", "DELETE": "CancelJobRun"}
_OUTBOUND = "/v2/email/outbound-emails"
_S3_OBJECT = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "DELETE": "DeleteObject"}
_S3_BUCKET = {"GET": "ListObjectsV2", "HEAD": "HeadBucket"}

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, order=True)
class Call:
    """One operation of one component on one resource: a bucket's name and key pattern, a queue's or table's name, a path."""

    component: str
    service: str
    operation: str
    resource: str


@dataclass(frozen=True)
class Received:
    """What of an HTTP request tells the operation; names of headers are lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes = b""


def describe(request: Received) -> Call | None:
    """Return the call that a request is, nothing if no component of the platform made it."""
    component, service = _find_caller(request)
    target, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
    if component is None or request.method == "OPTIONS":  # a browser that asks whether it may call is no call
        return None
    if target:
        return Call(component, _TARGETS[target], operation, _name_resource(json.loads(request.body or b"{}")))
    if service == "s3":
        return _describe_s3(component, request)
    if service == "emr-serverless":
        parts = request.path.strip("/").split("/")
        return Call(component, service, _EMR[request.method], "/".join([*parts[:3], "*"][: len(parts)]))
    if service == "ses" and request.path == _OUTBOUND:
        return Call(component, service, "SendEmail", str(json.loads(request.body).get("ConfigurationSetName", "")))
    return Call(component, service, request.method, "/".join(_hide(part) for part in request.path.split("/")))


def _name_resource(arguments: Mapping[str, Any]) -> str:
    if arguments.keys() & _CLUSTER_MEMBERS:
        return "{clusters}/*"
    if _CREDENTIAL.match(str(arguments.get("SecretId") or arguments.get("Name", ""))):
        return "{credentials}/*"
    names = [str(arguments[name]) for name in _NAMES if name in arguments] or [*arguments.get("RequestItems", {}), ""]
    index = f"/index/{arguments['IndexName']}" if "IndexName" in arguments else ""
    return names[0].rpartition("/")[2] + index


def _find_caller(request: Received) -> tuple[str | None, str]:
    if "X-Amz-Credential" in request.query:
        return URL_SIGNER, request.query["X-Amz-Credential"][0].split("/")[-2]
    if "AWSAccessKeyId" in request.query:
        return URL_SIGNER, "s3"
    app = _APP.search(request.headers.get("user-agent", ""))
    scope = _SCOPE.search(request.headers.get("authorization", ""))
    return (app[1] if app else None), (scope[1] if scope else "")


def _describe_s3(component: str, request: Received) -> Call:
    bucket, _, key = request.path.lstrip("/").partition("/")
    if not key:
        return Call(component, "s3", _S3_BUCKET.get(request.method, request.method), bucket)
    if request.method == "POST" or "uploadId" in request.query:
        operation = "MultipartUpload"
    else:
        operation = _S3_OBJECT[request.method] + ("+Tagging" if "x-amz-tagging" in request.headers else "")
    return Call(component, "s3", operation, f"{bucket}/{hide_ids(urllib.parse.unquote(key))}")


def hide_ids(key: str) -> str:
    """Return a key with generated names replaced by `*`: values after `=`, and stems that are long or hold a digit."""
    return "/".join(_hide(segment) for segment in key.split("/"))


def _hide(segment: str) -> str:
    name, equals, _ = segment.partition("=")
    if equals:
        return f"{name}=*"
    stem, dot, suffix = segment.partition(".")
    longest_name = 24
    if len(stem) <= longest_name and not any(character.isdigit() for character in stem):
        return segment
    return f"*.{suffix.rpartition('.')[2] if any(map(str.isdigit, suffix)) else suffix}" if dot else "*"


class CallLog:
    """Appends calls to a file as JSON lines, each distinct one once a process; several processes may share the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: set[Call] = set()

    def note(self, request: Received) -> None:
        """Write down what the request was, if a component made it and it is new."""
        call = describe(request)
        if call is None or call in self._known:
            return
        self._known.add(call)
        with self._path.open("a") as lines:
            lines.write(json.dumps(asdict(call)) + "\n")


def open_log() -> CallLog | None:
    """Return the log in the file that the environment names, nothing if it names none."""
    path = os.environ.get(FILE_VARIABLE)
    return CallLog(Path(path)) if path else None


def note_wsgi(application: Wsgi, log: CallLog) -> Wsgi:
    """Return the application with its requests noted."""

    def noting(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        names = {name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
        query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
        log.note(
            Received(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                query,
                names,
                _peek(environ) if _is_in_body(environ["PATH_INFO"], names) else b"",
            )
        )
        return application(environ, start)

    return noting


def _is_in_body(path: str, headers: Mapping[str, str]) -> bool:
    """Return whether the body tells what the call acts on."""
    return "x-amz-target" in headers or path == _OUTBOUND


def _peek(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def note_asgi(application: Asgi, log: CallLog) -> Asgi:
    """Return the application with its HTTP requests noted; bodies are read ahead only where they tell the resource."""

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        query = urllib.parse.parse_qs(scope.get("query_string", b"").decode(), keep_blank_values=True)
        messages: list[MutableMapping[str, Any]] = []
        if _is_in_body(scope["path"], headers) and _APP.search(headers.get("user-agent", "")):
            messages.append(await receive())
            while messages[-1].get("more_body"):
                messages.append(await receive())
        body = b"".join(message.get("body", b"") for message in messages)
        log.note(Received(scope["method"], scope["path"], query, headers, body))

        async def replay() -> MutableMapping[str, Any]:
            return messages.pop(0) if messages else await receive()

        await application(scope, replay, send)

    return noting
