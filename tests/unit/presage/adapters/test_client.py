"""What an AWS client's error means to us."""

import pytest
from botocore.exceptions import ClientError, CredentialRetrievalError, EndpointConnectionError, ReadTimeoutError

from presage.adapters.client import translate_errors
from presage.errors import AlreadyExistsError, NotFoundError, UnavailableError


def build_error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (build_error("NoSuchKey", 404), NotFoundError),
        (build_error("404", 404), NotFoundError),
        (build_error("ResourceNotFoundException", 400), NotFoundError),
        (build_error("AWS.SimpleQueueService.NonExistentQueue", 400), NotFoundError),
        (build_error("PreconditionFailed", 412), AlreadyExistsError),
        (build_error("ConditionalRequestConflict", 409), AlreadyExistsError),
        (build_error("InternalError", 500), UnavailableError),
        (build_error("SlowDown", 503), UnavailableError),
        (build_error("ThrottlingException", 400), UnavailableError),
        (build_error("TooManyRequestsException", 429), UnavailableError),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:9"), UnavailableError),
        (ReadTimeoutError(endpoint_url="http://127.0.0.1:9"), UnavailableError),
        (CredentialRetrievalError(provider="container-role", error_msg="timed out"), UnavailableError),
        (build_error("AccessDenied", 403), ClientError),
        (ZeroDivisionError(), ZeroDivisionError),
    ],
)
def test_each_fault_has_its_meaning(raised: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as caught, translate_errors("put a part"):
        raise raised
    assert caught.type is expected
    if raised is not caught.value:
        assert str(caught.value).startswith("put a part: ")
        assert caught.value.__cause__ is raised
