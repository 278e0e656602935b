"""The benchmarks' command line: `python -m benchmarks serving --peers fastapi,flask --rounds 1`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping

from benchmarks import analysis, curve, experiment, imports, lookup, models, neighbour, pages, profile, renewal, serving, soak, training
from benchmarks.load import MeasurementError
from benchmarks.peers.servers import PEERS
from benchmarks.screen import say
from localstack.program import StartError

RUNS: Mapping[str, Callable[[argparse.Namespace], bool | None]] = {
    "serving": lambda options: serving.run(peers=options.peers.split(","), rounds=options.rounds, seconds=options.seconds),
    "lookup": lambda options: lookup.run(rounds=options.rounds),
    "models": lambda _options: models.run(),
    "stats": lambda options: experiment.run(rounds=options.rounds),
    "curve": lambda options: curve.run(most_entities=options.most_entities),
    "analysis": lambda options: analysis.run(assignments=options.assignments),
    "amplitude": lambda options: imports.run(sizes=[int(size) for size in options.events.split(",")]),
    "training": lambda options: training.run_curve() if options.curve else training.run(rounds=options.rounds, size=options.rows),
    "profile": lambda options: profile.run(
        rows=options.rows, rounds=options.rounds, profilers=[name for name in options.profilers.split(",") if name]
    ),
    "renewal": lambda options: renewal.run(entities=options.entities, share=options.share),
    "pages": lambda options: pages.run(predictions=options.predictions),
    "soak": lambda options: soak.run(seconds=60 * options.minutes),
    "neighbour": lambda options: neighbour.run(rounds=options.rounds, seconds=options.seconds, plan=options.plan),
}
"""The benchmarks by name. False: what one demands was not held; the comparisons demand nothing."""


def main() -> int:
    """Run what the command line asks for; 1 if there is no figure to be had, or what it demands was not held."""
    options = _parse()
    try:
        return 1 if RUNS[options.command](options) is False else 0
    except (MeasurementError, StartError) as error:
        say(f"{error}" + (f": {error.__cause__}" if error.__cause__ else ""))
        return 1


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
    command = commands.add_parser("training", help="training sets, parquet to parquet")
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--rows", type=int, default=1_000_000, help="labels, and records in each of three sets")
    command.add_argument("--curve", action="store_true", help="cost and peak memory up to 10 M rows")
    command = commands.add_parser("renewal", help="a snapshot made from the one before, and of all records")
    command.add_argument("--entities", type=int, default=1_000_000)
    command.add_argument("--share", type=float, default=0.01, help="of the entities that got a record")
    command = commands.add_parser("amplitude", help="an import with faults and two SIGKILLs of the worker")
    command.add_argument("--events", default="1000000,5000000", help="sizes of imports, comma-separated")
    command = commands.add_parser("profile", help="a version's profile")
    command.add_argument("--rows", type=int, default=10_000_000)
    command.add_argument("--rounds", type=int, default=3)
    command.add_argument("--profilers", default=",".join(profile.PROFILERS), help="comma-separated, on a million rows")
    command = commands.add_parser("pages", help="the dashboard's pages with a full workspace")
    command.add_argument("--predictions", type=int, default=0, help="in the emulator's DynamoDB")
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
