"""A call with an idempotency key is executed once, and what was answered is answered again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from presage.adapters.memory.idempotency_store import MemoryIdempotencyStore
from presage.errors import CallInFlightError, InvalidInputError, UnavailableError
from presage.tenancy.idempotency import answer_once, build_call
from presage.tenancy.keyed_call import KEEP, LEASE, Answer, Claim, KeyedCall

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def call(body: bytes = b"{}", *parameters: str, key: str = "k1") -> KeyedCall:
    return build_call("ws_1", "POST /v1/predict", key, parameters=parameters, body=body)


@dataclass
class Service:
    """Executes calls, and counts them."""

    store: MemoryIdempotencyStore = field(default_factory=MemoryIdempotencyStore)
    now: datetime = NOON
    executed: int = 0
    status: int = 200

    def answer(self, what: KeyedCall | None = None, *, meanwhile: Callable[[], object] = lambda: None) -> tuple[Answer, bool]:
        def execute() -> Answer:
            self.executed += 1
            meanwhile()
            return Answer(self.status, "application/json", b"%d" % self.executed)

        return answer_once(what or call(), execute, store=self.store, now=lambda: self.now)


def fail() -> None:
    raise ValueError("a fault")


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.mark.parametrize("status", [200, 202])
def test_the_first_answer_is_given_again(service: Service, status: int) -> None:
    service.status = status
    first, again = service.answer(), service.answer()
    assert (first, again) == ((Answer(status, "application/json", b"1"), False), (first[0], True))
    assert service.executed == 1


def test_another_call_under_the_key_is_an_error(service: Service) -> None:
    first = call(b"{}", "application/json")
    service.answer(first)
    for other in (call(b"{} ", "application/json"), call(b"{}", "text/plain"), call(b"{}", "application/json", "")):
        with pytest.raises(InvalidInputError) as caught:
            service.answer(other)
        assert caught.value.code == "idempotency_key_reused"
    assert service.answer(first)[1]
    assert service.executed == 1


def test_a_call_under_way_is_told_to_come_back(service: Service) -> None:
    def ask_again() -> None:
        with pytest.raises(CallInFlightError):
            service.answer()

    assert service.answer(meanwhile=ask_again)[0].body == b"1"
    assert service.executed == 1


@pytest.mark.parametrize("status", [404, 422, 429, 500, 503])
def test_what_was_refused_is_not_kept(service: Service, status: int) -> None:
    service.status = status
    assert service.answer()[0].status == status
    service.status = 200
    assert service.answer(call(b"mended")) == (Answer(200, "application/json", b"2"), False)


def test_a_call_that_fails_frees_its_key(service: Service) -> None:
    with pytest.raises(ValueError, match="a fault"):
        service.answer(meanwhile=fail)
    assert service.answer() == (Answer(200, "application/json", b"2"), False)


def test_a_call_whose_process_ended_is_executed_again_after_the_lease(service: Service) -> None:
    def end() -> None:
        service.store.down = True
        fail()

    with pytest.raises(ValueError, match="a fault"):
        service.answer(meanwhile=end)
    service.store.down = False
    with pytest.raises(CallInFlightError):
        service.answer()
    service.now += LEASE
    assert service.answer() == (Answer(200, "application/json", b"2"), False)


def test_without_the_store_nothing_is_executed(service: Service) -> None:
    service.store.down = True
    with pytest.raises(UnavailableError):
        service.answer()
    assert service.executed == 0


def test_an_answer_that_cannot_be_kept_is_given_and_stands_until_the_lease_ends(service: Service) -> None:
    def lose_store() -> None:
        service.store.down = True

    assert service.answer(meanwhile=lose_store) == (Answer(200, "application/json", b"1"), False)
    service.store.down = False
    with pytest.raises(CallInFlightError):
        service.answer()
    assert service.executed == 1


class RefusingStore(MemoryIdempotencyStore):
    """Takes claims, but has no right to settle them."""

    def keep(self, claim: Claim, answer: Answer) -> None:
        raise PermissionError(f"no right to keep {answer.status} of {claim.call.key}")

    def release(self, claim: Claim) -> None:
        raise PermissionError(claim.call.key)


def test_a_store_that_refuses_to_settle_changes_no_outcome(caplog: pytest.LogCaptureFixture) -> None:
    service = Service(RefusingStore())
    assert service.answer() == (Answer(200, "application/json", b"1"), False)
    with pytest.raises(ValueError, match="a fault"):
        service.answer(call(key="k2"), meanwhile=fail)
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]


def test_a_key_is_free_after_a_day(service: Service) -> None:
    service.answer()
    service.now += KEEP
    assert service.answer(call(b"new")) == (Answer(200, "application/json", b"2"), False)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "ü", "a\n"])
def test_a_malformed_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        call(key=key)
    assert caught.value.code == "invalid_idempotency_key"
    assert call(key="x" * 255).key == "x" * 255
