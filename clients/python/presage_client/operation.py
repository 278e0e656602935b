"""How an operation is called, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

T = TypeVar("T")
SAFE = {"GET", "PUT", "DELETE", "OPTIONS"}


@dataclass(frozen=True)
class Operation(Generic[T]):
    """An operation of the OpenAPI documents, and the type of its answer."""

    operation_id: str
    verb: str
    path: str
    api: Literal["workspace", "public"]
    answer: type[T]
    takes_idempotency_key: bool = False
    takes_gzip: bool = False

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice does what sending it once does."""
        return self.verb in SAFE or self.takes_idempotency_key


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call, by where they go; those that are UNSET are left out."""

    path: Mapping[str, Any] = field(default_factory=dict, repr=False)
    query: Mapping[str, Any] = field(default_factory=dict, repr=False)
    headers: Mapping[str, Any] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] | None = field(default=None, repr=False)
