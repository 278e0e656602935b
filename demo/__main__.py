"""`python -m demo --dataset movielens|cdnow|cdnow-sample|simulated`: the main job, on the running local stack."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from demo import cdnow, movielens, products
from demo.clients import ApiError
from demo.evidence import EvidenceError
from demo.journey import Journey
from demo.products import ProductJourney
from demo.screen import say
from demo.stack import read_stack
from demo.summary import summarise

if TYPE_CHECKING:
    from demo.journey import Report
    from demo.scenario import Scenario
    from demo.stack import Stack


def replay(build_scenario: Callable[[], Scenario], stack: Stack) -> list[Journey]:
    """Return the one journey of a scenario of real data."""
    return [Journey(stack, build_scenario())]


JOURNEYS: dict[str, Callable[[Stack], list[Journey]]] = {
    "movielens": partial(replay, movielens.build_scenario),
    "cdnow": partial(replay, cdnow.build_scenario),
    "cdnow-sample": partial(replay, partial(cdnow.build_scenario, "CDNOW_sample.txt")),
    "simulated": products.build_journeys,
}


def main() -> int:
    """Run the journeys of a data set at once and print a summary of each; return 1 when a step failed or a count does not add up."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--dataset", choices=sorted(JOURNEYS), default="movielens", help="the data to use (default: movielens)")
    arguments = parser.parse_args()
    stack = read_stack()
    journeys = JOURNEYS[arguments.dataset](stack)
    for journey in journeys:
        scenario = journey.scenario
        say(f"{scenario.source}; history until {scenario.cutoff:%Y-%m-%d}, {len(scenario.visits):,} customers replayed after it")
        say(f"The experiment measures {scenario.measures}.")
    started = time.monotonic()
    try:
        with ThreadPoolExecutor(len(journeys)) as threads:
            reports = list(threads.map(Journey.run, journeys))
    except (ApiError, EvidenceError) as error:
        say(f"FAILED: {error}")
        return 1
    for journey, report in zip(journeys, reports, strict=True):
        summarise(journey.scenario, report, time.monotonic() - started)
        if isinstance(journey, ProductJourney):
            say(f"The true effect of {journey.product.name!r}, which the platform was never told: {journey.true_effect:+.4f}")
        show_commands(stack, report)
    return 0 if all(map(adds_up, reports)) else 1


def adds_up(report: Report) -> bool:
    """Return whether every prediction asked was logged, and every one in the experiment assigned."""
    return report.predictions_asked == report.predictions_logged and report.predictions_in_experiment == sum(report.assignments.values())


def show_commands(stack: Stack, report: Report) -> None:
    """Print the commands to look further."""
    say("\nLook further (the credentials are of this throw-away local workspace):")
    say(f"  export TOKEN={report.token} KEY={report.api_key}")
    say(f'  curl -s -H "Authorization: Bearer $TOKEN" {stack.backend_url}/api/v1/experiments/{report.experiment_id} | python3 -m json.tool')
    say(f'  curl -s -H "Authorization: Bearer $TOKEN" {stack.backend_url}/api/v1/models/{report.model_id}/versions | python3 -m json.tool')
    say(f'  curl -s -H "x-api-key: $KEY" {stack.gateway_url}/v1/predictions/{report.last_prediction_id} | python3 -m json.tool')
    say(f"  {stack.backend_url}/sign-up in a browser: `make mails` shows the mail; then Switch workspace, and join this one with $TOKEN")
    say("  make status")


if __name__ == "__main__":
    sys.exit(main())
