"""Data in: records of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from flask import Blueprint, Response, request

from presage.features.use_cases import accept_records
from presage.features.validation import RecordResult
from presage.features.wire import parse_body
from presage.runtime.http import note, respond, respond_problem
from services.public_api.context import get_ports, get_workspace_id
from services.public_api.keyed import once

blueprint = Blueprint("datasets", __name__)


@blueprint.post("/datasets/<dataset>/records")
@once
def post_records(dataset: str) -> Response:
    """Take records into a dataset; every accepted one is durable when the answer is sent."""
    ports = get_ports()
    found = ports.predictions.catalog.get_dataset(get_workspace_id(), dataset)
    body = parse_body(
        request.get_data(cache=False),
        content_type=request.content_type or "",
        content_encoding=request.headers.get("content-encoding", ""),
    )
    results = accept_records(dataset=found, body=body, now=ports.now(), queue=ports.records, recent=ports.recent_ids)
    return _answer(results)


def _answer(results: Sequence[RecordResult]) -> Response:
    counts = Counter(result.status for result in results)
    summary = {status: counts[status] for status in ("accepted", "duplicate", "invalid")}
    note(**summary)
    if counts["invalid"] == len(results):
        return respond_problem(422, "no_valid_record", "Every record is invalid; nothing was taken.", results=results)
    return respond({**summary, "results": results}, 202)
