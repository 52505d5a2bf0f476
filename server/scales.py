"""Scales (秤) of tills and of the weigh line: written down, verified, checked, told to terminals.

The rules are in :mod:`server.scale_rules`, the rows in :mod:`server.scale_book`.
"""

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.line import MAX_STATIONS
from dafan.meals import trading_day
from dafan.metrology import TILL, ScaleRules
from dafan.records import Policy
from dafan.units import Grams
from kitchen import limits, rows, supervision
from server import feed, scale_book, scale_rules, sites, terminals
from server.actor import Actor
from server.scale_book import Scale, ScaleCheck, ScaleValues, Verification, VerificationValues
from server.scale_rules import Fault, ScaleLimits, Standing, Watch

RULES = "scale_rules"
"""Kind and key of what a site asks of all its scales."""
CHECKED = "scales.day"
"""The act of the kitchen's list that is done when no scale waits for its check of the day."""


class BadScaleError(BadInputError):
    """What was said of a scale does not fit together."""

    code = "bad_scale"


class BadVerificationError(BadInputError):
    """What was said of a verification does not fit together."""

    code = "bad_verification"


def create(
    session: Session, actor: Actor, terminal_id: UUID, station: int, values: ScaleValues
) -> Scale:
    """Write down the scale of a till (station 0) or of a station; one taken away comes back.

    Raises:
        UnknownTerminalError: not a terminal of this site.
        BadScaleError: no such station, or its scale is written down already.
    """
    terminals.get(session, actor.site_id, terminal_id)
    if not TILL <= station <= MAX_STATIONS:
        raise BadScaleError(
            f"a box has stations 1 to {MAX_STATIONS}; 0 is a till's own scale", code="bad_station"
        )
    query = select(Scale).where(Scale.terminal_id == terminal_id, Scale.station == station)
    row = session.scalar(query.with_for_update())
    if row is not None and row.active:
        raise BadScaleError(
            "its scale is written down already: change that one", code="scale_taken"
        )
    if row is None:
        row = Scale(
            id=new_id(), site_id=actor.site_id, terminal_id=terminal_id, station=station,
            certificate="", fault="", active=True, changed_by=actor.name, changed_at=actor.at,
            **values.model_dump(),
        )  # fmt: skip
        session.add(row)
        rows.flush(session, "its scale is written down already: change that one")
    else:
        row.active = True
        _take(row, values)
    asked = limits.of(session, actor.site_id, ScaleLimits)
    if asked.check_daily:
        row.check_due = scale_rules.check_ends(sites.policy(session, actor.site_id), actor.at)
    told = {"terminal": str(terminal_id), "station": station, **values.model_dump()}
    return _done(session, actor, row, "scale.create", None, told)


def update(session: Session, actor: Actor, scale_id: UUID, values: ScaleValues) -> Scale:
    """Change what stands on the plate; another serial number is another scale, not yet verified.

    A fault stays: only a verification heals what was found wrong here.

    Raises:
        UnknownRowError: not one of this site.
    """
    row = scale_book.get(session, actor.site_id, scale_id, lock=True)
    before = rows.values_of(ScaleValues, row)
    if before == values:
        return row
    _take(row, values)
    return _done(
        session, actor, row, "scale.update", before.model_dump(), values.model_dump()
    )  # fmt: skip


def take_away(session: Session, actor: Actor, scale_id: UUID, reason: str) -> Scale:
    """Write that a scale stands there no more; its history stays.

    Raises:
        UnknownRowError: not one of this site.
        BadScaleError: it may not bill, and its till weighs: else it would bill without a record.
        BadInputError: no reason is given.
    """
    row = scale_book.get(session, actor.site_id, scale_id, lock=True)
    said = rows.say(reason, "why it is taken away")
    place = terminals.get(session, row.site_id, row.terminal_id)
    weighs = row.station != TILL or place.weigh_dish_id is not None
    if weighs and stands(session, row, actor.at).barred:
        raise BadScaleError(
            "it may not bill: have it verified, or let its till weigh no more",
            code="scale_barred",
        )
    row.active = False
    return _done(session, actor, row, "scale.take_away", {"active": True}, {"reason": said})


