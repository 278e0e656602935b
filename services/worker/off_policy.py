"""The job that judges a version by a model's log: arguments in, an estimate kept, a line for the user out."""

from __future__ import annotations

import msgspec

from presage.experiments.model import Metric
from presage.jobs.arguments import EstimateOffPolicy
from presage.jobs.execution import JobResult
from presage.jobs.model import Job
from presage.off_policy.model import Difference, OffPolicyEstimate, Question, Undecided
from presage.off_policy.use_cases import OffPolicyPorts, estimate_off_policy
from presage.predictions.exploration import Exploration
from presage.progress import Progress
from presage.training.ports import ModelRegistry


def run_off_policy(job: Job, progress: Progress, *, models: ModelRegistry, ports: OffPolicyPorts) -> JobResult:
    """Judge as of the job's creation, so that a retry reads the same days; the estimate has the job's id."""
    arguments = msgspec.convert(job.arguments, EstimateOffPolicy)
    model = models.get_model(job.workspace_id, arguments.model_id)
    found = estimate_off_policy(
        read_question(arguments), model=model, estimate_id=job.job_id, now=job.created_at, ports=ports, progress=progress
    )
    values = {"estimate_id": found.estimate_id, "model_id": found.model_id, "version": arguments.version, "used": found.evidence.used}
    return JobResult(describe(found, model.name), values)


def read_question(arguments: EstimateOffPolicy) -> Question:
    """Return what the arguments ask."""
    metric = Metric(arguments.metric, "hit", arguments.dataset, arguments.window_hours, arguments.item_column)
    exploration = None if arguments.epsilon is None else Exploration(arguments.epsilon, arguments.among)
    return Question(
        arguments.version,
        metric,
        days=arguments.days,
        alpha=arguments.alpha,
        baseline_version=arguments.baseline_version,
        exploration=exploration,
    )


def describe(found: OffPolicyEstimate, model_name: str) -> str:
    """Return the line that the user is told."""
    evidence, judged = found.evidence, found.judged.doubly_robust
    of = f"{evidence.used} of {evidence.read} predictions used"
    if isinstance(judged, Undecided):
        return f"Version {found.question.version} of {model_name} cannot be judged: {judged.inconclusive} ({of})"
    says = f"{judged.value:.4g} hits a list ({judged.lower:.4g} to {judged.upper:.4g})"
    return f"Version {found.question.version} of {model_name} would have {says}{_compare(found.difference)}; {of}"


def _compare(difference: Difference) -> str:
    found = difference.difference
    if isinstance(found, Undecided):
        return ""
    return f", {found.value:+.4g} against the {difference.to} ({found.lower:+.4g} to {found.upper:+.4g})"
