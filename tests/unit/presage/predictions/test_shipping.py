"""Handing over what the journal holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from presage.adapters.memory.assignment_queue import MemoryAssignmentQueue
from presage.adapters.memory.prediction_journal import MemoryPredictionJournal
from presage.adapters.memory.prediction_queue import MemoryPredictionQueue
from presage.errors import InvalidInputError, UnavailableError
from presage.experiments.model import Assignment, AssignmentBlock
from presage.predictions import shipping
from presage.predictions.messages import MAX_MESSAGE_BYTES, decode_message, decode_staged, encode_call, pack_calls, read_call
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.shipping import Report, Shipper, ShippingPorts
from tests.fixtures.logged import NOON, entry, prediction_id


class FlakyAssignments(MemoryAssignmentQueue):
    """Refuses for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.available = True

    def publish_assignments(self, assignments: Sequence[Assignment | AssignmentBlock]) -> None:
        if not self.available:
            raise UnavailableError("the queue does not answer")
        super().publish_assignments(assignments)


@dataclass
class Scene:
    now: float = 100.0
    reports: list[Report] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    predictions: MemoryPredictionQueue = field(default_factory=MemoryPredictionQueue)
    assignments: FlakyAssignments = field(default_factory=FlakyAssignments)

    def __post_init__(self) -> None:
        self.journal = MemoryPredictionJournal(clock=lambda: self.now)
        ports = ShippingPorts(self.journal, self.predictions, self.assignments)
        self.shipper = Shipper(ports, report=self.reports.append, clock=lambda: self.now)

    def logged(self) -> list[PredictionLogEntry]:
        return [each for message in self.predictions.messages for each in self.predictions.read_entries(message)]

    def run(self, *stages: Any, drain_seconds: float = 5.0) -> Any:  # noqa: ANN401 - functions, called one between two looks
        """Run the shipper; it is asked to stop when the stages are over."""
        left = list(stages)

        def wait(seconds: float) -> bool:
            self.waits.append(seconds)
            if left:
                left.pop(0)()
                return False
            return True

        return self.shipper.run(wait, drain_seconds=drain_seconds)


def entries_of(body: bytes) -> tuple[PredictionLogEntry, ...]:
    found = decode_message(body)
    assert not isinstance(found, str)
    return found


def nothing() -> None:
    """A look without anything happening before it."""


def test_entries_go_to_the_log_and_exposures_to_the_warehouse() -> None:
    scene = Scene()
    shown = [entry(1), entry(2, result={"prediction": "1"}, variant="control", model_version=None)]
    others = [entry(3, experiment_id=None, variant="none"), entry(4, entity_id=None, experiment_id=None)]
    scene.journal.append(shown)
    scene.journal.append(others)
    while scene.shipper.ship_next():
        pass
    assert scene.logged() == [*shown, *others]
    common = {"workspace_id": "ws_1", "experiment_id": "exp_1", "unit_id": "c1", "exposed_at": entry(1).predicted_for}
    assert scene.assignments.published == [
        Assignment(**common, prediction_id=prediction_id(1), variant="treatment", model_version=3, shown=("a", "ü")),  # type: ignore[arg-type]
        Assignment(**common, prediction_id=prediction_id(2), variant="control", model_version=None, shown=("1",)),  # type: ignore[arg-type]
    ]
    assert scene.journal.calls == []


def test_items_that_the_warehouse_does_not_take_do_not_cost_the_exposure() -> None:
    call = read_call(encode_call([entry(1, result={"prediction": ["", "a", "x" * 257]})]))
    assert [assignment.shown for assignment in call.assignments] == [("a",)]


def test_while_the_logs_queue_is_down_nothing_is_lost_and_no_assignment_goes_ahead() -> None:
    scene = Scene()
    scene.journal.append([entry(1)])
    scene.predictions.available = False
    scene.run(nothing, lambda: scene.journal.append([entry(2)]), lambda: setattr(scene.predictions, "available", True), nothing, nothing)
    assert scene.logged() == [entry(1), entry(2)]
    assert len(scene.assignments.published) == 2
    assert scene.journal.calls == []


