"""Builds the shipper's ports: the other place here that knows the adapters."""

from __future__ import annotations

from pathlib import Path

from presage.adapters.client import build_client
from presage.adapters.journal.journal_reader import FileJournalReader
from presage.adapters.signed_calls import SignedCalls
from presage.adapters.sqs.assignment_queue import SqsAssignmentQueue
from presage.adapters.sqs.message_sender import SqsMessageSender
from presage.adapters.sqs.prediction_queue import SqsPredictionQueue
from presage.predictions.shipping import ShippingPorts
from services.public_api.bootstrap import JOURNAL
from services.public_api.settings import PublicApiSettings

READ_TIMEOUT_SECONDS = 5.0
ATTEMPTS = 1
"""The shipper tries again by itself, and looks in between whether it is asked to stop."""


def build(settings: PublicApiSettings) -> ShippingPorts:
    """Return the ports; nothing is connected yet."""
    calls = SignedCalls(read_timeout_seconds=READ_TIMEOUT_SECONDS)
    s3 = build_client("s3", read_timeout_seconds=READ_TIMEOUT_SECONDS, attempts=ATTEMPTS)
    return ShippingPorts(
        journal=FileJournalReader(Path(settings.cache_directory) / JOURNAL),
        predictions=SqsPredictionQueue(SqsMessageSender(settings.predictions_queue_url, calls).send, settings.lake_bucket, s3=s3),
        assignments=SqsAssignmentQueue(SqsMessageSender(settings.assignments_queue_url, calls).send),
    )
