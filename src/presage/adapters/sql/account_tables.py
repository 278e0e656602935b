"""The tables of people's accounts. They belong to no workspace: a person may be in several, or in none."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from presage.adapters.sql.tables import NAME_LENGTH, Row, table_arguments

EMAIL_LENGTH = 254
_HASH_LENGTH = 200


class AccountRow(Row):
    """A person. `email_key` is what all spellings of their address have in common."""

    __tablename__ = "accounts"
    __table_args__ = table_arguments(UniqueConstraint("email_key"))
    account_id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    email_key: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    password_hash: Mapped[str] = mapped_column(String(_HASH_LENGTH))
    created_at: Mapped[datetime]
    last_workspace_id: Mapped[str | None]


class SessionRow(Row):
    """A browser in which somebody is logged in."""

    __tablename__ = "account_sessions"
    __table_args__ = table_arguments(
        UniqueConstraint("token_sha256"),
        Index("ix_account_sessions_account_id", "account_id"),
        Index("ix_account_sessions_last_seen_at", "last_seen_at"),
        Index("ix_account_sessions_created_at", "created_at"),
    )
    session_id: Mapped[str] = mapped_column(primary_key=True)
    token_sha256: Mapped[str]
    account_id: Mapped[str]
    workspace_id: Mapped[str | None]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    address: Mapped[str]
    user_agent: Mapped[str] = mapped_column(String(200))


class MailedLinkRow(Row):
    """A link that was mailed, to sign up, to choose a new password, or to join a workspace."""

    __tablename__ = "mailed_links"
    __table_args__ = table_arguments(
        UniqueConstraint("token_sha256"),
        Index("ix_mailed_links_workspace_id", "workspace_id", "created_at"),
        Index("ix_mailed_links_email_key", "email_key"),
        Index("ix_mailed_links_expires_at", "expires_at"),
    )
    link_id: Mapped[str] = mapped_column(primary_key=True)
    token_sha256: Mapped[str]
    kind: Mapped[str] = mapped_column(String(16))
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    email_key: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    workspace_id: Mapped[str | None]
    role: Mapped[str | None] = mapped_column(String(16))
    invited_by: Mapped[str | None]
    used_at: Mapped[datetime | None]


class AttemptRow(Row):
    """How far ahead of its rate a key is: its theoretical arrival time in seconds since 1970, which says nothing more once it is past."""

    __tablename__ = "attempts"
    __table_args__ = table_arguments(Index("ix_attempts_arrival", "arrival"))
    counted: Mapped[str] = mapped_column(primary_key=True)
    arrival: Mapped[float]
