"""The record writer, with its thread."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from presage_client import Batching, Client
from presage_client.caller import Clock
from presage_client.errors import RecordsRefusedError, WriterTimeoutError
from presage_client.record_writer import RecordWriter
from presage_client.records import Refusal, build_record, encode_record
from tests.fixtures.python_client import PUBLIC, FakeTime, make_policy, problem
from tests.fixtures.record_api import RecordApi
from tests.fixtures.synthesis import ROOT

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PATIENT = 1e9
"""Records that wait so long are sent for another reason, or never."""


def open_writer(api: RecordApi, **options: Any) -> RecordWriter:  # noqa: ANN401 - the writer's own
    time = FakeTime()
    http = httpx.Client(transport=httpx.MockTransport(api))
    client = Client(public=PUBLIC, http=http, clock=Clock(lambda: 0.0, time.sleep))
    batching = Batching(max_records=3, max_age_seconds=PATIENT)
    chosen: dict[str, Any] = {"batching": batching, "policy": make_policy(), **options}
    return client.record_writer("orders", **chosen)


def write(writer: RecordWriter, *names: str) -> None:
    for name in names:
        writer.write(entity_id=name, event_timestamp=NOW, values={"spent": 1.5})


def test_records_go_out_in_batches_and_the_rest_at_the_end() -> None:
    api = RecordApi()

    with open_writer(api) as writer:
        write(writer, *"abcdefgh")

    assert api.batches == [["a", "b", "c"], ["d", "e", "f"], ["g", "h"]]
    assert len(set(api.keys)) == 3
    assert writer.list_unsettled() == []


def test_a_full_batch_goes_out_by_itself() -> None:
    api = RecordApi()
    with open_writer(api) as writer:
        write(writer, *"abc")

        assert api.arrived.wait(60)


def test_an_old_record_goes_out_by_itself() -> None:
    api = RecordApi()
    http = httpx.Client(transport=httpx.MockTransport(api))
    with Client(public=PUBLIC, http=http).record_writer("orders", batching=Batching(max_age_seconds=0.01)) as writer:
        write(writer, "a")

        assert api.arrived.wait(60)


def test_a_flush_returns_when_all_that_was_written_is_settled() -> None:
    api = RecordApi()
    with open_writer(api) as writer:
        write(writer, *"abcd")
        writer.flush()

        assert api.taken == list("abcd")
        assert writer.list_unsettled() == []


@pytest.mark.parametrize("fault", [problem(503, "unavailable"), problem(409, "call_in_flight"), httpx.ReadTimeout("slow")])
def test_a_batch_is_sent_until_it_is_answered_under_one_key(fault: httpx.Response | Exception) -> None:
    api = RecordApi(faults=[fault] * 4)

    with open_writer(api) as writer:
        write(writer, *"ab")

    assert (api.batches, len(api.keys), len(set(api.keys))) == ([["a", "b"]], 5, 1)


def test_records_that_are_invalid_are_raised_and_the_rest_is_taken() -> None:
    api = RecordApi()
    writer = open_writer(api)
    write(writer, "a", "bad1", "bad2")
    write(writer, "c")

    with pytest.raises(RecordsRefusedError, match=r"^2 records were not taken \(2 bad_entity\); .* First: bad1 it is$") as caught:
        writer.close()

    assert [(each.record.entity_id, each.code, each.path) for each in caught.value.refusals] == [
        ("bad1", "bad_entity", "$.entity_id"),
        ("bad2", "bad_entity", "$.entity_id"),
    ]
    writer.close()
    assert api.taken == ["a", "c"]


def test_a_refusal_stops_further_writing_once_and_takes_nothing_of_it() -> None:
    api = RecordApi()
    with open_writer(api) as writer:
        write(writer, "bad")
        with pytest.raises(RecordsRefusedError):
            writer.flush()
        write(writer, "bad", "bad", "bad")
        wait_until_settled(writer, 4)

        with pytest.raises(RecordsRefusedError) as caught:
            write(writer, "d")

        write(writer, "e")
    assert (len(caught.value.refusals), api.taken) == (3, ["e"])


def wait_until_settled(writer: RecordWriter, count: int) -> None:
    with writer._changed:  # noqa: SLF001 - what flush does, without raising
        assert writer._changed.wait_for(lambda: writer._waiting.settled == count, 60)  # noqa: SLF001 - same


def test_records_that_never_arrive_are_raised_each_of_them() -> None:
    writer = open_writer(RecordApi(faults=[httpx.ConnectError("refused")] * 5))
    write(writer, *"ab")

    with pytest.raises(RecordsRefusedError, match=r"2 ConnectionFailedError") as caught:
        writer.close()

    assert [each.record.entity_id for each in caught.value.refusals] == ["a", "b"]


def test_refusals_can_be_taken_as_they_come_and_nothing_is_raised() -> None:
    api, refused = RecordApi(), list[Refusal]()

    with open_writer(api, on_refused=refused.extend) as writer:
        write(writer, "bad1", "a", "b", "bad2")

    assert [each.record.entity_id for each in refused] == ["bad1", "bad2"]
    assert api.taken == ["a", "b"]


def test_what_was_refused_can_be_written_again_mended_even_when_all_is_full() -> None:
    api = RecordApi()
    small = Batching(max_records=1, max_bytes=200, max_waiting_bytes=200, max_age_seconds=PATIENT)

    def mend(refusals: Sequence[Refusal]) -> None:
        for refusal in refusals:
            refusal.record.entity_id = refusal.record.entity_id.removeprefix("bad")
            writer.write_record(refusal.record)

    with open_writer(api, on_refused=mend, batching=small) as writer:
        write(writer, "bad1", "a", "bad2", "b", "bad3")

    assert sorted(api.taken) == ["1", "2", "3", "a", "b"]


def test_what_taking_refusals_raises_is_raised_where_records_are_written() -> None:
    def fail(refusals: Sequence[Refusal]) -> None:
        raise KeyError(refusals[0].code)

    writer = open_writer(RecordApi(), on_refused=fail)
    write(writer, "bad")

    with pytest.raises(KeyError, match="bad_entity"):
        writer.flush()

    writer.close()


def test_taking_refusals_cannot_wait_for_itself() -> None:
    writer: RecordWriter = open_writer(RecordApi(), on_refused=lambda _: writer.flush())
    write(writer, "bad")

    with pytest.raises(ValueError, match="cannot flush"):
        writer.close()


def test_a_client_that_is_closed_first_loses_nothing_silently() -> None:
    client = Client(public=PUBLIC)
    writer = client.record_writer("orders")
    write(writer, *"ab")
    client.close()

    with pytest.raises(RecordsRefusedError, match=r"2 RuntimeError\); .* the client has been closed") as caught:
        writer.close()

    assert [each.record.entity_id for each in caught.value.refusals] == ["a", "b"]


def test_writing_waits_while_too_much_does() -> None:
    api = RecordApi()
    record = build_record("a", NOW, {"spent": 1.5})
    batching = Batching(max_records=1, max_bytes=200, max_waiting_bytes=200, max_age_seconds=PATIENT)
    room = 200 // (len(encode_record(record, batching)) + 1)
    with open_writer(api, batching=batching) as writer, ThreadPoolExecutor(1) as pool:
        api.gate.clear()
        write(writer, *"abcdefghij"[:room])

        writing = pool.submit(write, writer, "z")
        with pytest.raises(WriterTimeoutError, match=rf"^{room} records of orders are not settled after 0.01 s$"):
            writer.write_record(record, timeout_seconds=0.01)
        assert not writing.done()
        assert len(writer.list_unsettled()) == room

        api.gate.set()
        writing.result(timeout=60)
    assert api.taken == [*"abcdefghij"[:room], "z"]


def test_a_flush_that_takes_too_long_says_so_and_loses_nothing() -> None:
    api = RecordApi()
    with open_writer(api) as writer:
        api.gate.clear()
        write(writer, *"ab")

        with pytest.raises(WriterTimeoutError, match=r"^2 records of orders are not settled after 0.01 s$"):
            writer.flush(timeout_seconds=0.01)

        assert [record.entity_id for record in writer.list_unsettled()] == ["a", "b"]
        api.gate.set()
    assert api.taken == ["a", "b"]


def test_many_threads_may_write() -> None:
    api = RecordApi()
    names = [[f"{thread}-{number}" for number in range(50)] for thread in range(8)]

    with open_writer(api, batching=Batching(max_records=7, max_age_seconds=PATIENT)) as writer, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda mine: write(writer, *mine), names))

    assert sorted(api.taken) == sorted(name for mine in names for name in mine)
    assert [[name for name in api.taken if name.startswith(f"{thread}-")] for thread in range(8)] == names


def test_what_was_written_before_an_error_is_sent() -> None:
    api = RecordApi()
    writer = open_writer(api)
    write(writer, "a")

    writer.__exit__(KeyError, KeyError(), None)

    assert api.taken == ["a"]


FORGETFUL = """
import datetime, sys
from tests.fixtures.record_api import RecordApi
from tests.unit.clients.test_record_writer import open_writer, write

api = RecordApi()
api.on_call = lambda: print("sent", flush=True)
write(open_writer(api), "a", "b")
print("forgotten", flush=True)
"""


def test_a_writer_that_is_forgotten_sends_all_the_same_and_warns() -> None:
    environment = {"PYTHONPATH": ":".join(map(str, (ROOT / "src", ROOT / "clients" / "python", ROOT)))}
    command = [sys.executable, "-W", "always::ResourceWarning", "-c", FORGETFUL]

    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=120)

    assert done.stdout.split() == ["forgotten", "sent"]
    assert "ResourceWarning: the writer of orders was not closed" in done.stderr


def test_a_closed_writer_takes_nothing_and_has_no_thread() -> None:
    before = threading.active_count()
    writer = open_writer(RecordApi())
    assert threading.active_count() == before + 1
    writer.close()

    with pytest.raises(ValueError, match="the writer is closed"):
        write(writer, "a")

    assert threading.active_count() == before
