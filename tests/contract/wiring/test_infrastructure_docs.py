"""The generated table of docs/infrastructure.md is that of the templates, and the tests that it names exist."""

from tests.fixtures.infrastructure_docs import DECISIONS, PLACE, list_tests, replace_sections


def test_the_table_is_current() -> None:
    text = PLACE.read_text()
    assert text == replace_sections(text), "run `make docs`"


def test_the_named_tests_exist() -> None:
    missing = [name for path, name in list_tests() if f"def {name}(" not in path.read_text()]
    assert missing == []


def test_every_service_has_decisions() -> None:
    assert len(DECISIONS) >= 12
    assert all(DECISIONS.values())
