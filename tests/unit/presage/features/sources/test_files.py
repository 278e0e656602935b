"""Files become records by the rules of the API."""

import gzip
import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.import_files import MemoryImportFiles
from presage.adapters.memory.seen_ids import open_seen_ids
from presage.errors import InvalidInputError, JobCancelledError, NotFoundError
from presage.features.schema.model import ColumnOverride
from presage.features.sources import tabular
from presage.features.sources.files import FileSource, ImportRequest
from presage.features.sources.importing import PART_ROWS, import_source
from presage.features.sources.model import ImportSummary, RowFault
from presage.features.sources.ports import FileFormat, ImportPorts
from presage.progress import Progress, ignore_progress
from tests.fixtures.feature_records import NOW, make_dataset, make_wire

DATASET = make_dataset()
KEY = "ws=ws_1/imports/up_1/purchases"
CSV = ImportRequest(KEY, "csv", "customer", "bought_at")
CSV_TEXT = """customer,bought_at,amount,shop,returned
c1,2025-01-05T10:00:00Z,2.5,Zürich,true
c2,2025-02-05T10:00:00+01:00,,"a, ""b"" and
c",0
"""


def run(
    body: bytes | str,
    request: ImportRequest = CSV,
    *,
    store: MemoryFeatureSetStore | None = None,
    now: datetime = NOW,
    progress: Progress = ignore_progress,
) -> ImportSummary:
    files = MemoryImportFiles({KEY: body.encode() if isinstance(body, str) else body})
    store = store or MemoryFeatureSetStore()
    source, ports = FileSource(files, request, DATASET, now=now), ImportPorts(store, store, open_seen_ids)
    return import_source(dataset=DATASET, source=source, ports=ports, now=now, progress=progress)


def read_rows(store: MemoryFeatureSetStore, *columns: str) -> list[tuple[object, ...]]:
    version = store.find_version("ws_1", "ds_1")
    assert version is not None
    return store.read_frame(version).select(columns).rows()


def refuse(body: bytes | str, request: ImportRequest = CSV) -> InvalidInputError:
    store = MemoryFeatureSetStore()
    with pytest.raises(InvalidInputError) as caught:
        run(body, request, store=store)
    assert store.find_version("ws_1", "ds_1") is None
    return caught.value


def to_parquet(data: Mapping[str, list[object]]) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(data, strict=False).write_parquet(buffer)
    return buffer.getvalue()


def test_csv_cells_become_values_of_the_columns_types() -> None:
    store = MemoryFeatureSetStore()
    assert run(CSV_TEXT, store=store) == ImportSummary(2, 2, 0, 0, 1, ())
    assert read_rows(store, "entity_id", "event_timestamp", "amount", "shop", "returned") == [
        ("c1", datetime(2025, 1, 5, 10), 2.5, "Zürich", True),  # noqa: DTZ001 - naive UTC
        ("c2", datetime(2025, 2, 5, 9), None, 'a, "b" and\nc', False),  # noqa: DTZ001
    ]


def test_a_byte_order_mark_and_crlf_do_not_matter() -> None:
    assert run(b"\xef\xbb\xbf" + CSV_TEXT.replace("\n", "\r\n").encode()).accepted == 2


def test_invalid_rows_are_reported_by_line_and_do_not_stop_the_rest() -> None:
    text = CSV_TEXT + "c3,2025-01-05T10:00:00,1,s,1\nc4,2025-01-05T10:00:00Z,one,s,1\nc5,2025-01-05\n\n,2025-01-05T10:00:00Z,1,s,1\n"
    text += "c6,2025-01-05T10:00:00Z,1_0,s,1\nc7,2025-01-05T10:00:00Z,nan,s,1\n"
    text += "c8,2025-01-05T10:00:00Z,1,s,maybe\nc9,2025-01-05T10:00:00Z,1,s,f\n"
    summary = run(text)
    assert (summary.rows, summary.accepted, summary.invalid) == (10, 3, 7)
    assert [(fault.line, fault.code, fault.path) for fault in summary.first_errors] == [
        (5, "timestamp_without_offset", "$.event_timestamp"),
        (6, "wrong_type", "$.values.amount"),
        (7, "malformed_row", "$"),
        (9, "missing_entity_id", "$.entity_id"),
        (10, "wrong_type", "$.values.amount"),
        (11, "non_finite_number", "$.values.amount"),
        (12, "wrong_type", "$.values.returned"),
    ]


