"""An experiment as its page tells it: in words, in numbers, and what has to happen before it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from presage.experiments.certificate import read_detail
from presage.experiments.decision import ACTIVE, CONCLUDED
from presage.experiments.events import list_weights
from presage.experiments.evidence import GateResult, LookDetail
from presage.experiments.model import BINARY_KINDS, Experiment, ExperimentPlan, MetricKind, State, list_arms
from presage.experiments.plan import list_metrics
from presage.experiments.results import LookPage, MetricResult, Results, build_primary_paths, describe_path, read_results
from presage.experiments.segment_comparison import find_mean
from presage.listing import ListQuery
from presage.stats.sequential import Interval
from services.backend.context import get_ports, get_user
from services.backend.pages.charts import Chart, build_intervals
from services.backend.pages.rendering import show_number, show_percent

LOOKS = 20
"""On a page of an experiment's looks."""
MOST_NAMES = 200
STATES: Mapping[State, tuple[str, str]] = {
    "draft": (
        "A draft: nobody is in it yet.",
        "Once it is started, predictions are divided between its variants within seconds, and its plan cannot be changed any more.",
    ),
    "running": (
        "It is running: predictions are divided between its variants.",
        "Each hour a look is taken by itself. The first one that proves an effect, or that there is none worth having, concludes it.",
    ),
    "paused_srm": (
        "It is paused: units do not come in the shares that were planned, so nobody knows whom the missing ones would have been like.",
        "It will never be concluded. Stop it, find what keeps units of one variant from being counted, and start another.",
    ),
    "concluded_ship": (
        "It is concluded: the treatment is better than control.",
        "All traffic gets what was proven. Nothing is left to do here; the certificate lets anybody compute it again.",
    ),
    "concluded_rollback": (
        "It is concluded: the treatment does harm.",
        "All traffic gets what control got. Look at what fell below its bound before you try another version.",
    ),
    "concluded_inconclusive": (
        "It is concluded without a winner.",
        "Traffic is what it is outside of the experiment. The interval tells how large an effect may still be.",
    ),
    "stopped_by_user": (
        "It was stopped by hand.",
        "It has no conclusion, and traffic is what it was before. Start another if the question is still open.",
    ),
}


@dataclass(frozen=True, slots=True)
class MetricLine:
    """A metric of an arm with what it is in each variant, as the template shows it."""

    result: MetricResult
    kind: MetricKind
    control_mean: float | None
    treatment_mean: float | None

    def show_amount(self, value: float | None) -> str:
        """Return the metric's own value: shares in percent."""
        return show_percent(value, 2) if self.kind in BINARY_KINDS else show_number(value)

    def show_effect(self, value: float | None) -> str:
        """Return a difference with its sign: of shares in percentage points."""
        if value is None:
            return "-"
        return f"{100 * value:+.3g} points" if self.kind in BINARY_KINDS else f"{value:+.4g}"

    def show_range(self, interval: Interval[float]) -> str:
        """Return where a difference lies."""
        return f"{self.show_effect(interval.lower).removesuffix(' points')} to {self.show_effect(interval.upper)}"


