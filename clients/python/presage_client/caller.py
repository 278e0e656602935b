"""Drives calls over httpx, sync and async, and pages through lists."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

import anyio
import httpx

from presage_client.errors import PresageError
from presage_client.flow import Api, Flow, RetryPolicy, Sleep, run_call
from presage_client.operation import Arguments, Operation

T = TypeVar("T")
Item_co = TypeVar("Item_co", covariant=True)


class Page(Protocol[Item_co]):
    """A part of a list."""

    @property
    def items(self) -> Sequence[Item_co]:
        """What is on it."""

    @property
    def next(self) -> str | None:
        """Where the next page begins; None on the last."""


class Settings:
    """Both APIs and how calls to them are retried."""

    def __init__(self, apis: Mapping[str, Api], policy: RetryPolicy) -> None:
        self._apis, self.policy = apis, policy

    def start(self, operation: Operation[T], arguments: Arguments, policy: RetryPolicy | None = None) -> Flow[T]:
        """Return the course of a call, under a policy of its own if one is given."""
        if operation.api not in self._apis:
            raise PresageError(f"{operation.operation_id} needs the {operation.api} API: give the client its URL and credential")
        return run_call(operation, arguments, self._apis[operation.api], policy or self.policy)


@dataclass(frozen=True)
class Clock:
    """The time, and a way to let it pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class AsyncClock:
    """The time, and a way to let it pass, async."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep


class Caller:
    """Calls and waits."""

    def __init__(self, settings: Settings, http: httpx.Client, clock: Clock) -> None:
        self._settings, self._http = settings, http
        self.clock, self._sleep = clock, clock.sleep

    def call(self, operation: Operation[T], arguments: Arguments, *, policy: RetryPolicy | None = None) -> T:
        """Return the answer of an operation."""
        flow = self._settings.start(operation, arguments, policy)
        try:
            step = next(flow)
            while True:
                if isinstance(step, Sleep):
                    self._sleep(step.seconds)
                    step = next(flow)
                    continue
                outcome = self._send(step)
                step = flow.throw(outcome) if isinstance(outcome, Exception) else flow.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    def _send(self, request: httpx.Request) -> httpx.Response | httpx.TransportError:
        # httpx's error is handed on as a value: what is raised then has no context that knows the request and its credential.
        try:
            return self._http.send(request)
        except httpx.TransportError as error:
            return error

    def pages(self, operation: Operation[Any], arguments: Arguments) -> "Pages[Any]":
        """Return a list, read as it is iterated over."""
        return Pages(self, operation, arguments)


class AsyncCaller:
    """Calls and waits, async."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient, clock: AsyncClock) -> None:
        self._settings, self._http = settings, http
        self.clock, self._sleep = clock, clock.sleep

    async def call(self, operation: Operation[T], arguments: Arguments, *, policy: RetryPolicy | None = None) -> T:
        """Return the answer of an operation."""
        flow = self._settings.start(operation, arguments, policy)
        try:
            step = next(flow)
            while True:
                if isinstance(step, Sleep):
                    await self._sleep(step.seconds)
                    step = next(flow)
                    continue
                outcome = await self._send(step)
                step = flow.throw(outcome) if isinstance(outcome, Exception) else flow.send(outcome)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]

    async def _send(self, request: httpx.Request) -> httpx.Response | httpx.TransportError:
        # httpx's error is handed on as a value: what is raised then has no context that knows the request and its credential.
        try:
            return await self._http.send(request)
        except httpx.TransportError as error:
            return error

    def pages(self, operation: Operation[Any], arguments: Arguments) -> "AsyncPages[Any]":
        """Return a list, read as it is iterated over."""
        return AsyncPages(self, operation, arguments)


class Pages(Generic[Item_co]):
    """A list of the API: iterate over its items, or over its `pages()`."""

    def __init__(self, caller: Caller, operation: Operation[Page[Item_co]], arguments: Arguments) -> None:
        self._caller, self._operation, self._arguments = caller, operation, arguments

    def pages(self) -> Iterator[Page[Item_co]]:
        """Yield the pages, each asked for when it is needed."""
        arguments = self._arguments
        while True:
            page = self._caller.call(self._operation, arguments)
            yield page
            if page.next is None:
                return
            arguments = replace(arguments, query={**arguments.query, "after": page.next})

    def __iter__(self) -> Iterator[Item_co]:
        """Yield the items of all pages."""
        for page in self.pages():
            yield from page.items


class AsyncPages(Generic[Item_co]):
    """A list of the API: iterate over its items, or over its `pages()`."""

    def __init__(self, caller: AsyncCaller, operation: Operation[Page[Item_co]], arguments: Arguments) -> None:
        self._caller, self._operation, self._arguments = caller, operation, arguments

    async def pages(self) -> AsyncIterator[Page[Item_co]]:
        """Yield the pages, each asked for when it is needed."""
        arguments = self._arguments
        while True:
            page = await self._caller.call(self._operation, arguments)
            yield page
            if page.next is None:
                return
            arguments = replace(arguments, query={**arguments.query, "after": page.next})

    async def __aiter__(self) -> AsyncIterator[Item_co]:
        """Yield the items of all pages."""
        async for page in self.pages():
            for item in page.items:
                yield item
