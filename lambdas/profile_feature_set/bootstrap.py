"""Composition root of profile_feature_set."""

from lambdas.profile_feature_set.settings import Settings
from presage.adapters.client import build_client
from presage.adapters.s3.profile_store import S3ProfileStore
from presage.features.ports import ProfileStore


def build_store(settings: Settings) -> ProfileStore:
    """Return the adapter that runs on AWS."""
    return S3ProfileStore(settings.lake_bucket, build_client("s3"))
