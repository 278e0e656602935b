"""Rows of a warehouse become records, pages go on behind the last row, and what does not fit is refused before a row is read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from presage.adapters.memory.customer_warehouse import MemoryCustomerWarehouse, Row
from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.seen_ids import open_seen_ids
from presage.errors import InvalidInputError, UnavailableError
from presage.features.dataset import Scalar
from presage.features.records import Record
from presage.features.sources import warehouse_rows
from presage.features.sources.importing import import_source
from presage.features.sources.model import ImportSummary, RowFault, SourceBatch
from presage.features.sources.ports import ImportPorts
from presage.features.sources.warehouse import (
    CellKind,
    WarehouseLogin,
    WarehouseRequest,
    check_warehouse_request,
)
from presage.features.sources.warehouse_rows import ATTEMPTS, WarehouseSource, find_end
from tests.fixtures.feature_records import NOW, make_dataset

DATASET = make_dataset()
KINDS: Mapping[str, CellKind] = {
    "order_id": "integer",
    "customer": "string",
    "bought_at": "timestamp",
    "changed_at": "timestamp",
    "amount": "number",
    "shop": "string",
    "returned": "flag",
    "basket": "other",
}
REQUEST = WarehouseRequest(
    cursor_column="changed_at",
    key_column="order_id",
    entity_column="customer",
    event_timestamp_column="bought_at",
    known_timestamp_column="changed_at",
    table="shop.orders",
)
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_row(number: int, **changes: object) -> Row:
    row: dict[str, object] = {
        "order_id": number,
        "customer": f"c{number % 3}",
        "bought_at": START + timedelta(minutes=number),
        "changed_at": START + timedelta(minutes=number // 3 * 3 + 5),
        "amount": number + 0.5,
        "shop": f"shop {number % 2}",
        "returned": number % 2,
        "basket": None,
    }
    return row | changes  # type: ignore[return-value]


def make_warehouse(rows: Sequence[Row], request: WarehouseRequest = REQUEST) -> MemoryCustomerWarehouse:
    return MemoryCustomerWarehouse(request, KINDS, rows)


def collect(warehouse: MemoryCustomerWarehouse, position: object = None, request: WarehouseRequest = REQUEST) -> list[SourceBatch]:
    return list(WarehouseSource(warehouse, request, DATASET, now=NOW).read(position or {}))  # type: ignore[arg-type]


def name_rows(batches: Sequence[SourceBatch]) -> list[str]:
    return [row.record_id for batch in batches for row in batch.rows if isinstance(row, Record)]


@pytest.fixture
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse_rows, "PAGE_ROWS", 4)


def test_a_row_is_a_record_named_by_its_key() -> None:
    ((row,),) = [batch.rows for batch in collect(make_warehouse([make_row(7)]))]
    values: dict[str, Scalar] = {"amount": 7.5, "shop": "shop 1", "returned": True}
    assert row == Record("7", "c1", START + timedelta(minutes=7), START + timedelta(minutes=11), values)


def test_a_state_of_a_row_is_a_record_of_its_own() -> None:
    request = replace(REQUEST, rows="states")
    warehouse = make_warehouse([make_row(7), make_row(7, changed_at=START + timedelta(minutes=20))], request)
    assert name_rows(collect(warehouse, request=request)) == ["7@2026-01-01T00:11:00+00:00", "7@2026-01-01T00:20:00+00:00"]


@pytest.mark.parametrize(
    ("changes", "code", "path"),
    [
        ({"customer": None}, "missing_entity_id", "$.entity_id"),
        ({"shop": 3}, "wrong_type", "$.values.shop"),
        ({"amount": "3"}, "wrong_type", "$.values.amount"),
        ({"amount": 2**53 + 1}, "wrong_type", "$.values.amount"),
        ({"amount": float("nan")}, "non_finite_number", "$.values.amount"),
        ({"returned": 2}, "wrong_type", "$.values.returned"),
        ({"bought_at": "infinity"}, "malformed_timestamp", "$.event_timestamp"),
        ({"bought_at": START + timedelta(days=1)}, "known_before_event", "$.known_timestamp"),
    ],
)
def test_a_value_of_another_type_is_refused_and_never_cast(changes: dict[str, object], code: str, path: str) -> None:
    ((_, fault),) = [batch.rows for batch in collect(make_warehouse([make_row(3), make_row(4, **changes)]))]
    assert isinstance(fault, RowFault)
    assert (fault.line, fault.code, fault.path, fault.part) == (2, code, path, "4")


@pytest.mark.usefixtures("_small_pages")
def test_pages_go_on_behind_the_last_row_through_ties() -> None:
    rows = [make_row(number, changed_at=START) for number in range(1, 12)]
    warehouse = make_warehouse([replace_time(row) for row in rows])
    batches = collect(warehouse)
    assert name_rows(batches) == [str(number) for number in range(1, 12)]
    assert [page.limit for page in warehouse.pages] == [4, 5, 5]
    assert batches[-1].fraction == 1.0


def replace_time(row: Row) -> Row:
    return {**row, "bought_at": START, "changed_at": START}


@pytest.mark.usefixtures("_small_pages")
def test_reading_goes_on_behind_any_batch() -> None:
    rows = [make_row(number) for number in range(20)]
    whole = collect(make_warehouse(rows))
    assert name_rows(whole) == [str(number) for number in range(20)]
    for number, batch in enumerate(whole):
        position = msgspec.json.decode(msgspec.json.encode(batch.position))
        rest = collect(make_warehouse(rows), position)
        assert rest == whole[number + 1 :] or name_rows(rest) == name_rows(whole[number + 1 :])


@pytest.mark.usefixtures("_small_pages")
def test_keys_that_a_collation_takes_for_equal_are_all_read() -> None:
    keys = ["a", "A", "b", "B", "c", "C", "d", "D"]
    warehouse = make_warehouse([{**replace_time(make_row(1)), "order_id": key} for key in keys])
    assert set(name_rows(collect(warehouse))) == set(keys)


@pytest.mark.usefixtures("_small_pages")
def test_rows_of_one_key_are_all_counted_whatever_page_they_are_in() -> None:
    warehouse = make_warehouse([replace_time(make_row(1)) for _ in range(11)])
    assert name_rows(collect(warehouse)) == ["1"] * 11


@pytest.mark.usefixtures("_small_pages")
def test_a_page_that_breaks_off_is_gone_on_with_behind_its_last_row() -> None:
    warehouse = make_warehouse([make_row(number) for number in range(20)])

    def cut(batch: int) -> None:
        if batch in {2, 5, 6, 9}:
            raise UnavailableError("cut")

    warehouse.interrupt = cut
    assert name_rows(collect(warehouse)) == [str(number) for number in range(20)]
    assert warehouse.pauses == [1, 1, 2, 1]


def test_a_warehouse_that_stays_away_is_given_up() -> None:
    warehouse = make_warehouse([make_row(1)])

    def cut(_: int) -> None:
        raise UnavailableError("cut")

    warehouse.interrupt = cut
    with pytest.raises(UnavailableError):
        collect(warehouse)
    assert warehouse.pauses == list(range(1, ATTEMPTS))


def test_what_is_added_meanwhile_is_left_to_the_next_import() -> None:
    warehouse = make_warehouse([make_row(number) for number in range(6)])

    def grow(batch: int) -> None:
        if batch == 1:
            warehouse.rows.append(make_row(30))

    warehouse.interrupt = grow
    batches = collect(warehouse)
    end = batches[-1].position or {}
    assert (len(name_rows(batches)), find_end(end)) == (6, START + timedelta(minutes=8))


def test_only_rows_between_since_and_until_are_read() -> None:
    request = replace(REQUEST, since=START + timedelta(minutes=8), until=START + timedelta(minutes=11))
    warehouse = make_warehouse([make_row(number) for number in range(9)], request)
    assert name_rows(collect(warehouse, request=request)) == ["3", "4", "5"]


def test_rows_without_cursor_or_key_are_told_instead_of_left_out() -> None:
    warehouse = make_warehouse([make_row(1), make_row(2, changed_at=None), make_row(3, order_id=None)])
    with pytest.raises(InvalidInputError, match="2 rows have no 'changed_at' or no 'order_id'") as refusal:
        collect(warehouse)
    assert refusal.value.code == "rows_without_key"


def test_nothing_to_read_is_no_version() -> None:
    assert collect(make_warehouse([])) == []
    assert find_end({}) is None


def import_rows(store: MemoryFeatureSetStore, warehouse: MemoryCustomerWarehouse, **more: object) -> ImportSummary:
    source = WarehouseSource(warehouse, REQUEST, DATASET, now=NOW)
    return import_source(dataset=DATASET, source=source, ports=ImportPorts(store, store, open_seen_ids), now=NOW, **more)  # type: ignore[arg-type]


def test_reading_again_adds_late_rows_only() -> None:
    store, warehouse = MemoryFeatureSetStore(), make_warehouse([make_row(number) for number in range(0, 20, 2)])
    first = import_rows(store, warehouse)
    warehouse.rows += [make_row(number) for number in range(1, 20, 2)]
    second = import_rows(store, warehouse)
    third = import_rows(store, warehouse)
    assert (first.accepted, second.accepted, second.duplicates, third.accepted, third.version) == (10, 10, 10, 0, None)
    assert find_end(second.end) == START + timedelta(minutes=23)


def test_a_lost_import_goes_on_from_its_checkpoint_and_ends_as_if_it_were_whole() -> None:
    rows = [make_row(number) for number in range(9)]
    store, kept = MemoryFeatureSetStore(), []

    def note(fraction: float, message: str, checkpoint: object = None) -> None:  # noqa: ARG001 - the names of `Progress`
        if checkpoint is not None:
            kept.append(checkpoint)

    whole = import_rows(store, make_warehouse(rows), progress=note)
    for checkpoint in kept:
        again = import_rows(store, make_warehouse(rows), checkpoint=checkpoint)
        assert (again.rows, again.accepted, again.end) == (whole.rows, whole.accepted, whole.end)


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"query": "SELECT 1"}, "$.table"),
        ({"table": None}, "$.table"),
        ({"table": None, "query": "  "}, "$.query"),
        ({"table": None, "query": "x" * 20_001}, "$.query"),
        ({"table": None, "query": "SELECT 1\0"}, "$.query"),
        ({"key_column": ""}, "$.key_column"),
        ({"entity_column": "a\0b"}, "$.entity_column"),
        ({"columns": {"amount": "x" * 256}}, "$.columns.amount"),
        ({"since": 3, "until": 3}, "$.until"),
        ({"since": 3, "until": START}, "$.until"),
        ({"since": START.replace(tzinfo=None)}, "$.since"),
    ],
)
def test_a_request_that_cannot_be_read_is_refused(changes: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        check_warehouse_request(replace(REQUEST, **changes))  # type: ignore[arg-type]
    assert refusal.value.path == path


def test_a_login_shows_no_password() -> None:
    assert "hidden" not in repr(WarehouseLogin("h", "d", "u", "hidden"))
