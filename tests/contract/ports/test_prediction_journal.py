"""`PredictionJournal` and `JournalReader`: one suite over memory and files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from presage.adapters.journal.journal_reader import FileJournalReader
from presage.adapters.journal.prediction_journal import FilePredictionJournal
from presage.adapters.memory.prediction_journal import MemoryPredictionJournal
from presage.errors import UnavailableError
from presage.predictions.blocks import read_entries as read_blocks
from presage.predictions.messages import decode_call
from presage.predictions.ports import JournalReader, PredictionJournal, PredictionLogEntry
from tests.fixtures.blocks import build_block
from tests.fixtures.logged import entry

PLENTY = 1 << 30


@dataclass
class Ends:
    journal: PredictionJournal
    reader: JournalReader
    fill: Callable[[], None]
    count_refused: Callable[[], int]


def build_file_ends(folder: Path) -> Ends:
    full = FilePredictionJournal(folder, capacity_bytes=0, clock=lambda: 7.0)
    roomy = FilePredictionJournal(folder, clock=lambda: 7.0)
    ends = Ends(roomy, FileJournalReader(folder), lambda: setattr(ends, "journal", full), lambda: full.refused)
    return ends


def build_memory_ends() -> Ends:
    journal = MemoryPredictionJournal(clock=lambda: 7.0)
    return Ends(journal, journal, lambda: setattr(journal, "room", False), lambda: journal.refused)


@pytest.fixture(params=["memory", "files"])
def ends(request: pytest.FixtureRequest, tmp_path: Path) -> Ends:
    ends = build_memory_ends() if request.param == "memory" else build_file_ends(tmp_path / "made" / "journal")
    assert ends.reader.claim()
    return ends


def read_entries(reader: JournalReader, *, max_bytes: int = PLENTY) -> list[list[PredictionLogEntry]]:
    return [msgspec.json.decode(call.payload, type=list[PredictionLogEntry]) for call in reader.read(max_bytes=max_bytes)]


def test_calls_are_read_as_they_were_appended_and_in_order(ends: Ends) -> None:
    calls = [[entry(1), entry(2, experiment_id=None, entity_id="ü\n\uffff")], [entry(3)]]
    for call in calls:
        ends.journal.append(call)
    assert read_entries(ends.reader) == calls
    assert {call.appended_at for call in ends.reader.read(max_bytes=PLENTY)} == {7.0}


def test_blocks_are_read_with_the_entries_of_their_call(ends: Ends) -> None:
    ends.journal.append([entry(1)], [build_block(2), build_block(3, first=50)])
    (call,) = ends.reader.read(max_bytes=PLENTY)
    assert list(decode_call(call.payload)) == [entry(1), *read_blocks(build_block(2)), *read_blocks(build_block(3, first=50))]


def test_what_is_not_confirmed_comes_again_with_what_was_added(ends: Ends) -> None:
    ends.journal.append([entry(1)])
    assert read_entries(ends.reader) == [[entry(1)]]
    ends.journal.append([entry(2)])
    assert read_entries(ends.reader) == [[entry(1)], [entry(2)]]


def test_what_is_confirmed_is_forgotten_and_what_came_after_the_read_is_not(ends: Ends) -> None:
    ends.journal.append([entry(1)])
    assert read_entries(ends.reader) == [[entry(1)]]
    ends.journal.append([entry(2)])
    ends.reader.confirm()
    assert read_entries(ends.reader) == [[entry(2)]]
    ends.reader.confirm()
    assert read_entries(ends.reader) == []


def test_a_read_is_bounded_but_never_empty_while_something_waits(ends: Ends) -> None:
    for number in range(10):
        ends.journal.append([entry(number)])
    size = sum(len(call.payload) for call in ends.reader.read(max_bytes=PLENTY))
    found = []
    while some := read_entries(ends.reader, max_bytes=size // 3):
        assert len(some) < 6
        found += some
        ends.reader.confirm()
    assert found == [[entry(number)] for number in range(10)]
    ends.journal.append([entry(11)])
    assert read_entries(ends.reader, max_bytes=1) == [[entry(11)]]


def test_what_waits_is_measured(ends: Ends) -> None:
    assert (ends.reader.measure().unshipped_bytes, ends.reader.measure().oldest_appended_at) == (0, None)
    ends.journal.append([entry(1)])
    backlog = ends.reader.measure()
    assert backlog.unshipped_bytes >= len(msgspec.json.encode([entry(1)]))
    assert (backlog.oldest_appended_at, backlog.damaged) == (7.0, 0)
    ends.reader.read(max_bytes=PLENTY)
    ends.reader.confirm()
    assert (ends.reader.measure().unshipped_bytes, ends.reader.measure().oldest_appended_at) == (0, None)


def test_without_room_nothing_is_kept_and_the_refusal_is_counted(ends: Ends) -> None:
    ends.journal.append([entry(1)])
    ends.fill()
    for _ in range(3):
        with pytest.raises(UnavailableError) as caught:
            ends.journal.append([entry(2)])
        assert caught.value.code == "journal_full"
    assert ends.count_refused() == 3
    assert read_entries(ends.reader) == [[entry(1)]]
