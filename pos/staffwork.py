"""Does what the staff's desk asks for: checks who it is, reads sales, writes voids and shifts."""

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from dafan.desk import TillStaff
from pos import events as ev
from pos.receipt import make_shift_slip, make_void_receipt
from pos.snapshot import Clerk, trading_day
from pos.soldbook import ShiftError, VoidError
from pos.store import TillStore
from pos.view import NoticeCode

TRIES = 5
LOCKED = timedelta(minutes=10)
LONGEST_PIN = 12
_FACT = "clerk_failures"

log = logging.getLogger(__name__)

Make = Callable[[ev.Moment], ev.Event]


def pin_is_right(hasher: PasswordHasher, hashed: str | None, pin: str) -> bool:
    """Whether the Argon2 hash is this PIN's."""
    if hashed is None or not 0 < len(pin) <= LONGEST_PIN:
        return False
    try:
        return hasher.verify(hashed, pin)
    except (Argon2Error, InvalidHashError):
        return False


class StaffWork:
    """The edge of ``pos.staffdesk``.

    Args:
        store: The till's file.
        prints: There is a printer.
    """

    def __init__(self, store: TillStore, *, prints: bool) -> None:
        self._store = store
        self._prints = prints
        self._hasher = PasswordHasher()

    def do(self, effect: ev.DeskEffect, now: datetime) -> Make:
        """Carry out an effect; the answer is an event."""
        match effect:
            case ev.CheckClerk(number, pin):
                return self._check(number, pin, now)
            case ev.ReadSold():
                policy = self._store.catalogue.policy
                sold = self._store.sold.latest(trading_day(policy, now)) if policy else ()
                return lambda at: ev.SoldRead(at, sold)
            case ev.ReadFigures():
                figures = self._store.sold.figures()
                return lambda at: ev.FiguresRead(at, figures)
            case ev.WriteVoid():
                return self._write(effect.void.id, lambda: self._void(effect))
            case ev.WriteShift():
                return self._write(effect.shift.id, lambda: self._shift(effect))

    # --- who it is --------------------------------------------------------------------------------

    def _check(self, number: str, pin: str, now: datetime) -> Make:
        """Judge number and PIN. A try counts before it is judged: pulling the plug saves none."""
        failures, last = self._failures(now)
        if failures >= TRIES:
            left = LOCKED - (now - last)
            minutes = max(1, -(-int(left.total_seconds()) // 60))
            return lambda at: ev.ClerkChecked(at, None, 0, minutes)
        self._count(failures + 1, now)
        clerk = self._store.clerk(number)
        if clerk is not None and pin_is_right(self._hasher, clerk.pin_hash, pin):
            self._count(0, now)
            found = _clerk(clerk)
            return lambda at: ev.ClerkChecked(at, found)
        tries = TRIES - failures - 1
        if tries == 0:
            self._store.note("clerk_locked", f"number {number}")
        minutes = LOCKED // timedelta(minutes=1)
        return lambda at: ev.ClerkChecked(at, None, tries, minutes)

    def _failures(self, now: datetime) -> tuple[int, datetime]:
        """Wrong tries in a row, and when the last one was. A clock set back prolongs no lock."""
        kept = json.loads(self._store.facts.get(_FACT, "[0, 0]"))
        count, last = int(kept[0]), datetime.fromtimestamp(float(kept[1]), now.tzinfo)
        if last > now:
            self._count(count, now)
            last = now
        return (count, last) if now - last < LOCKED else (0, last)

    def _count(self, failures: int, now: datetime) -> None:
        self._store.facts.put(_FACT, json.dumps([failures, now.timestamp()]))

    # --- writing ----------------------------------------------------------------------------------

    def _write(self, entry_id: UUID, commit: Callable[[], None]) -> Make:
        """Write an entry; whatever goes wrong, say for certain whether it is written."""
        try:
            commit()
        except VoidError:
            return lambda at: ev.DeskFailed(at, entry_id, NoticeCode.VOID_BEFORE)
        except ShiftError:
            return lambda at: ev.DeskFailed(at, entry_id, NoticeCode.SOLD_MEANWHILE)
        except Exception as error:  # noqa: BLE001 - the desk must learn whether it is written
            log.error("entry %s: %s", entry_id, error)  # noqa: TRY400 - a full disk needs no traceback
            if not self._store.journal.contains(entry_id):
                return lambda at: ev.DeskFailed(at, entry_id)
        return lambda at: ev.DeskWritten(at, entry_id)

    def _void(self, effect: ev.WriteVoid) -> None:
        terminal, policy = self._store.catalogue.terminal, self._store.catalogue.policy
        paper = None
        if self._prints and terminal is not None and policy is not None:
            paper = make_void_receipt(effect.void, effect.sold, effect.clerk.name, terminal, policy)
        self._store.sold.commit_void(effect.void, paper)

    def _shift(self, effect: ev.WriteShift) -> None:
        terminal, policy = self._store.catalogue.terminal, self._store.catalogue.policy
        paper = None
        if self._prints and terminal is not None and policy is not None:
            paper = make_shift_slip(effect.shift, effect.clerk.name, terminal, policy)
        self._store.sold.commit_shift(effect.shift, paper)


def _clerk(staff: TillStaff) -> Clerk:
    return Clerk(staff.id, staff.name)
