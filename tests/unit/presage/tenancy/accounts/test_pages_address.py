"""Where the pages may be, and what cookie follows from it."""

import pytest

from presage.tenancy.accounts.attempts import name_network
from presage.tenancy.accounts.pages_address import PagesAddress, SessionCookie


@pytest.mark.parametrize("url", ["https://app.presage.example", "https://app.presage.example:8443", "https://localhost"])
def test_over_tls_the_cookie_is_the_hosts_own(url: str) -> None:
    pages = PagesAddress(url)
    assert pages.cookie == SessionCookie("__Host-presage", secure=True, http_only=True, same_site="Lax", path="/")
    assert pages.build("/log-in") == f"{url}/log-in"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8082", "http://localhost", "http://[::1]:80"])
def test_on_this_machine_it_needs_no_tls(url: str) -> None:
    assert PagesAddress(url).cookie == SessionCookie("presage", secure=False, http_only=True, same_site="Lax", path="/")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://app.presage.example",
        "https://app.presage.example/",
        "https://app.presage.example/x",
        "ftp://localhost",
        "https://a b",
        "http://127.0.0.1.evil.example",
        "https://user@app.example",
        "https://app.example\n",
    ],
)
def test_elsewhere_they_are_not(url: str) -> None:
    with pytest.raises(ValueError, match="The pages are at an origin"):
        PagesAddress(url)


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
    ],
)
def test_attempts_are_counted_by_what_one_client_has(client: str, network: str) -> None:
    assert name_network(client) == network
