"""Who changes something: every change of people, faces and dishes names him in the audit log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from server import audit


@dataclass(frozen=True, slots=True)
class Actor:
    """The person or program at work, for one site, at one moment.

    Attributes:
        site_id: The only site whose rows he may touch.
        name: The login that the audit log shows.
        at: Aware UTC.
        ip: Address of the request; empty for a command.
    """

    site_id: UUID
    name: str
    at: datetime
    ip: str = ""

    def record(
        self, session: Session, action: str, subject: str, before: Any = None, after: Any = None
    ) -> None:
        """Write the audit log, in the transaction of the change itself."""
        audit.record(
            session, self.name, action, subject, before, after, self.ip,
            site_id=self.site_id, at=self.at,
        )  # fmt: skip
