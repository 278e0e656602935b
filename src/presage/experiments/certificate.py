"""What a conclusion leaves behind: everything that is needed to compute it again from the warehouse, and what it came to.

A certificate is a pure function of the experiment, its operators' events and its looks, all of which are appended and never changed. So
whoever recomputes the looks builds a certificate of their own and compares the two, field by field (`presage.experiments.verification`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from presage.errors import InvalidInputError, NotFoundError
from presage.experiments.events import ExperimentEvent
from presage.experiments.evidence import GateResult, LookDetail, MetricEvidence, list_arm_evidence
from presage.experiments.fingerprint import Fingerprint
from presage.experiments.model import TREATMENT, Experiment, ExperimentPlan, Look, State, Traffic, Variant
from presage.experiments.path import PathPoint

SCHEMA = 1
SOFTWARE = "presage 0.1.0"
"""Whose rules these are; a test holds it against the package's own version."""

Role = Literal["primary", "guardrail", "secondary"]


@dataclass(frozen=True, slots=True)
class Statement:
    """The SQL that counted a metric, with its parameters but for `as_of`, from a look on."""

    from_look: int
    sql: str


@dataclass(frozen=True, slots=True)
class MetricPath:
    """A metric's way through the looks, in one arm's comparison with control.

    `e_values` and `p_values` are those of `path`, look by look. `statements`, of all variants, stand with the first arm.
    """

    role: Role
    metric: str
    statements: tuple[Statement, ...]
    path: tuple[PathPoint, ...]
    e_values: tuple[float | None, ...]
    p_values: tuple[float, ...]
    arm: Variant = TREATMENT


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """The SQL that counted a segment's groups. What it came to is in the looks."""

    segment: str
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class CertifiedLook:
    """A look, whose `detail` leaves the SQL to the `statements` of metrics and segments."""

    number: int
    as_of: datetime
    decision: State
    detail: LookDetail


@dataclass(frozen=True, slots=True)
class Action:
    """Where all of the model's traffic goes, and the line of the alias's history that says so.

    `version` is the one that the alias moves to; None leaves it at the one that serves.
    """

    traffic: Traffic
    model_id: str
    reason: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the last look came to; `action` is None when traffic stays as it is. Of several arms, `arm` is shipped."""

    look: int
    decision: State
    reason: str
    gates: tuple[GateResult, ...]
    action: Action | None
    arm: Variant | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """One experiment up to a look. `data` are the fingerprints of the rows that were loaded of it by then.

    Fields with defaults came after the first certificates.
    """

    schema: int
    software: str
    workspace_id: str
    experiment_id: str
    model_id: str
    salt: str
    plan: ExperimentPlan
    events: tuple[ExperimentEvent, ...]
    data: tuple[Fingerprint, ...]
    metrics: tuple[MetricPath, ...]
    looks: tuple[CertifiedLook, ...]
    conclusion: Conclusion
    control_version: int | None = None
    holdout_share: float = 0.0
    segments: tuple[SegmentCount, ...] = ()


def read_detail(look: Look) -> LookDetail:
    """Return what a look kept."""
    return msgspec.convert(look.detail, LookDetail)


def build_certificate(experiment: Experiment, *, events: Sequence[ExperimentEvent], looks: Sequence[Look]) -> Certificate:
    """Return the certificate of an experiment up to the last of its `looks`, which are all from the first on.

    Raises:
        NotFoundError: There is no look yet.
    """
    if not looks:
        raise NotFoundError(f"experiment {experiment.experiment_id} has no look yet, which a certificate is of")
    details = [read_detail(look) for look in looks]
    last = details[-1]
    return Certificate(
        schema=SCHEMA,
        software=SOFTWARE,
        workspace_id=experiment.workspace_id,
        experiment_id=experiment.experiment_id,
        model_id=experiment.model_id,
        salt=experiment.salt,
        plan=experiment.plan,
        events=tuple(events[: last.events]),
        data=last.data,
        metrics=_build_paths(experiment.plan, looks, details),
        looks=tuple(
            CertifiedLook(look.number, look.as_of, look.decision, strip_sql(detail)) for look, detail in zip(looks, details, strict=True)
        ),
        conclusion=_build_conclusion(experiment, looks[-1], last),
        control_version=experiment.control_version,
        holdout_share=experiment.holdout_share,
        segments=_build_segments(experiment.plan, looks, details),
    )


def _build_conclusion(experiment: Experiment, look: Look, last: LookDetail) -> Conclusion:
    action = build_action(experiment, look.decision, last.shipped)
    return Conclusion(look.number, look.decision, last.reason, last.gates, action, last.shipped)


def build_action(experiment: Experiment, decision: State, shipped: Variant | None) -> Action | None:
    """Return the traffic move that a decision means, if any: to what answers the `shipped` arm.

    A rollback goes to what answers the control, or from chance to the default.
    """
    reason = f"experiment {experiment.experiment_id}: {decision}"
    if decision == "concluded_ship":
        versions = [arm.version for arm in experiment.plan.arms if arm.name == shipped and arm.version != "production"]
        return Action("model", experiment.model_id, reason, versions[0] if versions else None)
    if decision != "concluded_rollback":
        return None
    if experiment.plan.control_policy == "previous_version":
        return Action("model", experiment.model_id, reason, experiment.control_version)
    traffic: Traffic = "popularity" if experiment.plan.control_policy == "popularity" else "default"
    return Action(traffic, experiment.model_id, reason)


def encode_certificate(certificate: Certificate) -> bytes:
    """Return the JSON document, the same bytes for the same certificate."""
    return msgspec.json.format(msgspec.json.encode(certificate), indent=1)


def decode_certificate(body: bytes) -> Certificate:
    """Return the certificate that a document is.

    Raises:
        InvalidInputError: It is none, or of another schema.
    """
    try:
        certificate = msgspec.json.decode(body, type=Certificate)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"this is no certificate: {error}", path="$") from error
    if certificate.schema != SCHEMA:
        raise InvalidInputError(f"a certificate of schema {certificate.schema}; expected {SCHEMA}", path="$.schema")
    if not certificate.looks:
        raise InvalidInputError("a certificate has at least one look", path="$.looks")
    return certificate


class Found(NamedTuple):
    """A metric's evidence at a look, in one arm's comparison with control."""

    arm: Variant
    role: Role
    metric: str
    evidence: MetricEvidence


def list_evidence(plan: ExperimentPlan, detail: LookDetail) -> list[Found]:
    """Return everything that a look counted: arm by arm, each in the order of the plan."""
    found: list[Found] = []
    for arm in list_arm_evidence(plan, detail):
        found.append(Found(arm.arm, "primary", plan.primary.name, arm.primary))
        guarded = zip(plan.guardrails, arm.guardrails, strict=True)
        found += [Found(arm.arm, "guardrail", guardrail.metric.name, one) for guardrail, one in guarded]
        found += [Found(arm.arm, "secondary", metric.name, one) for metric, one in zip(plan.secondary, arm.secondary, strict=True)]
    return found


def build_path(looks: Sequence[Look], evidence: Sequence[MetricEvidence]) -> tuple[PathPoint, ...]:
    """Return a metric's interval path; `evidence` is that of each look."""
    return tuple(
        PathPoint(
            number=look.number,
            as_of=look.as_of,
            estimate=found.estimate.value if found.estimate else None,
            lower=found.running_interval.lower if found.running_interval else None,
            upper=found.running_interval.upper if found.running_interval else None,
        )
        for look, found in zip(looks, evidence, strict=True)
    )


