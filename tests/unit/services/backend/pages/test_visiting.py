"""Where a visitor comes from."""

import pytest

from services.backend.pages.visiting import find_client


@pytest.mark.parametrize(
    ("forwarded", "proxies", "client"),
    [
        ("", 0, "10.0.0.9"),
        ("203.0.113.7", 0, "10.0.0.9"),
        ("203.0.113.7, 10.0.0.1", 2, "203.0.113.7"),
        ("1.2.3.4, 203.0.113.7,10.0.0.1", 2, "203.0.113.7"),
        ("10.0.0.1", 2, "10.0.0.9"),
        ("203.0.113.7", 1, "203.0.113.7"),
    ],
)
def test_a_client_is_who_our_outermost_proxy_saw(forwarded: str, proxies: int, client: str) -> None:
    assert find_client(forwarded, "10.0.0.9", proxies=proxies) == client
