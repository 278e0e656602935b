"""`make bench-analysis`: one look at an experiment, from what an hour changed and from everything.

PostgreSQL stands in for Redshift behind the adapter that production uses and the bridge's own executor; objects are kept in memory.
Its indexes take the place of sort keys, as the bridge makes them.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isclose
from typing import TYPE_CHECKING, Any, cast

import msgspec
import psycopg

from benchmarks.direct_calls import DirectClient, MemoryObjects
from benchmarks.load import MeasurementError
from benchmarks.screen import keep, say, show_line, show_table
from localstack.bridges.redshift_data import Bridge
from localstack.bridges.redshift_sql import PostgresExecutor
from presage.adapters.redshift.data_api import DataApi, Warehousing
from presage.adapters.redshift.ledger import RedshiftLedger
from presage.adapters.redshift.migrate import migrate
from presage.adapters.redshift.warehouse import RedshiftWarehouse, Staging
from presage.experiments.model import Denominator, Experiment, ExperimentPlan, Metric, UnitSegment, VariantStatistics, list_sources
from presage.experiments.plan import list_metrics
from presage.experiments.ports import ExposureCounts
from presage.experiments.segments import SegmentGroup
from tests.fixtures.servers import SessionServers, session_folder

if TYPE_CHECKING:
    from types_boto3_redshift_data import RedshiftDataAPIServiceClient
    from types_boto3_s3 import S3Client

START = datetime(2026, 1, 1, tzinfo=UTC)
DAYS = 14
AS_OF = START + timedelta(days=DAYS)
METRICS = (
    Metric("buys", "conversion", "purchases"),
    Metric("spent", "sum", "purchases", value_column="amount", cap=500.0, covariate_hours=72),
    Metric("visits", "count", "visits"),
    Metric("rate", "ratio", "purchases", denominator=Denominator("visits")),
)
PLAN = ExperimentPlan("bench", "model", METRICS[0], planned_units=1_000_000, secondary=METRICS[1:])
EXPERIMENT = Experiment("ws_bench", "exp_bench", "mdl_bench", PLAN, "exp_bench", "running", START, START, None)
SEGMENT = UnitSegment("tier", "profiles", "tier")
TABLES = ("assignments", "shown_items", "outcomes", "touched_units", "unit_exposures", "unit_values", "hour_exposures", "hour_moments")

MAKE = """
SELECT setseed(0.5);
CREATE UNLOGGED TABLE made_assignments AS
SELECT n, 'u' || (n - CASE WHEN random() < 0.005 THEN floor(random() * LEAST(n - 1, %(units)s / 7))::BIGINT ELSE 0 END) AS unit_id,
  CASE WHEN random() < 0.5 THEN 'control' ELSE 'treatment' END AS variant,
  CAST(%(start)s AS TIMESTAMP) + (n / CAST(%(units)s AS DOUBLE PRECISION)) * CAST(%(length)s AS INTERVAL) AS exposed_at
FROM generate_series(1, %(units)s) AS n;
CREATE UNLOGGED TABLE made_outcomes AS
SELECT source AS metric, source || '-' || n AS record_id,
  event_timestamp + CASE WHEN random() < 0.001 THEN INTERVAL '36 hours' ELSE INTERVAL '0' END AS known_timestamp,
  10 / sqrt(random() + 0.000001) AS value, event_timestamp,
  'u' || (1 + floor(%(units)s * extract(epoch FROM event_timestamp - random() * LEAST(INTERVAL '96 hours', event_timestamp - %(start)s)
    - %(start)s) / extract(epoch FROM CAST(%(length)s AS INTERVAL))))::BIGINT AS unit_id
FROM (
  SELECT n, source, CAST(%(start)s AS TIMESTAMP) + random() * CAST(%(length)s AS INTERVAL) AS event_timestamp
  FROM generate_series(1, %(units)s) AS n, unnest(CAST(%(sources)s AS TEXT[])) AS source
) AS drawn"""
"""Exposures and records come evenly, so that the last hour brings its share of them.

A record is one of a unit that was exposed in the 96 hours before; one in a thousand is known 36 hours late. One assignment in 200 is one
of a unit that was exposed in the two days before, and as often as not to the other variant.
"""

LOAD = """
INSERT INTO assignments (workspace_id, experiment_id, prediction_id, unit_id, variant, exposed_at, model_version, loaded_at)
SELECT 'ws_bench', 'exp_bench', 'p' || n, unit_id, variant, exposed_at, 1, now() FROM made_assignments
WHERE exposed_at > %(after)s AND exposed_at <= %(until)s;
INSERT INTO outcomes (workspace_id, experiment_id, metric, record_id, unit_id, event_timestamp, known_timestamp, value,
  loaded_at)