def test_while_the_other_queue_is_down_entries_are_logged_once_and_assignments_come_later() -> None:
    scene = Scene()
    scene.journal.append([entry(1)])
    scene.assignments.available = False
    scene.run(nothing, nothing, nothing, lambda: setattr(scene.assignments, "available", True), nothing)
    assert scene.logged() == [entry(1)]
    assert len(scene.assignments.published) == 1


def test_pauses_grow_to_a_bound_with_jitter_and_end_with_the_failure() -> None:
    scene = Scene()
    scene.journal.append([entry(1)])
    scene.predictions.available = False
    scene.run(*[nothing] * 12, lambda: setattr(scene.predictions, "available", True), nothing)
    failing = scene.waits[:12]
    for number, pause in enumerate(failing, start=1):
        longest = min(shipping.LONGEST_PAUSE_SECONDS, shipping.FIRST_PAUSE_SECONDS * 2**number)
        assert longest / 2 <= pause <= longest
    assert scene.waits[-1] == shipping.INTERVAL_SECONDS


def test_a_fault_that_nobody_foresaw_does_not_end_the_shipper() -> None:
    scene = Scene()
    publish = scene.predictions.publish_calls
    scene.predictions.publish_calls = lambda _calls: 1 / 0  # type: ignore[method-assign, assignment]
    scene.journal.append([entry(1)])
    scene.run(nothing, lambda: setattr(scene.predictions, "publish_calls", publish), nothing)
    assert scene.logged() == [entry(1)]


def test_when_asked_to_stop_everything_is_handed_over() -> None:
    scene = Scene()
    for number in range(50):
        scene.journal.append([entry(number, features={"f": "x" * 100_000})])
    left = scene.run()
    assert left.unshipped_bytes == 0
    assert scene.logged() == [entry(number, features={"f": "x" * 100_000}) for number in range(50)]
    assert len(scene.assignments.published) == 50


def test_a_drain_ends_within_its_bound_and_says_what_is_left() -> None:
    scene = Scene()
    scene.journal.append([entry(1)])
    scene.predictions.available = False
    left = scene.run(drain_seconds=0.05)
    assert left.unshipped_bytes > 0
    assert len(scene.journal.calls) == 1


def test_the_report_tells_what_was_handed_over_how_late_and_what_waits() -> None:
    scene = Scene()
    scene.journal.append([entry(1)])
    scene.now += 0.25
    scene.journal.append([entry(2), entry(3)])
    scene.now += 0.75

    def later() -> None:
        scene.now += shipping.REPORT_SECONDS
        scene.predictions.available = False
        scene.journal.append([entry(4)])

    scene.run(later, nothing, lambda: setattr(scene, "now", scene.now + shipping.REPORT_SECONDS), drain_seconds=0.0)
    first, *_, last = scene.reports
    assert (first.calls, first.lag_ms_p50, first.lag_ms_p99, first.failures) == (2, 750.0, 1_000.0, 0)
    assert first.unshipped_bytes == len(encode_call([entry(4)]))
    assert sum(report.failures for report in scene.reports) == 3
    assert last.oldest_seconds == shipping.REPORT_SECONDS
    assert last.unshipped_bytes == len(encode_call([entry(4)]))


