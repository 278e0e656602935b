"""Builds the AWS clients of all adapters, and turns their errors into ours.

One place for timeouts, retries, the size of the connection pool, and what a client's error means.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal, overload

import boto3
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ResponseStreamingError,
)
from botocore.exceptions import (
    ConnectionError as BotoConnectionError,
)

from presage.errors import AlreadyExistsError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from types_boto3_apigateway import APIGatewayClient
    from types_boto3_ecs import ECSClient
    from types_boto3_emr import EMRClient
    from types_boto3_emr_serverless import EMRServerlessClient
    from types_boto3_redshift_data import RedshiftDataAPIServiceClient
    from types_boto3_s3 import S3Client
    from types_boto3_secretsmanager import SecretsManagerClient
    from types_boto3_sesv2 import SESV2Client
    from types_boto3_sqs import SQSClient

CONNECT_TIMEOUT_SECONDS = 2.0
READ_TIMEOUT_SECONDS = 20.0
MAX_ATTEMPTS = 4
"""Attempts in all, with botocore's standard back-off and jitter between them."""
_NOT_FOUND_CODES = frozenset(
    {
        "404",
        "NoSuchKey",
        "NoSuchBucket",
        "NotFoundException",
        "ResourceNotFoundException",
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
    }
)
_UNREACHED = (
    BotoConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    ResponseStreamingError,
)
_PRECONDITION_CODES = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "ResourceExistsException"})


@overload
def build_client(service: Literal["apigateway"], *, pool_size: int = ..., read_timeout_seconds: float = ...) -> APIGatewayClient: ...
@overload
def build_client(service: Literal["ecs"], *, pool_size: int = ..., read_timeout_seconds: float = ...) -> ECSClient: ...
@overload
def build_client(service: Literal["emr"], *, pool_size: int = ..., read_timeout_seconds: float = ...) -> EMRClient: ...
@overload
def build_client(service: Literal["emr-serverless"], *, pool_size: int = ..., read_timeout_seconds: float = ...) -> EMRServerlessClient: ...
@overload
def build_client(
    service: Literal["redshift-data"], *, pool_size: int = ..., read_timeout_seconds: float = ...
) -> RedshiftDataAPIServiceClient: ...
@overload
def build_client(service: Literal["s3"], *, pool_size: int = ..., read_timeout_seconds: float = ..., attempts: int = ...) -> S3Client: ...
@overload
def build_client(
    service: Literal["secretsmanager"], *, pool_size: int = ..., read_timeout_seconds: float = ...
) -> SecretsManagerClient: ...
@overload
def build_client(
    service: Literal["sesv2"], *, pool_size: int = ..., read_timeout_seconds: float = ..., attempts: int = ...
) -> SESV2Client: ...
@overload
def build_client(service: Literal["sqs"], *, pool_size: int = ..., read_timeout_seconds: float = ..., attempts: int = ...) -> SQSClient: ...
def build_client(
    service: Literal["apigateway", "ecs", "emr", "emr-serverless", "redshift-data", "s3", "secretsmanager", "sesv2", "sqs"],
    *,
    pool_size: int = 32,
    read_timeout_seconds: float = READ_TIMEOUT_SECONDS,
    attempts: int = MAX_ATTEMPTS,
) -> Any:
    """Return a thread-safe client with bounded timeouts and retries; region, keys and endpoints come from the machine around it.

    S3 is addressed by path, which AWS and its emulators both answer, so that presigned URLs work against either.
    """
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=read_timeout_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        max_pool_connections=pool_size,
        tcp_keepalive=True,
        s3={"addressing_style": "path"},
        signature_version="s3v4" if service == "s3" else None,  # what KMS keys ask for; presigned URLs have an older one by default
    )
    return boto3.client(service, config=config)


@contextmanager
def translate_errors(action: str) -> Iterator[None]:
    """Turn what boto3 raises inside the block into our errors; `action` starts the message, e.g. `put part x`.

    Raises:
        NotFoundError: There is no such key, bucket, queue or resource.
        AlreadyExistsError: A conditional write met what is there already.
        UnavailableError: No connection, a timeout, throttling or a server fault, after botocore's own retries.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        message = f"{action}: {error}"
        if code in _NOT_FOUND_CODES:
            raise NotFoundError(message) from error
        if code in _PRECONDITION_CODES:
            raise AlreadyExistsError(message) from error
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS or _is_throttling(code):
            raise UnavailableError(message) from error
        raise
    except _UNREACHED as error:
        raise UnavailableError(f"{action}: {error}") from error


def _is_throttling(code: str) -> bool:
    return "Throttl" in code or code in {"SlowDown", "RequestLimitExceeded", "TooManyRequestsException", "RequestTimeout"}
