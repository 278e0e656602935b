"""The benchmarks' command line: `python -m benchmarks serving --peers fastapi,flask --rounds 1`."""

from __future__ import annotations

import argparse
import sys

from benchmarks import analysis, curve, experiment, lookup, models, neighbour, serving, soak
from benchmarks.load import MeasurementError
from benchmarks.peers.servers import PEERS
from benchmarks.screen import say
from localstack.program import StartError


def main() -> int:
    """Run what the command line asks for; 1 if there is no figure to be had, or what it demands was not held."""
    options = _parse()
    try:
        return 0 if _run(options) else 1
    except (MeasurementError, StartError) as error:
        say(f"{error}" + (f": {error.__cause__}" if error.__cause__ else ""))
        return 1


def _run(options: argparse.Namespace) -> bool:
    """Run one benchmark and return whether what it demands was held; the comparisons demand nothing."""
    match options.command:
        case "serving":
            serving.run(peers=options.peers.split(","), rounds=options.rounds, seconds=options.seconds)
        case "lookup":
            lookup.run(rounds=options.rounds)
        case "models":
            models.run()
        case "stats":
            return experiment.run(rounds=options.rounds)
        case "curve":
            curve.run(most_entities=options.most_entities)
        case "analysis":
            analysis.run(assignments=options.assignments)
        case "soak":
            return soak.run(seconds=60 * options.minutes)
        case _:
            return neighbour.run(rounds=options.rounds, seconds=options.seconds, plan=options.plan)
    return True


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description="Measures Presage beside others, in one run.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("serving", help="predictions over HTTP")
    command.add_argument("--peers", default=",".join(PEERS), help="comma-separated")
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--seconds", type=float, default=5, help="of each measurement")
    command = commands.add_parser("lookup", help="feature values of entities")
    command.add_argument("--rounds", type=int, default=3)
    command = commands.add_parser("stats", help="the statistics of one look at an experiment")
    command.add_argument("--rounds", type=int, default=5)
    commands.add_parser("models", help="models of the demo's data beside baselines and libraries")
    command = commands.add_parser("analysis", help="one look at an experiment, incremental and full")
    command.add_argument("--assignments", type=int, default=1_000_000, help="outcomes are five times as many")
    command = commands.add_parser("soak", help="memory and completeness under steady load")
    command.add_argument("--minutes", type=float, default=10)
    command = commands.add_parser("curve", help="cost over entities, models and rows")
    command.add_argument("--most-entities", type=int, default=max(curve.ENTITIES))
    command = commands.add_parser("neighbour", help="one key far over its limit beside another")
    command.add_argument("--rounds", type=int, default=15)
    command.add_argument("--seconds", type=float, default=8, help="of each measurement")
    command.add_argument("--plan", choices=tuple(neighbour.LIMITS), default="free", help="the noisy key's")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
