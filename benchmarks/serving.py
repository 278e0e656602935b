"""`make bench-serving`: the whole path of Presage beside servers that only answer, all with the same model."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks import ours
from benchmarks.classifier import fit_classifier
from benchmarks.peers.servers import PEERS, build_peer, install
from benchmarks.rounds import Contestant, Figures, Ratio, compare, run_rounds
from benchmarks.screen import keep, say, show_line, show_table
from benchmarks.servers import Server, build_workload, running
from benchmarks.snapshots import build_values
from benchmarks.workspace import Contents
from localstack.program import free_port

ENTITIES = 100_000
ASKED = 2_000
MANY_ROWS = 100
MANY_ROWS_PEERS = ("bentoml", "flask")
WARM_UP_SECONDS = 1


def run(*, peers: Sequence[str], rounds: int, seconds: float) -> None:
    """Measure, and print the table and the line of ratios.

    Raises:
        MeasurementError: A server failed or answered wrongly.
    """
    for name in peers:
        say(f"installing {name}")
        install(name)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presage-bench-")))
        contestants = _start(stack, folder, peers)
        figures = run_rounds(contestants, rounds=rounds, seconds=seconds, warm_up_seconds=WARM_UP_SECONDS)
    ratios = _compare(figures)
    path = keep("serving", {"figures": figures, "ratios": ratios})
    _show(figures)
    show_line(f"rounds: {rounds} of {seconds:.0f} s, interleaved; wrk, 8 connections; ours: S3, SQS and DynamoDB are a local sink; {path}")
    show_line(build_line(ratios))


def _start(stack: ExitStack, folder: Path, peers: Sequence[str]) -> dict[str, Contestant]:
    """Start everything that is measured, and return who is asked what."""
    say("fitting the model")
    classifier = fit_classifier()
    numbers = ours.choose_treated(ASKED, entities=ENTITIES)
    rows = build_values(numbers)
    expected = classifier.predict_proba(rows)[:, 1].tolist()
    say("starting presage")
    around = stack.enter_context(ours.surroundings(folder, Contents(classifier, ENTITIES)))
    port = free_port()
    by_id = ours.build_server(around, numbers, port=port)
    root = stack.enter_context(running(by_id.program, folder))
    servers: list[tuple[Server, int, tuple[int, ...]]] = [
        (by_id, root, (1, MANY_ROWS)),
        (ours.build_server(around, numbers, port=port, rows=rows), root, (1,)),
    ]
    for name in peers:
        say(f"starting {name}")
        peer = build_peer(name, folder, rows)
        sizes = (1, MANY_ROWS) if name in MANY_ROWS_PEERS else (1,)
        servers.append((peer, stack.enter_context(running(peer.program, folder)), sizes))
    return {
        _name(server.name, size): Contestant(build_workload(server, folder, expected, rows=size), tree)
        for size in (1, MANY_ROWS)
        for server, tree, sizes in servers
        if size in sizes
    }


def _name(server: str, rows: int) -> str:
    return server if rows == 1 else f"rows{rows}_{server}"


def _compare(figures: Mapping[str, Sequence[Figures]]) -> dict[str, dict[str, Ratio]]:
    """Return, by what is compared, how many times better ours is than each peer at the same work."""
    ratios: dict[str, dict[str, Ratio]] = {"rps": {}, "p99": {}, "cpu": {}}
    for name, theirs in figures.items():
        if not name.removeprefix(f"rows{MANY_ROWS}_").startswith("ours"):
            mine = figures[f"rows{MANY_ROWS}_ours" if name.startswith("rows") else "ours"]
            ratios["rps"][name] = compare([one.requests_a_second for one in mine], [one.requests_a_second for one in theirs])
            ratios["p99"][name] = compare([one.p99_ms for one in theirs], [one.p99_ms for one in mine])
            ratios["cpu"][name] = compare([one.cpu_us for one in theirs], [one.cpu_us for one in mine])
    return ratios


def build_line(ratios: Mapping[str, Mapping[str, Ratio]]) -> str:
    """Return the last line: times that ours is better; a dash for a peer that did not run."""

    def tell(kind: str, name: str) -> str:
        ratio = ratios[kind].get(name)
        return f"{name}=-" if ratio is None else f"{name}={ratio.middle:.1f}x"

    throughput = " ".join(tell("rps", name) for name in (*PEERS, f"rows{MANY_ROWS}_bentoml"))
    return f"rps: {throughput} p99: {tell('p99', 'mlflow')} cpu: {tell('cpu', 'mlflow')}"


def _show(figures: Mapping[str, Sequence[Figures]]) -> None:
    columns = ("server", "requests/s", "least..greatest", "p50 ms", "p99 ms", "CPU us/request", "RSS MiB", "others")
    show_table("Median of the rounds", columns, [_describe(name, found) for name, found in figures.items()])


def _describe(name: str, found: Sequence[Figures]) -> tuple[str, ...]:
    rates = [one.requests_a_second for one in found]
    return (
        name,
        f"{median(rates):,.0f}",
        f"{min(rates):,.0f}..{max(rates):,.0f}",
        f"{median(one.p50_ms for one in found):.2f}",
        f"{median(one.p99_ms for one in found):.2f}",
        f"{median(one.cpu_us for one in found):,.0f}",
        f"{found[-1].resident_mib:,.0f}",
        f"{median(one.others_share for one in found):.0%}",
    )
