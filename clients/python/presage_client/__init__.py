"""The Python client of Presage."""

from presage_client.client import AsyncClient, Client
from presage_client.flow import RetryPolicy

__all__ = ["AsyncClient", "Client", "RetryPolicy"]
