"""A load whose columns are not its dataset's: nothing of it lands, a file is kept, and its job ends with what was found."""

from __future__ import annotations

import msgspec

from presage.features.dataset import Dataset
from presage.features.keys import build_quarantined_key
from presage.features.quarantine import QuarantinedLoad, QuarantineStore
from presage.features.schema.model import ColumnChange, Comparison
from presage.jobs.execution import JobResult
from presage.jobs.model import Job


def hold(job: Job, dataset: Dataset, comparison: Comparison, store: QuarantineStore) -> JobResult:
    """Keep the job's load in quarantine, with its file if it has one, and return how the job ends."""
    source_key = str(job.arguments.get("key", ""))
    key = build_quarantined_key(job.workspace_id, dataset.dataset_id, job.job_id, source_key) if source_key else ""
    load = QuarantinedLoad(
        workspace_id=job.workspace_id,
        dataset_id=dataset.dataset_id,
        load_id=job.job_id,
        key=key,
        arguments=job.arguments,
        schema_version=dataset.schema_version,
        rows=comparison.rows,
        changes=comparison.changes,
        held_at=job.created_at,
    )
    store.hold_load(load, source_key=source_key)
    values = {"load_id": load.load_id, "rows": load.rows, "changes": msgspec.to_builtins(load.changes)}
    held = "file" if key else "import"
    summary = f"Nothing was imported into {dataset.name}, the {held} is in quarantine: {'; '.join(map(_describe, comparison.breaking))}"
    return JobResult(summary, values, noteworthy=True, state="quarantined")


def _describe(change: ColumnChange) -> str:
    types = " → ".join(kind.replace("_", " ") for kind in (change.was, change.now) if kind)
    where = f", first in line {change.first.line}{f' of {change.first.part}' if change.first.part else ''}" if change.first else ""
    value = f" ({change.first.value!r})" if change.first else ""
    return f"{change.column} {change.change} ({types}): {change.reason}{where}{value}"
