"""`presage experiments certify [--runs N] [--seed N] [--processes N]` and `presage experiments verify CERTIFICATE`.

The command line `presage` (docs/adr/0051) finds them by this package's entry points and hands their words on.

Findings go to standard output, progress to standard error; the exit code is 1 when something is out of its bound, or differs.
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
from presage.runtime.verification import build_ledger, run_verify


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for and return the exit code."""
    options = _build_parser().parse_args(arguments)
    if options.command == "verify":
        return run_verify(options.certificate, connect=build_ledger, progress=_Progress(time.monotonic()))
    return run_certify(runs=options.runs, seed=options.seed, processes=options.processes)


def run_certify(*, runs: int, seed: int, processes: int) -> int:
    """Print what simulations find of every scenario, and return 1 when one is out of its bound."""
    began = time.monotonic()
    _write(f"seed {seed}, {runs:,} runs of each kind, looked at every hour; shares ± their Monte-Carlo error at the bound")
    _write(f"a share fails when it is more than {ERRORS:g} such errors beyond its bound")
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as executor:
        findings = certify(runs=runs, seed=seed, run_tasks=executor.map, progress=_Progress(began))
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
    commands = experiments.add_subparsers(dest="command", required=True)
    simulate = commands.add_parser("certify", help="prove by simulation that conclusions err as seldom as they say")
    simulate.add_argument("--runs", type=int, default=RUNS, help="of each kind of metric, with and without an effect")
    simulate.add_argument("--seed", type=int, default=SEED)
    simulate.add_argument("--processes", type=int, default=2)
    verify = commands.add_parser("verify", help="compute a certificate again from the warehouse, and say what differs")
    verify.add_argument("certificate", help="the file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
