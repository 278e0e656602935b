"""What a release needs of the outside."""

from typing import Literal, Protocol

from delivery.history import History, Stage

Colour = Literal["blue", "green"]


class HistoryStore(Protocol):
    """Keeps what a stage has run."""

    def get_history(self, stage: Stage) -> History:
        """Return the moves, oldest first; none for a stage that nothing was released to."""

    def put_history(self, stage: Stage, history: History) -> None:
        """Replace the moves."""


class Fleet(Protocol):
    """The two copies of one stage's service, of which the load balancer asks one."""

    def find_live(self) -> Colour | None:
        """Return the colour that the load balancer asks, if that colour has tasks."""

    def find_build(self, colour: Colour) -> str | None:
        """Return the digest that a colour runs; None if it runs nothing."""

    def start(self, colour: Colour, digest: str) -> None:
        """Let a colour run a build; it gets no requests of users by that."""

    def find_problem(self, colour: Colour) -> str | None:
        """Ask every task of a colour directly and return what is wrong; None if all answer as they should."""

    def cut_over(self, colour: Colour) -> None:
        """Let the load balancer ask this colour from now on."""

    def stop(self, colour: Colour) -> None:
        """End a colour's tasks."""
