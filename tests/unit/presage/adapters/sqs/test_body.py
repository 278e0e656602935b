"""What is published arrives as it was, whatever characters callers bring."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from presage.adapters.sqs.assignment_queue import SqsAssignmentQueue
from presage.adapters.sqs.body import build_body
from presage.adapters.sqs.group_commit import GroupCommit
from presage.adapters.sqs.prediction_queue import SqsPredictionQueue
from presage.adapters.sqs.record_queue import SqsRecordMessages, SqsRecordQueue
from presage.experiments.messages import decode_message
from presage.experiments.model import Assignment
from presage.features.records import build_batch
from presage.predictions.messages import decode_message as predictions_of
from presage.predictions.messages import encode_call, read_call
from tests.fixtures.feature_records import NOW, make_dataset, make_record, write
from tests.fixtures.logged import entry

REFUSED = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What SQS's SendMessage does not take: all that is not in XML 1.0's character set."""
ASSIGNMENT = Assignment("ws", "exp", "p-1", "ann", "treatment", datetime(2026, 1, 1, tzinfo=UTC), 3, ("a", "b"))
ODD = "a\uffff\ufffe\x7f\U0001ffff"


class Queue:
    """Takes what SQS takes."""

    def __init__(self) -> None:
        self.bodies: list[str] = []

    def send(self, body: bytes) -> None:
        self.take([body.decode()])

    def take(self, bodies: Sequence[str]) -> list[None]:
        assert not any(REFUSED.search(body) for body in bodies)
        self.bodies += bodies
        return [None] * len(bodies)


@given(st.text())
def test_every_text_arrives_in_characters_that_sqs_keeps(text: str) -> None:
    body = build_body(msgspec.json.encode({text: text}))
    assert not REFUSED.search(body)
    assert msgspec.json.decode(body) == {text: text}


def test_all_queues_publish_so() -> None:
    queue = Queue()
    assignment = replace(ASSIGNMENT, unit_id=ODD, shown=(ODD,))
    batch = build_batch(make_dataset(), [make_record(1, entity_id=ODD)], received_at=NOW)
    SqsAssignmentQueue(queue.send).publish_assignments([assignment])
    messages = GroupCommit(queue.take)
    SqsRecordQueue(messages, "lake", s3=cast("Any", None)).publish_batch(write(batch))
    logged = entry(1, entity_id=ODD, request={ODD: ODD})
    predictions = SqsPredictionQueue(queue.send, "lake", s3=cast("Any", None))
    predictions.publish_calls([read_call(encode_call([logged]))])
    assignments, records, entries = queue.bodies
    assert predictions_of(entries) == (logged,)
    assert decode_message(assignments) == (assignment,)
    assert SqsRecordMessages("lake", s3=cast("Any", None)).read_batch(records) == batch
