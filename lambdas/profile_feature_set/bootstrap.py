"""Composition root of profile_feature_set."""

from lambdas.profile_feature_set.settings import Settings
from presage.adapters.client import build_client
from presage.adapters.s3.feature_set_store import S3FeatureSetStore
from presage.features.ports import FeatureSetStore


def build_store(settings: Settings) -> FeatureSetStore:
    """Return the adapter that runs on AWS."""
    return S3FeatureSetStore(settings.lake_bucket, build_client("s3"))
