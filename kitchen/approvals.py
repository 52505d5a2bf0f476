"""Approvals (审批) by role and amount, and duties that nobody may join in one hand (不相容岗位).

A site's rules say up to which amount a role may approve which subject. What is asked for is one
row, decided once; whoever asked never decides it himself, whatever his roles.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import ColumnElement, Index, String, UniqueConstraint, and_, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import MAX_FEN, MAX_SUM, Fen, format_yuan
from kitchen import rows
from kitchen.rows import KeyedRow, SiteRow, Values


class ApprovalError(BadInputError):
    """Who tries may not decide this, or it was decided otherwise."""

    code = "approval_refused"


class IncompatibleDutiesError(BadInputError):
    """One person would hold two duties that keep watch over each other."""

    code = "incompatible_duties"


class State(StrEnum):
    """Of what was asked for."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ApprovalRule(SiteRow):
    """Up to which amount a role may approve a subject."""

    __tablename__ = "approval_rule"
    __table_args__ = (UniqueConstraint("site_id", "subject", "role"),)

    subject: Mapped[str] = mapped_column(String(40))
    role: Mapped[str] = mapped_column(String(40))
    up_to: Mapped[int | None]


class Approval(KeyedRow):
    """Something that waits for another person, or what he said."""

    __tablename__ = "approval"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index("ix_approval_inbox", "site_id", "state", "id"),
        Index("ix_approval_subject", "site_id", "subject", "subject_id"),
    )

    subject: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(String(200))
    amount: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default=State.ASKED.value)
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")


class RuleValues(Values):
    """What a site decides about who approves."""

    subject: Annotated[str, Field(min_length=1, max_length=40)]
    """Such as ``purchase_order``, ``stock_loss``."""
    role: Annotated[str, Field(min_length=1, max_length=40)]
    """A role of :mod:`server.access`."""
    up_to: Annotated[Fen, Field(ge=0, le=MAX_FEN)] | None = None
    """Fen, the amount itself included; none: whatever it costs."""


DEFAULT_LIMITS: Mapping[str, Fen | None] = {
    "manager": Fen(2_000_000),
    "admin": None,
}
"""Fen by role, for a subject that a site has no rules for.

Not the kitchen manager: he plans the menu, orders and cooks, and the hand that orders is not the
one that approves (不相容岗位).
"""


def who_may(rules: Iterable[RuleValues], subject: str, amount: int) -> frozenset[str]:
    """The roles that may approve an amount (fen) of a subject."""
    return frozenset(
        rule.role
        for rule in _rules_for(rules, subject)
        if rule.up_to is None or amount <= rule.up_to
    )


def _rules_for(rules: Iterable[RuleValues], subject: str) -> list[RuleValues]:
    own = [rule for rule in rules if rule.subject == subject]
    return own or [
        RuleValues(subject=subject, role=role, up_to=limit)
        for role, limit in DEFAULT_LIMITS.items()
    ]


# --- duties -------------------------------------------------------------------------------------


class Duty(StrEnum):
    """A step of a purchase that watches over another one."""

    ASK = "ask"
    APPROVE = "approve"
    BUY = "buy"
    RECEIVE = "receive"
    PAY = "pay"


Pair = frozenset[Duty]
INCOMPATIBLE: frozenset[Pair] = frozenset(
    frozenset(pair)
    for pair in (
        (Duty.ASK, Duty.APPROVE),
        (Duty.BUY, Duty.RECEIVE),
        (Duty.RECEIVE, Duty.PAY),
    )
)
"""Who asks never approves, who buys never receives, who receives never pays; a site adds pairs."""


@dataclass(frozen=True)
class Done:
    """A duty that somebody did for one thing."""

    duty: Duty
    by: str


def conflicts(
    done: Iterable[Done], by: str, duty: Duty, pairs: frozenset[Pair] = INCOMPATIBLE
) -> tuple[Done, ...]:
    """What a person did already that keeps him from a duty; nothing: he may do it.

    Logins are compared as people are: case and blanks around them do not make another person.
    """
    person = _person(by)
    return tuple(
        step
        for step in done
        if _person(step.by) == person and frozenset({step.duty, duty}) in pairs
    )


