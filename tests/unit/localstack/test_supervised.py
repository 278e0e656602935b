"""What both stacks do with their pieces."""

import io
import signal
from pathlib import Path

import pytest
from rich.console import Console

from localstack.places import Places
from localstack.screen import Screen
from localstack.supervised import Supervised


@pytest.fixture
def printed() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervised(tmp_path: Path, printed: io.StringIO) -> Supervised:
    places = Places(state=tmp_path / "state", cache=tmp_path / "cache")
    kinds = {"mariadb": ("real", "MariaDB in place of RDS MySQL"), "worker": ("bridged", "a process")}
    return Supervised(places, Screen(Console(file=printed, width=120)), kinds)  # type: ignore[arg-type]


def test_every_piece_is_shown_also_what_does_not_run(supervised: Supervised, printed: io.StringIO) -> None:
    assert not supervised.show()
    assert not supervised.all_run()
    assert [line.split()[:3] for line in printed.getvalue().splitlines()] == [
        ["mariadb", "real", "absent"],
        ["worker", "bridged", "absent"],
    ]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_was_started_is_taken_down_undisturbed_when_the_rest_fails(supervised: Supervised, error: type[BaseException]) -> None:
    handlers = []
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(error), supervised.undone_by(lambda: handlers.append(signal.getsignal(signal.SIGINT))):
        raise error
    assert handlers == [signal.SIG_IGN]
    assert signal.getsignal(signal.SIGINT) is before


def test_what_came_up_is_left(supervised: Supervised) -> None:
    downs: list[None] = []
    with supervised.undone_by(lambda: downs.append(None)):
        pass
    assert downs == []
