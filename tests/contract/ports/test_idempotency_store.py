"""`IdempotencyStore`: one suite over memory and DynamoDB."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import msgspec
import pytest

from presage.adapters.client import build_client
from presage.adapters.dynamo.idempotency_store import LARGEST_BODY_BYTES, DynamoIdempotencyStore
from presage.adapters.dynamo.keyed_item import KeyedItem
from presage.adapters.memory.idempotency_store import MemoryIdempotencyStore
from presage.errors import UnavailableError
from presage.tenancy.keyed_call import KEEP, LEASE, Answer, Claim, Held, KeyedCall
from presage.tenancy.ports import IdempotencyStore
from tests.fixtures.prediction_table import create_keyed_table

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALL = KeyedCall("ws_1", "POST /v1/predict", "k1", "f" * 64)
OTHER_PARAMETERS = msgspec.structs.replace(CALL, fingerprint="0" * 64)
ANSWER = Answer(200, "application/json", b'{"results":[]}')
MOMENT = timedelta(microseconds=1)


def attempt(call: KeyedCall = CALL, *, after: timedelta = timedelta()) -> Claim:
    return Claim(call, secrets.token_hex(8), NOON + after)


def build_dynamo_store(request: pytest.FixtureRequest) -> DynamoIdempotencyStore:
    request.getfixturevalue("emulator")
    name = f"keys-{secrets.token_hex(6)}"
    create_keyed_table(name)
    s3 = build_client("s3")
    s3.create_bucket(Bucket=name)
    return DynamoIdempotencyStore(name, lake_bucket=name, s3=s3)


@pytest.fixture(params=["memory", pytest.param("dynamo", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> IdempotencyStore:
    return MemoryIdempotencyStore() if request.param == "memory" else build_dynamo_store(request)


def test_the_first_attempt_gets_the_key_and_its_answer_is_there_for_the_next(store: IdempotencyStore) -> None:
    first = attempt()
    assert store.claim(first) is None
    assert store.claim(attempt()) == Held(CALL.fingerprint, None)
    store.keep(first, ANSWER)
    assert store.claim(attempt()) == Held(CALL.fingerprint, ANSWER)
    assert store.claim(attempt(OTHER_PARAMETERS)) == Held(CALL.fingerprint, ANSWER)


@pytest.mark.parametrize("other", [{"workspace_id": "ws_2"}, {"route": "POST /v1/datasets/orders/records"}, {"key": "k2"}, {"key": "K1"}])
def test_a_key_counts_in_its_workspace_and_on_its_route(store: IdempotencyStore, other: dict[str, str]) -> None:
    store.claim(attempt())
    assert store.claim(attempt(msgspec.structs.replace(CALL, **other))) is None


def test_of_attempts_at_once_one_gets_the_key(store: IdempotencyStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.claim(attempt()), range(16)))
    assert sorted(found, key=str) == [*[Held(CALL.fingerprint, None)] * 15, None]


def test_a_released_key_is_free(store: IdempotencyStore) -> None:
    first = attempt()
    store.claim(first)
    store.release(first)
    store.release(first)
    assert store.claim(attempt(OTHER_PARAMETERS)) is None


def test_a_claim_that_nobody_completed_is_free_for_the_same_call_when_its_lease_ends(store: IdempotencyStore) -> None:
    store.claim(attempt())
    assert store.claim(attempt(after=LEASE - MOMENT)) == Held(CALL.fingerprint, None)
    assert store.claim(attempt(OTHER_PARAMETERS, after=LEASE)) == Held(CALL.fingerprint, None)
    assert store.claim(attempt(after=LEASE)) is None


def test_who_lost_the_claim_neither_keeps_nor_releases(store: IdempotencyStore) -> None:
    slow, quick = attempt(), attempt(after=LEASE)
    store.claim(slow)
    store.claim(quick)
    store.release(slow)
    store.keep(slow, Answer(200, "text/plain", b"late"))
    assert store.claim(attempt(after=LEASE)) == Held(CALL.fingerprint, None)
    store.keep(quick, ANSWER)
    assert store.claim(attempt(after=2 * LEASE)) == Held(CALL.fingerprint, ANSWER)


def test_an_answer_lives_for_a_day(store: IdempotencyStore) -> None:
    first = attempt()
    store.claim(first)
    store.keep(first, ANSWER)
    assert store.claim(attempt(after=KEEP - timedelta(seconds=1))) == Held(CALL.fingerprint, ANSWER)
    assert store.claim(attempt(OTHER_PARAMETERS, after=KEEP)) is None


@pytest.mark.parametrize("body", [b"", b"\x00\xff" * 10, secrets.token_bytes(LARGEST_BODY_BYTES + 1), b"x" * 5_000_000])
def test_any_answer_is_given_again_unchanged(store: IdempotencyStore, body: bytes) -> None:
    first = attempt()
    store.claim(first)
    store.keep(first, Answer(202, "application/json", body))
    assert store.claim(attempt()) == Held(CALL.fingerprint, Answer(202, "application/json", body))


@pytest.mark.integration
def test_an_item_expires_and_a_large_answer_waits_in_staging(request: pytest.FixtureRequest) -> None:
    store, claim = build_dynamo_store(request), attempt()
    store.claim(claim)
    store.keep(claim, Answer(200, "application/json", secrets.token_bytes(LARGEST_BODY_BYTES + 1)))
    name = KeyedItem.Meta.table_name
    (item,) = boto3.client("dynamodb").scan(TableName=name)["Items"]
    assert int(item["expires_at"]["N"]) == int((NOON + KEEP).timestamp())
    assert item["call_key"]["S"].startswith("ws_1#")
    key = item["overflow_key"]["S"]
    assert key == f"ws=ws_1/staging/answers/{claim.holder}.zst"
    assert boto3.client("s3").get_object_tagging(Bucket=name, Key=key)["TagSet"] == [{"Key": "presage", "Value": "staging"}]


@pytest.mark.integration
def test_an_attempt_that_claims_again_has_its_claim(request: pytest.FixtureRequest) -> None:
    """What PynamoDB sends again because an answer of DynamoDB was lost."""
    store, claim = build_dynamo_store(request), attempt()
    assert [store.claim(claim), store.claim(claim)] == [None, None]


@pytest.mark.integration
def test_no_connection_is_unavailable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    request.getfixturevalue("emulator")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    store = DynamoIdempotencyStore("keys", lake_bucket="lake", s3=build_client("s3"))
    with pytest.raises(UnavailableError):
        store.claim(attempt())
    with pytest.raises(UnavailableError):
        store.keep(attempt(), ANSWER)
    with pytest.raises(UnavailableError):
        store.release(attempt())
