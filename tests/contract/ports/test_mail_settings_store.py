"""`MailSettingsStore`: one suite over memory and MariaDB."""

from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.mail_settings_store import MemoryMailSettingsStore
from presage.adapters.memory.workspace_store import MemoryWorkspaceStore
from presage.adapters.sql.mail_settings_store import SqlMailSettingsStore
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.notifications.model import MailRecipient, MailSettings
from presage.notifications.ports import MailSettingsStore
from presage.tenancy.ports import WorkspaceStore
from tests.fixtures.metadata_rows import NOW, at, make_user, make_workspace


@dataclass
class Users:
    workspaces: WorkspaceStore
    store: MailSettingsStore


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def users(request: pytest.FixtureRequest) -> Users:
    if request.param == "memory":
        workspaces = MemoryWorkspaceStore()
        return Users(workspaces, MemoryMailSettingsStore(workspaces))
    engine: Engine = request.getfixturevalue("engine")
    return Users(SqlWorkspaceStore(engine), SqlMailSettingsStore(engine))


def test_who_wants_mail_is_listed_with_the_address_of_the_account(users: Users, workspace_id: str) -> None:
    ann, bob = replace(make_user(workspace_id), user_id="usr_a"), replace(make_user(workspace_id, "bob@example.com"), user_id="usr_b")
    users.workspaces.create_workspace(make_workspace(workspace_id), ann)
    users.workspaces.create_user(bob)
    settings = [MailSettings(workspace_id, user.user_id, enabled=True, events=("*.failed",), changed_at=NOW) for user in (ann, bob)]
    assert users.store.find_settings(workspace_id, "usr_a") is None
    for each in settings:
        users.store.put_settings(each)

    assert users.store.find_settings(workspace_id, "usr_a") == settings[0]
    assert users.store.list_recipients(workspace_id) == [
        MailRecipient("usr_a", "ann@example.com", ("*.failed",)),
        MailRecipient("usr_b", "bob@example.com", ("*.failed",)),
    ]
    changed = replace(settings[0], enabled=False, events=("*.*",), changed_at=at(1))
    users.store.put_settings(changed)
    assert users.store.find_settings(workspace_id, "usr_a") == changed
    assert [each.user_id for each in users.store.list_recipients(workspace_id)] == ["usr_b"]
    assert users.store.list_recipients(f"{workspace_id}x") == []


def test_settings_without_a_user_reach_nobody(users: Users, workspace_id: str) -> None:
    users.store.put_settings(MailSettings(workspace_id, "usr_gone", enabled=True, events=("*.*",), changed_at=NOW))
    assert users.store.list_recipients(workspace_id) == []
