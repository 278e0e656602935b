"""Which errors of SQS are about the message, and which about the moment."""

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from presage.adapters.signed_calls import SignedCalls
from presage.adapters.sqs.message_sender import SqsMessageSender
from presage.errors import InvalidInputError, NotFoundError, UnavailableError


class Failing(SignedCalls):
    """Calls that SQS, or the way to it, answers with an error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def call(self, operation: str, body: bytes) -> bytes:  # noqa: ARG002 - as its parent has it
        raise self._error


def build_error(code: str, status: int = 400) -> ClientError:
    response = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "SendMessage")  # type: ignore[arg-type]  # only these are read


@pytest.mark.parametrize("code", ["InvalidMessageContents", "InvalidParameterValue"])
def test_a_message_that_sqs_never_takes_is_invalid(code: str) -> None:
    with pytest.raises(InvalidInputError, match="send to predictions"):
        SqsMessageSender("http://sqs/1/predictions", Failing(build_error(code))).send(b"{}")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (build_error("ThrottlingException"), UnavailableError),
        (build_error("RequestThrottled"), UnavailableError),
        (build_error("InternalError", 500), UnavailableError),
        (EndpointConnectionError(endpoint_url="http://sqs"), UnavailableError),
        (build_error("AWS.SimpleQueueService.NonExistentQueue"), NotFoundError),
        (build_error("AccessDenied", 403), ClientError),
        (build_error("KmsAccessDenied"), ClientError),
    ],
)
def test_what_can_be_mended_says_nothing_against_the_message(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        SqsMessageSender("http://sqs/1/predictions", Failing(error)).send(b"{}")
