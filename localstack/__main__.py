"""The launcher: `python -m localstack up|down|status|logs|doctor`."""

import argparse
import os
import shutil
import sys
from collections.abc import Sequence

from localstack import system_packages, toolchain
from localstack.places import Places
from localstack.program import StartError
from localstack.screen import Screen
from localstack.stack import Stack, exclusively, interrupt_on_sigterm


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localstack", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "status", "logs", "doctor"))
    command: str = parser.parse_args(arguments).command
    places, screen = Places(), Screen()
    if command == "logs":
        files = sorted(str(path) for path in places.logs.glob("*.log"))
        os.execvp("tail", ["tail", "-n", "20", "-F", *files])  # noqa: S606 - becoming tail is the point
    if command == "doctor":
        return doctor(screen)
    interrupt_on_sigterm()
    try:
        if command == "status":
            return 0 if Stack(places, screen).status() else 1
        with exclusively(places):
            return change(Stack(places, screen), command, screen)
    except StartError as error:
        screen.fail(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        screen.fail("interrupted")
        return 130


def change(stack: Stack, command: str, screen: Screen) -> int:
    """Bring the stack up or take it down; return the exit code."""
    if command == "up":
        stack.up()
    elif stack.down():
        screen.head("down; data is kept in .local")
    else:
        screen.head("nothing was running")
    return 0


def doctor(screen: Screen) -> int:
    """Print what the machine offers and lacks; return 0 if nothing is lacking."""
    unmet = system_packages.missing()
    for requirement in system_packages.REQUIREMENTS:
        screen.piece("missing" if requirement in unmet else "found", "tool", f"{requirement.package}: {requirement.purpose}")
    node = shutil.which("node")
    fits = node is not None and toolchain.node_major(node) >= toolchain.NODE_MAJOR
    screen.piece("found" if fits else "by wheel", "tool", f"node {toolchain.NODE_MAJOR} or newer, for the CDK")
    return 1 if unmet else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
