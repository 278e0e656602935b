"""Computes a certificate again from the warehouse, every look as of its time, and says what differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from math import isclose

import msgspec

from presage.experiments.certificate import Certificate, CertifiedLook, build_certificate, list_evidence
from presage.experiments.events import list_weights
from presage.experiments.evidence import LookDetail
from presage.experiments.model import Experiment, Look
from presage.experiments.observation import Observation, build_counted, build_exposures, conclude, observe
from presage.experiments.plan import list_metrics
from presage.experiments.ports import WarehouseLedger
from presage.experiments.segments import CountedSegment
from presage.progress import Progress

RELATIVE_TOLERANCE = 1e-9
"""Sums of floats depend on the order that the warehouse adds them in."""
ABSOLUTE_TOLERANCE = 1e-12
ABSENT = "(absent)"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field whose recomputed value is not the certified one; `path` is a JSONPath into the certificate."""

    path: str
    certified: object
    recomputed: object


def verify_certificate(certificate: Certificate, *, ledger: WarehouseLedger, progress: Progress) -> list[Difference]:
    """Return what differs between the certificate and one that is built from the warehouse now, in the document's order.

    Taken from the certificate are the plan, the operators' events, each look's times, and which versions of the data sets were loaded.
    Rows, fingerprints, statistics, estimates, intervals, e-values, gates, decisions, action and statements are computed again.

    Raises:
        UnavailableError: The warehouse did not answer.
    """
    experiment = _build_experiment(certificate)
    looks: list[Look] = []
    history: list[LookDetail] = []
    for certified in certificate.looks:
        progress(len(looks) / len(certificate.looks), f"look {certified.number} as of {certified.as_of.isoformat()}")
        look, detail = _repeat(experiment, certificate, certified, history, ledger=ledger)
        looks.append(look)
        history.append(detail)
    recomputed = build_certificate(experiment, events=certificate.events, looks=looks)
    return list(compare(msgspec.to_builtins(certificate), msgspec.to_builtins(replace(recomputed, software=certificate.software))))


def compare(certified: object, recomputed: object, path: str = "$") -> Iterator[Difference]:
    """Yield the leaves that differ between two JSON values; numbers are equal up to rounding."""
    if isinstance(certified, Mapping) and isinstance(recomputed, Mapping):
        for key in [*certified, *(key for key in recomputed if key not in certified)]:
            yield from compare(certified.get(key, ABSENT), recomputed.get(key, ABSENT), f"{path}.{key}")
    elif _is_list(certified) and _is_list(recomputed):
        for index, (one, other) in enumerate(zip_longest(certified, recomputed, fillvalue=ABSENT)):  # type: ignore[call-overload] # lists
            yield from compare(one, other, f"{path}[{index}]")
    elif not _is_same(certified, recomputed):
        yield Difference(path, certified, recomputed)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float | int) and not isinstance(other, bool):
        return isclose(one, other, rel_tol=RELATIVE_TOLERANCE, abs_tol=ABSOLUTE_TOLERANCE)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _build_experiment(certificate: Certificate) -> Experiment:
    first = certificate.looks[0].as_of
    return Experiment(
        workspace_id=certificate.workspace_id,
        experiment_id=certificate.experiment_id,
        model_id=certificate.model_id,
        plan=certificate.plan,
        salt=certificate.salt,
        state="running",
        created_at=first,
        started_at=None,
        concluded_at=None,
        control_version=certificate.control_version,
        holdout_share=certificate.holdout_share,
    )


def _repeat(
    experiment: Experiment, certificate: Certificate, certified: CertifiedLook, history: Sequence[LookDetail], *, ledger: WarehouseLedger
) -> tuple[Look, LookDetail]:
    """Return the look as the warehouse gives it now."""
    events = certificate.events[: certified.detail.events]
    version = len(list_weights(experiment.plan, events))
    observation = _observe_again(experiment, certified, history, version, ledger=ledger)
    detail, state = conclude(experiment, observation, history=history, events=events)
    look = Look(experiment.workspace_id, experiment.experiment_id, len(history) + 1, certified.as_of, state, msgspec.to_builtins(detail))
    return look, detail


def _observe_again(
    experiment: Experiment, certified: CertifiedLook, history: Sequence[LookDetail], version: int, *, ledger: WarehouseLedger
) -> Observation:
    loaded_until = certified.detail.loaded_until
    counted = []
    metrics = list_metrics(experiment.plan)
    for (_, metric), found in zip(metrics, list_evidence(experiment.plan, certified.detail)[: len(metrics)], strict=True):
        statistics = ledger.recompute_statistics(
            experiment, metric, as_of=certified.as_of, loaded_until=loaded_until, allocation_version=version
        )
        kept = found.evidence.counted
        counted.append(
            build_counted(
                metric,
                statistics,
                dataset_version=kept.dataset_version,
                loaded_parts=kept.loaded_parts,
                denominator_version=kept.denominator_version,
            )
        )
    counts = ledger.count_exposures(experiment, as_of=certified.as_of, loaded_until=loaded_until)
    exposures = build_exposures(counts, as_of=certified.as_of)
    observation = observe(experiment, counted, exposures, history=history, loaded_until=loaded_until, ledger=ledger)
    return replace(observation, segments=_count_segments_again(experiment, certified, version, ledger=ledger))


def _count_segments_again(
    experiment: Experiment, certified: CertifiedLook, version: int, *, ledger: WarehouseLedger
) -> list[CountedSegment]:
    known = {found.segment: (found.dataset_version, found.loaded_parts) for found in certified.detail.segments}
    segments, loaded_until = [], certified.detail.loaded_until
    for segment in experiment.plan.segments:
        groups = ledger.recompute_segment(experiment, segment, as_of=certified.as_of, loaded_until=loaded_until, allocation_version=version)
        segments.append(CountedSegment(segment.name, groups, *known.get(segment.name, (None, 0))))
    return segments
