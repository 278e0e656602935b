"""A warehouse elsewhere is spoken to by TLS, as the host that its certificate names, by an authority that is trusted; or not at all."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy

from localstack.guard import run_guarded, stop_guarded
from localstack.mariadb import MariaDb
from localstack.postgres import UNPRIVILEGED_USER, Postgres
from localstack.program import Program, free_port
from presage.adapters.warehouses.addresses import Place
from presage.adapters.warehouses.customer_warehouse import DIALECTS, SqlCustomerWarehouse
from presage.errors import InvalidInputError
from presage.features.sources.warehouse import WarehouseKind, WarehouseLogin
from tests.fixtures.certificates import Certificates, make_certificates
from tests.fixtures.customer_tables import REQUEST
from tests.fixtures.servers import session_folder, session_owner
from tests.integration.test_customer_warehouse import BY_KIND, open_shop

pytestmark = pytest.mark.integration

HOST = "db.example.com"
IN_USE = {
    "postgresql": "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
    "mysql": "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Ssl_version'",
}


@dataclass
class Server:
    kind: WarehouseKind
    login: WarehouseLogin
    authority: str

    def open(self, **changes: str) -> SqlCustomerWarehouse:
        login = replace(self.login, host=HOST, ca_certificate=self.authority)
        return SqlCustomerWarehouse(self.kind, replace(login, **changes), REQUEST, find_place=find_elsewhere)


def build_postgres(folder: Path, made: Certificates) -> tuple[Program, WarehouseLogin]:
    server = Postgres(folder / "postgres", free_port(), "correct-horse")
    program = server.build_program(fast=True)
    for file in (made.certificate, made.key):
        shutil.copy(file, server.data / file.name)
        (server.data / file.name).chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(server.data / file.name, UNPRIVILEGED_USER)
    settings = ("-c", "ssl=on", "-c", f"ssl_cert_file={made.certificate.name}", "-c", f"ssl_key_file={made.key.name}")
    login = WarehouseLogin(HOST, "postgres", server.user, server.password, str(server.port))
    return replace(program, command=(*program.command, *settings)), login


def build_mariadb(folder: Path, made: Certificates) -> tuple[Program, WarehouseLogin]:
    server = MariaDb(folder / "mariadb", free_port(), "correct-horse")
    program = server.build_program(fast=True)
    settings = (f"--ssl-cert={made.certificate}", f"--ssl-key={made.key}")
    login = WarehouseLogin(HOST, "information_schema", server.user, server.password, str(server.port))
    return replace(program, command=(*program.command, *settings)), login


BUILDERS: dict[WarehouseKind, Callable[[Path, Certificates], tuple[Program, WarehouseLogin]]] = {
    "postgresql": build_postgres,
    "mysql": build_mariadb,
}


@pytest.fixture(params=["postgresql", "mysql"], scope="module")
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server with a certificate of a test's own authority; its folder is one that other users can reach."""
    folder = session_folder(session_owner()) / f"tls-{request.param}"
    folder.mkdir(mode=0o755)
    made = make_certificates(folder, HOST)
    program, login = BUILDERS[request.param](folder, made)
    guard = run_guarded(program, owner=session_owner(), log=folder / "log")
    yield Server(request.param, login, made.authority)
    stop_guarded(guard)


def find_elsewhere(login: WarehouseLogin, _: int) -> Place:
    """Every host is at this machine's loopback, and counts as one elsewhere."""
    return Place(login.host, "127.0.0.1", int(login.port))


def read_version(warehouse: SqlCustomerWarehouse, kind: WarehouseKind) -> str:
    with warehouse._transaction() as connection:  # noqa: SLF001 - what the connection is, and not what it reads
        return str(connection.execute(sqlalchemy.text(IN_USE[kind])).scalar_one())


def test_a_server_with_the_right_certificate_is_spoken_to_by_tls(server: Server) -> None:
    assert read_version(server.open(), server.kind) in {"TLSv1.2", "TLSv1.3"}


@pytest.mark.parametrize("changes", [{"host": "other.example.com"}, {"ca_certificate": ""}, {"ca_certificate": "another"}])
def test_a_certificate_of_another_host_or_authority_is_refused(server: Server, tmp_path: Path, changes: dict[str, str]) -> None:
    if changes.get("ca_certificate") == "another":
        changes = {"ca_certificate": make_certificates(tmp_path, HOST).authority}
    with pytest.raises(InvalidInputError) as refusal:
        server.open(**changes).describe()
    assert (refusal.value.code, refusal.value.path) == ("tls_refused", "$.credential")
    assert server.login.password not in str(refusal.value)


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_server_without_tls_is_refused_before_it_hears_the_password(kind: WarehouseKind, request: pytest.FixtureRequest) -> None:
    shop = open_shop(kind, request.getfixturevalue(BY_KIND[kind]))
    with pytest.raises(InvalidInputError) as refusal:
        Server(kind, shop.login, "").open(password="wrong").describe()  # a refused login would say so
    shop.engine.dispose()
    assert refusal.value.code == "tls_refused"


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_ca_certificate_that_is_none_is_told(kind: WarehouseKind, request: pytest.FixtureRequest) -> None:
    shop = open_shop(kind, request.getfixturevalue(BY_KIND[kind]))
    with pytest.raises(InvalidInputError) as refusal:
        Server(kind, shop.login, "no certificate").open().describe()
    shop.engine.dispose()
    assert (refusal.value.code, refusal.value.path) == ("tls_refused", "$.credential")


def test_all_kinds_check_certificates_alike() -> None:
    assert DIALECTS["redshift"].connect is DIALECTS["postgresql"].connect
