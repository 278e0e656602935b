"""What PynamoDB's errors mean."""

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError
from pynamodb.exceptions import GetError

from presage.adapters.dynamo.connection import translated
from presage.errors import UnavailableError

REFUSED = ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "GetItem")
THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "later"}}, "GetItem")


@pytest.mark.parametrize("cause", [ConnectionClosedError(endpoint_url="http://dynamodb"), THROTTLED, None])
def test_what_was_not_answered_is_unavailable(cause: Exception | None) -> None:
    with pytest.raises(UnavailableError), translated():
        raise GetError("failed", cause)


def test_a_refusal_is_ours_to_repair() -> None:
    with pytest.raises(GetError), translated():
        raise GetError("failed", REFUSED)
