"""Real PostgreSQL and MariaDB as a customer's warehouse: every row once, through cuts; refused politely; read-only; no secret told."""

import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from ipaddress import ip_network
from typing import get_args
from urllib.parse import urlsplit

import pytest
import sqlalchemy

from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.sqlite.seen_ids import open_seen_ids
from presage.adapters.warehouses.addresses import find_place
from presage.adapters.warehouses.customer_warehouse import DIALECTS, SqlCustomerWarehouse
from presage.errors import ForbiddenError, InvalidInputError, PresageError, UnavailableError
from presage.features.dataset import Column
from presage.features.sources.importing import import_source
from presage.features.sources.model import ImportSummary
from presage.features.sources.ports import ImportPorts
from presage.features.sources.warehouse import Page, WarehouseKind, WarehouseLogin, WarehouseRequest
from presage.features.sources.warehouse_columns import compare_columns
from presage.features.sources.warehouse_rows import WarehouseSource, find_end
from tests.fixtures.customer_tables import REQUEST, START, TIES, Line, Shop
from tests.fixtures.feature_records import NOW, make_dataset

pytestmark = pytest.mark.integration

ROWS = 100_000
LOOPBACK = partial(find_place, networks=[ip_network("127.0.0.0/8")])
DATASET = make_dataset()
BY_KIND: Mapping[WarehouseKind, str] = {"postgresql": "postgres", "mysql": "mariadb", "redshift": "postgres"}


def open_shop(kind: WarehouseKind, url: str) -> Shop:
    address = urlsplit(url)
    database, port = address.path.lstrip("/").partition("?")[0], str(address.port)
    login = WarehouseLogin("127.0.0.1", database, str(address.username), str(address.password), port)
    driver = "mysql+pymysql" if kind == "mysql" else "postgresql+psycopg"
    engine = sqlalchemy.create_engine(url.replace(address.scheme, driver, 1))
    return Shop("mysql" if kind == "mysql" else "postgresql", engine, login)


