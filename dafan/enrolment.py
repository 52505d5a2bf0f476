"""How a new terminal gets its identity: what it sends with its one-time code, what comes back."""

from typing import Annotated

from pydantic import Field

from dafan.records import TerminalInfo
from dafan.wire import Binary, Record, Utc


class EnrolRequest(Record):
    """A new terminal presents its one-time code and its public keys."""

    code: Annotated[str, Field(min_length=6, max_length=40)]
    signing_key: Binary
    """Ed25519 public key, 32 bytes."""
    box_key: Binary
    """X25519 public key, 32 bytes: the site key is sealed to it."""


class EnrolAnswer(Record):
    """The terminal's identity, and the site's key sealed for it alone."""

    terminal: TerminalInfo
    sealed_site_key: Binary
    epoch: Annotated[int, Field(strict=True, ge=1, le=10_000)] = 1
    """Of this key (:class:`dafan.desk.SiteKey`)."""
    server_time: Utc
