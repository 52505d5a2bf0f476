"""Who does something, as the rooms below the server know him: he writes the journal of changes."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.orm import Session


class Acting(Protocol):
    """A person or a program at work for one site, at one moment."""

    @property
    def site_id(self) -> UUID:
        """The only site whose rows he may touch."""

    @property
    def name(self) -> str:
        """The login that the journal of changes shows."""

    @property
    def at(self) -> datetime:
        """Aware UTC."""

    def record(
        self, session: Session, action: str, subject: str, before: Any = None, after: Any = None
    ) -> None:
        """Write the journal of changes, in the transaction of the change itself."""
