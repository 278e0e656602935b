"""`AuditLog`: one suite over memory and MariaDB."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import DBAPIError

from presage.adapters.memory.audit_log import MemoryAuditLog
from presage.adapters.sql import audit_log
from presage.adapters.sql.audit_log import SqlAuditLog
from presage.adapters.sql.database import build_engine_from_url, unit_of_work
from presage.adapters.sql.tables import WorkspaceRow
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.errors import NotFoundError, UnavailableError
from presage.tenancy.audit import Act, AuditEntry, AuditSearch, Head, build_asked, encode_line, verify_chain
from presage.tenancy.ports import AuditLog
from tests.fixtures.audited import ask, end, make_act
from tests.fixtures.metadata_rows import at, make_user, make_workspace

ALL = AuditSearch()


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def log(request: pytest.FixtureRequest, workspace_id: str) -> AuditLog:
    if request.param == "memory":
        return MemoryAuditLog()
    engine: Engine = request.getfixturevalue("engine")
    for each in (workspace_id, f"{workspace_id}x"):
        SqlWorkspaceStore(engine).create_workspace(make_workspace(each), make_user(each))
    return SqlAuditLog(engine)


def test_entries_come_back_as_they_were_added(log: AuditLog, workspace_id: str) -> None:
    weights = {"b": 1.0, "a": 1e-300, "c": 2**70}
    detail: dict[str, Any] = {"role": "admin", "share": 0.1, "weights": weights, "name": "Café 😀 \x00", "none": None, "on": True}
    asked = ask(log, workspace_id, make_act(**detail))
    ended = end(log, asked, status=403, code="forbidden", at=at(1))

    assert list(log.iterate(workspace_id)) == [asked, ended]
    assert list(log.list_entries(workspace_id, ALL)) == [ended, asked]
    assert (asked.sequence, asked.detail, ended.refers_to) == (1, detail, 1)
    assert list(log.iterate("ws_none")) == []


def test_each_workspace_has_a_chain_of_its_own(log: AuditLog, workspace_id: str) -> None:
    for each in (workspace_id, f"{workspace_id}x", workspace_id):
        ask(log, each)

    for each, count in ((workspace_id, 2), (f"{workspace_id}x", 1)):
        found = verify_chain(encode_line(entry) for entry in log.iterate(each))
        assert (found.is_sound, found.head.sequence) == (True, count)


def test_many_at_once_leave_one_unbroken_chain(log: AuditLog, workspace_id: str) -> None:
    def act(_number: int) -> AuditEntry:
        return end(log, ask(log, workspace_id))

    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(act, range(40)))

    found = verify_chain(encode_line(entry) for entry in log.iterate(workspace_id))
    assert (found.is_sound, found.head.sequence, found.unended) == (True, 80, 0), found
    assert len({entry.sequence for entry in ended}) == 40


def test_what_cannot_be_built_leaves_the_chain_as_it_was(log: AuditLog, workspace_id: str) -> None:
    ask(log, workspace_id)

    def fail(_head: Head) -> AuditEntry:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        log.append(workspace_id, fail)

    assert ask(log, workspace_id).sequence == 2


def test_pages_and_searches(log: AuditLog, workspace_id: str) -> None:
    acts: list[Act] = [make_act(("a", "b")[number % 2], seconds=number, user_id=f"usr_{number % 3}") for number in range(6)]
    for act in acts:
        log.append(workspace_id, build_asked(workspace_id, act))

    def find(search: AuditSearch, before: int | None = None, limit: int = 50) -> list[int]:
        return [entry.sequence for entry in log.list_entries(workspace_id, search, before=before, limit=limit)]

    assert find(ALL, limit=4) == [6, 5, 4, 3]
    assert find(ALL, before=3) == [2, 1]
    assert find(ALL, before=1) == []
    assert find(AuditSearch(action="b")) == [6, 4, 2]
    assert find(AuditSearch(action="b"), before=6, limit=1) == [4]
    assert find(AuditSearch(user_id="usr_2")) == [6, 3]
    assert find(AuditSearch(user_id="usr_2", action="a")) == [3]
    assert find(AuditSearch(since=at(2), until=at(4))) == [4, 3]
    assert find(AuditSearch(action="B")) == []


@pytest.mark.integration
def test_all_are_read_page_by_page(engine: Engine, workspace_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SqlWorkspaceStore(engine).create_workspace(make_workspace(workspace_id), make_user(workspace_id))
    log = SqlAuditLog(engine)
    monkeypatch.setattr(audit_log, "PAGE", 3)
    for count in (0, 3, 7):
        while (known := len(list(log.iterate(workspace_id)))) < count:
            ask(log, workspace_id)
        assert known == count
    assert [entry.sequence for entry in log.iterate(workspace_id)] == list(range(1, 8))


@pytest.mark.integration
def test_the_database_refuses_to_change_or_delete_an_entry(engine: Engine, workspace_id: str) -> None:
    SqlWorkspaceStore(engine).create_workspace(make_workspace(workspace_id), make_user(workspace_id))
    log = SqlAuditLog(engine)
    asked = ask(log, workspace_id)

    for statement in ("UPDATE audit_entries SET email = 'eve@example.com'", "DELETE FROM audit_entries"):
        with pytest.raises(DBAPIError, match="only grows"), engine.begin() as connection:
            connection.execute(text(f"{statement} WHERE workspace_id = :workspace_id"), {"workspace_id": workspace_id})

    assert list(log.iterate(workspace_id)) == [asked]


@pytest.mark.integration
def test_who_holds_the_workspace_for_long_is_not_waited_for(engine: Engine, mariadb: str, workspace_id: str) -> None:
    SqlWorkspaceStore(engine).create_workspace(make_workspace(workspace_id), make_user(workspace_id))
    impatient = build_engine_from_url(mariadb)
    with impatient.connect() as connection:
        assert connection.execute(text("SELECT @@innodb_lock_wait_timeout")).scalar() == 10
        connection.execute(text("SET SESSION innodb_lock_wait_timeout = 1"))
        connection.commit()

    hold = select(WorkspaceRow.workspace_id).where(WorkspaceRow.workspace_id == workspace_id).with_for_update()
    with unit_of_work(engine) as session:
        session.execute(hold)
        with pytest.raises(UnavailableError):
            ask(SqlAuditLog(impatient), workspace_id)
    impatient.dispose()

    assert ask(SqlAuditLog(engine), workspace_id).sequence == 1


@pytest.mark.integration
def test_a_workspace_that_is_not_there_has_no_log(engine: Engine) -> None:
    with pytest.raises(NotFoundError):
        ask(SqlAuditLog(engine), f"ws_{uuid4().hex}")


def test_our_code_knows_no_way_to_change_or_delete_an_entry() -> None:
    sources = [path for path in Path(__file__).parents[3].glob("src/presage/**/*.py") if "AuditEntryRow" in path.read_text()]

    assert sorted(path.name for path in sources) == ["audit_log.py", "audit_tables.py"]
    for path in sources:
        code = path.read_text()
        assert not [verb for verb in (".update(", ".delete(", "update_rows", "delete(", "text(", "merge(") if verb in code], path
