"""The Python client of Presage."""

from presage_client.client import AsyncClient, Client
from presage_client.flow import RetryPolicy
from presage_client.records import Batching

__all__ = ["AsyncClient", "Batching", "Client", "RetryPolicy"]
