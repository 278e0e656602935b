"""What is packed is unpacked as it was, and what is no packed message is told from one."""

import base64
import json

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from presage.adapters.sqs.packing import MAX_UNPACKED_BYTES, pack, unpack
from presage.errors import InvalidInputError


def build(packed: bytes) -> str:
    return json.dumps({"schema": 1, "packed": base64.b64encode(packed).decode()})


@given(st.text())
def test_any_message_comes_back_and_travels_as_ascii(text: str) -> None:
    message = msgspec.json.encode({"text": text})
    body = pack(message).decode("ascii")
    assert unpack(body) == message


def test_records_alike_become_small() -> None:
    message = msgspec.json.encode([{"record_id": f"order-{number}", "entity_id": f"c{number % 9}", "amount": 2.5} for number in range(500)])
    assert len(pack(message)) < len(message) / 4


@pytest.mark.parametrize("body", ["{", "[]", '{"schema":1,"payload_key":"x"}', '{"schema":1,"records":[]}', "[" * 100_000])
def test_what_is_not_packed_is_left_as_it_is(body: str) -> None:
    assert unpack(body) == body


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(MAX_UNPACKED_BYTES + 1))
    assert len(bomb) < 10_000
    with pytest.raises(InvalidInputError, match="16777217 bytes"):
        unpack(build(bomb))


@pytest.mark.parametrize(
    "packed", [b"", b"no zstd", zstandard.ZstdCompressor(write_content_size=False).compress(b"x"), b"\x28\xb5\x2f\xfd"]
)
def test_what_is_no_whole_frame_of_known_size_is_refused(packed: bytes) -> None:
    with pytest.raises(InvalidInputError) as caught:
        unpack(build(packed))
    assert caught.value.code == "malformed_message"


def test_a_damaged_frame_is_refused() -> None:
    packed = zstandard.ZstdCompressor(write_checksum=True).compress(b"records " * 1_000)
    with pytest.raises(InvalidInputError):
        unpack(build(packed[:-6] + b"\0" * 6))
