"""The record writer, with its task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest

from presage_client import AsyncClient, Batching
from presage_client.async_record_writer import AsyncRecordWriter
from presage_client.caller import AsyncClock
from presage_client.errors import RecordsRefusedError, WriterTimeoutError
from presage_client.records import Refusal, build_record
from tests.fixtures.python_client import PUBLIC, FakeTime, make_policy, problem
from tests.fixtures.record_api import RecordApi

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PATIENT = 1e9
"""Records that wait so long are sent for another reason, or never."""
SMALL = Batching(max_records=1, max_bytes=200, max_waiting_bytes=200, max_age_seconds=PATIENT)


class SlowApi(RecordApi):
    """The same, which answers when `release` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.release = anyio.Event()
        self.asked = anyio.Event()

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        await self.release.wait()
        return self(request)


def open_writer(api: RecordApi, **options: Any) -> AsyncRecordWriter:  # noqa: ANN401 - the writer's own
    http = httpx.AsyncClient(transport=httpx.MockTransport(api.handle if isinstance(api, SlowApi) else api))
    client = AsyncClient(public=PUBLIC, http=http, clock=AsyncClock(lambda: 0.0, FakeTime().sleep_async))
    batching = Batching(max_records=3, max_age_seconds=PATIENT)
    chosen: dict[str, Any] = {"batching": batching, "policy": make_policy(), **options}
    return client.record_writer("orders", **chosen)


async def write(writer: AsyncRecordWriter, *names: str) -> None:
    for name in names:
        await writer.write(entity_id=name, event_timestamp=NOW, values={"spent": 1.5})


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        with anyio.fail_after(60):
            await test()

    anyio.run(bounded)


def test_records_go_out_in_batches_and_the_rest_at_the_end() -> None:
    api = RecordApi()

    async def test() -> None:
        async with open_writer(api) as writer:
            await write(writer, *"abcdefgh")
        assert writer.list_unsettled() == []

    run(test)
    assert api.batches == [["a", "b", "c"], ["d", "e", "f"], ["g", "h"]]


def test_full_and_old_batches_go_out_by_themselves() -> None:
    async def test(batching: Batching, *names: str) -> None:
        api = SlowApi()
        http = httpx.AsyncClient(transport=httpx.MockTransport(api.handle))
        async with AsyncClient(public=PUBLIC, http=http).record_writer("orders", batching=batching) as writer:
            await write(writer, *names)
            await api.asked.wait()
            api.release.set()

    run(lambda: test(Batching(max_records=2, max_age_seconds=PATIENT), "a", "b"))
    run(lambda: test(Batching(max_age_seconds=0.01), "a"))


@pytest.mark.parametrize("fault", [problem(503, "unavailable"), httpx.ReadTimeout("slow")])
def test_a_batch_is_sent_until_it_is_answered_under_one_key(fault: httpx.Response | Exception) -> None:
    api = RecordApi(faults=[fault] * 4)

    async def test() -> None:
        async with open_writer(api) as writer:
            await write(writer, *"ab")
            await writer.flush()
            assert api.taken == ["a", "b"]

    run(test)
    assert (len(api.keys), len(set(api.keys))) == (5, 1)


def test_refusals_are_raised_and_the_rest_is_taken() -> None:
    api = RecordApi()

    async def test() -> None:
        async with open_writer(api) as writer:
            await write(writer, "a", "bad1")
            with pytest.raises(RecordsRefusedError, match=r"^1 records were not taken \(1 bad_entity\)"):
                await writer.flush()
            await write(writer, "b", "bad2")

    with pytest.raises(RecordsRefusedError) as caught:
        run(test)
    assert [each.record.entity_id for each in caught.value.refusals] == ["bad2"]
    assert api.taken == ["a", "b"]


def test_records_that_never_arrive_are_raised_each_of_them() -> None:
    async def test() -> None:
        async with open_writer(RecordApi(faults=[httpx.ConnectError("refused")] * 5)) as writer:
            await write(writer, *"ab")

    with pytest.raises(RecordsRefusedError, match=r"2 ConnectionFailedError"):
        run(test)


