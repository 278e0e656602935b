"""Passwords are long, and not the first ones that are guessed."""

import pytest

from presage.errors import InvalidInputError
from presage.tenancy.accounts.passwords import MAX_LENGTH, MIN_LENGTH, require_password


@pytest.mark.parametrize(
    "password",
    [
        "seven green bicycles",
        "x7" + "qPz!mLw3" * 2,
        "пять зелёных велосипедов",
        "七台の緑色の自転車が坂道を下っていった",
        " leading and trailing ",
    ],
)
def test_long_passwords_of_any_characters_are_taken_as_they_are(password: str) -> None:
    assert require_password(password, email="ann@example.com") == password


@pytest.mark.parametrize(("length", "taken"), [(MIN_LENGTH - 1, False), (MIN_LENGTH, True), (MAX_LENGTH, True), (MAX_LENGTH + 1, False)])
def test_the_length_is_bounded_in_characters(length: int, taken: bool) -> None:  # noqa: FBT001 - a case
    password = "".join(chr(0x4E00 + 7 * number) for number in range(length))
    if taken:
        assert require_password(password, email="ann@example.com") == password
    else:
        with pytest.raises(InvalidInputError, match=f"15 to 256 characters, got {length}") as refused:
            require_password(password, email="ann@example.com")
        assert refused.value.path == "$.password"


@pytest.mark.parametrize(
    "password",
    [
        "passwordpassword",
        "PasswordPassword",
        "aaaaaaaaaaaaaaaaaaaa",
        "abcabcabcabcabcab",
        "123456789012345",
        "abcdefghijklmnop",
        "zyxwvutsrqponmlk",
        "qwertyuiopasdfgh",
        "correcthorsebatterystaple",
        "Long.Address@Example.com",
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(InvalidInputError, match="would be guessed"):
        require_password(password, email="long.address@example.com")


def test_one_password_typed_on_two_keyboards_is_one() -> None:
    composed, apart = "caf\u00e9 au lait \u00e0 gogo", "cafe\u0301 au lait a\u0300 gogo"
    assert require_password(apart, email="a@example.com") == require_password(composed, email="a@example.com") == composed