@pytest.fixture(params=["postgresql", "mysql"], scope="module")
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A shop with 100,000 orders, the even ones."""
    kind: WarehouseKind = request.param
    shop = open_shop(kind, request.getfixturevalue(BY_KIND[kind]))
    shop.create()
    shop.add(range(0, 2 * ROWS, 2))
    yield shop
    shop.engine.dispose()


def connect(shop: Shop, request: WarehouseRequest = REQUEST, **changes: str) -> SqlCustomerWarehouse:
    return SqlCustomerWarehouse(shop.kind, replace(shop.login, **changes), request, find_place=LOOPBACK, sleep=lambda _: None)


def load(store: MemoryFeatureSetStore, warehouse: SqlCustomerWarehouse, request: WarehouseRequest = REQUEST) -> ImportSummary:
    assert compare_columns(request, DATASET, warehouse.describe()).changes == ()
    source = WarehouseSource(warehouse, request, DATASET, now=NOW)
    return import_source(dataset=DATASET, source=source, ports=ImportPorts(store, store, open_seen_ids), now=NOW)


def read(store: MemoryFeatureSetStore) -> dict[str, tuple[object, ...]]:
    version = store.find_version("ws_1", "ds_1")
    assert version is not None
    frame = store.read_frame(version).select("record_id", "entity_id", "event_timestamp", "amount", "shop", "returned")
    return {row[0]: row[1:] for row in frame.iter_rows()}


def expect(number: int) -> tuple[object, ...]:
    time = (START + timedelta(seconds=number)).replace(tzinfo=None)  # as the frame of the memory adapter has it
    return (f"c{number % 997}", time, number % 1000 + 0.25, f"sh'op% {number % 5}", number % 2 == 0)


def test_every_row_lands_once_through_cuts_and_late_rows_by_reading_again(shop: Shop) -> None:
    store, line = MemoryFeatureSetStore(), Line(("127.0.0.1", int(shop.login.port)), [])
    late = range(1, 2 * TIES * 3, 2)
    with line.open():
        warehouse = connect(shop, port=str(line.port))
        warehouse.describe()
        line.cut_after_bytes += [600_000, 1_500_000, 900_000]
        first = load(store, warehouse)
    cuts = line.cuts
    shop.add(late)
    again = replace(REQUEST, since=START)
    second = load(store, connect(shop, again), again)
    rows = read(store)
    shop.run(f"DELETE FROM {shop.name} WHERE mod({shop.quote('Order')}, 2) = 1")  # noqa: S608 - a test's own names

    assert cuts == 3
    assert (first.rows, first.accepted, first.duplicates, first.invalid) == (ROWS, ROWS, 0, 0)
    assert (second.accepted, second.duplicates) == (len(late), ROWS)
    assert rows == {str(number): expect(number) for number in [*range(0, 2 * ROWS, 2), *late]}
    assert find_end(second.end) == START + timedelta(seconds=2 * ROWS)


def test_the_next_import_reads_from_where_the_last_one_ended(shop: Shop) -> None:
    request = replace(REQUEST, since=START + timedelta(seconds=2 * ROWS - TIES), until=START + timedelta(seconds=2 * ROWS))
    assert load(MemoryFeatureSetStore(), connect(shop, request), request).rows == TIES // 2


def test_a_query_is_read_as_a_table_is(shop: Shop) -> None:
    own = f"{shop.quote('Order')}, {shop.quote('changed at')}, customer, bought_at, amount, returned"
    query = f"SELECT {own}, ':x % ' AS shop FROM {shop.name} WHERE {shop.quote('Order')} < 20 -- ten of them"  # noqa: S608 - a test's own
    request = replace(REQUEST, table=None, query=query)
    store = MemoryFeatureSetStore()
    assert load(store, connect(shop, request), request).accepted == 10
    assert {row[3] for row in read(store).values()} == {":x % "}


def test_types_are_what_the_database_declares(shop: Shop) -> None:
    texts = "CAST('x' AS char(3)) AS a, 1 AS b, 1.5 AS c, NULL AS d, CURRENT_DATE AS e"
    found = connect(shop, replace(REQUEST, table=None, query=f"SELECT {texts}")).describe()
    assert {name: found[name] for name in "abce"} == {"a": "string", "b": "integer", "c": "number", "e": "other"}
    assert found["d"] in {"string", "other"}


def test_memory_does_not_grow_with_the_rows(shop: Shop) -> None:
    warehouse = connect(shop)
    bounds = warehouse.find_bounds(None, None)
    assert bounds is not None
    page = Page((REQUEST.cursor_column, REQUEST.key_column, "shop"), bounds, None, ROWS)
    tracemalloc.start()
    sizes = [tracemalloc.get_traced_memory()[0] for _ in warehouse.read_page(page)]
    tracemalloc.stop()
    assert len(sizes) == ROWS // 5_000
    assert max(sizes) < 2 * sizes[1]


@pytest.mark.parametrize(
    ("changes", "error", "code"),
    [
        ({"password": "hidden-and-wrong"}, ForbiddenError, "credentials_refused"),
        ({"username": "nobody"}, ForbiddenError, "credentials_refused"),
        ({"database": "no_such_database"}, PresageError, None),
        ({"port": "1"}, UnavailableError, "unavailable"),
        ({"port": "0"}, InvalidInputError, "invalid_input"),
        ({"host": "/var/run"}, InvalidInputError, "invalid_input"),
        ({"host": "10.0.0.1"}, InvalidInputError, "address_refused"),
    ],
)
def test_a_login_that_does_not_work_is_told_without_the_password(
    shop: Shop, changes: dict[str, str], error: type[PresageError], code: str | None
) -> None:
    with pytest.raises(error) as refusal:
        connect(shop, REQUEST, **changes).describe()
    assert code in {None, refusal.value.code}
    assert not isinstance(refusal.value, UnavailableError) or code == "unavailable"
    password = changes.get("password", shop.login.password)
    assert password not in str(refusal.value)
    assert refusal.value.__cause__ is None or password not in str(refusal.value.__cause__)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: {"table": "sh.no_such_table"},
        lambda _: {"table": None, "query": "SELEC 1"},
        lambda _: {"table": None, "query": "SELECT 1) AS a; DROP TABLE x; --"},
        lambda shop: {"table": None, "query": f"DELETE FROM {shop.name}"},  # noqa: S608 - a test's own
    ],
)
def test_what_cannot_be_read_is_refused(shop: Shop, change: Callable[[Shop], dict[str, str | None]]) -> None:
    request = replace(REQUEST, **change(shop))  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError) as refusal:
        connect(shop, request).describe()
    assert refusal.value.code == "statement_refused"


def test_a_connection_writes_nothing_and_is_in_utc(shop: Shop) -> None:
    warehouse = connect(shop)
    with pytest.raises(InvalidInputError, match=r"(?i)read.only"), warehouse._transaction() as connection:  # noqa: SLF001 - what a query could do
        connection.exec_driver_sql(f"DELETE FROM {shop.name}")  # noqa: S608 - a test's own
    zone = "SHOW timezone" if shop.kind == "postgresql" else "SELECT @@session.time_zone"
    with warehouse._transaction() as connection:  # noqa: SLF001 - same
        assert connection.exec_driver_sql(zone).scalar_one() in {"UTC", "+00:00"}


def test_columns_of_another_type_are_seen_before_a_row_is_read(shop: Shop) -> None:
    request = replace(REQUEST, columns={"amount": "shop", "shop": "gone", "order": "Order"})
    comparison = compare_columns(request, DATASET, connect(shop, request).describe())
    assert [(change.column, change.change, change.now) for change in comparison.breaking] == [
        ("amount", "retyped", "string"),
        ("shop", "removed", None),
    ]
    assert comparison.new_columns == (Column("order", "number"),)


def test_redshift_is_spoken_to_without_what_it_does_not_answer(postgres: str) -> None:
    shop = open_shop("redshift", postgres)
    shop.create()
    shop.add(range(10))
    store = MemoryFeatureSetStore()
    warehouse = SqlCustomerWarehouse("redshift", shop.login, REQUEST, find_place=LOOPBACK)
    summary = load(store, warehouse)
    shop.engine.dispose()
    assert (summary.accepted, read(store)["3"]) == (10, expect(3))


def close_first(listener: socket.socket) -> None:
    connection, _ = listener.accept()
    connection.close()


@pytest.mark.parametrize("kind", ["mysql", "postgresql"])
def test_a_server_that_closes_at_once_did_not_answer(kind: WarehouseKind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=close_first, args=(listener,), daemon=True).start()
        login = WarehouseLogin("127.0.0.1", "d", "u", "p", str(listener.getsockname()[1]))
        with pytest.raises(UnavailableError):
            SqlCustomerWarehouse(kind, login, REQUEST, find_place=LOOPBACK).describe()


def test_all_kinds_have_a_dialect() -> None:
    assert set(DIALECTS) == set(get_args(WarehouseKind))
