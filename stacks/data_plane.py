"""The stores and queues that the backend and the worker both use, and their variables."""

from dataclasses import dataclass

from stacks.metadata import MetadataStack
from stacks.prediction_log import PredictionLogStack
from stacks.queues import QueuesStack
from stacks.storage import StorageStack
from stacks.warehouse import WarehouseStack


@dataclass(frozen=True)
class DataPlane:
    """Lake, artifacts, prediction log, jobs, relational database, warehouse."""

    storage: StorageStack
    prediction_log: PredictionLogStack
    queues: QueuesStack
    metadata: MetadataStack
    warehouse: WarehouseStack

    @property
    def variables(self) -> dict[str, str]:
        """Variables of a service that works on them."""
        return {
            "PRESAGE_LAKE_BUCKET": self.storage.lake.bucket_name,
            "PRESAGE_JOBS_QUEUE_URL": self.queues.jobs.queue.queue_url,
            **self.metadata.variables,
            **self.warehouse.address,
        }
