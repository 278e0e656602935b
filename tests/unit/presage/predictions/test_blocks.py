"""What the model answers is written down by columns, and is read as if it had been written down row by row."""

from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from presage.errors import InvalidInputError
from presage.experiments.model import LayerSegment
from presage.predictions.blocks import read_entries
from presage.predictions.messages import decode_call, decode_message, encode_call, pack_calls, read_call
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.request import PredictRequest
from presage.predictions.response import EntryFailure, PredictionResult
from presage.predictions.use_cases import predict
from tests.fixtures.blocks import build_block
from tests.fixtures.logged import entry
from tests.fixtures.serving import CLASSIFICATION, NOW, WORKSPACE, World, build_world

ENTRIES: list[Any] = [
    {"id": "c1"},
    {"id": "nobody"},
    {"id": 3},
    {"orders__n": 4, "orders__spent": None, "orders__last": True},
    {"id": "c1", "orders__spent": 7.5},
    {"id": "c1", "timestamp": "2026-03-01T11:00:00Z"},
    {"id": "ü" * 256},
]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = build_world(tmp_path)
    model = world.add_model("m", CLASSIFICATION, "0")
    world.deploy(model, world.add_version(model, 1, weights=(0.5, 0.01, -0.1)))
    return world


def ask(world: World, *entries: Any, **options: Any) -> list[PredictionResult | EntryFailure]:  # noqa: ANN401 - the wire's own
    return predict(PredictRequest("m", list(entries), **options), workspace_id=WORKSPACE, ports=world.ports, now=NOW).results


def read_log(world: World) -> dict[str, PredictionLogEntry]:
    """Ship, and return what is logged since the last time, by id."""
    world.log.entries.clear()
    world.ship()
    return dict(world.log.entries)


def without_id(logged: PredictionLogEntry) -> PredictionLogEntry:
    """What does not tell one by one, which the explanation makes, from together."""
    explained = ("explanation", "explanation_unavailable")
    result = {name: value for name, value in logged.result.items() if name not in explained}
    request = {name: value for name, value in logged.request.items() if name != "explain"}
    return replace(logged, prediction_id="", result={**result, "prediction_id": ""}, request=request)


@pytest.mark.parametrize(
    ("version", "changes"),
    [
        (None, {}),
        (1, {}),
        (None, {"weights": ((0.3,), (0.7,))}),
        (None, {"holdout_share": 0.5}),
        (None, {"segment": LayerSegment("search", 0.0, 0.5)}),
    ],
)
def test_rows_are_logged_as_if_each_had_been_answered_alone(world: World, version: int | None, changes: dict[str, Any]) -> None:
    world.experiment(next(iter(world.catalog.catalogs[WORKSPACE].deployments.values())).model, treatment_share=0.6, **changes)
    together = ask(world, *ENTRIES, version=version)
    logged = read_log(world)
    one_by_one = ask(world, *ENTRIES, version=version, explain=True)
    expected = read_log(world)
    assert len(logged) == len(ENTRIES) - 1
    for mine, theirs in zip(together, one_by_one, strict=True):
        if isinstance(mine, EntryFailure) or isinstance(theirs, EntryFailure):
            assert mine == theirs
            continue
        found, wanted = logged[mine.prediction_id], expected[theirs.prediction_id]
        assert without_id(found) == without_id(wanted)
        assert found.result == msgspec.to_builtins(mine)
    by_unit = {each.prediction_id: each for each in world.assignments.published}
    assert by_unit.keys() == {one for one, each in (logged | expected).items() if each.experiment_id is not None}
    for one, assignment in by_unit.items():
        found = (logged | expected)[one]
        assert (assignment.unit_id, assignment.variant, assignment.shown) == (found.entity_id, found.variant, (found.result["prediction"],))
        assert (assignment.exposed_at, assignment.model_version) == (found.predicted_for, found.model_version)
        assert assignment.allocation_version == found.result.get("allocation_version", 1) == len(changes.get("weights", ())) + 1


def test_all_of_a_call_is_one_frame_and_a_row_the_model_answers_has_no_text_of_its_own(world: World) -> None:
    ask(world, *ENTRIES)
    ask(world, *[{"id": "c1"}] * 100)
    mixed, many = world.journal.calls
    assert len(decode_call(mixed.payload)) == len(ENTRIES) - 1
    ids = [each.prediction_id for each in decode_call(many.payload)]
    assert len(set(ids)) == 100
    assert len(many.payload) < 100 * (3 * 8 + 8 + 10) + 1_000
    assert all(UUID(one).version == 7 for one in ids)


def test_a_journal_left_by_the_version_before_is_read_beside_the_new(world: World) -> None:
    world.journal.append([entry(1), entry(2)])
    assert world.journal.calls[0].payload == msgspec.json.encode([entry(1), entry(2)])
    (result,) = ask(world, {"id": "c1"})
    assert isinstance(result, PredictionResult)
    assert read_log(world).keys() == {entry(1).prediction_id, entry(2).prediction_id, result.prediction_id}


def test_messages_of_the_schema_before_are_read() -> None:
    body = msgspec.json.encode({"schema": 1, "entries": [entry(1)]})
    assert decode_message(body) == (entry(1),)


def test_loose_entries_and_blocks_share_a_message() -> None:
    block = build_block(3)
    calls = [read_call(encode_call([entry(1)])), read_call(encode_call([entry(2)], [block, build_block(2, first=50)]))]
    (message,) = pack_calls(calls)
    expected = [entry(1), entry(2), *read_entries(block), *read_entries(build_block(2, first=50))]
    assert list(decode_message(message.body)) == expected
    assert calls[1].first_prediction_id == block.first.prediction_id


def test_null_in_a_vector_is_null_in_the_log() -> None:
    (first, *_) = read_entries(build_block(3))
    assert first.features == {"a": 0.0, "b": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"values": b"\0" * 8},
        {"scores": b"\0" * 7},
        {"found": b"\1"},
        {"entity_ids": ["c1"]},
        {"asked": b'[{"id": "c1"}]'},
        {"predictions": []},
        {"asked": b"["},
    ],
)
def test_a_block_whose_columns_do_not_match_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        decode_call(encode_call([], [replace(build_block(3), **changes)]))


@pytest.mark.parametrize("payload", [b"", b"{", b"[", b"\x92\xc4\x02[]\x90", b"\x92\xc4\x01[\x90", b"\xc1"])
def test_what_is_no_call_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidInputError):
        read_call(payload)


@pytest.mark.parametrize("text", ["?", "abc", "kMQ="])
def test_what_is_no_packed_call_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError):
        decode_message(msgspec.json.encode({"schema": 2, "entries": [text]}))


def test_what_was_written_down_without_a_basis_is_still_read(world: World) -> None:
    ask(world, {"id": "c1"})
    ask(world, {"id": "c1", "timestamp": "2026-03-01T11:00:00Z"})
    packed, loose = (call.payload for call in world.journal.calls)
    for payload, coder in ((packed, msgspec.msgpack), (loose, msgspec.json)):
        (logged,) = decode_call(payload)
        assert logged.basis is not None
        written = coder.decode(payload)
        del (written[1][0][0] if coder is msgspec.msgpack else written[0])["basis"]
        assert decode_call(coder.encode(written)) == (replace(logged, basis=None),)
