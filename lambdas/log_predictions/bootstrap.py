"""Composition root of log_predictions."""

from dataclasses import dataclass

from lambdas.log_predictions.settings import Settings
from presage.adapters.client import build_client
from presage.adapters.dynamo.overflow import Overflow
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.sqs.prediction_queue import SqsPredictionMessages
from presage.predictions.ports import PredictionLog, PredictionMessages


@dataclass(frozen=True, slots=True)
class Ports:
    """What the function works with."""

    messages: PredictionMessages
    log: PredictionLog


def build_ports(settings: Settings) -> Ports:
    """Return the adapters that run on AWS."""
    s3 = build_client("s3")
    log = DynamoPredictionLog(settings.prediction_table, Overflow(settings.lake_bucket, s3))
    return Ports(SqsPredictionMessages(settings.lake_bucket, s3=s3), log)