def require_compatible(
    done: Iterable[Done], by: str, duty: Duty, pairs: frozenset[Pair] = INCOMPATIBLE
) -> None:
    """Refuse a duty to one who did what it watches over.

    Raises:
        IncompatibleDutiesError: naming what he did.
    """
    found = conflicts(done, by, duty, pairs)
    if found:
        names = ", ".join(sorted({step.duty.value for step in found}))
        raise IncompatibleDutiesError(
            f"{by} did {names} here and cannot {duty.value} as well: another person does it"
        )


def _person(login: str) -> str:
    return login.strip().casefold()


# --- what is kept -------------------------------------------------------------------------------


def set_rule(session: Session, actor: Acting, values: RuleValues) -> None:
    """Decide up to which amount a role may approve a subject.

    The first rule of a subject takes the place of :data:`DEFAULT_LIMITS` for it.
    """
    row = session.scalar(
        select(ApprovalRule)
        .where(
            ApprovalRule.site_id == actor.site_id,
            ApprovalRule.subject == values.subject,
            ApprovalRule.role == values.role,
        )
        .with_for_update()
    )
    before = None if row is None else {"up_to": row.up_to}
    after = values.model_dump(mode="json")
    if row is None:
        session.add(ApprovalRule(id=new_id(), site_id=actor.site_id, **after))
        session.flush()
    elif row.up_to == values.up_to:
        return
    else:
        row.up_to = values.up_to
    actor.record(session, "approval.rule", f"{values.subject}/{values.role}", before, after)


def remove_rule(session: Session, actor: Acting, subject: str, role: str) -> None:
    """Take the right to approve a subject from a role; without one of them nothing changes."""
    row = session.scalar(
        select(ApprovalRule).where(
            ApprovalRule.site_id == actor.site_id,
            ApprovalRule.subject == subject,
            ApprovalRule.role == role,
        )
    )
    if row is not None:
        session.delete(row)
        actor.record(session, "approval.rule", f"{subject}/{role}", {"up_to": row.up_to}, None)


def rules_of(session: Session, site_id: UUID) -> list[RuleValues]:
    """The rules of a site."""
    query = select(ApprovalRule).where(ApprovalRule.site_id == site_id)
    return [
        RuleValues.model_validate({"subject": row.subject, "role": row.role, "up_to": row.up_to})
        for row in session.scalars(query.order_by(ApprovalRule.subject, ApprovalRule.role))
    ]


def ask(
    session: Session,
    actor: Acting,
    subject: str,
    subject_id: UUID,
    amount: int,
    title: str,
    *,
    key: str,
) -> Approval:
    """Ask for an approval; told again with the same key it is asked once.

    Args:
        session: Writing.
        actor: Who asks, and never decides.
        subject: Such as ``purchase_order``.
        subject_id: Its row.
        amount: Fen.
        title: What the inbox shows.
        key: Of this asking.

    Raises:
        BadInputError: the amount is negative or absurd, or no role of the site may approve it.
        KeyReusedError: the key asked for something else.
    """
    if not 0 <= amount <= MAX_SUM:
        raise BadInputError(f"an amount of {amount} fen cannot be approved")
    if not who_may(rules_of(session, actor.site_id), subject, amount):
        raise ApprovalError(
            f"no role may approve {format_yuan(Fen(amount))} yuan of {subject}: add a rule first"
        )
    row = Approval(
        id=new_id(), site_id=actor.site_id, key=key, subject=subject, subject_id=subject_id,
        title=title[:200], amount=amount, state=State.ASKED.value,
        asked_by=actor.name, asked_at=actor.at,
    )  # fmt: skip
    row, new = rows.insert_once(session, row, ("subject", "subject_id", "amount", "asked_by"))
    if new:
        after = {"subject": subject, "subject_id": str(subject_id), "amount": amount}
        actor.record(session, "approval.ask", str(row.id), None, after)
    return row


