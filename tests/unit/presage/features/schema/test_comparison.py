"""Columns of files are compared with their dataset's by the table of docs/adr/0034."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import polars as pl
import pytest

from presage.adapters.memory.import_files import MemoryImportFiles
from presage.errors import InvalidInputError, JobCancelledError, NotFoundError
from presage.features.dataset import Column, Dataset
from presage.features.limits import MAX_COLUMNS
from presage.features.schema.model import ColumnChange, ColumnOverride, Comparison, Offender, Overrides
from presage.features.schema.overrides import check_overrides, check_resolution
from presage.features.sources.files import ImportRequest
from presage.features.sources.ports import FileFormat
from presage.features.sources.survey import survey_file
from presage.progress import Progress, ignore_progress
from tests.fixtures.feature_records import make_dataset, make_wire

KEY = "ws=ws_1/imports/up_1/purchases"
MOMENT = datetime(2025, 1, 5, tzinfo=UTC)
DATASET = make_dataset()


def survey(
    body: bytes, file_format: FileFormat = "csv", overrides: Overrides | None = None, *, progress: Progress = ignore_progress
) -> Comparison:
    own = ("entity_id", "event_timestamp") if file_format == "ndjson" else ("customer", "bought_at")
    request = ImportRequest(KEY, file_format, *own, columns=overrides or {})
    return survey_file(request, DATASET, MemoryImportFiles({KEY: body}), progress=progress)


def write_csv(header: str, *rows: str) -> bytes:
    lines = "".join(f"c{number},2025-01-05T10:00:00Z,{row}\n" for number, row in enumerate(rows))
    return f"customer,bought_at,{header}\n{lines}".encode()


def write_parquet(columns: Mapping[str, Sequence[object]]) -> bytes:
    rows = len(next(iter(columns.values())))
    frame = pl.DataFrame({"customer": ["c"] * rows, "bought_at": [MOMENT] * rows, **columns}, strict=False)
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def tell(comparison: Comparison) -> list[tuple[object, ...]]:
    return [(change.column, change.change, change.was, change.now, change.compatible) for change in comparison.changes]


def test_columns_that_are_the_datasets_are_no_change() -> None:
    assert tell(survey(write_csv("amount,shop,returned", "1.5,a,true", ",,", "2,b,0"))) == []


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (("1", "-2.5", "1e3", ""), "number"),
        (("true", "F", ""), "boolean"),
        (("1", "true"), "string"),
        (("a", "1"), "string"),
        (("007",), "string"),
        (("1_000",), "string"),
        (("nan",), "string"),
        (("9007199254740993",), "string"),
        (("0.5", "0"), "number"),
    ],
)
def test_a_new_column_of_a_text_file_gets_the_type_that_loses_nothing(cells: tuple[str, ...], kind: str) -> None:
    comparison = survey(write_csv("amount,shop,returned,colour", *(f"1,a,true,{cell}" for cell in cells)))

    assert tell(comparison) == [("colour", "added", None, kind, True)]
    assert [(column.name, column.type) for column in comparison.new_columns] == [("colour", kind)]


def test_a_new_column_without_values_is_left_out() -> None:
    comparison = survey(write_csv("amount,shop,returned,colour", "1,a,true,"))
    assert tell(comparison) == [("colour", "added", None, "nothing", True)]
    assert (comparison.new_columns, sorted(comparison.empty)) == ((), ["colour"])


def test_a_column_that_is_gone_breaks_unless_it_is_declared_absent() -> None:
    body = write_csv("amount,shop", "1,a")
    assert tell(survey(body)) == [("returned", "removed", "boolean", None, False)]
    assert tell(survey(body, overrides={"returned": ColumnOverride(absent=True)})) == []


def test_a_renamed_column_is_gone_and_new_or_goes_where_it_is_declared_to() -> None:
    body = write_csv("price,shop,returned", "1,a,true")
    assert [(change.column, change.compatible) for change in survey(body).changes] == [("price", True), ("amount", False)]
    assert tell(survey(body, overrides={"price": ColumnOverride(into="amount")})) == []


def test_values_of_another_type_break_with_the_first_of_them() -> None:
    comparison = survey(write_csv("amount,shop,returned", "1,a,true", "none,a,true", "n/a,a,true"))

    (change,) = comparison.breaking
    assert change == ColumnChange("amount", "widened", "number", "string", False, "2 of 3 values are no number", 3, 2, Offender(3, "none"))
    assert comparison.rows == 3


def test_a_column_of_which_no_value_is_of_its_type_is_retyped() -> None:
    body = write_csv("amount,shop,returned", "a,a,true", "b,a,true")
    assert tell(survey(body)) == [("amount", "retyped", "number", "string", False)]


def test_up_to_a_hundredth_of_a_columns_values_may_be_of_another_type() -> None:
    good = ["1,a,true"] * 99
    assert survey(write_csv("amount,shop,returned", *good, "x,a,true")).breaking == ()
    assert len(survey(write_csv("amount,shop,returned", *good[1:], "x,a,true", "x,a,true")).breaking) == 1
    nulls = [",a,true"] * 900
    assert len(survey(write_csv("amount,shop,returned", *good[1:], *nulls, "x,a,true", "x,a,true")).breaking) == 1


def test_texts_that_are_all_numbers_are_narrower_and_stay_texts() -> None:
    comparison = survey(write_csv("amount,shop,returned", "1,12,true", ",13,"))
    assert tell(comparison) == [("shop", "narrowed", "string", "number", True)]


def test_a_column_that_holds_nothing_is_narrower() -> None:
    assert tell(survey(write_csv("amount,shop,returned", ",a,true"))) == [("amount", "narrowed", "number", "nothing", True)]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"amount": [1, 2], "shop": ["a", "b"], "returned": [True, None]}, []),
        ({"amount": [1.5], "shop": [12], "returned": [True]}, [("shop", "retyped", "string", "number", False)]),
        ({"amount": ["1"], "shop": ["a"], "returned": [True]}, [("amount", "retyped", "number", "string", False)]),
        ({"amount": [2**53 + 1], "shop": ["a"], "returned": [True]}, [("amount", "retyped", "number", "large_integer", False)]),
        ({"amount": [1], "shop": ["a"], "returned": [1]}, [("returned", "retyped", "boolean", "number", False)]),
        ({"amount": [1], "shop": ["a"], "returned": [True], "at": [MOMENT]}, [("at", "added", None, "timestamp", False)]),
    ],
)
def test_typed_files_are_of_their_own_types(columns: Mapping[str, Sequence[object]], expected: list[tuple[object, ...]]) -> None:
    assert tell(survey(write_parquet(columns), "parquet")) == expected


def test_lines_of_records_are_compared_by_their_values_and_may_leave_some_out() -> None:
    lines = [
        make_wire(values={"amount": 1, "colour": "red"}),
        b"{broken",
        make_wire(values={"amount": "1", "tags": ["a"]}),
        make_wire(values={"colour": 2}),
    ]

    comparison = survey(b"\n".join(lines), "ndjson")

    assert tell(comparison) == [
        ("amount", "widened", "number", "mixed", False),
        ("colour", "added", None, "mixed", False),
        ("tags", "added", None, "nested", False),
    ]
    assert comparison.changes[0].first == Offender(3, "1")


@pytest.mark.parametrize("name", ["Amount", "2nd", "event_month", "x" * 65])
def test_a_column_that_no_dataset_can_have_breaks(name: str) -> None:
    (change,) = survey(write_csv(f"amount,shop,returned,{name}", "1,a,true,1")).breaking
    assert (change.column, change.change) == (name, "added")


def test_more_columns_than_a_dataset_can_have_break() -> None:
    names = ",".join(f"c{number}" for number in range(MAX_COLUMNS))
    breaking = survey(write_csv(f"amount,shop,returned,{names}", "1,a,true," + ",".join("1" * MAX_COLUMNS))).breaking
    assert len(breaking) == 3


def test_what_is_declared_is_not_compared() -> None:
    body = write_csv("amount,shop,returned,note,code", "x,a,true,n,7", "y,b,false,m,8")
    declared = {"amount": ColumnOverride(type="number"), "note": ColumnOverride(ignore=True), "code": ColumnOverride(type="string")}
    comparison = survey(body, overrides=declared)
    assert tell(comparison) == [("code", "added", None, "string", True)]
    assert comparison.new_columns == (Column("code", "string"),)


def test_two_columns_do_not_go_into_one() -> None:
    with pytest.raises(InvalidInputError) as caught:
        survey(write_csv("amount,shop,returned,price", "1,a,true,1"), overrides={"price": ColumnOverride(into="amount")})
    assert caught.value.path == "$.columns.amount"


def test_another_workspaces_file_is_not_looked_at() -> None:
    with pytest.raises(NotFoundError):
        survey_file(ImportRequest("ws=ws_2/imports/up_1/x", "csv"), DATASET, MemoryImportFiles({"ws=ws_2/imports/up_1/x": b""}))
    key = "ws=ws_2/quarantine/dataset=ds_1/job_1/file/x"
    with pytest.raises(NotFoundError):
        survey_file(ImportRequest(key, "csv"), DATASET, MemoryImportFiles({key: b""}))


def test_a_comparison_can_be_cancelled() -> None:
    def cancel(fraction: float, message: str, checkpoint: object = None) -> None:  # noqa: ARG001 - the names of `Progress`
        raise JobCancelledError("the user cancelled")

    with pytest.raises(JobCancelledError):
        survey(write_csv("amount,shop,returned", *["1,a,true"] * 5_000), progress=cancel)


@pytest.mark.parametrize(
    ("name", "override"),
    [
        ("amount", ColumnOverride()),
        ("amount", ColumnOverride(type="number", ignore=True)),
        ("amount", ColumnOverride(type="string")),
        ("price", ColumnOverride(type="string", into="amount")),
        ("price", ColumnOverride(absent=True)),
    ],
)
def test_what_cannot_be_declared_is_refused(name: str, override: ColumnOverride) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_overrides({name: override}, DATASET)
    assert caught.value.path == f"$.columns.{name}"


@pytest.mark.parametrize(
    ("change", "override", "is_answer"),
    [
        ("removed", ColumnOverride(absent=True), True),
        ("removed", ColumnOverride(ignore=True), False),
        ("retyped", ColumnOverride(type="number"), True),
        ("widened", ColumnOverride(into="other"), True),
        ("added", ColumnOverride(ignore=True), True),
        ("added", ColumnOverride(absent=True), False),
    ],
)
def test_every_breaking_change_needs_an_answer(change: str, override: ColumnOverride, is_answer: bool) -> None:  # noqa: FBT001 - a case
    breaking = msgspec.convert({"column": "a", "change": change, "was": None, "now": None, "compatible": False, "reason": ""}, ColumnChange)
    other = replace(breaking, column="b", change="removed")
    check_resolution([other], {"x": ColumnOverride(into="b")})
    if is_answer:
        check_resolution([breaking], {"a": override})
    else:
        with pytest.raises(InvalidInputError, match="a") as caught:
            check_resolution([breaking], {"a": override})
        assert caught.value.code == "schema_unresolved"


def test_a_dataset_without_columns_gets_them_from_its_first_file() -> None:
    bare = Dataset("ws_1", "ds_1", "purchases", "customer", (), MOMENT)
    files = MemoryImportFiles({KEY: write_csv("amount,shop,returned", "1.5,a,true")})
    comparison = survey_file(ImportRequest(KEY, "csv", "customer", "bought_at"), bare, files)
    assert comparison.new_columns == DATASET.columns