def strip_sql(detail: LookDetail) -> LookDetail:
    """Return the detail without the statements' text, which is the same at each look of a build."""
    return replace(
        detail,
        primary=_strip(detail.primary),
        guardrails=tuple(_strip(found) for found in detail.guardrails),
        secondary=tuple(_strip(found) for found in detail.secondary),
        segments=tuple(replace(found, sql="") for found in detail.segments),
    )


def _strip(found: MetricEvidence) -> MetricEvidence:
    return replace(found, counted=replace(found.counted, sql=""))


def _build_paths(plan: ExperimentPlan, looks: Sequence[Look], details: Sequence[LookDetail]) -> tuple[MetricPath, ...]:
    paths = []
    for place, (arm, role, metric, _) in enumerate(list_evidence(plan, details[0])):
        evidence = [list_evidence(plan, detail)[place].evidence for detail in details]
        paths.append(
            MetricPath(
                role=role,
                metric=metric,
                statements=_list_statements(looks, [found.counted.sql for found in evidence]),
                path=build_path(looks, evidence),
                e_values=tuple(found.e_value for found in evidence),
                p_values=tuple(found.p_value for found in evidence),
                arm=arm,
            )
        )
    return tuple(paths)


def _build_segments(plan: ExperimentPlan, looks: Sequence[Look], details: Sequence[LookDetail]) -> tuple[SegmentCount, ...]:
    texts = ([detail.segments[place].sql for detail in details] for place in range(len(plan.segments)))
    return tuple(
        SegmentCount(segment.name, _list_statements(looks, of_looks)) for segment, of_looks in zip(plan.segments, texts, strict=True)
    )


def _list_statements(looks: Sequence[Look], texts: Sequence[str]) -> tuple[Statement, ...]:
    """Return each text with the look that it began with: a new build may count by another."""
    statements: list[Statement] = []
    for look, text in zip(looks, texts, strict=True):
        if text and (not statements or statements[-1].sql != text):
            statements.append(Statement(look.number, text))
    return tuple(statements)
