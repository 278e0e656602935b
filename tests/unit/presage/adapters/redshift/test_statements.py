"""Every statement is Redshift's to sqlglot's grammar, and PostgreSQL's after translation. Neither is a real Redshift."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlglot import exp

from localstack.bridges.redshift_sql import list_parameters, parse, translate
from presage.adapters.redshift import hours, ledger_statements, segments, statements, statistics, unit_rows
from presage.adapters.redshift.migrate import CREATE_RECORD, list_migrations, read_statements
from presage.experiments.model import Denominator, Experiment, ExperimentPlan, Metric, UnitSegment, list_sources
from presage.experiments.plan import MOST_METRICS
from presage.experiments.segments import build_segment_source
from presage.features.dataset import Column, Dataset

MOST_STATEMENTS = 40
"""Of one BatchExecuteStatement."""

ROLE = "arn:aws:iam::000000000000:role/copy"
DATASET = Dataset(
    "ws",
    "ds",
    "purchases",
    "customer",
    (Column("n", "number"), Column("i", "string"), Column("b", "boolean")),
    datetime(2026, 1, 1, tzinfo=UTC),
)
CONVERSION = Metric("buys", "conversion", "purchases")
HIT = Metric("hit", "hit", "purchases", item_column="i")
SPENT = Metric("spent", "sum", "purchases", value_column="n", cap=1e22, covariate_hours=24)
METRICS = [
    CONVERSION,
    HIT,
    SPENT,
    Metric("kept", "retention", "purchases", start_hours=24),
    Metric("orders", "count", "purchases", cap=50),
    Metric("basket", "mean", "purchases", value_column="n"),
    Metric("rate", "ratio", "purchases", denominator=Denominator("purchases", "n")),
]
SEGMENTS = [UnitSegment(f"by {column.type}", "purchases", column.name) for column in DATASET.columns]
EXPERIMENT = Experiment(
    "ws_1", "exp_1", "mdl", ExperimentPlan("e", "m", CONVERSION, 1000), "exp_1", "running", DATASET.created_at, DATASET.created_at, None
)
QUERIES = [
    statements.LOADED_PARTS,
    statements.FIRST_EXPOSURE,
    unit_rows.PENDING,
    hours.build_exposures(),
    *(build(metric) for metric in METRICS for build in (hours.build_statistics, statistics.build_full_statistics)),
    *(ledger_statements.restrict_to_loaded(statistics.build_full_statistics(metric)) for metric in METRICS),
    *(
        ledger_statements.restrict_to_loaded(build(metric, SEGMENTS[0]))
        for metric in METRICS
        for build in (segments.build_segment_statistics, segments.build_full_segment_statistics)
    ),
    ledger_statements.restrict_to_loaded(ledger_statements.EXPOSURES),
    *(ledger_statements.build_fingerprint(table) for table in ledger_statements.HASHED),
]
LOADS = [
    *statements.build_assignment_load(assignments_uri="s3://b/a.json", shown_items_uri="s3://b/i.json", role_arn=ROLE),
    *(
        statement
        for source in (*(list_sources(metric)[0] for metric in (HIT, CONVERSION, SPENT)), *map(build_segment_source, SEGMENTS))
        for statement in statements.build_outcome_load(source, DATASET, manifest_uri="s3://b/m", parts_uri="s3://b/p", role_arn=ROLE)
    ),
]
UPDATE = unit_rows.build_update(METRICS, experiment=EXPERIMENT, keys_uri="s3://b/k", role_arn=ROLE)
SEALING = hours.build_sealing(EXPERIMENT, metrics_uri="s3://b/m", role_arn=ROLE)
MIGRATIONS = [CREATE_RECORD, *(statement for name in list_migrations() for statement in read_statements(name))]


@pytest.mark.parametrize("statement", [*QUERIES, ledger_statements.CLOCK, *LOADS, *UPDATE, *SEALING, *MIGRATIONS])
def test_a_statement_parses_as_redshift_and_translates(statement: str) -> None:
    tree = parse(statement)
    if not isinstance(tree, exp.Copy):
        names = dict.fromkeys(list_parameters(statement), "2026-01-01")
        assert translate(tree, names)


def test_queries_name_the_workspace_and_the_experiment() -> None:
    for query in QUERIES:
        assert {"workspace_id", "experiment_id"} <= list_parameters(query)


def test_loads_carry_no_value_but_addresses_and_the_role() -> None:
    for load in LOADS:
        literals = {node.name for node in parse(load).find_all(exp.Literal) if node.is_string}
        assert all(text.startswith(("s3://", "arn:")) or text in {"auto", "true", "false"} for text in literals), literals


def test_a_hit_reads_what_was_shown_and_a_conversion_does_not() -> None:
    assert "shown_items" in statistics.build_full_statistics(HIT)
    assert "shown_items" not in statistics.build_full_statistics(CONVERSION)


def test_tables_are_laid_out_for_redshift() -> None:
    (assignments, shown_items, outcomes, loaded_parts) = read_statements("0001_experiments.sql")
    for table in (assignments, shown_items, outcomes):
        assert "DISTKEY (unit_id)" in table
    for table in (assignments, shown_items, outcomes, loaded_parts):
        assert "SORTKEY (experiment_id" in table
    units, values, *by_hour = [statement for statement in read_statements("0005_hours.sql") if "CREATE TABLE" in statement]
    for table in (units, values):
        assert "DISTKEY (unit_id)" in table
    assert len(by_hour) == 2
    for table in (units, values, *by_hour):
        assert "exposed_hour)" in table.rpartition("SORTKEY (experiment_id")[2]


def test_an_update_carries_our_identifiers_and_no_name_of_a_user() -> None:
    named = replace(SPENT, name="it's mine")
    update = unit_rows.build_update([CONVERSION, named], experiment=EXPERIMENT, keys_uri="s3://b/k", role_arn=ROLE)
    texts = [text for text in [*update, *SEALING] if not text.startswith("LOCK")]
    found = {node.name for text in texts for node in parse(text).find_all(exp.Literal) if node.is_string}
    assert found == {"s3://b/k", "s3://b/m", ROLE, "auto", "ws_1", "exp_1", "", "assignments", "units", "crossovers"}


def test_the_largest_plan_is_updated_by_one_batch() -> None:
    metrics = [replace(HIT, name=str(number)) for number in range(1 + 2 * MOST_METRICS)]
    assert len(unit_rows.build_update(metrics, experiment=EXPERIMENT, keys_uri="s3://b/k", role_arn=ROLE)) <= MOST_STATEMENTS


@pytest.mark.parametrize("identifier", ["exp'", "", "exp_1; DROP TABLE outcomes"])
def test_only_our_identifiers_stand_in_an_update(identifier: str) -> None:
    with pytest.raises(ValueError, match="not an identifier"):
        unit_rows.build_update([HIT], experiment=replace(EXPERIMENT, experiment_id=identifier), keys_uri="s3://b/k", role_arn=ROLE)


def test_the_full_computation_reads_what_was_loaded_and_a_look_what_is_kept() -> None:
    for metric in METRICS:
        kept, full = (read_tables(build(metric)) for build in (hours.build_statistics, statistics.build_full_statistics))
        assert kept == {"hour_exposures", "hour_moments", "unit_exposures", "unit_values"}
        assert full == {"assignments", "outcomes"} | ({"shown_items"} if metric.kind == "hit" else set())


def test_segments_read_units_rows_at_a_look_and_everything_else_in_full() -> None:
    for metric in METRICS:
        kept, full = (
            read_tables(build(metric, SEGMENTS[0])) for build in (segments.build_segment_statistics, segments.build_full_segment_statistics)
        )
        assert kept == {"outcomes", "unit_exposures", "unit_values"}
        assert full == {"assignments", "outcomes"} | ({"shown_items"} if metric.kind == "hit" else set())


def read_tables(query: str) -> set[str]:
    tree = parse(query)
    return {table.name for table in tree.find_all(exp.Table)} - {cte.alias for cte in tree.find_all(exp.CTE)}


@pytest.mark.parametrize("text", ["it's", "back\\slash", "line\nbreak"])
def test_only_plain_addresses_are_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain"):
        statements.quote(text)
