"""The controller: a build is started beside the live one, asked, cut over to, watched, and left again if it fails.

It stands in for what ECS's own blue/green deployment does in an account, where the emulator knows only rolling updates.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from delivery.errors import DeliveryError
from delivery.ports import Colour, Fleet

Say = Callable[[str], None]
_OTHER: dict[Colour, Colour] = {"blue": "green", "green": "blue"}


@dataclass(frozen=True)
class Patience:
    """How long a build gets.

    Attributes:
        start_seconds: Until every task must answer.
        ready_checks: How often in a row it must answer before users do get it.
        bake_seconds: How long it is watched afterwards, the replaced build still running.
        bake_failures: How many failed checks in a row send users back.
        interval_seconds: Time between two checks.
    """

    start_seconds: float = 120
    ready_checks: int = 3
    bake_seconds: float = 30
    bake_failures: int = 2
    interval_seconds: float = 0.5


class Controller:
    """Moves one stage between builds."""

    def __init__(
        self,
        fleet: Fleet,
        *,
        patience: Patience,
        say: Say,
        watch: Callable[[], str | None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Move what `fleet` runs; `watch` returns what is wrong as users see it, without it a watched build's tasks are asked."""
        self._fleet = fleet
        self._patience = patience
        self._say = say
        self._watch = watch
        self._clock = clock
        self._sleep = sleep

    def release(self, digest: str) -> None:
        """Let users get the build; what it replaces keeps running for a rollback.

        Raises:
            DeliveryError: The build did not start, did not answer, or failed while it was watched; the one before serves.
        """
        live = self._fleet.find_live()
        if live is not None and self._fleet.find_build(live) == digest:
            self._say(f"{digest} serves already, on {live}")
            return
        target = _OTHER[live] if live is not None else "blue"
        self._prepare(target, digest)
        self._cut_over(target)
        problem = self._bake(target)
        if problem is None:
            self._say(f"{target} was watched for {self._patience.bake_seconds:g} s: released")
            return
        if live is None:
            raise DeliveryError(f"{digest} failed and nothing served before it: {problem}")
        decided = self._clock()
        self._say(f"going back to {live}: {problem}")
        self._fleet.cut_over(live)
        self._say(f"time to recover: {(self._clock() - decided) * 1000:.0f} ms from the decision to the cut-over to {live}")
        self._fleet.stop(target)
        raise DeliveryError(f"{digest} failed after the cut-over and was rolled back: {problem}")

    def roll_back(self, digest: str) -> None:
        """Let users get an earlier build: at once if the other colour still runs it, else when it has started.

        Raises:
            DeliveryError: It does not answer; the live build stays.
        """
        decided = self._clock()
        live = self._fleet.find_live()
        target = _OTHER[live] if live is not None else "blue"
        if self._fleet.find_build(target) != digest:
            self._prepare(target, digest)
        elif problem := self._fleet.find_problem(target):
            raise DeliveryError(f"{digest} on {target} does not answer: {problem}")
        self._cut_over(target)
        self._say(f"time to recover: {(self._clock() - decided) * 1000:.0f} ms from the command to the cut-over to {target}")

    def _prepare(self, colour: Colour, digest: str) -> None:
        """Start the build on the idle colour and return once every task has answered often enough."""
        self._say(f"starting {digest} on {colour}")
        began = self._clock()
        self._fleet.start(colour, digest)
        good, problem = 0, "not asked yet"
        while self._clock() - began < self._patience.start_seconds:
            found = self._fleet.find_problem(colour)
            good, problem = (good + 1, problem) if found is None else (0, found)
            if good >= self._patience.ready_checks:
                self._say(f"{colour} answers after {self._clock() - began:.1f} s")
                return
            self._sleep(self._patience.interval_seconds)
        self._fleet.stop(colour)
        raise DeliveryError(f"{digest} was never ready on {colour} and got no request: {problem}")

    def _cut_over(self, colour: Colour) -> None:
        began = self._clock()
        self._fleet.cut_over(colour)
        self._say(f"cut over to {colour} in {(self._clock() - began) * 1000:.0f} ms")

    def _bake(self, colour: Colour) -> str | None:
        check = self._watch or (lambda: self._fleet.find_problem(colour))
        began, failures = self._clock(), 0
        while self._clock() - began < self._patience.bake_seconds:
            problem = check()
            failures = 0 if problem is None else failures + 1
            if problem is not None and failures >= self._patience.bake_failures:
                return problem
            self._sleep(self._patience.interval_seconds)
        return None
