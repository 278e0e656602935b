"""The client, sync and async: both APIs in one object."""

from types import TracebackType
from typing import Self

import httpx

from presage_client.async_resources import AsyncGroups
from presage_client.caller import AsyncCaller, Caller, Settings
from presage_client.flow import Api, RetryPolicy
from presage_client.resources import Groups

TIMEOUT = httpx.Timeout(30, connect=5)


def build_settings(workspace: tuple[str, str] | None, public: tuple[str, str] | None, policy: RetryPolicy | None) -> Settings:
    """Return what calls need, from (URL, credential) of each API."""
    apis = {}
    if workspace:
        apis["workspace"] = Api(workspace[0], {"authorization": f"Bearer {workspace[1]}"})
    if public:
        apis["public"] = Api(public[0], {"x-api-key": public[1]})
    return Settings(apis, policy or RetryPolicy())


class Client(Groups):
    """Both APIs, sync; closed at the end of a `with`.

    Args:
        workspace: URL of the workspace API and a user's token.
        public: URL of the public API and an API key.
        policy: How calls are retried.
        http: The HTTP client to use, with time-outs of its own; one is made by default.
    """

    def __init__(
        self,
        *,
        workspace: tuple[str, str] | None = None,
        public: tuple[str, str] | None = None,
        policy: RetryPolicy | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self._http = http or httpx.Client(timeout=TIMEOUT)
        super().__init__(Caller(build_settings(workspace, public, policy), self._http))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connections."""
        self.close()


class AsyncClient(AsyncGroups):
    """Both APIs, async; closed at the end of an `async with`. Arguments are those of `Client`."""

    def __init__(
        self,
        *,
        workspace: tuple[str, str] | None = None,
        public: tuple[str, str] | None = None,
        policy: RetryPolicy | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self._http = http or httpx.AsyncClient(timeout=TIMEOUT)
        super().__init__(AsyncCaller(build_settings(workspace, public, policy), self._http))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connections."""
        await self.close()
