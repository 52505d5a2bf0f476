"""Identifiers: UUIDv7, so that rows sort by the moment they were made."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """A fresh UUIDv7 (RFC 9562)."""
    return UUID(int=uuid_utils.compat.uuid7().int)
