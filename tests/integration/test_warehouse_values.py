"""What real databases have and a dataset has not: told row by row or before the first one, and nothing lost, cast or cut."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from presage.errors import InvalidInputError
from presage.features.dataset import Scalar
from presage.features.limits import MAX_TEXT_LENGTH
from presage.features.records import Record
from presage.features.sources.model import RowFault
from presage.features.sources.warehouse import WarehouseKind, WarehouseRequest, check_warehouse_request
from presage.features.sources.warehouse_columns import compare_columns
from presage.features.sources.warehouse_rows import WarehouseSource
from tests.fixtures.customer_tables import START, Shop
from tests.fixtures.feature_records import NOW
from tests.integration.test_customer_warehouse import BY_KIND, DATASET, connect, open_shop

pytestmark = pytest.mark.integration

REQUEST = WarehouseRequest(cursor_column="n", key_column="n", entity_column="who", event_timestamp_column="at", table="v")
Outcome = Mapping[str, object]
NOTHING: Mapping[str, str | None] = {"amount": None, "shop": None, "returned": None}


def open_values(kind: WarehouseKind, request: pytest.FixtureRequest, columns: str) -> Iterator[Shop]:
    shop = open_shop(kind, request.getfixturevalue(BY_KIND[kind]))
    shop.run(f"CREATE TABLE v (n bigint PRIMARY KEY, who varchar(9) DEFAULT 'c1', {columns})")
    yield shop
    shop.run("DROP TABLE v")
    shop.engine.dispose()


@pytest.fixture
def postgresql(request: pytest.FixtureRequest) -> Iterator[Shop]:
    columns = "at timestamptz DEFAULT '2026-01-01Z', seen timestamp, day date, x numeric, t text"
    yield from open_values("postgresql", request, columns)


@pytest.fixture
def mysql(request: pytest.FixtureRequest) -> Iterator[Shop]:
    columns = "at datetime(6) DEFAULT '2026-01-01', x decimal(65, 30), big bigint unsigned, flag tinyint(1), small tinyint, t longtext"
    yield from open_values("mysql", request, columns)


def read(shop: Shop, request: WarehouseRequest) -> dict[str, object]:
    """Return the values of each record, or the code and path of each refusal, by key."""
    check_warehouse_request(request)
    warehouse = connect(shop, request)
    comparison = compare_columns(request, DATASET, warehouse.describe())
    assert not comparison.breaking
    dataset = replace(DATASET, columns=(*DATASET.columns, *comparison.new_columns))
    rows = [row for batch in WarehouseSource(warehouse, request, dataset, now=NOW).read({}) for row in batch.rows]
    return dict(map(_name, rows))


def _name(row: Record | RowFault) -> tuple[str, object]:
    return (row.record_id, dict(row.values)) if isinstance(row, Record) else (row.part, (row.code, row.path))


def test_times_without_end_are_refused_row_by_row(postgresql: Shop) -> None:
    times = ["2026-01-01Z", "infinity", "-infinity", "4713-01-01 BC", "294276-01-01Z", "2026-01-01 01:00+01"]
    postgresql.run(*(f"INSERT INTO v (n, at) VALUES ({n}, '{at}')" for n, at in enumerate(times)))  # noqa: S608 - a test's own
    refused = ("malformed_timestamp", "$.event_timestamp")
    expected = {"0": {}, "1": refused, "2": refused, "3": refused, "4": refused, "5": {}}
    assert read(postgresql, replace(REQUEST, columns=NOTHING)) == expected


def test_days_need_a_cast_and_endless_ones_are_refused_then(postgresql: Shop) -> None:
    postgresql.run("INSERT INTO v (n, day) VALUES (0, '2026-01-01'), (1, 'infinity'), (2, '-infinity')")
    request = replace(REQUEST, columns=NOTHING, event_timestamp_column="day")
    with pytest.raises(InvalidInputError, match="'day' is other; expected timestamp: cast it in a query") as refusal:
        read(postgresql, request)
    assert refusal.value.path == "$.event_timestamp_column"
    cast = replace(request, table=None, query="SELECT n, who, day::timestamp AS day FROM v")
    refused = ("malformed_timestamp", "$.event_timestamp")
    assert read(postgresql, cast) == {"0": {}, "1": refused, "2": refused}


@pytest.mark.parametrize("column", ["at", "seen"])
def test_a_cursor_without_end_is_told_and_left_out_by_bounds(postgresql: Shop, column: str) -> None:
    postgresql.run(f"INSERT INTO v (n, {column}) VALUES (0, '-infinity'), (1, '2026-01-02'), (2, 'infinity')")  # noqa: S608 - a test's own
    request = replace(REQUEST, columns=NOTHING, cursor_column=column, event_timestamp_column=column)
    with pytest.raises(InvalidInputError, match="the cursor has the value '-infinity'") as refusal:
        read(postgresql, request)
    assert refusal.value.path == "$.cursor_column"
    with pytest.raises(InvalidInputError, match="the cursor has the value 'infinity'"):
        read(postgresql, replace(request, since=START))
    assert read(postgresql, replace(request, since=START, until=NOW)) == {"1": {}}


def test_exact_decimals_are_numbers_and_those_that_none_is_are_refused(postgresql: Shop) -> None:
    exact = ["0.1", "-2.50", "3.00", "9007199254740992", "0", "12345678901234567890.5"]
    lost = ["9007199254740993", "12345678901234567890", "1e400", "-1e400", "1e-400", "10::numeric ^ 6000"]
    endless = ["'NaN'", "'Infinity'", "1e400 + 0.5"]
    values = [*exact, *lost, *endless]
    postgresql.run(*(f"INSERT INTO v (n, x) VALUES ({n}, {x})" for n, x in enumerate(values)))  # noqa: S608 - a test's own
    found = read(postgresql, replace(REQUEST, columns={**NOTHING, "amount": "x"}))
    numbers: list[Scalar] = [0.1, -2.5, 3.0, 2.0**53, 0.0, 12345678901234567890.5]
    assert [found[str(n)] for n in range(len(exact))] == [{"amount": number} for number in numbers]
    refused = [found[str(n)] for n in range(len(exact), len(values))]
    assert refused[: len(lost)] == [("wrong_type", "$.values.amount")] * len(lost)
    assert refused[len(lost) :] == [("non_finite_number", "$.values.amount")] * len(endless)


def test_mysqls_decimals_and_unsigned_integers_lose_nothing(mysql: Shop) -> None:
    big = "12345678901234567890123456789012345"
    mysql.run(f"INSERT INTO v (n, x, big) VALUES (0, {big}.5, 7), (1, {big}, 7), (2, 0.25, 18446744073709551615), (3, 1e-30, 1)")  # noqa: S608
    refused = ("wrong_type", "$.values.amount")
    by_x = {"0": {"amount": float(big)}, "1": refused, "2": {"amount": 0.25}, "3": {"amount": 1e-30}}
    assert read(mysql, replace(REQUEST, columns={**NOTHING, "amount": "x"})) == by_x
    by_big = {"0": {"amount": 7.0}, "1": {"amount": 7.0}, "2": refused, "3": {"amount": 1.0}}
    assert read(mysql, replace(REQUEST, columns={**NOTHING, "amount": "big"})) == by_big


def test_mysqls_flags_are_booleans_and_numbers_where_the_dataset_has_them(mysql: Shop) -> None:
    mysql.run("INSERT INTO v (n, flag, small) VALUES (0, 0, 0), (1, 1, 1), (2, 2, 2), (3, NULL, NULL), (4, -1, -1)")
    refused = ("wrong_type", "$.values.returned")
    as_booleans = {"0": {"returned": False}, "1": {"returned": True}, "2": refused, "3": {}, "4": refused}
    assert read(mysql, replace(REQUEST, columns={**NOTHING, "returned": "flag"})) == as_booleans
    as_numbers = {"0": {"amount": 0.0}, "1": {"amount": 1.0}, "2": {"amount": 2.0}, "3": {}, "4": {"amount": -1.0}}
    for column in ("flag", "small"):
        assert read(mysql, replace(REQUEST, columns={**NOTHING, "amount": column})) == as_numbers
    request = replace(REQUEST, columns={**NOTHING, "returned": "small"})
    (broken,) = compare_columns(request, DATASET, connect(mysql, request).describe()).breaking
    assert (broken.column, broken.change) == ("returned", "retyped")


def test_mysqls_zero_dates_are_refused_row_by_row_and_told_of_as_a_cursor(mysql: Shop) -> None:
    times = ["2026-01-01", "0000-00-00", "2026-00-10", "2026-01-31 23:59:59.999999"]
    mysql.run("SET SESSION sql_mode = ''", *(f"INSERT INTO v (n, at) VALUES ({n}, '{at}')" for n, at in enumerate(times)))  # noqa: S608
    refused = ("malformed_timestamp", "$.event_timestamp")
    assert read(mysql, replace(REQUEST, columns=NOTHING)) == {"0": {}, "1": refused, "2": refused, "3": {}}
    request = replace(REQUEST, columns=NOTHING, cursor_column="at")
    with pytest.raises(InvalidInputError, match="the cursor has the value '0000-00-00 00:00:00") as refusal:
        read(mysql, request)
    assert refusal.value.path == "$.cursor_column"
    assert set(read(mysql, replace(request, since=START))) == {"0", "3"}


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_texts_of_any_length_are_refused_without_being_fetched(kind: str, request: pytest.FixtureRequest) -> None:
    shop: Shop = request.getfixturevalue(kind)
    lengths = [MAX_TEXT_LENGTH, MAX_TEXT_LENGTH + 1, 3_000_000]
    shop.run(*(f"INSERT INTO v (n, t) VALUES ({n}, repeat('é', {length}))" for n, length in enumerate(lengths)))  # noqa: S608 - a test's own
    found = read(shop, replace(REQUEST, columns={**NOTHING, "shop": "t"}))
    assert found["0"] == {"shop": "é" * MAX_TEXT_LENGTH}
    assert found["1"] == found["2"] == ("too_long", "$.values.shop")


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_names_and_queries_mean_what_the_database_would_take_them_for(kind: str, request: pytest.FixtureRequest) -> None:
    shop: Shop = request.getfixturevalue(kind)
    name = 'a"b`c%s :d \\ --'
    shop.run(f"ALTER TABLE v ADD COLUMN {shop.quote(name).replace('%', '%%')} varchar(9)")
    shop.run(f"INSERT INTO v (n, {shop.quote(name).replace('%', '%%')}) VALUES (0, 'x')")  # noqa: S608 - a test's own
    assert read(shop, replace(REQUEST, columns={**NOTHING, "shop": name})) == {"0": {"shop": "x"}}

    literal = r"'\\d\:a:b %s %% ''; --'"
    query = f"SELECT n, who, at, {literal} AS shop FROM v /* :n %s */;"  # noqa: S608 - a test's own
    with shop.engine.connect() as connection:
        meant = connection.exec_driver_sql(f"SELECT {literal.replace('%', '%%')}").scalar_one()
    found = read(shop, replace(REQUEST, table=None, query=query, columns={"amount": None, "returned": None}))
    assert found == {"0": {"shop": meant}}
