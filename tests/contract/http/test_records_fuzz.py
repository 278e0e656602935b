"""Whatever a caller sends as records: never a 5xx, always the document's answer, and nothing of ours on the wire."""

import gzip
import json
from dataclasses import dataclass

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from presage.adapters.memory.record_queue import MemoryRecordQueue
from services.public_api.app import build_app
from services.public_api.routes.openapi import DOCUMENT
from tests.fixtures.openapi import OpenApi
from tests.fixtures.public_api import build_ports
from tests.fixtures.serving import KEY_ID, build_world

PATH = "/v1/datasets/orders/records"
TYPES = st.sampled_from(["application/json", "application/x-ndjson"]) | st.text(st.characters(codec="latin-1", categories=["L", "P"]))
ENCODINGS = st.sampled_from(["", "gzip", "identity", "br", "gzip, gzip", "\x7f"])
NASTY = st.sampled_from(
    [b"\\u0000", b"\\ud800", b"\x00", b"\xed\xa0\x80", b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 5_000, b"[" * 3_000, b'"', b"\\"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3))
RECORDS = st.fixed_dictionaries(
    {
        "entity_id": st.just("c1") | VALUES,
        "event_timestamp": st.just("1998-01-01T00:00:00Z") | st.datetimes().map(str) | VALUES,
        "values": st.just({"spent": 1.5}) | st.dictionaries(st.sampled_from(["spent", "shop", "x"]), VALUES) | VALUES,
    },
    optional={"record_id": st.text() | VALUES, "known_timestamp": st.datetimes().map(str) | VALUES, "x": VALUES},
)


@dataclass
class Fuzzed:
    client: FlaskClient
    openapi: OpenApi

    def send(self, body: bytes, content_type: str, encoding: str) -> int:
        headers = {"x-presage-api-key-id": KEY_ID, "content-encoding": encoding}
        answer = self.client.post(PATH, data=body, content_type=content_type, headers=headers)
        self.openapi.check(answer)
        assert answer.status_code in {202, 400, 413, 415, 422}
        assert b"Traceback" not in answer.data
        return answer.status_code


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Fuzzed:
    world = build_world(tmp_path_factory.mktemp("fuzz"))
    app = build_app(build_ports(world, records=MemoryRecordQueue()))
    return Fuzzed(app.test_client(), OpenApi.read(DOCUMENT))


def test_what_the_fuzz_starts_from_is_accepted(fuzzed: Fuzzed) -> None:
    record = {"entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 1.5}}
    assert fuzzed.send(json.dumps({"records": [record]}).encode(), "application/json", "") == 202


@given(st.binary(max_size=400), TYPES, ENCODINGS)
def test_any_bytes_under_any_name_are_answered(fuzzed: Fuzzed, body: bytes, content_type: str, encoding: str) -> None:
    fuzzed.send(body, content_type, encoding)


@given(st.lists(RECORDS, max_size=4), st.booleans(), st.booleans())
def test_any_records_are_answered(fuzzed: Fuzzed, records: list[object], lines: bool, packed: bool) -> None:  # noqa: FBT001 - hypothesis gives them
    body = "\n".join(map(json.dumps, records)).encode() if lines else json.dumps({"records": records}).encode()
    content_type = "application/x-ndjson" if lines else "application/json"
    fuzzed.send(gzip.compress(body, 1) if packed else body, content_type, "gzip" if packed else "")


@given(st.data())
def test_any_damage_to_a_valid_call_is_answered(fuzzed: Fuzzed, data: st.DataObject) -> None:
    record = {"record_id": "r", "entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 1.5, "shop": "a"}}
    body = bytearray(json.dumps({"records": [record, record]}).encode())
    packed = data.draw(st.booleans())
    if packed and data.draw(st.booleans()):
        body = bytearray(gzip.compress(body, 1))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=3) | NASTY)
    fuzzed.send(bytes(body), data.draw(st.sampled_from(["application/json", "application/x-ndjson"])), "gzip" if packed else "")