SELECT 'ws_bench', 'exp_bench', metric, record_id, unit_id, event_timestamp, known_timestamp, value, now() FROM made_outcomes
WHERE known_timestamp > %(after)s AND known_timestamp <= %(until)s;
INSERT INTO touched_units
SELECT 'ws_bench', 'exp_bench', unit_id, date_trunc('hour', exposed_at) FROM made_assignments
WHERE exposed_at > %(after)s AND exposed_at <= %(until)s
UNION
SELECT 'ws_bench', 'exp_bench', unit_id, NULL FROM made_outcomes WHERE known_timestamp > %(after)s AND known_timestamp <= %(until)s"""

PROFILE = """
INSERT INTO outcomes (workspace_id, experiment_id, metric, record_id, unit_id, event_timestamp, known_timestamp, item, loaded_at)
SELECT 'ws_bench', 'exp_bench', 'tier/segment', 'tier-' || n, 'u' || n, at, at, 'tier ' || floor(30 * random() * random()), now()
FROM (SELECT n, CAST(%(start)s AS TIMESTAMP) AS at FROM generate_series(1, %(units)s) AS n) AS profiles"""
"""One record of each unit before its first exposure, of 30 values. They come after all else is measured, and change none of it."""

ROWS_READ = """
SELECT COALESCE(SUM(seq_tup_read + COALESCE(idx_tup_fetch, 0)), 0)::BIGINT FROM pg_stat_user_tables WHERE relname = ANY(%s)"""


class Step(msgspec.Struct, frozen=True):
    """One part of a look: how long it took, and how many rows of the tables were read for it."""

    name: str
    seconds: float
    rows_read: int
    units: int


class Analysis(msgspec.Struct, frozen=True):
    """One run: what there was, and each step."""

    assignments: int
    outcomes: int
    metrics: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Counted:
    """What a look reads of the warehouse; `prints` is the number of rows that it took fingerprints of."""

    statistics: list[VariantStatistics]
    exposures: ExposureCounts
    prints: int


@dataclass(frozen=True)
class Measured:
    """The warehouse, and the database below it to count in."""

    warehouse: RedshiftWarehouse
    ledger: RedshiftLedger
    database: psycopg.Connection[Any]

    def measure(self, name: str, work: Callable[[], int]) -> Step:
        """Do the work and return what it cost; it returns a number of units."""
        before, began = self._count_rows(), time.monotonic()
        units = work()
        seconds = time.monotonic() - began
        step = Step(name, seconds, self._count_rows() - before, units)
        say(f"{name}: {seconds:.2f} s, {step.rows_read:,} rows read, {units:,} units")
        return step

    def update(self) -> int:
        """Bring the units up to date, as a look does first."""
        return self.warehouse.update_units(EXPERIMENT, as_of=AS_OF)

    def count(self, *, since: datetime, until: datetime, full: bool) -> Counted:
        """Return all that a look reads: every metric's statistics, the exposures, and the prints of what came since the last look."""
        metrics = [metric for _, metric in list_metrics(PLAN)]
        found = [self.warehouse.get_statistics(EXPERIMENT, metric, as_of=AS_OF, full=full) for metric in metrics]
        count_exposures = self.ledger.count_exposures if full else self.warehouse.get_exposures
        exposures = count_exposures(EXPERIMENT, as_of=AS_OF, loaded_until=until)
        prints = self.ledger.read_fingerprints(EXPERIMENT, after=None if full else since, until=until)
        return Counted([arm for one in found for arm in (one.control, one.treatment)], exposures, sum(one.rows for one in prints))

    def _count_rows(self) -> int:
        """Return the rows read so far. Each submission has a connection of its own, which reports what it read when it ends."""
        time.sleep(1.0)
        return int(self.database.execute(ROWS_READ, (list(TABLES),)).fetchall()[0][0])


def run(*, assignments: int) -> None:
    """Measure and print one look; with `assignments` come five times as many outcomes.

    Raises:
        MeasurementError: What is kept gives other statistics than everything does.
    """
    with _open_warehouse() as measured:
        say(f"making {assignments:,} assignments and {5 * assignments:,} outcomes over {DAYS} days")
        outcomes = _fill(measured.database, assignments)
        steps = [measured.measure("first build", measured.update)]
        since = measured.ledger.get_clock()
        say("loading the last hour")
        _load(measured.database, AS_OF - timedelta(hours=1), AS_OF)
        until = measured.ledger.get_clock()
        steps.append(measured.measure("hourly look: update", measured.update))
        found: list[Counted] = []
        for name, full in (("hourly look: count", False), ("everything: count", True)):
            count = partial(measured.count, since=since, until=until, full=full)
            steps.append(measured.measure(name, lambda count=count: _note(found, count())))  # type: ignore[misc]  # a default is bound
        _require_equal(*found)
        steps += _measure_segment(measured, assignments)
    _show(Analysis(assignments, outcomes, len(METRICS), tuple(steps)))


