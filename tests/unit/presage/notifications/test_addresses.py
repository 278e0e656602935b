"""Webhooks lead to public addresses only, in whatever form an inner one is written."""

from ipaddress import ip_address

import pytest

from presage.errors import InvalidInputError
from presage.notifications.addresses import choose_addresses, parse_destination

INNER = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - what must be refused
    "0.1.2.3",
    "169.254.169.254",
    "169.254.170.2",
    "100.64.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.1.1.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::a00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1",
    "2002:a00:1::1",
    "2002:a9fe:a9fe::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", INNER)
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    destination = parse_destination("https://hooks.example.com/in", allow_loopback=False)
    for resolved in ([address], ["93.184.215.14", address], [address, "2606:4700::1111"]):
        with pytest.raises(InvalidInputError, match="not public"):
            choose_addresses(destination, resolved, allow_loopback=False)


@pytest.mark.parametrize("address", INNER)
def test_an_inner_address_is_refused_as_a_host(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(InvalidInputError):
        parse_destination(f"https://{host}/", allow_loopback=False)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
)
def test_public_addresses_are_taken(address: str) -> None:
    destination = parse_destination("https://hooks.example.com:8443/in?a=b", allow_loopback=False)
    assert (destination.host, destination.port, destination.authority, destination.target) == (
        "hooks.example.com",
        8443,
        "hooks.example.com:8443",
        "/in?a=b",
    )
    assert [str(found) for found in choose_addresses(destination, [address, address], allow_loopback=False)] == [str(ip_address(address))]


def test_loopback_is_taken_where_it_is_allowed_and_nothing_else_inside() -> None:
    plain = parse_destination("http://localhost:8080/", allow_loopback=True)
    assert [str(address) for address in choose_addresses(plain, ["127.0.0.1", "::1"], allow_loopback=True)] == ["127.0.0.1", "::1"]
    for inner in ("10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00:ec2::254", "8.8.8.8"):
        with pytest.raises(InvalidInputError):
            choose_addresses(plain, [inner], allow_loopback=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "hooks.example.com",
        "https://",
        "https:///path",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com:0/",
        "https://[::1/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nhost: inner",
        "https://bücher.example/",
        "https://hooks.example.com/" + "a" * 2048,
    ],
)
def test_a_url_of_another_form_is_refused_with_its_place(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_destination(url, allow_loopback=False)
    assert caught.value.path == "$.url"


def test_a_name_without_addresses_is_refused() -> None:
    with pytest.raises(InvalidInputError):
        choose_addresses(parse_destination("https://a.example/", allow_loopback=False), [], allow_loopback=False)
