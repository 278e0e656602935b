"""`python -m demo --dataset movielens|cdnow|cdnow-sample`: the main job on real data, against the running local stack."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from demo import cdnow, movielens
from demo.clients import ApiError
from demo.evidence import EvidenceError
from demo.journey import Journey
from demo.scenario import Scenario
from demo.screen import say
from demo.stack import read_stack
from demo.summary import summarise

if TYPE_CHECKING:
    from demo.journey import Report
    from demo.stack import Stack

SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "movielens": movielens.build_scenario,
    "cdnow": cdnow.build_scenario,
    "cdnow-sample": partial(cdnow.build_scenario, "CDNOW_sample.txt"),
}


def main() -> int:
    """Run a scenario and print the summary; return 1 when a step failed or a count does not add up."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--dataset", choices=sorted(SCENARIOS), default="movielens", help="the data to use (default: movielens)")
    arguments = parser.parse_args()
    stack = read_stack()
    scenario = SCENARIOS[arguments.dataset]()
    say(f"{scenario.source}; history until {scenario.cutoff:%Y-%m-%d}, {len(scenario.visits):,} customers replayed after it")
    say(f"The experiment measures {scenario.measures}.")
    started = time.monotonic()
    try:
        report = Journey(stack, scenario).run()
    except (ApiError, EvidenceError) as error:
        say(f"FAILED: {error}")
        return 1
    summarise(scenario, report, time.monotonic() - started)
    show_commands(stack, report)
    return 0 if adds_up(report) else 1


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
    say("  make status")


if __name__ == "__main__":
    sys.exit(main())
