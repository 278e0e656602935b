"""What tenancy needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Protocol

from presage.tenancy.audit import AuditEntry, AuditSearch, Head
from presage.tenancy.keyed_call import Answer, Claim, Held
from presage.tenancy.model import ApiKey, Plan, User, Workspace
from presage.tenancy.rate_limit import RateLimit, RateVerdict
from presage.tenancy.usage_model import DailyUsage, PlanLimits


class WorkspaceStore(Protocol):
    """Workspaces and users (MySQL)."""

    def create_workspace(self, workspace: Workspace, owner: User) -> None:
        """Add both in one transaction, or raise `AlreadyExistsError`."""

    def get_workspace(self, workspace_id: str) -> Workspace:
        """Return it, or raise `NotFoundError`."""

    def create_user(self, user: User) -> None:
        """Add a user, or raise `AlreadyExistsError` when the workspace has one of that email."""

    def find_user_by_token(self, token_sha256: str) -> User | None:
        """Return the user whose access token has that hash, or None."""


class MemberStore(Protocol):
    """The users of a workspace (MySQL)."""

    def list_members(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[User]:
        """Return a page in the order of `user_id`, starting behind `after`."""

    def get_member(self, workspace_id: str, user_id: str) -> User:
        """Return a user, or raise `NotFoundError`."""

    def find_member(self, workspace_id: str, email: str) -> User | None:
        """Return the user of that address (as users have it, in lower case), or None."""

    def change_member(self, workspace_id: str, user_id: str, change: Callable[[User, int], User | None]) -> None:
        """Put what `change` returns in the user's place, or nothing if that is None; it gets the user and how many owners there are.

        Nobody else's change of the workspace's users comes between. What `change` raises leaves all as it was.

        Raises:
            NotFoundError: The workspace has no such user.
        """


class ApiKeyStore(Protocol):
    """Which gateway key belongs to which workspace (MySQL)."""

    def create_api_key(self, key: ApiKey) -> None:
        """Add it."""

    def find_api_key(self, api_key_id: str) -> ApiKey | None:
        """Return the key by the gateway's id of it, or None; revoked keys are returned as such."""

    def list_api_keys(self, workspace_id: str, *, before: str = "", limit: int = 50) -> Sequence[ApiKey]:
        """Return a page of the workspace's keys, newest first, starting behind the key id `before`."""

    def limit_api_key(self, workspace_id: str, api_key_id: str, *, expires_at: datetime) -> None:
        """Let it expire then, unless it does so sooner, or raise `NotFoundError`."""

    def revoke_api_key(self, workspace_id: str, api_key_id: str, *, now: datetime) -> None:
        """Note the revocation, or raise `NotFoundError`."""


class KeyGateway(Protocol):
    """Keys and usage plans at the API gateway."""

    def create_key(self, *, name: str, plan: Plan, workspace_id: str, value: str) -> str:
        """Create an enabled key of that value in the plan and return its id."""

    def delete_key(self, api_key_id: str) -> None:
        """Delete it; a key that is gone stays gone."""

    def get_limits(self, plan: Plan) -> PlanLimits:
        """Return what the plan allows, or raise `NotFoundError` if the stage has no such plan."""

    def list_usage(self, plan: Plan, api_key_id: str, *, since: date, until: date) -> Sequence[DailyUsage]:
        """Return the key's calls of each day (UTC) from `since` to `until`, both included, the oldest first."""


class IdempotencyStore(Protocol):
    """What was answered under an idempotency key (DynamoDB). Times are the claims' own: the store has no clock."""

    def claim(self, claim: Claim) -> Held | None:
        """Take the key and return None; or return what holds it: an answer, or another call that is under way.

        A key is free when nothing was kept under it for longer than it lives, and for the same call also when a claim's lease ended.

        Raises:
            UnavailableError: The store did not answer.
        """

    def keep(self, claim: Claim, answer: Answer) -> None:
        """Return once the answer is durable under the key, unless the claim was lost to another attempt meanwhile.

        Raises:
            UnavailableError: The store did not answer.
        """

    def release(self, claim: Claim) -> None:
        """Free the key, unless the claim was lost meanwhile.

        Raises:
            UnavailableError: The store did not answer.
        """


class RateLimiter(Protocol):
    """Counts calls by a key: those of API keys over all workers of a task, attempts at accounts over all of the backend."""

    def take(self, key: str, limit: RateLimit) -> RateVerdict:
        """Return whether the key's call may go on, and count it if so."""


class AuditLog(Protocol):
    """The audit log of each workspace, to which entries are added and nothing else (MySQL)."""

    def append(self, workspace_id: str, build: Callable[[Head], AuditEntry]) -> AuditEntry:
        """Add what `build` makes of the workspace's last entry, and return it once it is durable; nobody else's comes between.

        Raises:
            UnavailableError: The log did not answer, or others held it for too long.
        """

    def list_entries(self, workspace_id: str, search: AuditSearch, *, before: int | None = None, limit: int = 50) -> Sequence[AuditEntry]:
        """Return a page of those wanted, newest first, of sequences below `before`."""

    def iterate(self, workspace_id: str) -> Iterator[AuditEntry]:
        """Yield all entries, oldest first, in memory that does not grow with them."""
