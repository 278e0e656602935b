"""What becomes of the journal's files: rotation, torn and damaged ones, full disks, several processes."""

import errno
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from presage.adapters.journal import prediction_journal
from presage.adapters.journal.frames import build_frame, read_frames
from presage.adapters.journal.journal_reader import FileJournalReader
from presage.adapters.journal.prediction_journal import FilePredictionJournal
from presage.adapters.journal.segments import SUFFIX, create_segment, list_segments
from presage.errors import JournalFullError, UnavailableError
from presage.predictions.ports import PredictionLogEntry
from tests.fixtures.logged import entry

PLENTY = 1 << 30


def read_ids(reader: FileJournalReader) -> list[str]:
    calls = reader.read(max_bytes=PLENTY)
    return [each.prediction_id for call in calls for each in msgspec.json.decode(call.payload, type=list[PredictionLogEntry])]


def ids(numbers: Sequence[int]) -> list[str]:
    return [entry(number).prediction_id for number in numbers]


def claimed(folder: Path) -> FileJournalReader:
    reader = FileJournalReader(folder)
    assert reader.claim()
    return reader


def test_a_living_processes_segment_stays_and_a_left_one_goes_when_it_is_confirmed(tmp_path: Path) -> None:
    journal, reader = FilePredictionJournal(tmp_path), claimed(tmp_path)
    journal.append([entry(1)])
    assert read_ids(reader) == ids([1])
    reader.confirm()
    assert read_ids(reader) == []
    assert len(list_segments(tmp_path)) == 1
    journal.append([entry(2)])
    journal.close()
    assert read_ids(reader) == ids([2])
    assert len(list_segments(tmp_path)) == 1
    reader.confirm()
    assert read_ids(reader) == []
    assert list_segments(tmp_path) == []


def test_a_new_reader_begins_with_what_is_there(tmp_path: Path) -> None:
    journal, first = FilePredictionJournal(tmp_path), claimed(tmp_path)
    journal.append([entry(1)])
    assert read_ids(first) == ids([1])
    first.confirm()
    journal.append([entry(2)])
    first.close()
    assert read_ids(claimed(tmp_path)) == ids([1, 2])


def test_only_one_process_reads(tmp_path: Path) -> None:
    first, second = claimed(tmp_path), FileJournalReader(tmp_path)
    assert not second.claim()
    assert first.claim()
    first.close()
    assert second.claim()


