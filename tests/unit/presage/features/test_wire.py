"""Bodies of calls that send records."""

import contextlib
import gzip
import random
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.errors import InvalidInputError
from presage.features.wire import MAX_BODY_BYTES, MAX_GZIP_MEMBERS, MAX_RECORDS, parse_body
from presage.runtime.http import MAX_BODY_BYTES as MAX_HTTP_BODY_BYTES

JSON = "application/json"
NDJSON = "application/x-ndjson"


def parse(body: bytes, content_type: str = JSON, encoding: str = "") -> list[bytes]:
    return [bytes(raw) for raw in parse_body(body, content_type=content_type, content_encoding=encoding).split()]


def refuse(body: bytes, content_type: str = JSON, encoding: str = "") -> InvalidInputError:
    with pytest.raises(InvalidInputError) as caught:
        parse(body, content_type, encoding)
    return caught.value


def test_splits_an_envelope_into_undecoded_records() -> None:
    assert parse(b'{"records": [{"a": 1}, 2, "x"]}') == [b'{"a": 1}', b"2", b'"x"']


def test_splits_lines_and_skips_blank_ones() -> None:
    assert parse(b'{"a": 1}\r\n\n  \n{"b": 2}', NDJSON) == [b'{"a": 1}', b'{"b": 2}']


def test_a_broken_line_is_left_to_the_validation_of_that_record() -> None:
    assert parse(b'{"a"\n{"b": 2}\n', NDJSON) == [b'{"a"', b'{"b": 2}']


def test_content_type_parameters_and_case_do_not_matter() -> None:
    assert parse(b'{"records": [1]}', "Application/JSON; charset=utf-8") == [b"1"]


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip "])
def test_unpacks_gzip(encoding: str) -> None:
    assert parse(gzip.compress(b'{"records": [1]}', mtime=0), encoding=encoding) == [b"1"]


def test_unpacks_gzip_of_several_members() -> None:
    assert parse(gzip.compress(b'{"records"') + gzip.compress(b": [1]}"), encoding="gzip") == [b"1"]


@pytest.mark.parametrize(
    ("body", "content_type", "encoding", "code", "path"),
    [
        (b'{"records": [', JSON, "", "malformed_json", "$"),
        (b"\xff", JSON, "", "malformed_json", "$"),
        (b"", JSON, "", "malformed_json", "$"),
        (b"[" * 100_000, JSON, "", "invalid_envelope", "$"),
        (b'{"records": [' + b"[" * 100_000, JSON, "", "nested_too_deeply", "$"),
        (b'{"records": ["\xed\xa0\x80", 1', JSON, "", "malformed_json", "$"),
        (gzip.compress(b'{"records": [1]}', mtime=0) + b"\0", JSON, "gzip", "malformed_gzip", None),
        (gzip.compress(b'{"records": [1]}', mtime=0) + b"trailing", JSON, "gzip", "malformed_gzip", None),
        (gzip.compress(b'{"records": [1]}', mtime=0)[:-8] + bytes(8), JSON, "gzip", "malformed_gzip", None),
        (b"[]", JSON, "", "invalid_envelope", "$"),
        (b"{}", JSON, "", "invalid_envelope", "$"),
        (b'{"records": 1}', JSON, "", "invalid_envelope", "$.records"),
        (b'{"records": [1], "more": 1}', JSON, "", "invalid_envelope", "$"),
        (b'{"records": []}', JSON, "", "no_records", "$.records"),
        (b"\n\n", NDJSON, "", "no_records", "$.records"),
        (b'{"records": [1]}', "text/plain", "", "unsupported_media_type", None),
        (b'{"records": [1]}', "", "", "unsupported_media_type", None),
        (b'{"records": [1]}', JSON, "br", "unsupported_encoding", None),
        (b'{"records": [1]}', JSON, "gzip", "malformed_gzip", None),
        (gzip.compress(b'{"records": [1]}', mtime=0)[:-9], JSON, "gzip", "malformed_gzip", None),
    ],
)
def test_refuses_with_an_exact_code(body: bytes, content_type: str, encoding: str, code: str, path: str | None) -> None:
    error = refuse(body, content_type, encoding)
    assert (error.code, error.path) == (code, path)


def test_takes_as_many_records_as_the_limit_and_no_more() -> None:
    assert len(parse(b"1\n" * MAX_RECORDS, NDJSON)) == MAX_RECORDS
    error = refuse(b"1\n" * (MAX_RECORDS + 1), NDJSON)
    assert error.code == "too_many_records"
    assert str(error) == "501 records in one call; at most 500 are taken"


def test_takes_as_many_bytes_as_the_limit_and_no_more() -> None:
    assert len(parse(b"1" + b" " * (MAX_BODY_BYTES - 1), NDJSON)) == 1
    assert refuse(b"1" + b" " * MAX_BODY_BYTES, NDJSON).code == "body_too_large"


@pytest.mark.parametrize("members", [1, 3])
def test_a_small_body_that_unpacks_to_a_large_one_is_refused(members: int) -> None:
    bomb = gzip.compress(b"0" * 20_000_000) * members
    assert len(bomb) < 100_000
    assert refuse(bomb, NDJSON, "gzip").code == "body_too_large"


def build_bomb(plain_bytes: int) -> bytes:
    """Deflated zeros without the work: a compressed block that refers to nothing outside of itself, again and again."""
    block_bytes = 1 << 24
    compressor = zlib.compressobj(9, wbits=31)
    start = compressor.compress(bytes(block_bytes)) + compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(bytes(block_bytes)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return start + block * (plain_bytes // block_bytes - 1) + compressor.flush()


def test_a_gigabyte_in_a_megabyte_is_refused_within_a_few_megabytes_of_memory() -> None:
    bomb = build_bomb(1 << 30)
    assert len(bomb) < MAX_HTTP_BODY_BYTES
    tracemalloc.start()
    try:
        assert refuse(bomb, NDJSON, "gzip").code == "body_too_large"
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY_BYTES
    finally:
        tracemalloc.stop()


def test_the_bomb_is_what_it_says() -> None:
    plain_bytes = (1 << 26) - 1  # one less, as the checksum behind it is not that of all blocks
    assert zlib.decompressobj(31).decompress(build_bomb(1 << 26), plain_bytes) == bytes(plain_bytes)


def test_more_members_than_the_limit_are_refused() -> None:
    """The body of a call can hold 59,000 empty ones."""
    member = gzip.compress(b"", mtime=0)
    assert refuse(member * MAX_GZIP_MEMBERS, NDJSON, "gzip").code == "no_records"
    error = refuse(member * (MAX_GZIP_MEMBERS + 1), NDJSON, "gzip")
    assert (error.code, str(error)) == ("malformed_gzip", "more than 64 gzip members in one body")


@pytest.mark.parametrize("size", [4_095, 4_096, 4_097, 20_000])
def test_gzip_that_is_fed_in_pieces_is_unpacked_whole(size: int) -> None:
    line = b'"' + random.Random(size).randbytes(size).hex().encode() + b'"'
    assert parse(gzip.compress(line + b"\n") + gzip.compress(line), NDJSON, "gzip") == [line, line]


@given(st.binary(max_size=300), st.sampled_from([JSON, NDJSON]), st.sampled_from(["", "gzip"]))
def test_no_body_raises_anything_else(body: bytes, content_type: str, encoding: str) -> None:
    with contextlib.suppress(InvalidInputError):
        parse(body, content_type, encoding)