def decide(
    session: Session,
    actor: Acting,
    roles: Collection[str],
    approval_id: UUID,
    *,
    approve: bool,
    reason: str = "",
) -> Approval:
    """Approve or refuse; the same said again by the same person changes nothing.

    What has steps of its own is decided where it lives, which calls this: a purchase order by
    :func:`kitchen.purchasing.decide`.

    Args:
        session: Writing.
        actor: Who decides.
        roles: That he has at the site.
        approval_id: What he decides.
        approve: Or refuse, which needs a reason.
        reason: His words.

    Raises:
        UnknownRowError: not one of this site.
        IncompatibleDutiesError: he asked for it himself.
        ApprovalError: none of his roles may approve the amount, or it was decided otherwise.
        BadInputError: a refusal without a reason.
    """
    row = rows.get(session, Approval, actor.site_id, approval_id, "approval", lock=True)
    said = reason.strip()[:200] if approve else rows.say(reason, "why it is refused")
    state = State.APPROVED if approve else State.REFUSED
    require_compatible([Done(Duty.ASK, row.asked_by)], actor.name, Duty.APPROVE)
    allowed = who_may(rules_of(session, actor.site_id), row.subject, row.amount)
    if not allowed & set(roles):
        needed = ", ".join(sorted(allowed)) or "nobody"
        raise ApprovalError(
            f"{format_yuan(Fen(row.amount))} yuan are above what you may approve: {needed} may"
        )
    if row.state != State.ASKED:
        if row.state == state and row.decided_by == actor.name:
            return row
        raise ApprovalError(f"this is {row.state} already", code="already_decided")
    _close(session, actor, row, state, said)
    return row


def withdraw(session: Session, actor: Acting, subject: str, subject_id: UUID) -> None:
    """Take back what is still asked for a thing."""
    query = select(Approval).where(
        Approval.site_id == actor.site_id,
        Approval.subject == subject,
        Approval.subject_id == subject_id,
        Approval.state == State.ASKED.value,
    )
    for row in session.scalars(query.order_by(Approval.id).with_for_update()):
        _close(session, actor, row, State.WITHDRAWN, "")


def find(session: Session, site_id: UUID, approval_id: UUID | None) -> Approval | None:
    """What was asked for and what was said; none where nobody asked."""
    if approval_id is None:
        return None
    return rows.get(session, Approval, site_id, approval_id, "approval")


def _close(session: Session, actor: Acting, row: Approval, state: State, reason: str) -> None:
    row.state, row.reason = state.value, reason
    row.decided_by, row.decided_at = actor.name, actor.at
    after = {"state": state.value, "reason": reason}
    actor.record(session, "approval.decide", str(row.id), {"state": State.ASKED.value}, after)


def open_to(
    session: Session, site_id: UUID, by: str, roles: Collection[str]
) -> ColumnElement[bool]:
    """Which rows of :class:`Approval` this person may decide now, as SQL."""
    return and_(
        Approval.site_id == site_id,
        Approval.state == State.ASKED.value,
        Approval.asked_by != by,
        _within_limits(rules_of(session, site_id), roles),
    )


def _within_limits(rules: Sequence[RuleValues], roles: Collection[str]) -> ColumnElement[bool]:
    """As :func:`who_may`, for the database: own rules by subject, the defaults for all others."""
    subjects = {rule.subject for rule in rules}
    cases = [
        and_(Approval.subject == rule.subject, _limit(rule.up_to))
        for rule in rules
        if rule.role in roles
    ]
    cases += [
        and_(Approval.subject.not_in(subjects), _limit(limit))
        for role, limit in DEFAULT_LIMITS.items()
        if role in roles
    ]
    return or_(Approval.id.is_(None), *cases)


def _limit(up_to: int | None) -> ColumnElement[bool]:
    return Approval.amount <= (MAX_SUM if up_to is None else up_to)
