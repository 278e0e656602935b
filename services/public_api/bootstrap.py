"""Builds the public API's ports: the one place here that knows the adapters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from presage.adapters.client import build_client
from presage.adapters.dynamo.idempotency_store import DynamoIdempotencyStore
from presage.adapters.dynamo.overflow import Overflow
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.journal.prediction_journal import FilePredictionJournal
from presage.adapters.shared_memory.rate_limiter import SharedRateLimiter
from presage.adapters.sqs.batch_sender import SqsBatchSender
from presage.adapters.sqs.group_commit import GroupCommit
from presage.adapters.sqs.record_queue import SqsRecordQueue
from presage.predictions.use_cases import PredictionPorts
from presage.predictions.warming import Warming
from services.public_api import bootstrap_serving
from services.public_api.context import PublicApiPorts
from services.public_api.settings import PublicApiSettings

JOURNAL = "journal"
READ_TIMEOUT_SECONDS = 3.0
"""Four attempts of connecting and reading, with the pauses between them, end before the gateway gives a request up (29 s).
So does a statement on a connection that nothing comes back on, and the next attempt to connect."""
STAGING_ATTEMPTS = 2
"""A batch that is staged waits for SQS as well."""


def build(settings: PublicApiSettings) -> tuple[PublicApiPorts, Warming]:
    """Return the ports, and what makes them ready; nothing is connected yet."""
    quick_s3 = build_client("s3", read_timeout_seconds=READ_TIMEOUT_SECONDS, attempts=STAGING_ATTEMPTS)
    serving = bootstrap_serving.build(settings, read_timeout_seconds=READ_TIMEOUT_SECONDS)
    ports = PublicApiPorts(
        predictions=PredictionPorts(
            catalog=serving.catalog,
            scorers=serving.scorers,
            journal=FilePredictionJournal(Path(settings.cache_directory) / JOURNAL),
            log=DynamoPredictionLog(settings.prediction_table, Overflow(settings.lake_bucket, quick_s3)),
        ),
        answers=DynamoIdempotencyStore(settings.idempotency_table, lake_bucket=settings.lake_bucket, s3=quick_s3),
        records=SqsRecordQueue(GroupCommit(SqsBatchSender(settings.records_queue_url).send), settings.lake_bucket, s3=quick_s3),
        limiter=SharedRateLimiter(Path(settings.cache_directory, "calls")),
        limits=settings.request_limits,
        now=lambda: datetime.now(UTC),
    )
    return ports, Warming(serving)
