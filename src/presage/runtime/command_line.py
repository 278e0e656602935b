"""The `presage` command: `presage experiments certify [--runs N] [--seed N] [--processes N]`.

Figures go to standard output, progress to standard error; the exit code is 1 when something is out of its bound.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor

from presage.experiments.certification.certify import RUNS, SEED, certify
from presage.experiments.certification.verdict import ERRORS, Finding, Share


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit code."""
    options = _build_parser().parse_args(arguments)
    began = time.monotonic()
    _write(f"seed {options.seed}, {options.runs:,} runs of each kind, looked at every hour; shares ± their Monte-Carlo error at the bound")
    _write(f"a share fails when it is more than {ERRORS:g} such errors beyond its bound")
    with ProcessPoolExecutor(options.processes, mp_context=multiprocessing.get_context("spawn")) as executor:
        findings = certify(runs=options.runs, seed=options.seed, run_tasks=executor.map, progress=_Progress(began))
        return report(findings, began=began)


def report(findings: Iterable[Finding], *, began: float) -> int:
    """Print every finding as it comes, and return 1 when one does not hold."""
    failed = []
    for finding in findings:
        _write(describe(finding))
        failed += [] if finding.holds else [finding.scenario]
    _write(f"{time.monotonic() - began:.0f} s; " + (f"out of bound: {', '.join(failed)}" if failed else "all within their bounds"))
    return 1 if failed else 0


def describe(finding: Finding) -> str:
    """Return the finding as a line a share, under the scenario's name."""
    lines = [f"{finding.scenario}", *(_describe(share) for share in finding.shares)]
    if finding.days is not None:
        planned = "" if finding.planned_days is None else f", planned {finding.planned_days:.1f}"
        lines.append(f"  {'days to decision':<20} {finding.days:7.1f}{planned}")
    return "\n".join(lines)


def _describe(share: Share) -> str:
    figures = f"{100 * share.value:7.2f} % ± {100 * share.error:.2f}, {share.side} {100 * share.bound:g} %"
    return f"  {share.name:<20} {figures}{'' if share.holds else '   OUT OF BOUND'}"


class _Progress:
    """Says how far a long run is, at most every two seconds."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._said = began

    def __call__(self, fraction: float, message: str, checkpoint: Mapping[str, object] | None = None) -> None:  # noqa: ARG002 - there is nothing to resume
        now = time.monotonic()
        if now - self._said >= 2.0:  # noqa: PLR2004 - explained above
            self._said = now
            sys.stderr.write(f"[{now - self._began:5.0f} s] {100 * fraction:3.0f} %  {message}\n")


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="presage", description="Presage's own command line.")
    experiments = parser.add_subparsers(dest="group", required=True).add_parser("experiments", help="what experiments conclude with")
    command = experiments.add_subparsers(dest="command", required=True).add_parser(
        "certify", help="prove by simulation that conclusions err as seldom as they say"
    )
    command.add_argument("--runs", type=int, default=RUNS, help="of each kind of metric, with and without an effect")
    command.add_argument("--seed", type=int, default=SEED)
    command.add_argument("--processes", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(main())
