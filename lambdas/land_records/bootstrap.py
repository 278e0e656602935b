"""Composition root of land_records."""

from dataclasses import dataclass

from lambdas.land_records.settings import Settings
from presage.adapters.client import build_client
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.sqs.record_queue import SqsRecordMessages
from presage.features.ports import FeatureSetStore, RecordMessages


@dataclass(frozen=True, slots=True)
class Ports:
    """What the function works with."""

    messages: RecordMessages
    store: FeatureSetStore


def build_ports(settings: Settings) -> Ports:
    """Return the adapters that run on AWS."""
    s3 = build_client("s3")
    return Ports(SqsRecordMessages(settings.lake_bucket, s3=s3), S3FeatureSetStore(settings.lake_bucket, s3))
