"""Secrets that are shown once: access tokens, sessions' cookies, and links in mails."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_BYTES = 32


def new_token() -> str:
    """Return a token of 256 random bits, which may stand in an address."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> str:
    """Return what is kept of a token. A plain hash is enough: the token has 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