def verify(
    session: Session, actor: Actor, key: str, scale_id: UUID, values: VerificationValues,
    photo: str = "",
) -> Verification:  # fmt: skip
    """Keep what an inspector found; the newest verification counts, an older one is history.

    Args:
        session: Writes.
        actor: Who enters it.
        key: The same key is the same verification.
        scale_id: Of this site.
        values: What the certificate says.
        photo: Of the certificate, as :mod:`kitchen.pictures` calls it; may be empty.

    Raises:
        UnknownRowError: not one of this site.
        BadVerificationError: it happened in the future.
        KeyReusedError: something different was sent under this key.
    """
    row = scale_book.get(session, actor.site_id, scale_id, lock=True)
    if values.verified_on > scale_rules.site_date(sites.policy(session, actor.site_id), actor.at):
        raise BadVerificationError("it was verified today or before: look at the date again")
    made = Verification(
        id=new_id(), site_id=actor.site_id, key=key, scale_id=row.id, serial=row.serial,
        photo=photo, at=actor.at, by=actor.name, **values.model_dump(),
    )  # fmt: skip
    same = ("scale_id", "certificate", "verified_on", "photo")
    made, fresh = rows.insert_once(session, made, same)
    if not fresh or (row.verified_on is not None and values.verified_on < row.verified_on):
        return made
    before = _standing_facts(row)
    row.verified_on = values.verified_on
    row.fault = Fault.NONE.value if values.passed else Fault.INSPECTOR.value
    if values.passed:
        row.certificate, row.verified_until = values.certificate, values.verified_until
    _done(session, actor, row, "scale.verify", before, _standing_facts(row))
    return made


def add_photo(
    session: Session, actor: Actor, scale_id: UUID, verification_id: UUID, photo: str
) -> Verification:
    """Give a verification the photograph of its certificate, which often comes weeks later.

    Once: what an inspector may have seen is not exchanged for something else.

    Args:
        session: Writes.
        actor: Who adds it.
        scale_id: Of this site.
        verification_id: Of this scale.
        photo: As :mod:`kitchen.pictures` calls it.

    Raises:
        UnknownRowError: not a scale of this site.
        BadVerificationError: it has another photograph already.
        BadInputError: no such verification of this scale.
    """
    row = scale_book.get(session, actor.site_id, scale_id, lock=True)
    paper = scale_book.verification(session, row, verification_id, lock=True)
    if paper.photo == photo:
        return paper
    if paper.photo:
        raise BadVerificationError(
            "it has its photograph: enter the verification again with the right one",
            code="has_photo",
        )
    paper.photo = photo
    told = {"verification": str(paper.id), "certificate": paper.certificate, "photo": photo}
    actor.record(session, "scale.photo", str(row.id), None, told)
    return paper


def check(
    session: Session, actor: Actor, key: str, scale_id: UUID, nominal: Grams, shown: Grams,
    *, heal: str = "", may_heal: bool = False,
) -> ScaleCheck:  # fmt: skip
    """Keep what a scale shows of a test weight; a wrong one bars it at once.

    A check that passes does not heal a scale that failed one before, unless somebody in charge
    says why; what an inspector found wrong only an inspector heals.

    Args:
        session: Writes.
        actor: Who checks.
        key: The same key is the same check.
        scale_id: Of this site.
        nominal: What the test weight is.
        shown: What the scale shows.
        heal: Why a scale that failed may bill again.
        may_heal: He is in charge.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: the weight is below the scale's minimum or above its maximum.
        KeyReusedError: something different was sent under this key.
    """
    row = scale_book.get(session, actor.site_id, scale_id, lock=True)
    if not scale_rules.can_try(nominal, row.e_grams, row.max_grams) or abs(shown) > 2 * nominal:
        raise BadInputError(
            f"take a test weight from {row.record.minimum} g to {row.max_grams} g, "
            "and write what the scale shows of it",
            code="bad_test_weight",
        )
    passed = scale_rules.shows_right(nominal, shown, row.e_grams)
    heals = passed and may_heal and bool(heal.strip()) and row.fault == Fault.CHECK
    made = ScaleCheck(
        id=new_id(), site_id=actor.site_id, key=key, scale_id=row.id, serial=row.serial,
        nominal_grams=nominal, shown_grams=shown, passed=passed,
        reason=rows.say(heal, "why it may bill again") if heals else "",
        at=actor.at, by=actor.name,
    )  # fmt: skip
    made, fresh = rows.insert_once(session, made, ("scale_id", "nominal_grams", "shown_grams"))
    if not fresh:
        return made
    before = _standing_facts(row)
    if not passed:
        row.fault = row.fault or Fault.CHECK.value
    elif heals:
        row.fault = Fault.NONE.value
    if passed and limits.of(session, actor.site_id, ScaleLimits).check_daily:
        row.check_due = scale_rules.check_ends(sites.policy(session, actor.site_id), actor.at)
    told = {"nominal": nominal, "shown": shown, "passed": passed, "reason": made.reason}
    now = _standing_facts(row)
    if now != before:
        _sign(actor, row)
    _close_act(session, actor, made)
    _tell(session, actor, row, "scale.check", before, now | told)
    return made


