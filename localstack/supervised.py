"""The pieces of a stack under supervision, each shown as it is started and as it stands."""

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping

from localstack.places import Places
from localstack.program import Program
from localstack.screen import Kind, Screen
from localstack.supervision import Supervisor

Kinds = Mapping[str, tuple[Kind, str]]
"""By the name of a piece: how it stands in for AWS, and what it is. They are started in this order."""


class Supervised:
    """A stack's supervisor and the screen that tells of it."""

    def __init__(self, places: Places, screen: Screen, kinds: Kinds) -> None:
        self.supervisor = Supervisor(places, order=tuple(kinds))
        self._screen = screen
        self._kinds = kinds

    def put(self, program: Program, *, version: str = "", port: int | None = None) -> None:
        """Run a piece as described, wait until it is ready, and say so."""
        effect = self.supervisor.put(program, version=version)
        kind, detail = self._kinds[program.name]
        self._screen.piece(program.name, kind, f"{effect:<9} {f'127.0.0.1:{port}' if port else '':<15} {detail}")

    def all_run(self) -> bool:
        """Return whether every piece runs."""
        return all(self.supervisor.state(name) == "RUNNING" for name in self._kinds)

    def show(self) -> bool:
        """Print the state of every piece; return whether all run."""
        states = {name: self.supervisor.state(name) for name in self._kinds}
        for name, (kind, detail) in self._kinds.items():
            pid = self.supervisor.pid(name)
            self._screen.piece(name, kind, f"{states[name].lower():<9} {f'pid {pid}' if pid else '':<12} {detail}")
        return all(state == "RUNNING" for state in states.values())

    @contextlib.contextmanager
    def undone_by(self, down: Callable[[], object]) -> Iterator[None]:
        """Take everything down if the block fails or is interrupted, unless it was up before."""
        was_running = self.supervisor.is_running()
        try:
            yield
        except BaseException:
            if not was_running:
                with _uninterrupted():
                    self._screen.head("stopping what was started")
                    down()
            raise


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Finish what is being done although somebody presses Ctrl-C again."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
