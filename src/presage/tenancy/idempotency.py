"""Lets a call that is sent again happen once: the first answer under an idempotency key is kept and given again.

References:
    Stripe API reference, "Idempotent requests"; IETF draft-ietf-httpapi-idempotency-key-header-07, section 2.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable
from datetime import datetime
from uuid import uuid4

from presage.errors import CallInFlightError, InvalidInputError, UnavailableError
from presage.tenancy.keyed_call import Answer, Claim, KeyedCall
from presage.tenancy.ports import IdempotencyStore

KEY = re.compile(r"[\x21-\x7e]{1,255}")
KEPT_STATUSES = frozenset({200, 202})
"""Answers of calls that were executed. What was refused did nothing: it may be sent again under its key, mended or later."""

_LOG = logging.getLogger(__name__)


def build_call(workspace_id: str, route: str, key: str, *, parameters: tuple[str, ...], body: bytes) -> KeyedCall:
    """Return the call of that key; what of it must be the same when it is sent again is told by `parameters` and `body`.

    Raises:
        InvalidInputError: The key is empty, too long or not of visible ASCII characters.
    """
    if not KEY.fullmatch(key):
        raise InvalidInputError("An idempotency key has 1 to 255 visible ASCII characters", code="invalid_idempotency_key")
    digest = hashlib.sha256(body)
    for parameter in parameters:
        digest.update(hashlib.sha256(parameter.encode()).digest())
    return KeyedCall(workspace_id, route, key, digest.hexdigest())


def answer_once(
    call: KeyedCall, execute: Callable[[], Answer], *, store: IdempotencyStore, now: Callable[[], datetime]
) -> tuple[Answer, bool]:
    """Return the answer to the call, and whether it is one that was given before.

    The claim comes before the execution and the answer is kept before it is given, so that whoever got it gets it again. An answer
    that could not be kept is given all the same: it stands, and until the claim's lease ends nothing else happens under its key.
    A call whose process ends between its effect and its answer is executed again when it is sent after the lease.

    Raises:
        InvalidInputError: The key was used for a call with other parameters.
        CallInFlightError: The same call is under way.
        UnavailableError: The store did not answer; nothing was executed.
    """
    claim = Claim(call, uuid4().hex, now())
    held = store.claim(claim)
    if held is not None:
        if held.fingerprint != call.fingerprint:
            raise InvalidInputError(
                "The idempotency key was used for a call with other parameters; a new call needs a new key", code="idempotency_key_reused"
            )
        if held.answer is None:
            raise CallInFlightError("The call with this idempotency key is under way; ask again for its answer")
        return held.answer, True
    kept = False
    try:
        answer = execute()
        kept = answer.status in KEPT_STATUSES
    finally:
        if not kept:
            _try(store.release, claim)
    if kept:
        _try(store.keep, claim, answer)
    return answer, False


def _try(settle: Callable[..., None], *arguments: object) -> None:
    try:
        settle(*arguments)
    except UnavailableError as error:
        _LOG.warning("an idempotency key stays claimed until its lease ends: %s", error)
    except Exception:  # noqa: BLE001 - the call was executed, or failed of itself: a store that refuses changes neither, and is ours to repair
        _LOG.exception("an idempotency key stays claimed until its lease ends")
