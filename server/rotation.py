"""Rotation of the site key: a new epoch for every till, and the end of the old ones.

Every step can be repeated: after a crash at any point ``dafan keys rotate`` goes on. An old key is
destroyed when nothing and nobody needs it: only then are the backups unreadable that hold what it
sealed (``docs/keys.md``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from dafan import crypto
from dafan.db import reading, writing
from dafan.desk import SiteKey
from dafan.errors import BadInputError
from server import audit, feed, keys, resealing, sites, terminals
from server.feed import FeedRow
from server.keys import KeyEpoch, KeyRing
from server.terminals import Terminal

KIND = "site_key"


class KeyNeededError(BadInputError):
    """An old key cannot be destroyed yet."""

    code = "key_needed"


@dataclass(frozen=True, slots=True)
class Holder:
    """A terminal in use, and the newest site key that it is known to have."""

    terminal: Terminal
    epoch: int
    given: int
    """The newest that was given to it; it has it when it pulls the next time."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch as people see it."""

    number: int
    fingerprint: str
    made_at: datetime | None
    made_by: str
    retired_at: datetime | None
    destroyed_at: datetime | None
    here: bool
    """Its file is in the ring."""
    sealed: dict[str, int] = field(default_factory=dict)
    """Kind of thing → how many it seals."""


# --- a new key ----------------------------------------------------------------------------------


def advance(engine: Engine, ring: KeyRing, *, by: str, now: datetime) -> int | None:
    """Make the next epoch; from the commit on everything new is sealed with it.

    Returns:
        Its number; ``None`` where the last rotation is not finished: go on with that one.
    """
    with writing(engine) as session:
        state = keys.hold(session, alone=True)
        if unfinished(session, state.epoch):
            return None
        old, new = ring.key(state.epoch), ring.make(state.epoch + 1)
        if session.get(KeyEpoch, old.epoch) is None:
            session.add(KeyEpoch(epoch=old.epoch, fingerprint=old.fingerprint, made_by=""))
        session.add(
            KeyEpoch(epoch=new.epoch, fingerprint=new.fingerprint, made_at=now, made_by=by[:80])
        )
        state.epoch = new.epoch
        for site in sites.all_sites(session):
            audit.record(
                session, by, "key.rotate", str(new.epoch), {"fingerprint": old.fingerprint},
                {"fingerprint": new.fingerprint}, site_id=site.id, at=now,
            )  # fmt: skip
        return new.epoch


def unfinished(session: Session, epoch: int) -> bool:
    """Whether anything is still sealed by an older key, or a terminal in use was not given this."""
    if any(number != epoch for number in resealing.counts(session)):
        return True
    query = select(Terminal.id).where(Terminal.revoked_at.is_(None), Terminal.key_epoch != epoch)
    return session.scalar(query.limit(1)) is not None


def give(engine: Engine, ring: KeyRing) -> int:
    """Seal the newest key for each terminal in use that has it not, and publish it.

    Returns:
        To how many terminals.
    """
    with reading(engine) as session:
        site_ids = [site.id for site in sites.all_sites(session)]
    return sum(_give(engine, ring, site_id) for site_id in site_ids)


def _give(engine: Engine, ring: KeyRing, site_id: UUID) -> int:
    with writing(engine) as session:
        key = keys.sealing(session, ring)
        query = (
            select(Terminal)
            .where(Terminal.site_id == site_id, Terminal.revoked_at.is_(None))
            .where(Terminal.key_epoch != key.epoch)
            .order_by(Terminal.id)
            .with_for_update()
        )
        waiting = session.scalars(query).all()
        for terminal in waiting:
            terminal.key_epoch = key.epoch
            sealed = crypto.seal_to(terminal.box_key, key.secret, "site key")
            body = SiteKey(epoch=key.epoch, sealed=sealed)
            feed.publish(session, site_id, KIND, str(terminal.id), body)
        return len(waiting)


# --- who has what -------------------------------------------------------------------------------


def holders(session: Session, site_id: UUID) -> list[Holder]:
    """The site's terminals in use, and the newest key that each is known to have."""
    last = feed.latest(session, site_id)
    query = select(FeedRow.key, FeedRow.version, FeedRow.body).where(
        FeedRow.site_id == site_id, FeedRow.kind == KIND
    )
    published = {key: (version, body) for key, version, body in session.execute(query)}
    return [
        Holder(one, _known_epoch(one, last, published.get(str(one.id))), one.key_epoch)
        for one in terminals.active(session, site_id)
    ]