def test_a_segment_is_left_when_it_is_large_or_old_and_not_small(tmp_path: Path) -> None:
    now = [0.0]
    journal = FilePredictionJournal(tmp_path, clock=lambda: now[0])
    large = entry(1, features={"f": "x" * (prediction_journal.AGED_BYTES // 2)})
    journal.append([large])
    now[0] = 60.0
    journal.append([large])
    assert len(list_segments(tmp_path)) == 1
    journal.append([large])
    assert len(list_segments(tmp_path)) == 2
    for _ in range(2 * prediction_journal.SEGMENT_BYTES // prediction_journal.AGED_BYTES + 1):
        journal.append([large])
    assert len(list_segments(tmp_path)) == 3


def test_the_bound_is_over_all_processes_and_ends_when_there_is_room(tmp_path: Path) -> None:
    now = [0.0]
    capacity = prediction_journal.SEGMENT_BYTES
    large = entry(1, features={"f": "x" * (capacity // 4)})
    others, journal = FilePredictionJournal(tmp_path), FilePredictionJournal(tmp_path, capacity_bytes=capacity, clock=lambda: now[0])
    for _ in range(4):
        others.append([large])
    with pytest.raises(JournalFullError):
        journal.append([entry(2)])
    others.close()
    reader = claimed(tmp_path)
    assert len(read_ids(reader)) == 4
    reader.confirm()
    assert read_ids(reader) == []
    with pytest.raises(JournalFullError):
        journal.append([entry(2)])
    now[0] += prediction_journal.MEASURE_SECONDS
    journal.append([entry(2)])
    assert (read_ids(reader), journal.refused) == (ids([2]), 2)


@settings(max_examples=200)
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=5), st.data())
def test_frames_cut_anywhere_give_the_whole_ones_before_the_cut(payloads: list[bytes], data: st.DataObject) -> None:
    frames = [build_frame(payload, float(number)) for number, payload in enumerate(payloads)]
    whole = b"".join(frames)
    cut = data.draw(st.integers(0, len(whole)))
    found = read_frames(whole[:cut])
    ends = [sum(map(len, frames[: number + 1])) for number in range(len(frames))]
    complete = sum(end <= cut for end in ends)
    assert [call.payload for call in found.calls] == payloads[:complete]
    assert [call.appended_at for call in found.calls] == list(range(complete))
    assert found.fault == (None if cut in {0, *ends} else "torn")


def leave(folder: Path, content: bytes) -> None:
    """Leave a segment as a process does that is killed."""
    file, _ = create_segment(folder)
    os.write(file, content)
    os.close(file)


def frame(number: int) -> bytes:
    return build_frame(msgspec.json.encode([entry(number)]), 7.0)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, len(frame(2)) - 1))
def test_a_torn_tail_is_skipped_and_counted_once_everything_before_it_is_confirmed(tmp_path: Path, cut: int) -> None:
    leave(tmp_path, frame(1) + frame(2)[:cut])
    leave(tmp_path, frame(3))
    reader = claimed(tmp_path)
    assert read_ids(reader) == ids([1, 3])
    reader.confirm()
    assert read_ids(reader) == []
    assert (reader.measure().damaged, list_segments(tmp_path)) == (1, [])
    reader.close()


@pytest.mark.parametrize("content", [b"\0" * 40, b"\xff" * 40, b"\0", frame(1)[:-1] + b"!"])
def test_bytes_that_were_never_a_frame_are_skipped_and_do_not_cost_their_neighbours(tmp_path: Path, content: bytes) -> None:
    leave(tmp_path, content + (frame(2) if content == frame(1)[:-1] + b"!" else b""))
    leave(tmp_path, frame(3))
    reader = claimed(tmp_path)
    found = []
    for _ in range(6):
        found += read_ids(reader)
        reader.confirm()
    assert found == (ids([3, 2]) if len(content) > 40 else ids([3]))
    assert reader.measure().damaged > 0
    assert list_segments(tmp_path) == []


def test_an_unfinished_frame_of_a_living_process_waits_for_its_rest(tmp_path: Path) -> None:
    file, _ = create_segment(tmp_path)
    reader = claimed(tmp_path)
    os.write(file, frame(1) + frame(2)[:50])
    assert read_ids(reader) == ids([1])
    reader.confirm()
    assert read_ids(reader) == []
    os.write(file, frame(2)[50:])
    assert read_ids(reader) == ids([2])
    os.close(file)


@pytest.mark.parametrize("size", [0, 1, 15, 17, 400])
def test_a_full_disk_refuses_the_call_and_keeps_the_segment_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """`size` bytes of the frame still fit, then none."""
    journal, reader = FilePredictionJournal(tmp_path), claimed(tmp_path)
    journal.append([entry(1)])
    write = os.write

    def write_some(file: int, content: bytes) -> int:
        if size == 0:
            raise OSError(errno.ENOSPC, "no space left on device")
        return write(file, content[:size])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_some)
        with pytest.raises(JournalFullError):
            journal.append([entry(2)])
    journal.append([entry(3)])
    journal.close()
    assert (read_ids(reader), journal.refused) == (ids([1, 3]), 1)
    assert reader.measure().damaged == 0


def test_a_disk_that_fails_is_unavailable_and_not_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = FilePredictionJournal(tmp_path)

    def fail(_file: int, _content: bytes) -> int:
        raise OSError(errno.EIO, "input/output error")

    monkeypatch.setattr(os, "write", fail)
    with pytest.raises(UnavailableError) as caught:
        journal.append([entry(1)])
    assert (caught.value.code, journal.refused) == ("unavailable", 0)


def test_threads_lose_nothing_to_each_other_while_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_journal, "SEGMENT_BYTES", 20_000)
    journal, reader = FilePredictionJournal(tmp_path), claimed(tmp_path)
    numbers = [range(start, start + 250) for start in range(0, 2_000, 250)]

    def append_all(own: range) -> None:
        for number in own:
            journal.append([entry(number)])

    threads = [threading.Thread(target=append_all, args=(own,)) for own in numbers]
    for thread in threads:
        thread.start()
    found: list[str] = []
    while any(thread.is_alive() for thread in threads):
        found += read_ids(reader)
        reader.confirm()
    journal.close()
    found += read_ids(reader)
    reader.confirm()
    assert sorted(found) == ids(range(2_000))
    assert read_ids(reader) == []
    assert list_segments(tmp_path) == []


def test_what_a_process_left_that_ended_while_it_made_a_segment_is_removed(tmp_path: Path) -> None:
    unfinished, fresh = tmp_path / "1-1-a.creating", tmp_path / "2-2-b.creating"
    unfinished.touch()
    fresh.touch()
    os.utime(unfinished, (0, 0))
    claimed(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != SUFFIX and path.name != "claim"] == [fresh.name]
