"""What the server allows and where it listens."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Limits:
    """Bounds of one request and of the queue.

    Attributes:
        max_chars: longest text of a request.
        prompt_s: longest prompt recording, in seconds.
        listen_s: longest recording to be written down, in seconds.
        upload_bytes: largest uploaded file.
        body_bytes: largest body of any other request.
        waiting: jobs that may wait at once; the next one gets 503.
        waiting_per_client: jobs of one client that may wait at once; the next one gets 429.
        kept_bytes: sound that the page's results and previews may take in memory.
        kept_s: how long a result can be fetched.
    """

    max_chars: int = 10_000
    prompt_s: float = 30.0
    listen_s: float = 1800.0
    upload_bytes: int = 20 * 2**20
    body_bytes: int = 2**20
    waiting: int = 16
    waiting_per_client: int = 4
    kept_bytes: int = 256 * 2**20
    kept_s: float = 3600.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} is {value}; use a value above 0")


@dataclass(frozen=True)
class Access:
    """Who may come in: everybody, or holders of a password or key; and how they must ask.

    Attributes:
        user, password: for HTTP basic authentication; both empty where it is not asked for.
        api_key: accepted as a bearer token, and as the password of any user.
        origins: of pages of other sites that may use the open API; '*' means all.
        strict: whether a field that the server does not know is an error.
    """

    user: str = ""
    password: str = ""
    api_key: str = ""
    origins: tuple[str, ...] = ()
    strict: bool = False

    @property
    def is_open(self) -> bool:
        return not (self.password or self.api_key)

    def lets_in(self, origin: str) -> bool:
        """Whether pages of that origin may use the open API."""
        return "*" in self.origins or origin in self.origins


def parse_auth(text: str) -> tuple[str, str]:
    """Split USER:PASS.

    Raises:
        ValueError: one of the two is missing.
    """
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise ValueError("--auth needs USER:PASS, both not empty; for example --auth anna:secret")
    return user, password


def check_origin(origin: str) -> str:
    """Return an origin as browsers write it.

    Raises:
        ValueError: it is neither '*' nor scheme and host alone.
    """
    parts = urlsplit(origin)
    whole = f"{parts.scheme}://{parts.netloc}"
    if origin != "*" and (parts.scheme not in ("http", "https") or origin.rstrip("/") != whole):
        raise ValueError(
            f"--cors {origin[:80]!r} is no origin; give scheme and host, such as "
            "https://example.org, or * for all"
        )
    return origin.rstrip("/").lower()


def is_loopback(host: str) -> bool:
    """Whether a bind address can be reached from this computer only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
