"""What a call's answer means for each message of it."""

import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from presage.adapters.signed_calls import SignedCalls
from presage.adapters.sqs.batch_sender import ATTEMPTS, SqsBatchSender
from presage.errors import NotFoundError, UnavailableError

Answer = dict[str, Any] | Exception


class Calls:
    """Answers each call with the next of the given answers, and notes the bodies that were sent."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[list[str]] = []

    def call(self, operation: str, body: bytes) -> bytes:
        request = json.loads(body)
        assert (operation, request["QueueUrl"]) == ("SendMessageBatch", "url")
        self.sent.append([entry["MessageBody"] for entry in request["Entries"]])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return json.dumps(answer).encode()


def build(calls: Calls, clock: Callable[[], float] = lambda: 0.0) -> SqsBatchSender:
    return SqsBatchSender("url", cast("SignedCalls", calls), pause=lambda _: None, clock=clock)


def sent(*ids: str) -> list[dict[str, str]]:
    return [{"Id": each, "MessageId": "m", "MD5OfMessageBody": "5"} for each in ids]


def refused(each: str, *, sender_fault: bool) -> dict[str, Any]:
    return {"Id": each, "Code": "Odd", "Message": "why", "SenderFault": sender_fault}


def throttled(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "SendMessageBatch")  # type: ignore[typeddict-item]


def test_messages_go_in_one_call_and_are_durable_when_it_says_so() -> None:
    calls = Calls({"Successful": sent("1", "0")})
    assert build(calls).send(["a", "b"]) == [None, None]
    assert calls.sent == [["a", "b"]]


def test_what_failed_by_no_fault_of_its_own_is_sent_again_alone() -> None:
    calls = Calls({"Successful": sent("0", "2"), "Failed": [refused("1", sender_fault=False)]}, {"Successful": sent("1"), "Failed": []})
    assert build(calls).send(["a", "b", "c"]) == [None, None, None]
    assert calls.sent == [["a", "b", "c"], ["b"]]


def test_a_message_that_sqs_will_never_take_fails_alone_and_is_not_sent_again() -> None:
    calls = Calls({"Successful": sent("1"), "Failed": [refused("0", sender_fault=True)]})
    first, second = build(calls).send(["a", "b"])
    assert isinstance(first, ClientError)
    assert first.response["Error"]["Code"] == "Odd"
    assert second is None
    assert len(calls.sent) == 1


@pytest.mark.parametrize(
    "error", [ReadTimeoutError(endpoint_url="x"), throttled("ThrottlingException", 400), throttled("InternalError", 500)]
)
def test_a_call_without_an_answer_is_made_again(error: Exception) -> None:
    calls = Calls(error, {"Successful": sent("0")})
    assert build(calls).send(["a"]) == [None]


def test_attempts_end() -> None:
    calls = Calls(*[ReadTimeoutError(endpoint_url="x")] * 9)
    (outcome,) = build(calls).send(["a"])
    assert isinstance(outcome, UnavailableError)
    assert len(calls.sent) == ATTEMPTS


def test_attempts_end_in_time() -> None:
    times = iter(range(0, 100, 5))
    calls = Calls(*[ReadTimeoutError(endpoint_url="x")] * 9)
    (outcome,) = build(calls, lambda: float(next(times))).send(["a"])
    assert isinstance(outcome, UnavailableError)
    assert len(calls.sent) == 2


def test_a_message_that_the_answer_does_not_name_is_not_durable() -> None:
    calls = Calls(*[{"Successful": sent("0")}, {}, {}, {}])
    first, second = build(calls).send(["a", "b"])
    assert first is None
    assert isinstance(second, UnavailableError)
    assert calls.sent == [["a", "b"], ["b"], ["b"], ["b"]]


def test_a_queue_that_is_not_there_is_said_at_once() -> None:
    with pytest.raises(NotFoundError):
        build(Calls(throttled("QueueDoesNotExist", 400))).send(["a"])
