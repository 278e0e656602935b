"""Calls of SQS, with less around them than a boto3 client has.

boto3 spends about 0.75 ms of CPU on a call of SQS, most of it on validating, resolving, hooking and parsing anew what is the same
every time. Here a call costs about 0.3 ms. Endpoint, region, credentials, signature, user agent, proxies and certificates are
botocore's; what is left out is its retrying, which the caller does.
"""

from __future__ import annotations

import socket
from http import HTTPStatus
from typing import TypedDict

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ClientError, NoCredentialsError
from botocore.httpsession import URLLib3Session
from botocore.session import get_session
from botocore.useragent import UserAgentString
from botocore.utils import get_environ_proxies

from presage.adapters.client import CONNECT_TIMEOUT_SECONDS, build_client

_NO_DELAY = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
_KEEP_ALIVE = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


class _Failure(msgspec.Struct):
    kind: str = msgspec.field(name="__type", default="Unknown")
    message: str = ""


class _Error(TypedDict):
    Code: str
    Message: str


class SignedCalls:
    """Calls operations of SQS, each once. Safe to use from several threads."""

    def __init__(self, *, read_timeout_seconds: float, pool_size: int = 8) -> None:
        """Take region, keys and endpoint from the machine around it."""
        client = build_client("sqs")
        described = client.meta.service_model.metadata
        self._url = f"{client.meta.endpoint_url.rstrip('/')}/"
        self._region = client.meta.region_name
        self._signing_name = client.meta.service_model.signing_name
        self._target = described["targetPrefix"]
        self._headers = {
            "content-type": f"application/x-amz-json-{described['jsonVersion']}",
            "user-agent": UserAgentString.from_environment().with_client_config(client.meta.config).to_string(),
        }
        session = get_session()
        self._credentials = session.get_credentials()
        self._http = URLLib3Session(
            verify=session.get_config_variable("ca_bundle") or True,
            proxies=get_environ_proxies(self._url),
            timeout=(CONNECT_TIMEOUT_SECONDS, read_timeout_seconds),  # type: ignore[arg-type]  # the stubs know less than it takes
            max_pool_connections=pool_size,
            socket_options=[_NO_DELAY, _KEEP_ALIVE],  # type: ignore[list-item]  # same
        )

    def call(self, operation: str, body: bytes) -> bytes:
        """Return the answer to one call.

        Raises:
            botocore.exceptions.ClientError: The service refused it, or failed.
            botocore.exceptions.HTTPClientError: It did not answer.
        """
        if self._credentials is None:
            raise NoCredentialsError
        request = AWSRequest("POST", self._url, data=body, headers={**self._headers, "x-amz-target": f"{self._target}.{operation}"})
        SigV4Auth(self._credentials.get_frozen_credentials(), self._signing_name, self._region).add_auth(request)
        response = self._http.send(request.prepare())
        if response.status_code != HTTPStatus.OK:
            raise _build_error(operation, response.status_code, response.content)
        return bytes(response.content)


def _build_error(operation: str, status: int, body: bytes) -> ClientError:
    """Return what a boto3 client would raise."""
    try:
        failure = msgspec.json.decode(body, type=_Failure)
    except msgspec.DecodeError:  # a proxy's or balancer's page
        failure = _Failure(str(status), body[:200].decode(errors="replace"))
    error = _Error(Code=failure.kind.rpartition("#")[2], Message=failure.message)
    return ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)  # type: ignore[typeddict-item]  # only these are read
