"""The table of the audit log. Its triggers (revision 0014) refuse every change of what was added."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from presage.adapters.sql.tables import Row, table_arguments


class AuditEntryRow(Row):
    """A line of a workspace's audit log. `targets` and `detail` are JSON as it was hashed, which a column of JSON would not keep."""

    __tablename__ = "audit_entries"
    __table_args__ = table_arguments(
        Index("ix_audit_entries_user", "workspace_id", "user_id", "sequence"),
        Index("ix_audit_entries_action", "workspace_id", "action", "sequence"),
    )
    workspace_id: Mapped[str] = mapped_column(primary_key=True)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    user_id: Mapped[str]
    email: Mapped[str] = mapped_column(String(254))
    action: Mapped[str] = mapped_column(String(128))
    targets: Mapped[str] = mapped_column(Text)
    detail: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(String(128))
    address: Mapped[str]
    outcome: Mapped[str] = mapped_column(String(16))
    status: Mapped[int | None]
    code: Mapped[str | None]
    refers_to: Mapped[int | None] = mapped_column(BigInteger)
    previous_sha256: Mapped[str]
    sha256: Mapped[str]