def test_only_the_first_errors_are_reported() -> None:
    summary = run("customer,bought_at\n" + "c,never\n" * 100)
    assert summary.invalid == 100
    assert len(summary.first_errors) == 20
    assert summary.version is None


def test_a_known_timestamp_column_is_used_and_checked() -> None:
    request = ImportRequest(KEY, "csv", "customer", "bought_at", "known_at")
    store = MemoryFeatureSetStore()
    text = "customer,bought_at,known_at\nc1,2025-01-05T10:00:00Z,2025-01-06T00:00:00Z\nc2,2025-01-05T10:00:00Z,2025-01-04T00:00:00Z\n"
    text += "c3,2025-01-05T10:00:00Z,\n"
    summary = run(text, request, store=store)
    assert [fault.code for fault in summary.first_errors] == ["known_before_event"]
    assert {row[0]: row[1] for row in read_rows(store, "entity_id", "known_timestamp")} == {
        "c1": datetime(2025, 1, 6),  # noqa: DTZ001 - naive UTC
        "c3": NOW.replace(tzinfo=None),
    }


def test_parquet_timestamps_without_zone_are_utc_and_integer_ids_are_text() -> None:
    store = MemoryFeatureSetStore()
    moments = [datetime(2025, 1, 5, 10) + timedelta(days=day) for day in range(3)]  # noqa: DTZ001 - naive UTC
    body = to_parquet({"customer": [7, 8, 9], "bought_at": [*moments], "amount": [1, 2, None], "shop": ["a", None, "b"]})
    request = ImportRequest(KEY, "parquet", "customer", "bought_at")
    assert run(body, request, store=store).accepted == 3
    assert read_rows(store, "entity_id", "event_timestamp", "amount", "shop", "returned") == [
        ("7", moments[0], 1.0, "a", None),
        ("8", moments[1], 2.0, None, None),
        ("9", moments[2], None, "b", None),
    ]


def test_parquet_rows_are_judged_by_type() -> None:
    moment = datetime(2025, 1, 5, tzinfo=UTC)
    body = to_parquet({"customer": ["a", None], "bought_at": [moment, moment], "amount": ["1", "2"]})
    summary = run(body, ImportRequest(KEY, "parquet", "customer", "bought_at"))
    assert [(fault.line, fault.code) for fault in summary.first_errors] == [(1, "wrong_type"), (2, "missing_entity_id")]


def test_ndjson_holds_wire_records() -> None:
    store = MemoryFeatureSetStore()
    body = make_wire(record_id="a") + b"\n\n" + b"{\n" + make_wire(record_id="a") + b"\n" + make_wire(record_id="b")
    summary = run(body, ImportRequest(KEY, "ndjson"), store=store)
    assert summary == ImportSummary(4, 2, 1, 1, 1, (RowFault(3, "malformed_json", "$", "not valid JSON: Input data was truncated"),))
    assert sorted(read_rows(store, "record_id")) == [("a",), ("b",)]


def test_a_record_id_column_names_the_records() -> None:
    store = MemoryFeatureSetStore()
    run("record_id,customer,bought_at\nr1,c1,2025-01-05T10:00:00Z\nr2,c1,2025-01-05T10:00:00Z\n", store=store)
    assert sorted(read_rows(store, "record_id")) == [("r1",), ("r2",)]


