from __future__ import annotations

import io
from pathlib import Path

import pytest
import typer

from presage_cli.commands.datasets import guess_format
from presage_cli.commands.records import read_types
from presage_cli.record_files import Columns, Counted, read_csv, read_ndjson

HEADER = "entity_id,event_timestamp,record_id,spent,shop,first\n"
TYPES = Columns(types={"spent": "number", "shop": "string", "first": "boolean"})


def test_cells_are_read_by_their_columns_types() -> None:
    text = HEADER + 'c1,2026-01-01T00:00:00Z,r1,1e3,"a ""b""\nc",TRUE\nc2,2026-01-01T00:00:00+01:00,,,,\n'

    one, two = (each.record for each in read_csv(Counted(io.BytesIO(text.encode("utf-8-sig"))), TYPES))

    assert one is not None
    assert two is not None
    assert (one.entity_id, one.record_id, one.values) == ("c1", "r1", {"spent": 1000.0, "shop": 'a "b"\nc', "first": True})
    assert (two.entity_id, two.values) == ("c2", {})


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("c1,2026-01-01T00:00:00Z,,x,,", "spent is 'x', and no number"),
        ("c1,2026-01-01T00:00:00Z,,,,1", "first is '1', and no boolean"),
        ("c1,2026-01-01T00:00:00,,,,", "without a time zone; for UTC, end it with Z"),
        ("c1,yesterday,,,,", "Invalid RFC3339"),
        (",2026-01-01T00:00:00Z,,,,", "missing required field `entity_id`"),
        ("c1,2026-01-01T00:00:00Z", "the row has 2 cells, the header 6"),
    ],
)
def test_a_row_that_is_no_record_is_told_and_the_next_is_read(row: str, problem: str) -> None:
    broken, good = read_csv(Counted(io.BytesIO(f"{HEADER}{row}\nc2,2026-01-01T00:00:00Z,,,,\n".encode())), TYPES)

    assert (broken.number, broken.record, problem in broken.problem) == (2, None, True)
    assert good.record is not None


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "truncated"),
        (b"[]", "Expected `object`"),
        (b'{"entity_id": "c1"}', "missing required field"),
        (b'{"entity_id": "c1", "event_timestamp": "2026-01-01T00:00:00Z", "values": {"a": [1]}}', "Expected"),
        (b'{"entity": "c1"}', "a record has no field entity"),
        (b"\xff\xfe", "surrogates not allowed"),
    ],
)
def test_a_line_that_is_no_record_is_told(line: bytes, problem: str) -> None:
    counted = Counted(io.BytesIO(line + b"\n\n"))

    [told] = read_ndjson(counted)

    assert (told.record, problem in told.problem) == (None, True), told.problem
    assert counted.bytes == len(line) + 2


def test_types_are_told_by_column() -> None:
    assert read_types(["a=b=number", "c=string"]) == {"a=b": "number", "c": "string"}
    with pytest.raises(typer.BadParameter, match="is no COLUMN=number"):
        read_types(["a=text"])


@pytest.mark.parametrize(("name", "found"), [("a.csv", "csv"), ("a.CSV.gz", "csv"), ("a.b.jsonl", "ndjson"), ("a.parquet", "parquet")])
def test_a_files_name_says_what_it_is(name: str, found: str) -> None:
    assert guess_format(Path(name)) == found


@pytest.mark.parametrize("name", ["a", "a.gz", "a.xlsx"])
def test_a_name_that_says_nothing_is_refused(name: str) -> None:
    with pytest.raises(typer.BadParameter, match="does not say what it is"):
        guess_format(Path(name))