def _measure_segment(measured: Measured, assignments: int) -> list[Step]:
    """Measure what one segment adds to a look, and what verification reads for it."""
    with psycopg.ClientCursor(measured.database) as cursor:
        cursor.execute(PROFILE, {"start": START.replace(tzinfo=None), "units": assignments})
    measured.database.execute("ANALYZE")
    steps: list[Step] = []
    found: list[tuple[SegmentGroup, ...]] = []
    for name, count in (("look", measured.ledger.count_segment), ("everything", measured.ledger.recompute_segment)):
        ask = partial(count, EXPERIMENT, SEGMENT, as_of=AS_OF, loaded_until=measured.ledger.get_clock())
        steps.append(measured.measure(f"{name}: one segment", lambda ask=ask: _note_groups(found, ask().groups)))  # type: ignore[misc]  # a default is bound
    _require_same_groups(*found)
    return steps


def _note_groups(found: list[tuple[SegmentGroup, ...]], groups: tuple[SegmentGroup, ...]) -> int:
    found.append(groups)
    return sum(group.units for group in groups)


def _require_same_groups(hourly: tuple[SegmentGroup, ...], full: tuple[SegmentGroup, ...]) -> None:
    """Compare them exactly: the primary metric is a conversion, of which counts say all."""
    if hourly != full:
        raise MeasurementError(f"units' rows give the groups {hourly}, everything gives {full}")


def _note(found: list[Counted], counted: Counted) -> int:
    found.append(counted)
    control, treatment, *_ = counted.statistics
    return control.units + treatment.units


def _fill(database: psycopg.Connection[Any], assignments: int) -> int:
    sources = [source.key for metric in METRICS for source in list_sources(metric)]
    facts = {"start": START.replace(tzinfo=None), "units": assignments, "length": timedelta(days=DAYS), "sources": sources}
    with psycopg.ClientCursor(database) as cursor:
        cursor.execute(MAKE, facts)
    _load(database, START - timedelta(days=1), AS_OF - timedelta(hours=1))
    database.execute("ANALYZE")
    return len(sources) * assignments


def _load(database: psycopg.Connection[Any], after: datetime, until: datetime) -> None:
    with psycopg.ClientCursor(database) as cursor:
        cursor.execute(LOAD, {"after": after.replace(tzinfo=None), "until": until.replace(tzinfo=None)})


def _require_equal(hourly: Counted, full: Counted) -> None:
    if hourly.exposures != full.exposures:
        raise MeasurementError(f"the hours give exposures {hourly.exposures}, everything gives {full.exposures}")
    for one, other in zip(hourly.statistics, full.statistics, strict=True):
        pairs = zip(_flatten(one), _flatten(other), strict=True)
        if not all(isclose(left, right, rel_tol=1e-9, abs_tol=1e-9) for left, right in pairs):
            raise MeasurementError(f"the hours give {one}, everything gives {other}")


def _flatten(found: VariantStatistics) -> tuple[float, ...]:
    moments: dict[str, float] = msgspec.to_builtins(found.values) if found.values else {}
    return found.units, found.conversions, *moments.values()


def _show(analysis: Analysis) -> None:
    rows = [(step.name, f"{step.seconds:.2f}", f"{step.rows_read:,}", f"{step.units:,}") for step in analysis.steps]
    title = f"one look: {analysis.assignments:,} assignments, {analysis.outcomes:,} outcomes, {analysis.metrics} metrics"
    show_table(title, ("step", "seconds", "rows read", "units"), rows)
    _, update, count, full, *_ = analysis.steps
    ratio = full.seconds / (update.seconds + count.seconds)
    rows_ratio = full.rows_read / max(1, update.rows_read + count.rows_read)
    show_line(f"everything / hourly look: {ratio:.1f} times the time, {rows_ratio:.1f} times the rows")
    show_line(f"kept in {keep('analysis', analysis)}")


@contextmanager
def _open_warehouse() -> Iterator[Measured]:
    """Yield a migrated warehouse in a database of its own."""
    server = SessionServers(session_folder(os.getpid()), os.getpid()).postgres()
    name = f"benchmark_{secrets.token_hex(6)}"
    server.create_database(name)
    objects = cast("S3Client", MemoryObjects())
    client = cast("RedshiftDataAPIServiceClient", DirectClient(Bridge(PostgresExecutor(server.url(name), objects))))
    api = DataApi(client, Warehousing("presage", name, timeout_seconds=1800.0))
    migrate(api)
    with psycopg.connect(server.url(name), autocommit=True, options="-c timezone=UTC") as database:
        yield Measured(RedshiftWarehouse(api, objects, Staging("lake", "role")), RedshiftLedger(api), database)
