"""What is notified goes to whoever chose it, at least once, until it is delivered or has failed for good."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from presage.adapters.memory.channel import MemoryChannel
from presage.errors import ConflictError, ForbiddenError, InvalidInputError, UnavailableError
from presage.notifications.delivering import LEASE_SECONDS, RUN_SECONDS, THREADS, deliver_due, forget_ended
from presage.notifications.dispatch import dispatch_pending
from presage.notifications.health import MAX_ATTEMPTS
from presage.notifications.model import Envelope, MailSettings, Receipt
from presage.notifications.webhooks import (
    MAX_OVERLAP_HOURS,
    MOST_ENDPOINTS,
    change_endpoint,
    create_endpoint,
    delete_endpoint,
    rotate_secret,
    send_test,
    set_enabled,
)
from presage.tenancy.model import Role
from tests.fixtures.metadata_rows import NOW, make_notification, make_user, make_workspace
from tests.fixtures.notified import Notified, make_owner

OWNER = make_owner("ws_1")
FAILED = Receipt("failed", "Answered 500", 500)


def notify(
    place: Notified, seconds: float = 0, *, event: str = "import_file.succeeded", user_id: str = "usr_1", workspace_id: str = "ws_1"
) -> str:
    notification = replace(make_notification(workspace_id, seconds), event=event, user_id=user_id)
    place.notifications.put_notification(notification)
    dispatch_pending(ports=place.ports.dispatch, now=place.now)
    return notification.notification_id


def test_a_notification_goes_once_to_each_endpoint_that_chose_its_event() -> None:
    place = Notified()
    every, fitting = place.register(), place.register(events=["import_file.*", "*.failed"])
    other, foreign = place.register(events=["build_model.*"]), place.register("ws_2")

    notification_id = notify(place)
    for _ in range(2):
        assert dispatch_pending(ports=place.ports.dispatch, now=place.now) == 0
    assert deliver_due(ports=place.ports) == 2
    assert deliver_due(ports=place.ports) == 0

    assert every.secret not in repr((every, place.webhook.sent))
    assert {envelope.notification.notification_id for envelope in place.webhook.sent} == {notification_id}
    assert sorted(envelope.secrets for envelope in place.webhook.sent) == sorted([(every.secret,), (fitting.secret,)])
    for issued, states in ((every, ["delivered"]), (fitting, ["delivered"]), (other, [])):
        assert [each.state for each in place.list_deliveries(issued.endpoint.endpoint_id)] == states
    assert place.list_deliveries(foreign.endpoint.endpoint_id, "ws_2") == []


def test_a_failure_is_tried_again_after_its_pause_under_the_same_ids() -> None:
    place = Notified(MemoryChannel([FAILED]))
    endpoint_id = place.register().endpoint.endpoint_id
    notify(place)

    assert deliver_due(ports=place.ports) == 0
    assert deliver_due(ports=place.ports) == 0
    (waiting,) = place.list_deliveries(endpoint_id)
    place.now += timedelta(seconds=30)
    assert deliver_due(ports=place.ports) == 1

    assert (waiting.state, waiting.attempts, waiting.last_status, waiting.due_at) == ("pending", 1, 500, NOW + timedelta(seconds=30))
    first, second = place.webhook.sent
    assert (first.delivery_id, first.notification) == (second.delivery_id, second.notification)
    assert second.sent_at > first.sent_at
    assert place.endpoints.get_endpoint("ws_1", endpoint_id).failures == 0


def test_attempts_are_bounded_and_the_end_is_visible() -> None:
    place = Notified(MemoryChannel([FAILED] * 99))
    endpoint_id = place.register().endpoint.endpoint_id
    notify(place)

    for _ in range(MAX_ATTEMPTS + 5):
        deliver_due(ports=place.ports)
        place.now += timedelta(hours=6)

    (ended,) = place.list_deliveries(endpoint_id)
    assert (ended.state, ended.attempts, ended.last_status, ended.message) == ("failed", MAX_ATTEMPTS, 500, "Answered 500")
    assert len(place.webhook.sent) == MAX_ATTEMPTS


def test_an_attempt_that_was_lost_is_made_again_after_its_lease_and_not_before() -> None:
    place = Notified()
    endpoint_id = place.register().endpoint.endpoint_id
    notify(place)
    (due,) = place.deliveries.list_due(now=place.now)
    assert place.deliveries.claim_delivery(due, now=place.now, until=place.now + timedelta(seconds=LEASE_SECONDS))

    assert deliver_due(ports=place.ports) == 0
    place.now += timedelta(seconds=LEASE_SECONDS)
    assert deliver_due(ports=place.ports) == 1
    assert place.list_deliveries(endpoint_id)[0].attempts == 2


def test_a_delivery_whose_attempts_are_always_lost_ends() -> None:
    place = Notified()
    endpoint_id = place.register().endpoint.endpoint_id
    notify(place)
    for _ in range(MAX_ATTEMPTS):
        (due,) = place.deliveries.list_due(now=place.now)
        place.deliveries.claim_delivery(due, now=place.now, until=place.now)

    assert deliver_due(ports=place.ports) == 0
    assert place.list_deliveries(endpoint_id)[0].state == "failed"
    assert place.webhook.sent == []


def test_a_target_that_hangs_holds_up_no_other() -> None:
    released, reached = threading.Event(), threading.Event()

    class Hanging(MemoryChannel):
        def send(self, envelope: Envelope) -> Receipt:
            if "slow" in envelope.recipient:
                assert released.wait(30)
                return FAILED
            reached.set()
            return super().send(envelope)

    place = Notified(Hanging())
    slow, quick = place.register(url="https://slow.example.com/"), place.register()
    notify(place)
    notify(place, 1)
    thread = threading.Thread(target=deliver_due, kwargs={"ports": place.ports})
    thread.start()
    assert reached.wait(30)
    released.set()
    thread.join()

    assert [each.state for each in place.list_deliveries(quick.endpoint.endpoint_id)] == ["delivered", "delivered"]
    assert sorted(each.attempts for each in place.list_deliveries(slow.endpoint.endpoint_id)) == [0, 1]


def test_an_endpoint_that_fails_for_long_is_disabled_and_its_user_told() -> None:
    place = Notified(MemoryChannel([FAILED] * 999))
    endpoint_id = place.register().endpoint.endpoint_id
    for day in range(4):
        notify(place, day)
        for _ in range(4):
            deliver_due(ports=place.ports)
            place.now += timedelta(hours=6)

    assert place.endpoints.get_endpoint("ws_1", endpoint_id).state == "disabled"
    told = [each for each in place.notifications.list_notifications("ws_1") if each.event == "webhook.disabled"]
    assert [each.user_id for each in told] == ["usr_1"]
    attempts = len(place.webhook.sent)
    for _ in range(20):
        deliver_due(ports=place.ports)
        place.now += timedelta(hours=6)
    assert len(place.webhook.sent) == attempts
    assert {(each.state) for each in place.list_deliveries(endpoint_id)} == {"failed"}
    notify(place, 9)
    assert len(place.list_deliveries(endpoint_id)) == 4

    set_enabled(OWNER, endpoint_id, enabled=True, ports=place.settings)
    assert place.endpoints.get_endpoint("ws_1", endpoint_id).failures == 0


def test_a_user_is_told_of_a_disabled_endpoint_also_when_the_worker_died_over_it() -> None:
    place = Notified()
    endpoint_id = place.register().endpoint.endpoint_id
    notify(place)
    place.endpoints.change_endpoint("ws_1", endpoint_id, lambda current: replace(current, state="disabled", reason="it failed"))

    deliver_due(ports=place.ports)

    assert [each.event for each in place.notifications.list_notifications("ws_1")].count("webhook.disabled") == 1


def test_disabling_by_hand_tells_nobody() -> None:
    place = Notified()
    endpoint_id = place.register().endpoint.endpoint_id
    notify(place)
    set_enabled(OWNER, endpoint_id, enabled=False, ports=place.settings)
    deliver_due(ports=place.ports)

    assert [each.event for each in place.notifications.list_notifications("ws_1")] == ["import_file.succeeded"]
    assert place.list_deliveries(endpoint_id)[0].message == "The endpoint is disabled"


def test_both_secrets_sign_until_the_overlap_ends_and_older_ones_are_forgotten() -> None:
    place = Notified()
    first = place.register()
    endpoint_id = first.endpoint.endpoint_id
    second = rotate_secret(OWNER, endpoint_id, overlap_hours=2, now=place.now, ports=place.settings)
    notify(place)
    deliver_due(ports=place.ports)
    place.now += timedelta(hours=2)
    notify(place, 1)
    deliver_due(ports=place.ports)
    third = rotate_secret(OWNER, endpoint_id, overlap_hours=0, now=place.now, ports=place.settings)
    notify(place, 2)
    deliver_due(ports=place.ports)

    assert [envelope.secrets for envelope in place.webhook.sent] == [(second.secret, first.secret), (second.secret,), (third.secret,)]
    assert len({first.secret, second.secret, third.secret}) == 3
    assert len(place.credentials.list_names("ws_1")) == 1
    delete_endpoint(OWNER, endpoint_id, ports=place.settings)
    assert place.credentials.list_names("ws_1") == []


@pytest.mark.parametrize("hours", [-1, MAX_OVERLAP_HOURS + 1])
def test_an_overlap_is_bounded(hours: int) -> None:
    place = Notified()
    with pytest.raises(InvalidInputError):
        rotate_secret(OWNER, place.register().endpoint.endpoint_id, overlap_hours=hours, now=NOW, ports=place.settings)


def test_what_waits_for_a_deleted_endpoint_fails() -> None:
    place = Notified()
    endpoint_id = place.register().endpoint.endpoint_id
    notify(place)
    delete_endpoint(OWNER, endpoint_id, ports=place.settings)
    deliver_due(ports=place.ports)
    assert (place.list_deliveries(endpoint_id)[0].state, place.webhook.sent) == ("failed", [])


def test_a_secret_that_is_gone_meanwhile_is_looked_for_again() -> None:
    place = Notified()
    issued = place.register()
    notify(place)
    (name,) = place.credentials.list_names("ws_1")
    place.credentials.delete_credential("ws_1", name)
    deliver_due(ports=place.ports)
    (waiting,) = place.list_deliveries(issued.endpoint.endpoint_id)
    assert (waiting.state, waiting.attempts) == ("pending", 1)
    assert place.endpoints.get_endpoint("ws_1", issued.endpoint.endpoint_id).failures == 0


def test_a_test_goes_to_its_endpoint_only_whatever_it_chose() -> None:
    place = Notified()
    tested, other = place.register(events=["build_model.failed"]), place.register()
    delivery = send_test(OWNER, tested.endpoint.endpoint_id, now=place.now, ports=place.settings)
    dispatch_pending(ports=place.ports.dispatch, now=place.now)

    assert deliver_due(ports=place.ports) == 1
    assert [envelope.notification.event for envelope in place.webhook.sent] == ["webhook.test"]
    assert [each.delivery_id for each in place.list_deliveries(tested.endpoint.endpoint_id)] == [delivery.delivery_id]
    assert place.list_deliveries(other.endpoint.endpoint_id) == []
    set_enabled(OWNER, tested.endpoint.endpoint_id, enabled=False, ports=place.settings)
    with pytest.raises(ConflictError):
        send_test(OWNER, tested.endpoint.endpoint_id, now=place.now, ports=place.settings)


def test_endpoints_are_bounded() -> None:
    place = Notified()
    for _ in range(MOST_ENDPOINTS):
        place.register()
    with pytest.raises(ConflictError, match=str(MOST_ENDPOINTS)):
        place.register()


def test_mail_goes_to_whom_it_is_for_and_wants_it() -> None:
    place = Notified()
    ann, bob, eve = (replace(make_user("ws_1", f"{name}@example.com"), user_id=f"usr_{name}") for name in ("ann", "bob", "eve"))
    place.workspaces.create_workspace(make_workspace("ws_1"), ann)
    for user in (bob, eve):
        place.workspaces.create_user(user)
    for user, events in ((ann, ("*.failed",)), (bob, ("*.*",))):
        place.mail_settings.put_settings(MailSettings("ws_1", user.user_id, enabled=True, events=events, changed_at=NOW))
    place.mail_settings.put_settings(MailSettings("ws_1", eve.user_id, enabled=False, events=("*.*",), changed_at=NOW))

    notify(place, event="import_file.succeeded", user_id=ann.user_id)
    notify(place, 1, event="import_file.failed", user_id=ann.user_id)
    notify(place, 2, event="check_drift.failed", user_id="system")
    notify(place, 3, event="import_file.failed", user_id=eve.user_id)
    deliver_due(ports=place.ports)

    sent = sorted((envelope.recipient, envelope.notification.event, envelope.secrets) for envelope in place.mail.sent)
    assert sent == [
        ("ann@example.com", "check_drift.failed", ()),
        ("ann@example.com", "import_file.failed", ()),
        ("bob@example.com", "check_drift.failed", ()),
    ]


def test_who_wants_no_mail_any_more_gets_none_and_an_outage_of_mail_is_waited_for() -> None:
    place = Notified(mail=MemoryChannel([UnavailableError("throttled")]))
    ann = make_user("ws_1")
    place.workspaces.create_workspace(make_workspace("ws_1"), ann)
    wanted = MailSettings("ws_1", ann.user_id, enabled=True, events=("*.*",), changed_at=NOW)
    place.mail_settings.put_settings(wanted)
    notify(place, user_id=ann.user_id)
    deliver_due(ports=place.ports)
    (waiting,) = place.list_deliveries(ann.user_id)
    assert (waiting.state, waiting.attempts) == ("pending", 1)

    place.mail_settings.put_settings(replace(wanted, enabled=False))
    place.now += timedelta(hours=1)
    deliver_due(ports=place.ports)
    assert (place.list_deliveries(ann.user_id)[0].state, len(place.mail.sent)) == ("failed", 1)


def test_targets_that_hang_do_not_always_come_before_the_same_others() -> None:
    reached, lock = threading.Event(), threading.Lock()

    class Slow(MemoryChannel):
        def send(self, envelope: Envelope) -> Receipt:
            if "slow" in envelope.recipient:
                reached.wait(2)
                with lock:
                    place.now += timedelta(seconds=RUN_SECONDS)
                return FAILED
            reached.set()
            return super().send(envelope)

    chances = iter([*[0.9] * (3 * THREADS), 0.1])
    place = Notified(Slow(), draw=lambda: next(chances, 0.5))
    for number in range(3 * THREADS):
        place.register(f"ws_{number}", url="https://slow.example.com/")
        notify(place, workspace_id=f"ws_{number}")
    quick = place.register("ws_quick")
    place.now += timedelta(seconds=1)
    notify(place, workspace_id="ws_quick")

    deliver_due(ports=place.ports)

    assert [each.state for each in place.list_deliveries(quick.endpoint.endpoint_id, "ws_quick")] == ["delivered"]


def test_what_ended_is_forgotten_after_its_time_and_not_delivered_anew() -> None:
    place = Notified(MemoryChannel([FAILED]))
    endpoint_id = place.register().endpoint.endpoint_id
    notify(place)
    deliver_due(ports=place.ports)
    place.now += timedelta(days=50)
    notify(place, 1)
    deliver_due(ports=place.ports)
    assert [each.state for each in place.list_deliveries(endpoint_id)] == ["delivered", "delivered"]

    kept = forget_ended(deliveries=place.deliveries, retention_days=30, now=place.now)
    place.now += timedelta(days=30, seconds=1)
    forgotten = forget_ended(deliveries=place.deliveries, retention_days=30, now=place.now)
    dispatch_pending(ports=place.ports.dispatch, now=place.now)

    assert (kept, forgotten, deliver_due(ports=place.ports)) == (0, 2, 0)
    assert place.list_deliveries(endpoint_id) == []
    assert len(place.notifications.list_notifications("ws_1")) == 2


@pytest.mark.parametrize("role", ["developer", "analyst", "viewer"])
def test_only_admins_and_owners_manage_webhooks(role: Role) -> None:
    place = Notified()
    endpoint_id = place.register().endpoint.endpoint_id
    before, member = place.endpoints.get_endpoint("ws_1", endpoint_id), replace(OWNER, user_id="usr_2", role=role)
    acts: list[Callable[[], object]] = [
        lambda: create_endpoint(member, url=before.url, events=("*.*",), now=NOW, ports=place.settings),
        lambda: change_endpoint(member, endpoint_id, url="https://eve.example.com/", events=("*.*",), ports=place.settings),
        lambda: rotate_secret(member, endpoint_id, overlap_hours=0, now=NOW, ports=place.settings),
        lambda: set_enabled(member, endpoint_id, enabled=False, ports=place.settings),
        lambda: send_test(member, endpoint_id, now=NOW, ports=place.settings),
        lambda: delete_endpoint(member, endpoint_id, ports=place.settings),
    ]

    for act in acts:
        with pytest.raises(ForbiddenError, match=r"webhooks\.write.*owner, admin"):
            act()

    assert place.endpoints.list_endpoints("ws_1") == [before]
    assert len(place.credentials.list_names("ws_1")) == 1
    assert place.list_deliveries(endpoint_id) == []
