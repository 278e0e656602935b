"""The benchmarks' command line: `python -m benchmarks serving --peers fastapi,flask --rounds 1`."""

from __future__ import annotations

import argparse
import os
import sys

from benchmarks import lookup, serving
from benchmarks.load import MeasurementError
from benchmarks.peers.servers import PEERS
from benchmarks.screen import say
from localstack.program import StartError


def main() -> int:
    """Run what the command line asks for; 1 if there is no figure to be had."""
    options = _parse()
    if options.nice:
        os.setpriority(os.PRIO_PROCESS, 0, options.nice)  # servers and load inherit it
    try:
        if options.command == "serving":
            serving.run(peers=options.peers.split(","), rounds=options.rounds, seconds=options.seconds)
        elif options.command == "lookup":
            lookup.run(rounds=options.rounds)
    except (MeasurementError, StartError) as error:
        say(f"{error}" + (f": {error.__cause__}" if error.__cause__ else ""))
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measures Presage beside others, in one run.")
    parser.add_argument("--nice", type=int, default=0, help="priority of servers and load alike; negative on a shared machine, as root")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("serving", help="predictions over HTTP")
    command.add_argument("--peers", default=",".join(PEERS), help="comma-separated")
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--seconds", type=float, default=5, help="of each measurement")
    command = commands.add_parser("lookup", help="feature values of entities")
    command.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
