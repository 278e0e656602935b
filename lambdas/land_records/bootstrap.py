"""Composition root of land_records."""

from dataclasses import dataclass

from lambdas.land_records.settings import Settings
from presage.adapters.client import build_client
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.adapters.s3.landed_ids import S3LandedIds
from presage.adapters.sqs.record_queue import SqsRecordMessages
from presage.features.ports import FeatureSetStore, LandedIds, RecordMessages


@dataclass(frozen=True, slots=True)
class Ports:
    """What the function works with."""

    messages: RecordMessages
    store: FeatureSetStore
    ids: LandedIds


def build_ports(settings: Settings) -> Ports:
    """Return the adapters that run on AWS."""
    s3 = build_client("s3")
    bucket = settings.lake_bucket
    return Ports(SqsRecordMessages(bucket, s3=s3), S3FeatureSetStore(bucket, s3), S3LandedIds(bucket, s3))
