"""Imports from a warehouse by a job: its credential, its columns, and what it leaves."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from presage.adapters.memory.customer_warehouse import MemoryCustomerWarehouse, Row
from presage.errors import InvalidInputError, NotFoundError
from presage.features.dataset import Column
from presage.features.schema.model import ColumnOverride
from presage.features.sources.warehouse import CellKind, WarehouseKind, WarehouseLogin, WarehouseRequest
from presage.features.sources.warehouse_columns import answer_columns
from presage.jobs.arguments import ImportWarehouse
from presage.jobs.execution import JobResult
from presage.jobs.use_cases import build_job
from presage.progress import ignore_progress
from services.worker.imports import run_import
from tests.fixtures.feature_records import NOW
from tests.unit.presage.features.sources.test_warehouse import KINDS, make_row
from tests.unit.services.worker.test_imports import Place

LOGIN = {"host": "db.example.com", "database": "shop", "username": "reader", "password": "hidden"}
ARGUMENTS = ImportWarehouse("ds_1", "shop", "mysql", "changed_at", "order_id", "customer", "bought_at", table="shop.orders")


class Shop:
    """A place whose workspace has a warehouse."""

    def __init__(self, *rows: Row, found: Mapping[str, CellKind] = KINDS) -> None:
        self.place, self.rows, self.found = Place(), rows, found
        self.place.ports.credentials.put_credential("ws_1", "shop", LOGIN)
        self.place.ports = replace(self.place.ports, open_warehouse=self._open)
        self.logins: list[tuple[WarehouseKind, WarehouseLogin]] = []

    def load(self, **changes: Any) -> JobResult:  # noqa: ANN401 - arguments of any type
        job = build_job(replace(ARGUMENTS, **changes), workspace_id="ws_1", created_by="usr_1", now=NOW)
        return run_import(job, ignore_progress, self.place.ports)

    def _open(self, kind: WarehouseKind, login: WarehouseLogin, request: WarehouseRequest) -> MemoryCustomerWarehouse:
        self.logins.append((kind, login))
        return MemoryCustomerWarehouse(request, self.found, self.rows)


def test_rows_land_and_the_result_says_up_to_where() -> None:
    shop = Shop(make_row(1), make_row(2), make_row(3, amount="cheap"))

    result = shop.load()

    assert result.summary == "2 of 3 rows imported into purchases, 1 refused"
    assert (result.values["read_until"], result.values["schema_version"]) == ("2026-01-01T00:08:00Z", 1)
    assert "end" not in result.values
    assert shop.logins == [("mysql", WarehouseLogin(**LOGIN))]
    assert shop.place.rows("record_id", "amount", "returned") == [("1", 1.5, True), ("2", 2.5, False)]


def test_a_column_that_is_named_is_added_to_the_dataset() -> None:
    shop = Shop(make_row(1))
    result = shop.load(columns={"order": "order_id"})
    assert result.values["schema_version"] == 2
    assert shop.place.dataset.columns[-1] == Column("order", "number")
    assert shop.place.rows("record_id", "order") == [("1", 1.0)]


def test_a_schema_that_changed_since_the_last_import_is_put_into_quarantine_and_lands_by_an_answer() -> None:
    shop = Shop(make_row(1))
    shop.load()
    shop.rows, shop.found = (make_row(1, amount="1.5"), make_row(2, amount="cheap")), {**KINDS, "amount": "string", "extra": "number"}

    held = shop.load(columns={"order": "order_id"})

    assert held.state == "quarantined"
    assert held.summary == (
        "Nothing was imported into purchases, the import is in quarantine: "
        "amount retyped (number → string): the warehouse declares 'amount' as string; cast it in a query, or name another"
    )
    assert shop.place.dataset.schema_version == 1
    assert shop.place.rows("record_id") == [("1",)]
    load = shop.place.quarantine.find_load("ws_1", "ds_1", str(held.values["load_id"]))
    assert load is not None
    assert (load.key, load.arguments["credential"], [change.column for change in load.breaking]) == ("", "shop", ["amount"])

    landed = shop.load(columns=answer_columns(load.arguments["columns"], {"amount": ColumnOverride(into="amount_text")}))  # type: ignore[arg-type]
    assert (landed.state, landed.values["accepted"], landed.values["duplicates"]) == ("succeeded", 1, 1)
    assert shop.place.rows("record_id", "amount", "amount_text", "order") == [("1", 1.5, None, None), ("2", None, "cheap", 2.0)]


def test_a_credential_for_something_else_is_told_without_its_content() -> None:
    shop = Shop(make_row(1))
    shop.place.ports.credentials.put_credential("ws_1", "shop", {"password": "hidden"})
    with pytest.raises(InvalidInputError, match="missing required field `host`") as refusal:
        shop.load()
    assert "hidden" not in str(refusal.value)
    with pytest.raises(NotFoundError):
        shop.load(credential="other")
