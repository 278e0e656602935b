from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from presage.errors import InvalidInputError
from presage.experiments.messages import MAX_MESSAGE_BYTES, decode_message, encode_messages
from presage.experiments.model import Assignment, AssignmentBlock
from presage.identifiers import derive_uuids

ASSIGNMENT = Assignment("ws", "exp", "p-1", "ann", "treatment", datetime(2026, 1, 1, tzinfo=UTC), 3, ("a", "b"))


def test_what_is_encoded_is_decoded() -> None:
    (body,) = encode_messages([ASSIGNMENT, replace(ASSIGNMENT, model_version=None, shown=())])
    assert decode_message(body.decode()) == (ASSIGNMENT, replace(ASSIGNMENT, model_version=None, shown=()))


def test_many_assignments_are_spread_over_messages_in_order() -> None:
    many = [replace(ASSIGNMENT, prediction_id=f"p-{number}", shown=tuple(f"{item:0200}" for item in range(20))) for number in range(100)]
    bodies = list(encode_messages(many))
    assert len(bodies) > 1
    assert max(map(len, bodies)) <= MAX_MESSAGE_BYTES
    assert [found for body in bodies for found in decode_message(body)] == many


def test_an_assignment_that_fits_no_message_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="shows too much"):
        list(encode_messages([replace(ASSIGNMENT, shown=tuple(f"{item:0200}" for item in range(2000)))]))


def test_a_block_is_read_as_the_assignments_it_stands_for() -> None:
    first = replace(ASSIGNMENT, prediction_id=str(UUID(int=7)), unit_id="u0", shown=("1",))
    block = AssignmentBlock(first, ["u0", "u1", "u2"], ["1", "0", "x" * 257])
    (body,) = encode_messages([ASSIGNMENT, block])
    ids = derive_uuids(first.prediction_id, 3)
    assert decode_message(body) == (
        ASSIGNMENT,
        first,
        replace(first, prediction_id=ids[1], unit_id="u1", shown=("0",)),
        replace(first, prediction_id=ids[2], unit_id="u2", shown=()),
    )


def test_a_block_that_fits_no_message_falls_apart() -> None:
    block = AssignmentBlock(replace(ASSIGNMENT, prediction_id=str(UUID(int=7))), ["\x01" * 256] * 200, ["1"] * 200)
    bodies = list(encode_messages([block]))
    assert len(bodies) > 1
    assert max(map(len, bodies)) <= MAX_MESSAGE_BYTES
    assert len({each.prediction_id for body in bodies for each in decode_message(body)}) == 200


def test_a_block_whose_columns_do_not_match_is_refused() -> None:
    (body,) = encode_messages([AssignmentBlock(replace(ASSIGNMENT, prediction_id=str(UUID(int=7))), ["u0"], [])])
    with pytest.raises(InvalidInputError, match="0 items shown to 1 units"):
        decode_message(body)


def test_messages_of_the_schema_before_are_read() -> None:
    assert decode_message(msgspec.json.encode({"schema": 1, "assignments": [ASSIGNMENT]})) == (ASSIGNMENT,)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"variant": "Both"}, "$.assignments[0].variant"),
        ({"variant": "a" * 17}, "$.assignments[0].variant"),
        ({"variant": None}, "$.assignments[0].variant"),
        ({"exposed_at": "yesterday"}, "$.assignments[0].exposed_at"),
        ({"exposed_at": "2026-01-01T00:00:00"}, "$.assignments[0].exposed_at"),
        ({"unit_id": 7}, "$.assignments[0].unit_id"),
        ({"unit_id": ""}, "$.assignments[0].unit_id"),
        ({"unit_id": "u" * 257}, "$.assignments[0].unit_id"),
        ({"workspace_id": "w" * 65}, "$.assignments[0].workspace_id"),
        ({"shown": ["a", "b\x00"]}, "$.assignments[0].shown[1]"),
    ],
)
def test_a_malformed_assignment_is_named_by_its_path(changes: dict[str, object], path: str) -> None:
    body = msgspec.json.encode({"schema": 1, "assignments": [{**msgspec.to_builtins(ASSIGNMENT), **changes}]})
    with pytest.raises(InvalidInputError) as caught:
        decode_message(body)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"schema": 1}', '{"schema": 3, "assignments": []}', '{"schema": 1, "assignments": [], "more": 1}']
)
def test_what_is_no_message_is_refused(body: str) -> None:
    with pytest.raises(InvalidInputError):
        decode_message(body)
