"""Create workspaces, users and API keys, and tell who is calling."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from presage.errors import ConflictError, InvalidInputError, NotFoundError, PresageError, UnauthenticatedError
from presage.identifiers import new_identifier
from presage.tenancy.fields import require_email, require_name
from presage.tenancy.members import authorise_over
from presage.tenancy.model import SCOPES, ApiKey, KeyKind, Plan, Role, Scope, User, Workspace
from presage.tenancy.permissions import authorise
from presage.tenancy.ports import ApiKeyStore, KeyGateway, WorkspaceStore
from presage.tenancy.tokens import hash_token, new_token

KEY_BYTES = 24
KEY_PREFIXES: Mapping[KeyKind, str] = {"secret": "sk_", "publishable": "pk_"}
"""A key's value tells its kind to who sees it, and to what searches code for secrets."""
ORIGIN = re.compile(r"https?://[a-z0-9-]+(\.[a-z0-9-]+)*(:[1-9][0-9]{0,4})?")
MAX_ORIGINS = 20
ORIGIN_LENGTH = 200
SECRET_SCOPES: frozenset[Scope] = frozenset({"predictions.read"})
"""What nobody may do with a key that anybody may find."""
MAX_OVERLAP_HOURS = 7 * 24


@dataclass(frozen=True, slots=True)
class Registration:
    """A new user and the access token, which is shown here once and kept nowhere."""

    user: User
    token: str


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A new API key and its value, which is shown here once and kept by the gateway only."""

    key: ApiKey
    value: str


@dataclass(frozen=True, slots=True)
class KeyWish:
    """What a new API key is to be: `origins` are the web pages' that a publishable key may be used from, none but apps without.

    It may do all that its kind may, unless `scopes` say less, and for ever, unless it expires.
    """

    name: str
    plan: Plan = "free"
    kind: KeyKind = "secret"
    origins: Sequence[str] = ()
    scopes: Sequence[Scope] | None = None
    expires_at: datetime | None = None


def create_workspace(*, name: str, owner_email: str, owner_name: str, now: datetime, store: WorkspaceStore) -> Registration:
    """Add a workspace with its owner and return the owner's registration.

    Raises:
        InvalidInputError: A name is empty or too long, or the email is none.
    """
    workspace = Workspace(new_identifier("ws"), require_name(name, "$.name"), now)
    owner = _build_registration(workspace.workspace_id, owner_email, owner_name, role="owner", now=now, path="$.owner")
    store.create_workspace(workspace, owner.user)
    return owner


def create_user(*, by: User, email: str, name: str, role: Role, now: datetime, store: WorkspaceStore) -> Registration:
    """Add a user to the workspace of `by` and return the user's registration.

    Raises:
        ForbiddenError: `by` lacks `members.write` or, for an owner, `owners.write`.
        InvalidInputError: The name is empty or too long, or the email is none.
        AlreadyExistsError: The workspace has a user of that email.
    """
    workspace_id = authorise_over(by, role)
    member = _build_registration(workspace_id, email, name, role=role, now=now, path="$")
    store.create_user(member.user)
    return member


def authenticate(token: str, *, store: WorkspaceStore) -> User:
    """Return the user with that access token.

    Raises:
        UnauthenticatedError: Nobody has it.
    """
    user = store.find_user_by_token(hash_token(token))
    if user is None:
        raise UnauthenticatedError("Send `authorization: Bearer <access token>` of a user of a workspace")
    return user


def create_api_key(wish: KeyWish, *, by: User, now: datetime, gateway: KeyGateway, store: ApiKeyStore) -> IssuedKey:
    """Create the key at the gateway, note whose it is, and return it with its value.

    A key that could not be noted is deleted at the gateway again: no working key belongs to nobody.

    Raises:
        ForbiddenError: `by` lacks `api_keys.write`.
        InvalidInputError: The name is empty or too long, an origin is none, or of a key that has no origins, a scope is not the kind's,
            or it would have expired.
        UnavailableError: The gateway or the database did not answer.
    """
    workspace_id = authorise(by, "api_keys.write")
    name, origins, scopes = require_name(wish.name, "$.name"), _require_origins(wish), _require_scopes(wish)
    if wish.expires_at is not None and wish.expires_at <= now:
        raise InvalidInputError(f"A key expires in the future, got {wish.expires_at.isoformat()}", path="$.expires_at")
    value = KEY_PREFIXES[wish.kind] + secrets.token_hex(KEY_BYTES)
    api_key_id = gateway.create_key(name=name, plan=wish.plan, workspace_id=workspace_id, value=value)
    limits = (wish.kind, origins, scopes, wish.expires_at)
    key = ApiKey(workspace_id, api_key_id, name, wish.plan, now, None, *limits)
    try:
        store.create_api_key(key)
    except PresageError:
        gateway.delete_key(api_key_id)
        raise
    return IssuedKey(key, value)


def rotate_api_key(api_key_id: str, *, by: User, overlap_hours: int, now: datetime, gateway: KeyGateway, store: ApiKeyStore) -> IssuedKey:
    """Return a new key in place of that one, which works beside it for `overlap_hours` and no longer, and with 0 no more.

    The new one may do the same, from the same origins. If the old one was to expire, the new one lives as long as that was to.
    A crash in between leaves both; the old one can be rotated again, or revoked.

    Raises:
        ForbiddenError: `by` lacks `api_keys.write`.
        InvalidInputError: The overlap is negative or longer than a week.
        NotFoundError: The workspace has no such key.
        ConflictError: It was revoked, or has expired.
        UnavailableError: The gateway or the database did not answer.
    """
    workspace_id = authorise(by, "api_keys.write")
    if not 0 <= overlap_hours <= MAX_OVERLAP_HOURS:
        raise InvalidInputError(f"expected 0 to {MAX_OVERLAP_HOURS} hours, got {overlap_hours}", path="$.overlap_hours")
    old = store.find_api_key(api_key_id)
    if old is None or old.workspace_id != workspace_id:
        raise NotFoundError(f"There is no API key {api_key_id}")
    if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
        raise ConflictError(f"API key {api_key_id} works no more; create a new one")
    expires_at = None if old.expires_at is None else now + (old.expires_at - old.created_at)
    wish = KeyWish(old.name, old.plan, old.kind, old.origins, old.scopes, expires_at)
    issued = create_api_key(wish, by=by, now=now, gateway=gateway, store=store)
    if overlap_hours:
        store.limit_api_key(workspace_id, api_key_id, expires_at=now + timedelta(hours=overlap_hours))
    else:
        revoke_api_key(api_key_id, by=by, now=now, gateway=gateway, store=store)
    return issued


def revoke_api_key(api_key_id: str, *, by: User, now: datetime, gateway: KeyGateway, store: ApiKeyStore) -> None:
    """Note the revocation, then delete the key at the gateway. Idempotency: repeating it finishes what a failure left.

    Raises:
        ForbiddenError: `by` lacks `api_keys.write`.
        NotFoundError: The workspace has no such key.
        UnavailableError: The gateway or the database did not answer.
    """
    store.revoke_api_key(authorise(by, "api_keys.write"), api_key_id, now=now)
    gateway.delete_key(api_key_id)


def _build_registration(workspace_id: str, email: str, name: str, *, role: Role, now: datetime, path: str) -> Registration:
    token = new_token()
    user = User(
        workspace_id=workspace_id,
        user_id=new_identifier("usr"),
        email=require_email(email, f"{path}.email"),
        name=require_name(name, f"{path}.name"),
        role=role,
        token_sha256=hash_token(token),
        created_at=now,
    )
    return Registration(user, token)


def _require_origins(wish: KeyWish) -> tuple[str, ...]:
    if wish.origins and wish.kind != "publishable":
        raise InvalidInputError("Only a publishable key has origins: a secret key has no place in a web page", path="$.origins")
    if len(wish.origins) > MAX_ORIGINS:
        raise InvalidInputError(f"A key has at most {MAX_ORIGINS} origins, got {len(wish.origins)}", path="$.origins")
    for number, origin in enumerate(wish.origins):
        if len(origin) > ORIGIN_LENGTH or not ORIGIN.fullmatch(origin):
            raise InvalidInputError(
                f"Expected an origin as browsers send it, such as https://shop.example.com, got {origin[:ORIGIN_LENGTH]!r}",
                path=f"$.origins[{number}]",
            )
    return tuple(dict.fromkeys(wish.origins))


def _require_scopes(wish: KeyWish) -> tuple[Scope, ...]:
    of_the_kind = tuple(scope for scope in SCOPES if wish.kind == "secret" or scope not in SECRET_SCOPES)
    wanted = of_the_kind if wish.scopes is None else tuple(dict.fromkeys(wish.scopes))
    if not wanted or not set(wanted) <= set(of_the_kind):
        raise InvalidInputError(f"Expected some of {', '.join(of_the_kind)}, got {', '.join(wanted) or 'none'}", path="$.scopes")
    return wanted
