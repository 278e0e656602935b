"""How two workers share these tests: a module at a time, the long ones first, so that neither waits long for the other at the end."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
ONE_WORKER = ("containers", "spark")
"""Folders whose modules share what is made once a session."""
FIRST = ("containers", "spark", "stacks/test_life.py", "test_build_model.py")
"""What takes longest; the others follow as they are found."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    names = {item: item.path.relative_to(FOLDER).as_posix() for item in items if item.path.is_relative_to(FOLDER)}
    for item, name in names.items():
        folder = name.partition("/")[0]
        item.add_marker(pytest.mark.xdist_group(folder if folder in ONE_WORKER else name))
    items.sort(key=lambda item: next((place for place, first in enumerate(FIRST) if names.get(item, "").startswith(first)), len(FIRST)))
