"""The schema: what the migrations make is what the code maps, once, whoever asks at the same time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import StatementError

import presage.adapters.sql.account_tables
import presage.adapters.sql.audit_tables
import presage.adapters.sql.notification_tables  # noqa: F401 - its tables
from presage.adapters.sql.api_key_store import SqlApiKeyStore
from presage.adapters.sql.database import build_engine_from_url, check_database, unit_of_work
from presage.adapters.sql.member_store import SqlMemberStore
from presage.adapters.sql.migrate import build_config, main, migrate
from presage.adapters.sql.notification_store import SqlNotificationStore
from presage.adapters.sql.tables import Row
from presage.adapters.sql.workspace_store import SqlWorkspaceStore
from presage.errors import InvalidInputError, UnavailableError
from presage.tenancy.model import User, Workspace
from tests.fixtures.metadata_rows import at, make_api_key, make_user, make_workspace

pytestmark = pytest.mark.integration


def test_concurrent_migrations_end_in_the_schema_that_the_code_maps(mariadb: str) -> None:
    engines = [build_engine_from_url(mariadb, pool_size=2) for _ in range(3)]

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(migrate, engines))
    main(["--url", mariadb])

    with engines[0].connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, Row.metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == ["0016"]
    for engine in engines:
        engine.dispose()


def test_workspace_ids_lead_every_key_but_the_two_that_tell_them(mariadb: str) -> None:
    engine = build_engine_from_url(mariadb)
    migrate(engine)
    inspector = inspect(engine)

    loose = set()
    for table in set(inspector.get_table_names()) - {"alembic_version", "accounts", "account_sessions", "mailed_links", "attempts"}:
        columns = [column["name"] for column in inspector.get_columns(table)]
        keys: list[Sequence[str | None]] = [index["column_names"] for index in inspector.get_indexes(table) if index["unique"]]
        keys.append(inspector.get_pk_constraint(table)["constrained_columns"])
        assert "workspace_id" in columns
        loose |= {(table, *key) for key in keys if key[0] != "workspace_id"}
    engine.dispose()

    assert loose == {("users", "token_sha256"), ("api_keys", "api_key_id"), ("alias_moves", "sequence"), ("snapshots", "sequence")}


def test_notifications_of_before_have_their_event_and_go_nowhere(mariadb: str) -> None:
    engine = build_engine_from_url(mariadb)
    insert = text("INSERT INTO notifications VALUES ('ws_1', :id, 'usr_1', :subject, 'b', '2026-03-01', NULL)")
    migrate(engine)
    with engine.begin() as connection:
        command.downgrade(build_config(connection), "0008")
        for subject in ("Import file succeeded", "Analyse experiment failed", "Odd"):
            connection.execute(insert, {"id": subject, "subject": subject})
    migrate(engine)
    of_an_older_worker = "(workspace_id, notification_id, user_id, subject, body, created_at)"
    with engine.begin() as connection:
        connection.execute(text(f"INSERT INTO notifications {of_an_older_worker} VALUES ('ws_1', 'n', 'u', 's', 'b', '2026-03-02')"))  # noqa: S608
    store = SqlNotificationStore(engine)

    assert {each.subject: each.event for each in store.list_notifications("ws_1")} == {
        "Import file succeeded": "import_file.succeeded",
        "Analyse experiment failed": "analyse_experiment.failed",
        "Odd": ".Odd",
        "s": "",
    }
    assert [each.notification_id for each in store.list_undispatched()] == ["n"]
    engine.dispose()


def test_a_database_that_is_gone_is_unavailable() -> None:
    engine = build_engine_from_url("mysql+pymysql://nobody:none@127.0.0.1:1/nothing")

    with pytest.raises(UnavailableError):
        check_database(engine)


def test_what_does_not_fit_is_refused_whole(mariadb: str) -> None:
    engine = build_engine_from_url(mariadb)
    migrate(engine)
    store = SqlWorkspaceStore(engine)
    long = User(**{name: getattr(make_user("ws_long"), name) for name in User.__slots__} | {"name": "x" * 201})
    naive = Workspace("ws_naive", "n", datetime(2026, 1, 1))  # noqa: DTZ001 - what must be refused

    with pytest.raises(InvalidInputError):
        store.create_workspace(make_workspace("ws_long"), long)
    with pytest.raises(StatementError, match="without time zone"):
        store.create_workspace(naive, make_user("ws_naive"))

    with unit_of_work(engine) as session:
        assert session.execute(text("SELECT COUNT(*) FROM workspaces WHERE workspace_id IN ('ws_long', 'ws_naive')")).scalar() == 0
    engine.dispose()


def test_members_become_developers_and_nobody_gains_rights_on_the_way_back(mariadb: str) -> None:
    engine = build_engine_from_url(mariadb)
    migrate(engine)
    with engine.begin() as connection:
        command.downgrade(build_config(connection), "0009")
        for user_id, role in (("usr_o", "owner"), ("usr_m", "member")):
            values = f"('ws_roles', '{user_id}', '{user_id}@example.com', 'n', '{role}', SHA2('{user_id}', 256), '2026-03-01')"
            connection.execute(text(f"INSERT INTO users VALUES {values}"))  # noqa: S608 - literals above
    migrate(engine)
    members = SqlMemberStore(engine)
    SqlWorkspaceStore(engine).create_user(replace(make_user("ws_roles"), role="viewer"))

    migrated = {user.user_id: user for user in members.list_members("ws_roles")}
    with engine.begin() as connection:
        command.downgrade(build_config(connection), "0009")
        query = text("SELECT user_id, role, token_sha256 FROM users WHERE workspace_id = 'ws_roles'")
        back = {user_id: (role, token) for user_id, role, token in connection.execute(query)}
    migrate(engine)
    engine.dispose()

    assert (migrated["usr_o"].role, migrated["usr_m"].role) == ("owner", "developer")
    assert back["usr_o"] == ("owner", migrated["usr_o"].token_sha256)
    assert back["usr_m"] == ("member", migrated["usr_m"].token_sha256)
    (viewer,) = (user for user in migrated.values() if user.role == "viewer")
    assert back[viewer.user_id][0] == "member"
    assert back[viewer.user_id][1] != viewer.token_sha256


def test_keys_of_before_do_what_their_kind_may_and_limited_ones_are_revoked_on_the_way_back(mariadb: str) -> None:
    engine = build_engine_from_url(mariadb)
    migrate(engine)
    columns = "workspace_id, api_key_id, name, plan, created_at, kind"
    insert = f"INSERT INTO api_keys ({columns}) VALUES ('ws_keys', :id, 'n', 'free', '2026-03-01', :id)"  # noqa: S608 - literals
    with engine.begin() as connection:
        command.downgrade(build_config(connection), "0010")
        for kind in ("secret", "publishable"):
            connection.execute(text(insert), {"id": kind})
    migrate(engine)
    store = SqlApiKeyStore(engine)
    scopes = {key.api_key_id: key.scopes for key in store.list_api_keys("ws_keys")}
    store.create_api_key(replace(make_api_key("ws_keys"), api_key_id="narrow", scopes=("predict",)))
    store.create_api_key(replace(make_api_key("ws_keys"), api_key_id="short", expires_at=at(1)))

    with engine.begin() as connection:
        command.downgrade(build_config(connection), "0010")
        query = text("SELECT api_key_id FROM api_keys WHERE workspace_id = 'ws_keys' AND revoked_at IS NULL")
        working = set(connection.execute(query).scalars())
    migrate(engine)
    engine.dispose()

    assert scopes == {"secret": ("predict", "records.write", "predictions.read"), "publishable": ("predict", "records.write")}
    assert working == {"secret", "publishable"}
