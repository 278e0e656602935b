"""The cost curve, part of `make bench-soak`: what a call costs as entities, models and rows per call grow."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import msgspec

from benchmarks import ours
from benchmarks.classifier import fit_classifier
from benchmarks.process_tree import measure
from benchmarks.rounds import Contestant, Figures, run_rounds
from benchmarks.screen import keep, say, show_line, show_table
from benchmarks.servers import build_workload, running
from benchmarks.snapshots import build_values
from benchmarks.workspace import Contents
from localstack.program import free_port

ENTITIES = (10_000, 100_000, 1_000_000, 10_000_000)
MODELS = (1, 10, 100)
ROWS = (1, 10, 100)
FEWEST_ENTITIES, ONE_MODEL = ENTITIES[0], MODELS[0]
ASKED = 5_000
WARM_UP_SECONDS, SECONDS = 2, 4


class Point(msgspec.Struct, frozen=True):
    """One place on the curve; memory is of the whole process tree, after the load."""

    entities: int
    models: int
    rows: int
    figures: Figures
    anonymous_mib: float


def run(*, most_entities: int) -> None:
    """Measure every place with one variable moved, and print the table and a line."""
    places = [(entities, ONE_MODEL) for entities in ENTITIES if entities <= most_entities]
    places += [(FEWEST_ENTITIES, models) for models in MODELS[1:]]
    points = [point for place in places for point in _measure(*place)]
    rows = [
        (
            f"{point.entities:,} entities, {point.models} models, {point.rows} rows",
            f"{point.figures.requests_a_second:,.0f}",
            f"{point.figures.p50_ms:.2f}",
            f"{point.figures.p99_ms:.2f}",
            f"{point.figures.cpu_us:,.0f}",
            f"{point.figures.cpu_us / point.rows:,.0f}",
            f"{point.figures.resident_mib:,.0f}",
            f"{point.anonymous_mib:,.0f}",
        )
        for point in points
    ]
    columns = ("place", "requests/s", "p50 ms", "p99 ms", "CPU us/request", "CPU us/row", "RSS MiB", "anonymous MiB")
    show_table("Cost curve", columns, rows)
    show_line(f"one round each; {keep('curve', points)}")
    show_line("cpu us/request: " + " ".join(f"{point.entities}x{point.models}x{point.rows}={point.figures.cpu_us:.0f}" for point in points))


def _measure(entities: int, models: int) -> list[Point]:
    """Return the places of one content; rows per call are moved at the smallest one."""
    say(f"{entities:,} entities, {models} models")
    sizes = ROWS if (entities, models) == (FEWEST_ENTITIES, ONE_MODEL) else ROWS[:1]
    points = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presage-bench-")))
        classifier = fit_classifier()
        numbers = ours.choose_treated(ASKED, entities=entities)
        expected = classifier.predict_proba(build_values(numbers))[:, 1].tolist()
        around = stack.enter_context(ours.surroundings(folder, Contents(classifier, entities, models)))
        server = ours.build_server(around, numbers, port=free_port(), models=models)
        root = stack.enter_context(running(server.program, folder))
        for size in sizes:
            contestant = Contestant(build_workload(server, folder, expected, rows=size, checked=max(32, models)), root)
            (figures,) = run_rounds({"ours": contestant}, rounds=1, seconds=SECONDS, warm_up_seconds=WARM_UP_SECONDS)["ours"]
            points.append(Point(entities, models, size, figures, measure(root).anonymous_bytes / (1 << 20)))
    return points