@dataclass(frozen=True, slots=True)
class GateLine:
    """A gate in words; `share` is how far it is, where that is a share."""

    name: str
    passed: bool
    text: str
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """All that an experiment's page shows."""

    experiment: Experiment
    results: Results
    lines: Sequence[MetricLine]
    gates: Sequence[GateLine]
    chart: Chart | None
    summary: str
    detail: LookDetail | None
    sql: Sequence[tuple[str, str]]
    names: Mapping[str, str]
    words: tuple[str, str]

    @property
    def is_active(self) -> bool:
        """Return whether it goes on: its page follows it."""
        return self.experiment.state in ACTIVE

    @property
    def is_concluded(self) -> bool:
        """Return whether it left a certificate."""
        return self.experiment.state in CONCLUDED

    @property
    def arms(self) -> Sequence[str]:
        """Return the names of the treatments."""
        return [arm.name for arm in list_arms(self.experiment.plan)]

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the share of the units that meets each arm now."""
        return dict(zip(self.arms, list_weights(self.experiment.plan, self.results.events)[-1], strict=True))

    @property
    def counted(self) -> int:
        """Return the units whose window is closed, as of the newest look."""
        ratio = self.detail.sample_ratio if self.detail else None
        return sum(ratio.units) + ratio.earlier_units if ratio else 0


def read_trial(experiment_id: str, *, before: int | None = None) -> Trial:
    """Return an experiment with its results, and the page of its looks below number `before`.

    Raises:
        NotFoundError: The workspace has no such experiment.
    """
    ports, workspace_id = get_ports(), get_user().workspace_id
    experiment = ports.experiments.get_experiment(workspace_id, experiment_id)
    page = LookPage(before=before, limit=LOOKS)
    results = read_results(workspace_id, experiment_id, page=page, store=ports.experiments, events=ports.experiment_events)
    looks, plan = ports.experiments.list_looks(workspace_id, experiment_id), experiment.plan
    measure = f"{plan.primary.name}: {'arm' if plan.arms else 'treatment'} - control"
    title = f"{plan.primary.name}: the difference and its interval, look by look"
    detail = read_detail(looks[-1]) if looks else None
    return Trial(
        experiment=experiment,
        results=results,
        lines=_list_lines(plan, results),
        gates=[_describe_gate(gate, plan) for gate in (detail.gates if detail else ())],
        chart=build_intervals(title, build_primary_paths(plan, looks), measure=measure) if looks else None,
        summary=describe_path(plan, results.latest),
        detail=detail,
        sql=[] if detail is None else list(_list_sql(detail)),
        names=_list_names(results),
        words=STATES[experiment.state],
    )


def _list_lines(plan: ExperimentPlan, results: Results) -> list[MetricLine]:
    kinds = {metric.name: metric.kind for _, metric in list_metrics(plan)}
    found = results.latest.metrics if results.latest else ()
    return [
        MetricLine(each, kind, find_mean(kind, each.control), find_mean(kind, each.treatment))
        for each in found
        for kind in (kinds[each.metric],)
    ]


def _list_sql(detail: LookDetail) -> Iterator[tuple[str, str]]:
    for found in (detail.primary, *detail.guardrails, *detail.secondary):
        yield found.counted.metric, found.counted.sql
    for segment in detail.segments:
        yield f"by {segment.segment}", segment.sql


def _list_names(results: Results) -> Mapping[str, str]:
    """Return the names of the workspace's members by id, if there is an event to be named."""
    if not results.events:
        return {}
    members = get_ports().listings.users.search(get_user().workspace_id, ListQuery("name", limit=MOST_NAMES))
    return {member.user_id: member.name for member in members.items}


def _describe_gate(gate: GateResult, plan: ExperimentPlan) -> GateLine:
    """Return what a gate asks for, and how far it is."""
    arm = next((arm.name for arm in plan.arms if gate.name.startswith(f"{arm.name}: ")), "")
    kind = gate.name.removeprefix(f"{arm}: ") if arm else gate.name
    of = f" (arm {arm})" if arm else ""
    if kind == "sample_ratio":
        return GateLine("Split", gate.passed, f"p = {show_number(gate.observed, 3)}; below {gate.required:g} it is not the planned one")
    words = {
        "min_units_per_variant": ("Units", "counted units in the smaller variant"),
        "min_conversions_per_variant": ("Outcomes", "units with an outcome in the variant that has fewer"),
        "min_days": ("Days", "whole days since the first unit was met"),
    }.get(kind)
    if words:
        seen = gate.observed or 0.0
        share = min(seen / gate.required, 1.0) if gate.required else 1.0
        return GateLine(words[0] + of, gate.passed, f"{show_number(seen)} of {show_number(gate.required)} {words[1]}", share)
    bound = "there is no interval yet" if gate.observed is None else f"its lower bound is {gate.observed:+.4g}"
    return GateLine(kind.capitalize() + of, gate.passed, f"{bound}; it has to be above {gate.required:+.4g}")