def test_refusals_can_be_taken_and_written_again_mended_even_when_all_is_full() -> None:
    api = RecordApi()

    async def test() -> None:
        async def mend(refusals: Sequence[Refusal]) -> None:
            for refusal in refusals:
                refusal.record.entity_id = refusal.record.entity_id.removeprefix("bad")
                await writer.write_record(refusal.record)

        async with open_writer(api, on_refused=mend, batching=SMALL) as writer:
            await write(writer, "bad1", "a", "bad2", "b", "bad3")

    run(test)
    assert sorted(api.taken) == ["1", "2", "3", "a", "b"]


def test_only_whoever_takes_refusals_writes_beyond_the_bound() -> None:
    async def test() -> None:
        api, told, go_on = RecordApi(), anyio.Event(), anyio.Event()

        async def take(refusals: Sequence[Refusal]) -> None:
            assert len(refusals) == 1
            told.set()
            await go_on.wait()

        async with open_writer(api, on_refused=take, batching=SMALL) as writer:
            await write(writer, "bad", "a")
            await told.wait()
            with pytest.raises(WriterTimeoutError):
                await writer.write_record(build_record("b", NOW, {"spent": 1.5}), timeout_seconds=0.01)
            go_on.set()
        assert api.taken == ["a"]

    run(test)


def test_taking_refusals_cannot_wait_for_itself() -> None:
    async def test() -> None:
        writer: AsyncRecordWriter = open_writer(RecordApi(), on_refused=lambda _: writer.flush())
        async with writer:
            await write(writer, "bad")

    with pytest.raises(ValueError, match="cannot flush"):
        run(test)


def test_a_client_that_is_closed_first_loses_nothing_silently() -> None:
    async def test() -> None:
        client = AsyncClient(public=PUBLIC)
        async with client.record_writer("orders") as writer:
            await write(writer, *"ab")
            await client.close()

    with pytest.raises(RecordsRefusedError, match=r"2 RuntimeError\); .* the client has been closed"):
        run(test)


def test_what_taking_refusals_raises_is_raised_where_records_are_written() -> None:
    async def fail(refusals: Sequence[Refusal]) -> None:
        raise KeyError(refusals[0].code)

    async def test() -> None:
        async with open_writer(RecordApi(), on_refused=fail) as writer:
            await write(writer, "bad")
            with pytest.raises(KeyError, match="bad_entity"):
                await writer.flush()

    run(test)


def test_writing_and_flushing_wait_while_too_much_does() -> None:
    async def test() -> None:
        api = SlowApi()
        async with open_writer(api, batching=SMALL) as writer, anyio.create_task_group() as tasks:
            await write(writer, *"ab")
            tasks.start_soon(write, writer, "c")
            with pytest.raises(WriterTimeoutError, match=r"^2 records of orders are not settled after 0.01 s$"):
                await writer.write_record(build_record("d", NOW, {"spent": 1.5}), timeout_seconds=0.01)
            with pytest.raises(WriterTimeoutError, match=r"^2 records of orders are not settled after 0.01 s$"):
                await writer.flush(timeout_seconds=0.01)
            assert [record.entity_id for record in writer.list_unsettled()] == ["a", "b"]
            api.release.set()
        assert api.taken == ["a", "b", "c"]

    run(test)


def test_what_was_written_before_an_error_is_sent_and_the_error_comes_as_it_is() -> None:
    api = RecordApi()

    async def test() -> None:
        async with open_writer(api) as writer:
            await write(writer, "a")
            raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        run(test)
    assert api.taken == ["a"]


def test_a_cancellation_ends_at_once_and_what_may_not_have_arrived_can_be_had_back() -> None:
    async def test() -> None:
        api = SlowApi()
        writer = open_writer(api)
        with anyio.move_on_after(60) as scope:
            async with writer:
                await write(writer, *"abcd")
                await api.asked.wait()
                scope.cancel()
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        assert [record.entity_id for record in writer.list_unsettled()] == list("abcd")

    run(test)


def test_a_writer_takes_nothing_before_and_after_its_block() -> None:
    async def test() -> None:
        writer = open_writer(RecordApi())
        with pytest.raises(ValueError, match="is not open"):
            await write(writer, "a")
        async with writer:
            pass
        with pytest.raises(ValueError, match="is not open"):
            await write(writer, "a")

    run(test)
