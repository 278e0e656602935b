"""Customers' connections go to public addresses and to networks that are named, and nowhere else."""

from collections.abc import Sequence
from ipaddress import ip_network

import pytest

from presage.adapters.warehouses.addresses import Place, find_place
from presage.addresses import Network
from presage.errors import InvalidInputError
from presage.features.sources.warehouse import WarehouseLogin

pytestmark = pytest.mark.enable_socket  # getaddrinfo reads literal addresses, and asks nobody


def find(host: str, port: str = "", networks: Sequence[Network] = ()) -> Place:
    return find_place(WarehouseLogin(host, "d", "u", "p", port), 5432, networks=networks)


def test_a_public_address_is_connected_to_as_it_was_judged() -> None:
    assert find("8.8.8.8") == Place("8.8.8.8", "8.8.8.8", 5432)
    assert find("2001:4860:4860::8888", "6000") == Place("2001:4860:4860::8888", "2001:4860:4860::8888", 6000)


def test_a_private_address_needs_a_network_that_is_named() -> None:
    networks = [ip_network("10.1.0.0/16"), ip_network("127.0.0.0/8")]
    assert not find("10.1.2.3", networks=networks).is_loopback
    assert find("127.0.0.1", networks=networks).is_loopback
    for refused in ("10.2.0.1", "::ffff:10.1.2.3"):
        with pytest.raises(InvalidInputError):
            find(refused, networks=networks)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "localhost",
        "2130706433",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "10.0.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "224.0.0.1",
        "::1",
        "fd00:ec2::254",
        "fe80::1",
        "::ffff:169.254.169.254",
        "2002:a00:1::",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "::a00:1",
    ],
)
def test_an_address_that_is_not_public_is_refused(host: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        find(host)
    assert (refusal.value.code, refusal.value.path) == ("address_refused", "$.credential")


@pytest.mark.parametrize(
    ("host", "port"), [("", ""), ("/var/run", ""), ("a,b", ""), ("a b", ""), ("8.8.8.8", "0"), ("8.8.8.8", "70000"), ("8.8.8.8", "x")]
)
def test_what_is_no_place_is_refused(host: str, port: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        find(host, port)
    assert refusal.value.path == "$.credential"
