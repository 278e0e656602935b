"""Where the pages are: what links in mails lead to, and what cookie a browser keeps for them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SECURE = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)*(:[1-9][0-9]{0,4})?")
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[1-9][0-9]{0,4})?")


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """How a browser is to keep a session's token: for the pages' own host only, on no request that another site makes, unseen by scripts.

    `SameSite=Lax` rather than `Strict`: who follows a link in a mail is to be found logged in.
    """

    name: str
    secure: bool
    http_only: bool = True
    same_site: str = "Lax"
    path: str = "/"


@dataclass(frozen=True, slots=True)
class PagesAddress:
    """The origin of the pages: `https`, or `http` on this machine itself, where nobody listens in between.

    Raises:
        ValueError: It is no such origin.
    """

    url: str

    def __post_init__(self) -> None:
        """Check it."""
        if not (_SECURE.fullmatch(self.url) or _LOOPBACK.fullmatch(self.url)):
            raise ValueError(f"The pages are at an origin such as https://app.example.com, or http on a loopback address; got {self.url!r}")

    def build(self, path: str) -> str:
        """Return the whole address of a page."""
        return f"{self.url}{path}"

    @property
    def cookie(self) -> SessionCookie:
        """Return the cookie of sessions. Browsers hold `__Host-` names to being secure and of this very host (RFC 6265bis, 4.1.3.2)."""
        secure = self.url.startswith("https:")
        return SessionCookie("__Host-presage" if secure else "presage", secure)
