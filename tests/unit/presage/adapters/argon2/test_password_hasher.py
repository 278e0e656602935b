"""Argon2id: what is checked, what is kept, and how long it takes."""

import time
from statistics import median

import pytest

from presage.adapters.argon2.password_hasher import Argon2PasswordHasher
from presage.adapters.memory.password_hasher import MemoryPasswordHasher
from presage.tenancy.accounts.ports import PasswordHasher

PASSWORD = "seven green bicycles"


@pytest.fixture(params=[Argon2PasswordHasher, MemoryPasswordHasher])
def hasher(request: pytest.FixtureRequest) -> PasswordHasher:
    built: PasswordHasher = request.param()
    return built


def test_a_password_is_told_from_others(hasher: PasswordHasher) -> None:
    kept = hasher.hash_password(PASSWORD)
    assert PASSWORD not in kept
    assert hasher.check_password(PASSWORD, kept)
    assert not hasher.check_password(f"{PASSWORD} ", kept)
    assert not hasher.is_outdated(kept)
    assert not hasher.check_password(PASSWORD, None)


def test_hashes_are_salted_and_say_how_they_were_made() -> None:
    hasher = Argon2PasswordHasher()
    one, other = hasher.hash_password(PASSWORD), hasher.hash_password(PASSWORD)
    assert one != other
    assert one.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert len(one) <= 200


def test_a_hash_of_other_parameters_is_checked_and_outdated() -> None:
    kept = Argon2PasswordHasher(memory_kib=8192, passes=1).hash_password(PASSWORD)
    assert Argon2PasswordHasher().check_password(PASSWORD, kept)
    assert Argon2PasswordHasher().is_outdated(kept)


def test_what_is_no_hash_opens_nothing() -> None:
    assert not Argon2PasswordHasher().check_password(PASSWORD, "nothing of the kind")


def test_an_account_that_is_not_there_takes_as_long_as_a_wrong_password() -> None:
    hasher = Argon2PasswordHasher()
    kept = hasher.hash_password(PASSWORD)

    def measure(password_hash: str | None) -> float:
        begun = time.process_time()
        assert not hasher.check_password("wrong", password_hash)
        return time.process_time() - begun

    wrong, unknown = (median(measure(each) for _ in range(9)) for each in (kept, None))
    assert 0.5 < unknown / wrong < 2