@pytest.mark.parametrize(
    ("body", "file_format", "code"),
    [
        (b"", "csv", "malformed_file"),
        (b"\xff\xfe\x00", "csv", "malformed_file"),
        (b'customer,bought_at\n"c1,2025', "csv", "malformed_file"),
        (b"customer,bought_at,customer\n", "csv", "malformed_file"),
        (b"customer,bought_at\nc1,\xff\n", "csv", "malformed_file"),
        (b"not parquet", "parquet", "malformed_file"),
        (to_parquet({"customer": ["a"], "bought_at": [date(2025, 1, 1)]}), "parquet", "malformed_file"),
        (to_parquet({"customer": ["a"], "bought_at": [[1]]}), "parquet", "malformed_file"),
        (b"customer,at\n", "csv", "unknown_column"),
        (b"customer,bought_at,colour\n", "csv", "unknown_column"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_whole(body: bytes, file_format: FileFormat, code: str) -> None:
    assert refuse(body, ImportRequest(KEY, file_format, "customer", "bought_at")).code == code


def test_columns_cannot_be_named_for_ndjson() -> None:
    assert refuse(make_wire(), ImportRequest(KEY, "ndjson", "customer")).path == "$.entity_column"


@pytest.mark.parametrize("key", ["ws=ws_1/imports/up_1/other", "ws=ws_2/imports/up_1/purchases", "ws=ws_1/training_sets/x"])
def test_a_file_that_the_workspace_did_not_upload_is_not_found(key: str) -> None:
    files = MemoryImportFiles({KEY: b"", "ws=ws_2/imports/up_1/purchases": b"", "ws=ws_1/training_sets/x": b""})
    with pytest.raises(NotFoundError):
        next(FileSource(files, ImportRequest(key, "csv"), DATASET, now=NOW).read({}))


def test_the_same_file_again_adds_nothing_even_later() -> None:
    store = MemoryFeatureSetStore()
    run(CSV_TEXT, store=store)
    before = read_rows(store, "record_id", "known_timestamp")
    assert run(CSV_TEXT, store=store, now=NOW + timedelta(hours=1)) == ImportSummary(2, 0, 2, 0, None)
    assert read_rows(store, "record_id", "known_timestamp") == before


def test_a_large_file_lands_as_one_version_of_parts_by_month_in_order() -> None:
    store = MemoryFeatureSetStore()
    start = datetime(2025, 1, 1, tzinfo=UTC)
    rows = [f"c{number},{(start + timedelta(minutes=(number * 7919) % 50_000)).isoformat()}" for number in range(50_000)]
    reports: list[float] = []

    def report(fraction: float, message: str, checkpoint: object = None) -> None:  # noqa: ARG001 - the names of `Progress`
        reports.append(fraction)

    summary = run("customer,bought_at\n" + "\n".join(rows), store=store, progress=report)
    assert (summary.accepted, summary.version) == (50_000, 1)
    version = store.find_version("ws_1", "ds_1")
    assert version is not None
    assert sum(part.rows for part in version.parts) == 50_000
    assert len(version.parts) <= 2 + 50_000 // PART_ROWS + 1
    assert len(set(read_rows(store, "entity_id"))) == 50_000
    assert reports == sorted(reports)
    assert reports[-1] == 1.0


def test_a_cancelled_import_leaves_nothing_to_be_seen() -> None:
    def cancel(fraction: float, message: str, checkpoint: object = None) -> None:  # noqa: ARG001 - the names of `Progress`
        raise JobCancelledError("the user cancelled")

    store = MemoryFeatureSetStore()
    text = "customer,bought_at\n" + "\n".join(f"c{number},2025-01-05T10:00:00Z" for number in range(PART_ROWS))
    with pytest.raises(JobCancelledError):
        run(text, store=store, progress=cancel)
    assert store.find_version("ws_1", "ds_1") is None


TSV = ImportRequest(KEY, "tsv", "customer", "bought_at")
NDJSON = ImportRequest(KEY, "ndjson")


def pack(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return body.getvalue()


def test_tsv_is_read_as_csv_with_tabs() -> None:
    store = MemoryFeatureSetStore()
    run("customer\tbought_at\tamount\tshop\nc1\t2025-01-05T10:00:00Z\t2.5\ta, b\n", TSV, store=store)
    assert read_rows(store, "amount", "shop") == [(2.5, "a, b")]


GZIPPED = gzip.compress(CSV_TEXT.encode())


@pytest.mark.parametrize("packed", [GZIPPED, pack({"a.csv": CSV_TEXT.encode()}), pack({"a.csv.gz": GZIPPED})])
def test_a_packed_file_is_read_as_the_plain_one(packed: bytes) -> None:
    plain, store = MemoryFeatureSetStore(), MemoryFeatureSetStore()
    run(CSV_TEXT, store=plain)
    assert run(packed, store=store) == ImportSummary(2, 2, 0, 0, 1)
    assert read_rows(store, "record_id", "amount", "shop") == read_rows(plain, "record_id", "amount", "shop")


def test_parquet_may_be_packed_too() -> None:
    body = to_parquet({"customer": ["a"], "bought_at": [datetime(2025, 1, 5, tzinfo=UTC)], "amount": [1.5]})
    request = ImportRequest(KEY, "parquet", "customer", "bought_at")
    assert [run(each, request).accepted for each in (body, gzip.compress(body), pack({"x": body, "y": body}))] == [1, 1, 1]


def test_files_of_a_zip_are_read_in_order_and_faults_tell_which() -> None:
    files = {f"{name}.csv": f"customer,bought_at\nc{name},2025-01-05T10:00:00Z\nc{name},never\n".encode() for name in "ab"}
    summary = run(pack({**files, "__MACOSX/a.csv": b"\0", "folder/": b""}))
    assert (summary.rows, summary.accepted) == (4, 2)
    assert [(fault.part, fault.line) for fault in summary.first_errors] == [("a.csv", 3), ("b.csv", 3)]


def test_an_interrupted_import_of_a_zip_goes_on_where_it_was() -> None:
    files = {name: "customer,bought_at\n" + "".join(f"{name}{n},2025-01-05T10:00:00Z\n" for n in range(4_000)) for name in "abc"}
    body = pack({name: text.encode() for name, text in files.items()})
    source = FileSource(MemoryImportFiles({KEY: body}), CSV, DATASET, now=NOW)
    first, *rest = source.read({})
    assert first.position is not None
    again = list(source.read(first.position))
    assert [batch.rows for batch in again] == [batch.rows for batch in rest]
    assert [len(batch.rows) for batch in (first, *rest)] == [5_000, 5_000, 2_000]
    assert 0 < first.fraction <= rest[-1].fraction <= 1


def test_a_file_that_changed_meanwhile_is_refused() -> None:
    text = "customer,bought_at\n" + "".join(f"c{n},2025-01-05T10:00:00Z\n" for n in range(6_000))
    first = next(FileSource(MemoryImportFiles({KEY: text.encode()}), CSV, DATASET, now=NOW).read({}))
    assert first.position is not None
    changed = FileSource(MemoryImportFiles({KEY: text.replace("c1", "d1").encode()}), CSV, DATASET, now=NOW)
    with pytest.raises(InvalidInputError) as caught:
        list(changed.read(first.position))
    assert caught.value.code == "file_changed"


LONG = b"a" * ((1 << 20) - 1) + b"\n"


@pytest.mark.parametrize(
    ("body", "request_", "code"),
    [
        (gzip.compress(b"a" * (8 << 20)), NDJSON, "malformed_file"),
        (gzip.compress(LONG * 128), NDJSON, "file_too_large"),
        (pack({str(number): LONG * 8 for number in range(16)}), NDJSON, "file_too_large"),
        (pack({"a": gzip.compress(LONG * 128)}), NDJSON, "file_too_large"),
        (pack({str(number): b"" for number in range(1_001)}), NDJSON, "malformed_file"),
        (pack({}), NDJSON, "malformed_file"),
        (gzip.compress(CSV_TEXT.encode())[:-12], CSV, "malformed_file"),
        (pack({"a": CSV_TEXT.encode()})[:-30], CSV, "malformed_file"),
        (pack({"a": CSV_TEXT.encode()}, zipfile.ZIP_STORED).replace(b"2.5", b"3.5"), CSV, "malformed_file"),
        (pack({"a": b"customer,bought_at\n", "b": b"customer,bought_at,shop\n"}), CSV, "malformed_file"),
        (b"customer,bought_at\n" + b"c" * (5 << 20), CSV, "malformed_file"),
    ],
    ids=["line", "gzip", "zip", "both", "members", "empty", "short gzip", "short zip", "checksum", "columns", "long line"],
)
def test_bombs_and_damaged_files_are_refused(body: bytes, request_: ImportRequest, code: str) -> None:
    assert refuse(body, request_).code == code


def test_a_parquet_file_of_very_many_rows_in_few_bytes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tabular, "FREE_ROWS", 1_000)
    body = to_parquet({"customer": ["a"] * 1_000_000, "bought_at": [datetime(2025, 1, 5, tzinfo=UTC)] * 1_000_000})
    assert len(body) * tabular.MAX_GROUP_ROWS_A_BYTE < 1_000_000
    assert refuse(body, ImportRequest(KEY, "parquet", "customer", "bought_at")).code == "file_too_large"


def test_a_parquet_file_of_a_huge_text_is_refused() -> None:
    body = to_parquet({"customer": ["a" * 100_000], "bought_at": [datetime(2025, 1, 5, tzinfo=UTC)]})
    assert refuse(body, ImportRequest(KEY, "parquet", "customer", "bought_at")).code == "malformed_file"


def test_a_number_that_would_lose_digits_is_refused() -> None:
    assert [fault.code for fault in run("customer,bought_at,amount\nc1,2025-01-05T10:00:00Z,9007199254740993\n").first_errors] == [
        "wrong_type"
    ]
    body = to_parquet({"customer": ["a", "b"], "bought_at": [datetime(2025, 1, 5, tzinfo=UTC)] * 2, "amount": [2**53 + 1, 2**53]})
    summary = run(body, ImportRequest(KEY, "parquet", "customer", "bought_at"))
    assert (summary.accepted, [fault.code for fault in summary.first_errors]) == (1, ["wrong_type"])


def test_a_typed_value_becomes_another_only_when_that_is_declared() -> None:
    body = to_parquet({"customer": ["a"], "bought_at": [datetime(2025, 1, 5, tzinfo=UTC)], "shop": [7], "amount": ["1.5"], "x": [True]})
    assert run(body, ImportRequest(KEY, "parquet", "customer", "bought_at", columns={"x": ColumnOverride(ignore=True)})).accepted == 0

    declared = {"shop": ColumnOverride(type="string"), "amount": ColumnOverride(type="number"), "x": ColumnOverride(into="returned")}
    store = MemoryFeatureSetStore()
    run(body, ImportRequest(KEY, "parquet", "customer", "bought_at", columns=declared), store=store)
    assert read_rows(store, "shop", "amount", "returned") == [("7", 1.5, True)]


def test_lines_of_records_are_put_right_as_declared() -> None:
    declared = {"amount": ColumnOverride(type="number"), "colour": ColumnOverride(ignore=True), "place": ColumnOverride(into="shop")}
    lines = [make_wire(values={"amount": "2.5", "colour": "red", "place": "Bern"}), b"{", make_wire(values=3)]
    store = MemoryFeatureSetStore()
    summary = run(b"\n".join(lines), ImportRequest(KEY, "ndjson", columns=declared), store=store)
    assert read_rows(store, "amount", "shop") == [(2.5, "Bern")]
    assert [(fault.line, fault.code) for fault in summary.first_errors] == [(2, "malformed_json"), (3, "wrong_type")]
