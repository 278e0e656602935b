import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from localstack.places import Places
from localstack.program import StartError, free_port, reserved, wait_until
from localstack.state import State, write_private


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


@pytest.mark.enable_socket
def test_a_port_is_kept_between_runs(state_file: Path) -> None:
    preferred = free_port()
    chosen = State(state_file).port("backend", preferred, is_ours=False)

    assert chosen == preferred
    assert State(state_file).port("backend", 1, is_ours=False) == chosen


@pytest.mark.enable_socket
def test_a_taken_port_is_replaced_unless_the_piece_itself_listens_there(state_file: Path, taken_port: int) -> None:
    replaced = State(state_file).port("backend", taken_port, is_ours=False)
    assert replaced != taken_port

    state_file.write_text(f'{{"ports": {{"backend": {taken_port}}}}}')
    assert State(state_file).port("backend", 1, is_ours=True) == taken_port


@pytest.mark.enable_socket
def test_a_port_that_another_launcher_reserved_is_passed_over_yet_its_own_server_can_listen_there() -> None:
    port = free_port()

    with reserved([port]), socket.socket() as server:
        assert free_port(port) != port
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        with reserved([port]):
            assert free_port(port) != port


@pytest.mark.enable_socket
def test_two_pieces_never_get_the_same_port(state_file: Path) -> None:
    state, preferred = State(state_file), free_port()

    assert state.port("a", preferred, is_ours=False) != state.port("b", preferred, is_ours=False)


def test_a_password_is_made_once_and_only_its_owner_can_read_it(state_file: Path) -> None:
    password = State(state_file).password("mariadb")

    assert State(state_file).password("mariadb") == password
    assert State(state_file).password("postgres") != password
    assert state_file.stat().st_mode & 0o077 == 0


def test_what_was_deployed_is_remembered(state_file: Path) -> None:
    assert State(state_file).deployed == ""

    State(state_file).note_deployed("digest")

    assert State(state_file).deployed == "digest"


def test_a_private_file_replaces_a_public_one_privately(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, b"new")

    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o077 == 0


def test_waiting_ends_when_the_process_does() -> None:
    with pytest.raises(StartError, match="piece ended before it was ready"):
        wait_until(lambda: False, seconds=60, what="piece", is_alive=lambda: False)


def test_waiting_ends_in_time() -> None:
    with pytest.raises(StartError, match="piece was not ready within 0 s"):
        wait_until(lambda: False, seconds=0.0, what="piece")


def test_postgres_gets_a_place_that_its_user_can_reach(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    assert Places(state=closed / "state").postgres_data.is_relative_to("/var/tmp")  # noqa: S108 - the place is the point
