"""`NotificationStore`: one suite over memory and MariaDB."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.notification_store import MemoryNotificationStore
from presage.adapters.sql.notification_store import SqlNotificationStore
from presage.jobs.ports import NotificationStore
from tests.fixtures.metadata_rows import make_notification


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> NotificationStore:
    if request.param == "memory":
        return MemoryNotificationStore()
    engine: Engine = request.getfixturevalue("engine")
    return SqlNotificationStore(engine)


def test_the_same_notification_is_there_once_as_it_first_was(store: NotificationStore, workspace_id: str) -> None:
    notification = make_notification(workspace_id)

    store.put_notification(notification)
    store.put_notification(replace(notification, body="again"))

    assert store.list_notifications(workspace_id) == [notification]


def test_pages_are_newest_first_and_the_workspaces_own(store: NotificationStore, workspace_id: str) -> None:
    notifications = [make_notification(workspace_id, seconds) for seconds in range(5)]
    for notification in [*notifications, make_notification(f"{workspace_id}x")]:
        store.put_notification(notification)

    first = store.list_notifications(workspace_id, limit=3)
    second = store.list_notifications(workspace_id, before=first[-1].notification_id, limit=3)

    assert [*first, *second] == notifications[::-1]
