"""The summary at the end of the demo: what was done beside what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from demo.screen import show_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from demo.journey import Report
    from demo.scenario import Scenario

Row = tuple[str, str]


def summarise(scenario: Scenario, report: Report, seconds: float) -> None:
    """Print all rows of the summary; `seconds` is how long the journey took."""
    rows = [*_describe_data(report), *_describe_model(report), *_describe_predictions(report), *_describe_decision(report)]
    rows.append(("seconds", ", ".join(f"{step.replace('_', ' ')} {took:.0f}" for step, took in report.seconds.items())))
    show_table(f"{scenario.name}: done in {seconds:.0f} s", rows)


def _describe_data(report: Report) -> list[Row]:
    return [
        ("rows streamed through the gateway", f"{report.rows_streamed:,}"),
        ("rows imported by a job", f"{report.rows_imported:,}"),
        ("samples found in S3", ", ".join(f"{name} {rows:,} rows" for name, rows in report.samples.items())),
        ("statistics found in S3", ", ".join(f"{name} over {summary['rows']:,} rows" for name, summary in report.summaries.items())),
    ]


def _describe_model(report: Report) -> list[Row]:
    metrics: Mapping[str, Any] = report.metrics
    rows = metrics["rows"]
    found = [
        (f"{name}, model / baseline", f"{_describe_interval(value)} / {_describe_interval(metrics['baseline'][name])}")
        for name, value in metrics["model"].items()
    ]
    verdict = metrics["verdict"]
    return [
        ("training set", report.training_set_id),
        ("training set rows", ", ".join(f"{name} {count:,}" for name, count in rows.items())),
        *found,
        ("beats its baseline", f"{'yes' if verdict['beats_baseline'] else 'not shown'}, by {verdict['primary']}"),
    ]


def _describe_interval(value: Mapping[str, float]) -> str:
    return f"{value['value']:.3f} [{value['lower']:.3f}, {value['upper']:.3f}]"


def _describe_predictions(report: Report) -> list[Row]:
    arms = ", ".join(f"{variant} {count:,}" for variant, count in sorted(report.assignments.items()))
    return [
        ("predictions asked / found in DynamoDB", f"{report.predictions_asked:,} / {report.predictions_logged:,}"),
        ("of them in the experiment", f"{report.predictions_in_experiment:,}"),
        ("assignments found in the warehouse", f"{sum(report.assignments.values()):,} ({arms})"),
        ("outcomes sent", f"{report.outcomes_sent:,}"),
    ]


def _describe_decision(report: Report) -> list[Row]:
    detail: Any = report.last_look["detail"]
    primary = detail["primary"]
    counted, interval = primary["counted"], primary["running_interval"]
    arms = "; ".join(f"{arm} {counted[arm]['conversions']:,} of {counted[arm]['units']:,}" for arm in ("control", "treatment"))
    span = f"[{interval['lower']:+.4f}, {interval['upper']:+.4f}]" if interval else primary["inconclusive"] or "not yet"
    gates = [
        f"{gate['name']} {'passed' if gate['passed'] else 'closed'} ({gate['observed']}, needs {gate['required']})"
        for gate in detail["gates"]
    ]
    return [
        (f"{counted['metric']} at look {report.looks}", arms),
        ("difference, interval valid at every look", span),
        *[("gate", gate) for gate in gates],
        ("decision", f"{report.decision}: {detail['reason']}"),
    ]