def catch_up(session: Session, actor: Actor, day: date) -> None:
    """Close the act of the day where its last two scales were checked at once.

    Neither check saw the other. On a day without a check nothing is closed.
    """
    query = select(ScaleCheck).where(ScaleCheck.site_id == actor.site_id)
    last = session.scalar(query.order_by(ScaleCheck.at.desc(), ScaleCheck.id.desc()).limit(1))
    if last is not None and trading_day(sites.policy(session, actor.site_id), last.at) == day:
        _close_act(session, actor, last)


def _close_act(session: Session, actor: Actor, made: ScaleCheck) -> None:
    """Close the act of the day's checks, where no scale waits for its own any more."""
    policy = sites.policy(session, actor.site_id)
    if not wants_check(session, actor.site_id, policy, actor.at):
        day, ref = trading_day(policy, made.at), str(made.id)
        supervision.fulfil(session, actor, CHECKED, ref, day=day, early=True, when=made.at)


def wants_check(session: Session, site_id: UUID, policy: Policy, now: datetime) -> bool:
    """Whether a scale may not bill before it was checked today; nothing else is wrong with it."""
    return Standing.CHECK_DUE in watch(session, site_id, policy, now).counts


def decide(session: Session, actor: Actor, decided: ScaleLimits) -> None:
    """Let a site ask something else of its scales; tills follow at once.

    Where a check is asked for from now on, every scale has the rest of the day: no till stops in
    the middle of a meal.
    """
    usual = limits.shown(ScaleLimits())
    own = {name: value for name, value in limits.shown(decided).items() if value != usual[name]}
    limits.decide(session, actor, ScaleLimits, own)
    wire = ScaleRules(required=decided.required, small_free=decided.small_free)
    ends = scale_rules.check_ends(sites.policy(session, actor.site_id), actor.at)
    query = select(Scale).where(Scale.site_id == actor.site_id, Scale.active.is_(True))
    found = session.scalars(query.order_by(Scale.id).with_for_update()).all()
    for row in found:
        row.check_due = (row.check_due or ends) if decided.check_daily else None
    session.flush()
    feed.publish(session, actor.site_id, RULES, RULES, wire)
    feed.publish_all(session, actor.site_id, "scale", {_key(row): row.record for row in found})


def stands(session: Session, row: Scale, now: datetime) -> Standing:
    """How a scale stands now."""
    day = scale_rules.site_date(sites.policy(session, row.site_id), now)
    asked = limits.of(session, row.site_id, ScaleLimits)
    return scale_rules.standing(row.record, row.station, asked, day, now)


def watch(session: Session, site_id: UUID, policy: Policy, now: datetime) -> Watch:
    """How many scales want a hand now, and since when."""
    asked, day = limits.of(session, site_id, ScaleLimits), scale_rules.site_date(policy, now)
    begun = scale_rules.check_ends(policy, now - timedelta(days=1))
    found = [
        (scale_rules.standing(None, station, asked, day, now), begun)
        for _, station in scale_book.without(session, site_id)
    ]
    for row in scale_book.in_use(session, site_id):
        stands = scale_rules.standing(row.record, row.station, asked, day, now)
        since = scale_rules.since(stands, row.record, row.changed_at, asked, policy)
        found.append((stands, since))
    return scale_rules.watch(found)


def _take(row: Scale, values: ScaleValues) -> None:
    if (row.model, row.serial) != (values.model, values.serial):
        row.certificate, row.verified_on, row.verified_until = "", None, None
    for name, value in values.model_dump().items():
        setattr(row, name, value)


def _standing_facts(row: Scale) -> dict[str, object]:
    until = row.verified_until.isoformat() if row.verified_until else None
    return {"certificate": row.certificate, "until": until, "fault": row.fault}


def _key(row: Scale) -> str:
    return f"{row.terminal_id}:{row.station}"


def _done(
    session: Session, actor: Actor, row: Scale, action: str, before: object, after: object
) -> Scale:
    _sign(actor, row)
    _tell(session, actor, row, action, before, after)
    return row


def _sign(actor: Actor, row: Scale) -> None:
    row.changed_by, row.changed_at = actor.name, actor.at


def _tell(
    session: Session, actor: Actor, row: Scale, action: str, before: object, after: object
) -> None:
    """Write a scale, tell the audit log and the terminals."""
    session.flush()
    actor.record(session, action, str(row.id), before, after)
    body = row.record if row.active else None
    feed.publish(session, actor.site_id, "scale", _key(row), body)