def test_a_call_that_cannot_be_read_does_not_hold_the_others_up(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    scene.journal.append([entry(1, result={"prediction": None})])
    scene.journal.append([entry(2)])
    while scene.shipper.ship_next():
        pass
    assert scene.logged() == [entry(2)]
    assert "$[0].result.prediction" in caplog.text


def test_a_call_that_the_logs_queue_refuses_for_good_is_set_aside_and_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    for number in range(20):
        scene.journal.append([entry(number, entity_id="poison" if number == 7 else "c1")])
    scene.predictions.refused = "poison"
    left = scene.run(nothing)
    assert left.unshipped_bytes == 0
    assert {each.prediction_id for each in scene.logged()} == {prediction_id(number) for number in range(20) if number != 7}
    assert {each.prediction_id for each in scene.assignments.published} == {prediction_id(number) for number in range(20)}
    ((key, staged),) = scene.predictions.staged.items()
    assert decode_staged(staged, key=key) == (entry(7, entity_id="poison"),)
    assert key in caplog.text
    assert [sum(values) for values in zip(*((each.set_aside, each.failures) for each in scene.reports), strict=True)] == [1, 0]


@pytest.mark.parametrize("odd", [0, 1])
def test_an_exposure_that_no_message_holds_is_set_aside_and_the_others_are_published(odd: int) -> None:
    """All are staged as one object before; what is set aside of the call that the object is named by must not take its place."""
    scene = Scene()
    long = [f"{number:0>250}" for number in range(1_000)]
    for number in range(3):
        scene.journal.append([entry(number, result={"prediction": long if number == odd else ["a"]})])
    left = scene.run(nothing)
    assert left.unshipped_bytes == 0
    assert {each.prediction_id for each in scene.logged()} == {prediction_id(number) for number in range(3)}
    assert {each.prediction_id for each in scene.assignments.published} == {prediction_id(number) for number in range(3) if number != odd}
    assert sum(each.set_aside for each in scene.reports) == 1


class TestMessages:
    def test_small_calls_share_messages_and_none_is_larger_than_the_queue_takes(self) -> None:
        calls = [read_call(encode_call([entry(number, workspace_id=f"ws_{number % 40}")])) for number in range(2_000)]
        messages = list(pack_calls(calls))
        assert max(len(message.body) for message in messages) <= MAX_MESSAGE_BYTES
        assert {message.staging_key for message in messages} == {None}
        least = sum(len(call.entries) for call in calls) / MAX_MESSAGE_BYTES
        assert len(messages) <= 2 * least + 1
        found = [each for message in messages for each in entries_of(message.body)]
        assert sorted(each.prediction_id for each in found) == [prediction_id(number) for number in range(2_000)]

    def test_a_workspace_that_overfills_a_message_is_staged_alone_and_below_itself(self) -> None:
        busy = [read_call(encode_call([entry(number, features={"f": "x" * 1_000})])) for number in range(300)]
        other = read_call(encode_call([entry(900, workspace_id="ws_2")]))
        staged, shared = list(pack_calls([*busy[:150], other, *busy[150:]]))
        assert staged.staging_key == f"ws=ws_1/staging/predictions/{prediction_id(0)}.json"
        assert len(entries_of(staged.body)) == 300
        assert (shared.staging_key, entries_of(shared.body)) == (None, (entry(900, workspace_id="ws_2"),))

    def test_characters_that_double_when_they_are_escaped_are_counted_so(self) -> None:
        calls = [read_call(encode_call([entry(number, entity_id="\uffff" * 256, request={"x": "\ufffe" * 20_000})])) for number in range(3)]
        messages = list(pack_calls(calls))
        assert all(len(message.body) <= MAX_MESSAGE_BYTES or message.staging_key for message in messages)
        assert all("\ufffe" not in message.body.decode() for message in messages)

    @pytest.mark.parametrize(
        "body",
        ["", "{", "[]", '{"schema": 2, "entries": []}', '{"schema": 1}', '{"schema": 1, "entries": []}', '{"schema": 1, "entries": [{}]}'],
    )
    def test_what_is_no_message_is_refused(self, body: str) -> None:
        with pytest.raises(InvalidInputError):
            decode_message(body)

    def test_times_survive_to_the_microsecond(self) -> None:
        (message,) = pack_calls([read_call(encode_call([entry(1)]))])
        (found,) = entries_of(message.body)
        assert (found.created_at, found.created_at.tzinfo) == (NOON.replace(microsecond=1), NOON.tzinfo)
