"""The people of a test."""

import pytest

from tests.fixtures.people import People


@pytest.fixture
def people() -> People:
    return People()
