"""What one person asks and another one approves (不相容职务分离): never the same person twice.

Source: 企业内部控制应用指引第6号 资金活动: who handles money does not approve it himself.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from dafan.errors import BadInputError


class State(StrEnum):
    """How far a request has come."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"


class SamePersonError(BadInputError):
    """Who asked cannot approve."""

    code = "same_person"


class DecidedError(BadInputError):
    """Somebody has judged this already."""

    code = "decided"


class Request:
    """The columns of a request; a table mixes them in."""

    state: Mapped[str] = mapped_column(String(8), default=State.ASKED.value)
    reason: Mapped[str] = mapped_column(String(200), default="")
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime]
    judged_by: Mapped[str | None] = mapped_column(String(80))
    """The asker himself where no second person is needed."""
    judged_at: Mapped[datetime | None]

    def require_open(self, by: str) -> None:
        """Make sure that this person may judge it now.

        Raises:
            DecidedError: it is judged.
            SamePersonError: he asked for it himself.
        """
        if self.state != State.ASKED.value:
            raise DecidedError("somebody has decided this already: reload the page")
        if self.asked_by == by:
            raise SamePersonError("another person has to approve what you asked for")

    def judge(self, state: State, by: str, at: datetime) -> None:
        """Write down the judgement; the caller moves the money."""
        self.state, self.judged_by, self.judged_at = state.value, by[:80], at
