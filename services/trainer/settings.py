"""What the trainer reads from its environment."""

import msgspec


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Bucket names; everything else is on the command line."""

    stage: str
    lake_bucket: str
    artifacts_bucket: str
