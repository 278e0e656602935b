"""The client, sync and async: both APIs in one object."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from presage_client import async_record_writer, record_writer
from presage_client import models as m
from presage_client.async_files import AsyncFiles
from presage_client.async_resources import AsyncGroups
from presage_client.caller import AsyncCaller, AsyncClock, Caller, Clock, Settings
from presage_client.files import Files
from presage_client.flow import Api, RetryPolicy
from presage_client.jobs import AsyncWaitingJobs, WaitingJobs
from presage_client.records import Batching
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
    """Both APIs, sync; closed at the end of a `with`. Threads may share it.

    Args:
        workspace: URL of the workspace API and a user's token.
        public: URL of the public API and an API key.
        policy: How calls and transfers are retried.
        http: The HTTP client to use, with time-outs of its own, not closed with this one; one is made by default.
        storage: The transport for files. It is no client, as those log URLs.
        clock: The time, for tests.
    """

    def __init__(
        self,
        *,
        workspace: tuple[str, str] | None = None,
        public: tuple[str, str] | None = None,
        policy: RetryPolicy | None = None,
        http: httpx.Client | None = None,
        storage: httpx.BaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        settings, clock = build_settings(workspace, public, policy), clock or Clock()
        self._http, self._is_own = http or httpx.Client(timeout=TIMEOUT), http is None
        self._caller = Caller(settings, self._http, clock)
        self._files = Files(storage or httpx.HTTPTransport(), settings.policy, clock)
        super().__init__(self._caller)
        self.jobs: WaitingJobs = WaitingJobs(self._caller)

    def upload(self, dataset_id: str, source: Path, *, on_progress: Callable[[int], None] | None = None) -> m.Upload:
        """Bring a file to storage, streamed, and return the upload, whose `key` an import takes.

        Args:
            dataset_id: The dataset that it is for.
            source: The file.
            on_progress: Is called with the bytes that were sent.

        Raises:
            FileTransferError: Storage refused it, or was not reached.
        """
        upload = self.datasets.create_upload(dataset_id, file_name=source.name)
        self._files.put(upload, source, on_progress)
        return upload

    def download(self, file: m.BatchPredictionFile, target: Path, *, on_progress: Callable[[int], None] | None = None) -> Path:
        """Fetch a file of a batch prediction, streamed and checked by size and sha256; return `target`, which is there once it is whole.

        Raises:
            FileTransferError: Storage refused it, was not reached, or sent something else.
        """
        self._files.get(file, target, on_progress)
        return target

    def record_writer(
        self,
        dataset: str,
        *,
        batching: Batching | None = None,
        policy: RetryPolicy | None = None,
        on_refused: record_writer.OnRefused | None = None,
    ) -> record_writer.RecordWriter:
        """Return a writer of records of a dataset, to be closed at the end of a `with`.

        Args:
            dataset: The dataset's name.
            batching: When records are sent, and how many may wait.
            policy: How a batch is sent; persistently by default.
            on_refused: Is called, by the writer's thread, with records that were not taken. Without it they are raised.
        """
        return record_writer.RecordWriter(self._caller, dataset, batching=batching or Batching(), policy=policy, on_refused=on_refused)

    def close(self) -> None:
        """Close the connections."""
        self._files.close()
        if self._is_own:
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
        storage: httpx.AsyncBaseTransport | None = None,
        clock: AsyncClock | None = None,
    ) -> None:
        settings, clock = build_settings(workspace, public, policy), clock or AsyncClock()
        self._http, self._is_own = http or httpx.AsyncClient(timeout=TIMEOUT), http is None
        self._caller = AsyncCaller(settings, self._http, clock)
        self._files = AsyncFiles(storage or httpx.AsyncHTTPTransport(), settings.policy, clock)
        super().__init__(self._caller)
        self.jobs: AsyncWaitingJobs = AsyncWaitingJobs(self._caller)

    async def upload(self, dataset_id: str, source: Path, *, on_progress: Callable[[int], None] | None = None) -> m.Upload:
        """Bring a file to storage, as `Client.upload` does."""
        upload = await self.datasets.create_upload(dataset_id, file_name=source.name)
        await self._files.put(upload, source, on_progress)
        return upload

    async def download(self, file: m.BatchPredictionFile, target: Path, *, on_progress: Callable[[int], None] | None = None) -> Path:
        """Fetch a file of a batch prediction, as `Client.download` does."""
        await self._files.get(file, target, on_progress)
        return target

    def record_writer(
        self,
        dataset: str,
        *,
        batching: Batching | None = None,
        policy: RetryPolicy | None = None,
        on_refused: async_record_writer.OnRefused | None = None,
    ) -> async_record_writer.AsyncRecordWriter:
        """Return a writer of records of a dataset, to be used in an `async with`. Arguments are those of `Client.record_writer`."""
        return async_record_writer.AsyncRecordWriter(
            self._caller, dataset, batching=batching or Batching(), policy=policy, on_refused=on_refused
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._files.close()
        if self._is_own:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connections."""
        await self.close()
