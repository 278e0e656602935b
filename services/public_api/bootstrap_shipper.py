"""Builds the shipper's ports: the other place here that knows the adapters."""

from __future__ import annotations

from pathlib import Path

from presage.adapters.client import build_client
from presage.adapters.journal.journal_reader import FileJournalReader
from presage.adapters.sqs.assignment_queue import SqsAssignmentQueue
from presage.adapters.sqs.prediction_queue import SqsPredictionQueue
from presage.predictions.shipping import ShippingPorts
from services.public_api.bootstrap import JOURNAL
from services.public_api.settings import PublicApiSettings

READ_TIMEOUT_SECONDS = 5.0
ATTEMPTS = 1
"""The shipper tries again by itself, and looks in between whether it is asked to stop."""


def build(settings: PublicApiSettings) -> ShippingPorts:
    """Return the ports; nothing is connected yet."""
    sqs = build_client("sqs", read_timeout_seconds=READ_TIMEOUT_SECONDS, attempts=ATTEMPTS)
    s3 = build_client("s3", read_timeout_seconds=READ_TIMEOUT_SECONDS, attempts=ATTEMPTS)
    return ShippingPorts(
        journal=FileJournalReader(Path(settings.cache_directory) / JOURNAL),
        predictions=SqsPredictionQueue(settings.predictions_queue_url, settings.lake_bucket, sqs=sqs, s3=s3),
        assignments=SqsAssignmentQueue(settings.assignments_queue_url, sqs),
    )
