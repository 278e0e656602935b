"""Composition root of the trainer."""

from presage.adapters.client import build_client
from presage.adapters.s3.training_files import S3TrainingFiles
from presage.training.ports import TrainingFiles
from services.trainer.settings import Settings


def build_files(settings: Settings) -> TrainingFiles:
    """Return the lake and the artifacts bucket."""
    return S3TrainingFiles(settings.lake_bucket, settings.artifacts_bucket, build_client("s3"))