def _known_epoch(
    terminal: Terminal, last: int, item: tuple[int, dict[str, Any] | None] | None
) -> int:
    """Given at enrolment, it has the key; given through the feed, when it has pulled the item."""
    version, body = item or (0, None)
    if body is None:
        return terminal.key_epoch
    pulled = pulled_version(terminal, last)
    if body["epoch"] < terminal.key_epoch or pulled >= version:
        return terminal.key_epoch
    return max(terminal.key_epoch - 1, keys.FIRST)


def pulled_version(terminal: Terminal, last: int) -> int:
    """How far the terminal has come; one that is ahead of a restored server has nothing."""
    return terminal.feed_version if terminal.feed_version <= last else 0


def epochs(session: Session, ring: KeyRing, site_id: UUID | None = None) -> list[Epoch]:
    """Every epoch that there ever was, the newest first, with what it seals."""
    rows = {row.epoch: row for row in session.scalars(select(KeyEpoch))}
    here, sealed = set(ring.epochs()), resealing.counts(session, site_id)
    numbers = {keys.current(session), *rows, *sealed} | here
    found = []
    for number in sorted(numbers, reverse=True):
        row = rows.get(number)
        fingerprint = row.fingerprint if row else ""
        if number in here and not fingerprint:
            fingerprint = ring.key(number).fingerprint
        found.append(
            Epoch(
                number, fingerprint, row.made_at if row else None, row.made_by if row else "",
                row.retired_at if row else None, row.destroyed_at if row else None,
                number in here, sealed.get(number, {}),
            )
        )  # fmt: skip
    return found


# --- the end of old keys ------------------------------------------------------------------------


def retire(engine: Engine, ring: KeyRing, *, by: str, now: datetime) -> list[KeyEpoch]:
    """Destroy every key older than the newest.

    Pictures of payments that tills keep under an old key hold nothing up: a till seals one anew
    with its newest key before it sends it.

    Args:
        engine: The database.
        ring: Where the files are.
        by: For the audit log.
        now: Aware UTC.

    Returns:
        What is destroyed now.

    Raises:
        KeyNeededError: something or somebody still needs one; the text names all of it.
    """
    with writing(engine) as session:
        newest = keys.hold(session, alone=True).epoch
        query = select(KeyEpoch).where(KeyEpoch.epoch < newest, KeyEpoch.destroyed_at.is_(None))
        old = session.scalars(query.order_by(KeyEpoch.epoch)).all()
        wanted = [row for row in old if row.retired_at is None]
        reasons = _reasons(session, newest) if wanted else []
        if reasons:
            raise KeyNeededError("not yet: " + "; ".join(reasons))
        for row in wanted:
            row.retired_at, row.retired_by = now, by[:80]
            for site in sites.all_sites(session):
                audit.record(
                    session, by, "key.retire", str(row.epoch), {"fingerprint": row.fingerprint},
                    site_id=site.id, at=now,
                )  # fmt: skip
    for row in old:
        ring.destroy(row.epoch)
    with writing(engine) as session:
        for row in old:
            session.get_one(KeyEpoch, row.epoch).destroyed_at = now
    return list(old)


def _reasons(session: Session, newest: int) -> Sequence[str]:
    reasons = [
        f"epoch {epoch} still seals {number} of kind {kind}: run `dafan keys rotate` again"
        for epoch, kinds in sorted(resealing.counts(session).items())
        for kind, number in kinds.items()
        if epoch != newest
    ]
    for site in sites.all_sites(session):
        reasons += _waiting_terminals(session, site.id, newest)
    return reasons


def _waiting_terminals(session: Session, site_id: UUID, newest: int) -> list[str]:
    """Terminals in use that may still hold something sealed by an older key."""
    last = feed.latest(session, site_id)
    needed = session.scalar(
        select(func.max(FeedRow.version)).where(
            FeedRow.site_id == site_id, FeedRow.kind == "template"
        )
    )
    return [
        f"{one.terminal.name} has not pulled the new key and all templates yet: "
        "let it sync, or revoke it"
        for one in holders(session, site_id)
        if one.epoch != newest or pulled_version(one.terminal, last) < (needed or 0)
    ]
