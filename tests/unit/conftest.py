"""Unit tests talk to nobody: a socket fails the test, unless it is marked `enable_socket`."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def _no_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.node.get_closest_marker("enable_socket") is not None:
        yield
        return
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
