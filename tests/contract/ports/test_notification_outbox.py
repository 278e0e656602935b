"""`NotificationOutbox` and `DeliveryStore`: one suite over memory and MariaDB."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.notification_store import MemoryNotificationStore
from presage.adapters.sql.delivery_store import SqlDeliveryStore
from presage.adapters.sql.notification_store import SqlNotificationStore
from presage.errors import NotFoundError
from presage.jobs.model import Notification
from presage.notifications.model import Delivery
from presage.notifications.ports import DeliveryStore
from tests.fixtures.metadata_rows import at, make_notification
from tests.fixtures.notified import make_delivery


@dataclass
class Outbox:
    store: MemoryNotificationStore | SqlNotificationStore
    deliveries: DeliveryStore
    workspace_id: str

    def put(self, *deliveries: Delivery, seconds: float = 0) -> Notification:
        notification = make_notification(self.workspace_id, seconds)
        self.store.put_notification(notification)
        assert self.store.dispatch(notification, deliveries, now=at(seconds))
        return notification

    def make(self, *, seconds: float = 0, target_id: str = "whk_1") -> Delivery:
        return make_delivery(self.workspace_id, seconds=seconds, target_id=target_id)

    def list_due(self, seconds: float, *, of_target: int = 20) -> list[Delivery]:
        due = self.deliveries.list_due(now=at(seconds), limit=100_000, of_target=of_target)
        return [each for each in due if each.workspace_id == self.workspace_id]


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def outbox(request: pytest.FixtureRequest, workspace_id: str) -> Outbox:
    if request.param == "memory":
        memory = MemoryNotificationStore()
        return Outbox(memory, memory.deliveries, workspace_id)
    engine: Engine = request.getfixturevalue("engine")
    return Outbox(SqlNotificationStore(engine), SqlDeliveryStore(engine), workspace_id)


def test_a_notification_is_handed_over_once_with_its_deliveries(outbox: Outbox) -> None:
    second, first = make_notification(outbox.workspace_id, 2), make_notification(outbox.workspace_id, 1)
    for notification in (second, first):
        outbox.store.put_notification(notification)
    waiting = [each for each in outbox.store.list_undispatched(limit=100_000) if each.workspace_id == outbox.workspace_id]
    made = [outbox.make() for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda delivery: outbox.store.dispatch(first, [delivery], now=at(3)), made))

    assert waiting == [first, second]
    assert won.count(True) == 1
    assert outbox.list_due(9) == [made[won.index(True)]]
    assert first not in outbox.store.list_undispatched(limit=100_000)
    assert second in outbox.store.list_undispatched(limit=100_000)
    assert outbox.store.get_notification(outbox.workspace_id, first.notification_id) == first
    with pytest.raises(NotFoundError):
        outbox.store.get_notification(f"{outbox.workspace_id}x", first.notification_id)


def test_a_dispatched_notification_waits_for_nothing_else(outbox: Outbox) -> None:
    notification, delivery = make_notification(outbox.workspace_id), outbox.make()
    outbox.store.put_dispatched(notification, [delivery], now=at(1))

    assert notification not in outbox.store.list_undispatched(limit=100_000)
    assert outbox.list_due(9) == [delivery]
    assert outbox.store.list_notifications(outbox.workspace_id) == [notification]


def test_due_are_those_whose_time_has_come_few_of_each_target_and_a_backlog_behind_everybodys_first(outbox: Outbox) -> None:
    many = [outbox.make(seconds=seconds) for seconds in range(5)]
    other, later = outbox.make(seconds=9, target_id="whk_2"), outbox.make(seconds=20)
    outbox.put(*many, other, later)

    assert outbox.list_due(10) == [many[0], other, *many[1:]]
    assert outbox.list_due(10, of_target=2) == [many[0], other, many[1]]


def test_of_many_claims_at_once_one_wins_until_its_lease_ends(outbox: Outbox) -> None:
    delivery = outbox.make()
    outbox.put(delivery)

    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda _: outbox.deliveries.claim_delivery(delivery, now=at(1), until=at(100)), range(8)))

    (claimed,) = [claim for claim in claims if claim is not None]
    assert (claimed.attempts, claimed.due_at) == (1, at(100))
    assert outbox.list_due(99) == []
    assert outbox.list_due(100) == [claimed]
    assert outbox.deliveries.claim_delivery(claimed, now=at(99), until=at(200)) is None
    again = outbox.deliveries.claim_delivery(claimed, now=at(100), until=at(200))
    assert again is not None
    outbox.deliveries.record_attempt(replace(claimed, state="failed", message="late", ended_at=at(101)))
    assert outbox.list_due(200) == [again]


def test_what_an_attempt_came_to_is_kept_and_ended_ones_are_not_due(outbox: Outbox) -> None:
    delivery = outbox.make()
    outbox.put(delivery)
    claimed = outbox.deliveries.claim_delivery(delivery, now=at(1), until=at(100))
    assert claimed is not None
    ended = replace(claimed, state="delivered", last_status=204, message="Answered 204", ended_at=at(2))
    outbox.deliveries.record_attempt(ended)

    assert outbox.deliveries.list_deliveries(outbox.workspace_id, "whk_1") == [ended]
    assert outbox.list_due(999) == []
    assert outbox.deliveries.claim_delivery(ended, now=at(999), until=at(1000)) is None


def test_pages_are_newest_first_and_the_targets_own(outbox: Outbox) -> None:
    mine = [outbox.make(seconds=seconds) for seconds in range(5)]
    outbox.put(*mine, outbox.make(target_id="whk_2"))

    first = outbox.deliveries.list_deliveries(outbox.workspace_id, "whk_1", limit=3)
    second = outbox.deliveries.list_deliveries(outbox.workspace_id, "whk_1", before=first[-1].delivery_id, limit=3)

    assert [*first, *second] == mine[::-1]
    assert outbox.deliveries.list_deliveries(f"{outbox.workspace_id}x", "whk_1") == []


def test_what_ended_long_ago_is_forgotten_some_at_a_time_and_what_waits_is_not(outbox: Outbox) -> None:
    long_ago = -(10**9)  # before what any other test leaves in the database
    deliveries = [outbox.make(seconds=long_ago) for _ in range(5)]
    outbox.put(*deliveries, seconds=long_ago)
    for delivery, ended in zip(deliveries[:4], (1, 1, 1, 20), strict=True):
        claimed = outbox.deliveries.claim_delivery(delivery, now=at(long_ago), until=at(long_ago + 100))
        assert claimed is not None
        outbox.deliveries.record_attempt(replace(claimed, state="failed", ended_at=at(long_ago + ended)))

    forgotten = [outbox.deliveries.delete_ended(before=at(long_ago + 20), limit=2) for _ in range(3)]

    left = outbox.deliveries.list_deliveries(outbox.workspace_id, "whk_1")
    assert forgotten == [2, 1, 0]
    assert {each.delivery_id for each in left} == {each.delivery_id for each in deliveries[3:]}
