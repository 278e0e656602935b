"""What becomes of the messages of an SQS event and of the objects of an S3 event."""

import io
import json
import logging
from collections.abc import Iterator, Sequence

import pytest

from presage.errors import AlreadyExistsError, CorruptArtifactError, InvalidInputError, PresageError, UnavailableError
from presage.runtime.functions import VERDICT_OF_ERROR, decide, process_batch, process_objects
from presage.runtime.observability import configure_logging


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(service="tests", stage="local", stream=stream)
    yield stream
    root.handlers[:], root.level = before, level


def read_failures(stream: io.StringIO) -> list[dict[str, object]]:
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in lines if line["message"] == "message failed"]


def build_event(*bodies: str) -> dict[str, object]:
    records = [{"messageId": f"m{n}", "body": body, "attributes": {"ApproximateReceiveCount": "2"}} for n, body in enumerate(bodies)]
    return {"Records": records}


def build_s3_event(*keys: str) -> dict[str, object]:
    return {"Records": [{"s3": {"bucket": {"name": "lake"}, "object": {"key": key}}} for key in keys]}


class Sink:
    """Takes integers; refuses what is in `faults`, and remembers every call that went through."""

    def __init__(self, **faults: Exception) -> None:
        self.faults = {int(name[1:]): error for name, error in faults.items()}
        self.calls: list[list[int]] = []

    def take(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            if number in self.faults:
                raise self.faults[number]
        self.calls.append(list(numbers))


def parse(body: str) -> int:
    if not body.isdigit():
        raise InvalidInputError(f"{body!r} is no number", path="$.x")
    return int(body)


def run(sink: Sink, *bodies: str) -> list[str]:
    answer = process_batch(build_event(*bodies), parse=parse, handle=sink.take)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_every_error_of_the_tree_has_a_verdict() -> None:
    assert set(VERDICT_OF_ERROR) == set(PresageError.__subclasses__())


def test_what_nobody_foresaw_is_tried_again() -> None:
    assert decide(ZeroDivisionError()) == "retry"


def test_good_messages_are_handled_in_one_call() -> None:
    sink = Sink()
    assert run(sink, "1", "2", "3") == []
    assert sink.calls == [[1, 2, 3]]


def test_a_malformed_message_fails_alone_and_its_reason_is_logged(log_lines: io.StringIO) -> None:
    sink = Sink()
    assert run(sink, "1", "x", "3") == ["m1"]
    assert sink.calls == [[1, 3]]
    (line,) = read_failures(log_lines)
    expected = {
        "level": "error",
        "verdict": "park",
        "subject": "m1",
        "code": "invalid_input",
        "path": "$.x",
        "reason": "InvalidInputError: 'x' is no number",
        "receive_count": "2",
    }
    assert {name: line[name] for name in expected} == expected


def test_a_message_that_poisons_its_group_is_found_and_fails_alone(log_lines: io.StringIO) -> None:
    sink = Sink(n2=CorruptArtifactError("part"))
    assert run(sink, "1", "2", "3") == ["m1"]
    assert sink.calls == [[1], [3]]
    assert [line["subject"] for line in read_failures(log_lines)] == ["m1"]


def test_a_message_that_fails_as_nobody_foresaw_does_not_take_its_neighbours_along(log_lines: io.StringIO) -> None:
    sink = Sink(n2=ZeroDivisionError("boom"))
    assert run(sink, "1", "2", "3") == ["m1"]
    assert sink.calls == [[1], [3]]
    assert [(line["subject"], line["verdict"]) for line in read_failures(log_lines)] == [("m1", "retry")]


def test_while_a_dependency_is_down_all_are_tried_again(log_lines: io.StringIO) -> None:
    sink = Sink(n2=UnavailableError("S3"))
    assert run(sink, "1", "2", "3") == ["m0", "m1", "m2"]
    assert sink.calls == []
    assert [line["level"] for line in read_failures(log_lines)] == ["warning"]


def test_an_unforeseen_failure_is_logged_with_its_traceback(log_lines: io.StringIO) -> None:
    assert run(Sink(n1=ZeroDivisionError("boom")), "1") == ["m0"]
    assert "ZeroDivisionError: boom" in str(read_failures(log_lines)[0]["traceback"])


def test_what_is_done_already_is_acknowledged() -> None:
    assert run(Sink(n1=AlreadyExistsError("done")), "1") == []


def test_keys_of_s3_events_are_decoded() -> None:
    keys: list[str] = []
    process_objects(build_s3_event("ws%3Dws_1/dataset%3Dds_1/a+b%2Bc.json"), handle=keys.append)
    assert keys == ["ws=ws_1/dataset=ds_1/a b+c.json"]


def test_a_failing_object_does_not_stop_the_others_and_fails_the_event() -> None:
    done: list[str] = []

    def handle(key: str) -> None:
        if key == "bad":
            raise InvalidInputError("no")
        done.append(key)

    with pytest.raises(InvalidInputError):
        process_objects(build_s3_event("a", "bad", "c"), handle=handle)
    assert done == ["a", "c"]


def test_the_test_event_of_s3_does_nothing() -> None:
    process_objects({"Service": "Amazon S3", "Event": "s3:TestEvent"}, handle=lambda _: pytest.fail("called"))
