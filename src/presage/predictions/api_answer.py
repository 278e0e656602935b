"""What comes back from the public API. It is apart from how answers are made, which functions that only log them do not need."""

from __future__ import annotations

import msgspec


class ApiAnswer(msgspec.Struct, frozen=True):
    """What the public API answered to a call: HTTP's status and the body as JSON, None if it was none."""

    status: int
    content: object
