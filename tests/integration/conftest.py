"""How two workers share these tests: a module at a time, and some modules with nothing beside them."""

import fcntl
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.fixtures.servers import SessionServers

FOLDER = Path(__file__).parent
ONE_WORKER = ("containers", "spark")
"""Folders whose modules share what is made once a session."""
FIRST = ("containers", "stacks/test_life.py")
"""What is long in the making. Short modules follow, so that the one that waits to be alone soon is; the others as they are found."""


class ByModule(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker a whole module, or a whole folder of `ONE_WORKER`."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return next((folder for folder in ONE_WORKER if f"/integration/{folder}/" in module), module)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByModule:
    config.option.loadscopereorder = False  # xdist's own order is by the number of tests
    return ByModule(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(FOLDER).as_posix() if item.path.is_relative_to(FOLDER) else ""
        return next((number for number, beginning in enumerate(FIRST) if name.startswith(beginning)), len(FIRST))

    items.sort(key=place)


@pytest.fixture(scope="module", autouse=True)
def _turn(request: pytest.FixtureRequest, servers: SessionServers) -> Iterator[None]:
    """Let a module that is marked `alone` run when no other does; what it makes for the whole session is made beside others."""
    alone = request.node.get_closest_marker("alone") is not None
    with (servers.folder / "door.lock").open("w") as door, (servers.folder / "room.lock").open("w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)  # who waits for the room keeps others from entering before
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        yield
