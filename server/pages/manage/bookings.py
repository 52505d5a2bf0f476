"""订餐: who comes to which meal, overtime meals that wait for a word, and what is offered."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import limits
from server import bookings, people, sites
from server.access import needs
from server.booking_rules import OVERTIME, BookingRules
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 100
DAYS = 7
MISSED_SINCE = timedelta(days=30)
_NUMBERS = ("ahead_days", "most_covers")


@manage.get("/bookings")
@needs("plan_meals")
def bookings_list() -> str:
    """The next days as a table of meals, and who booked on the chosen one."""
    now = services().clock.now()
    today = site_view.current().today(now)
    days = [today + timedelta(days=step) for step in range(DAYS)]
    chosen = next((day for day in days if day.isoformat() == request.args.get("day")), today)
    with reading() as session:
        rows = bookings.page(
            session, site_id(), chosen, after=as_uuid(request.args.get("after")), limit=PAGE
        )
        asked = bookings.waiting(session, site_id(), now)
        known = {row.diner_id for row in (*rows, *asked)}
        return render_template(
            "manage/bookings.html",
            days=days,
            chosen=chosen,
            counts=bookings.counts(session, site_id(), days[0], days[-1]),
            periods=_periods(),
            rows=rows,
            asked=asked,
            missed=bookings.missed(session, [row.id for row in rows], now),
            missed_by=bookings.missed_by(session, site_id(), known, today - MISSED_SINCE, now),
            diners=people.get_diners(session, site_id(), known),
            venues={one.id: one.name for one in sites.venues(session, site_id())},
            following=next_page(len(rows), PAGE, after=str(rows[-1].id) if rows else ""),
        )


@manage.post("/bookings/<uuid:booking_id>/<any(approve,refuse):verdict>")
@needs("plan_meals")
def booking_judge(booking_id: UUID, verdict: str) -> AnyResponse:
    """Say yes or no to an overtime meal; the diner reads it on his phone."""
    approve = verdict == "approve"
    change(
        lambda session: bookings.judge(session, actor(), booking_id, approve=approve),
        _("已批准") if approve else _("已拒绝"),
    )
    return redirect(url_for("manage.bookings_list"))


@manage.get("/bookings/rules")
@needs("plan_meals")
def booking_rules() -> str:
    """What is offered, and until when."""
    with reading() as session:
        return render_template(
            "manage/booking_rules.html",
            active="manage.bookings_list",
            rules=limits.of(session, site_id(), BookingRules),
            periods=_periods(),
            venues=sites.venues(session, site_id()),
            OVERTIME=OVERTIME,
        )


@manage.post("/bookings/rules")
@needs("plan_meals")
def booking_rules_save() -> AnyResponse:
    """Keep them, from now on; what is booked stays as it was shown."""
    change(_save, _("已保存，手机上随即照它"))
    return redirect(url_for("manage.booking_rules"))


def _save(session: Session) -> None:
    given = request.form
    codes = [*_periods(), OVERTIME]
    cut_offs = {code: _hours(given.get(f"cut_off_{code}", "")) for code in codes}
    there = {str(one.id) for one in sites.venues(session, site_id())}
    chosen = [one for one in given.getlist("venue") if one in there]
    decided: dict[str, object] = {
        "offered": "offered" in given,
        "closed": [code for code in _periods() if f"open_{code}" not in given],
        "cut_offs": cut_offs,
        "venues": [] if len(chosen) == len(there) else chosen,
        "overtime": "overtime" in given,
        "overtime_approved": "overtime_approved" in given,
        "overtime_at": _minute(given.get("overtime_at", "")),
        **{name: _whole(given.get(name, "")) for name in _NUMBERS},
    }
    if not chosen:
        raise BadInputError(_("请至少选择一个可以订餐的场所"))
    limits.decide(session, actor(), BookingRules, decided)


def _periods() -> Mapping[str, str]:
    """Code → name, in the order of the day."""
    return {one.code: one.name for one in site_view.current().policy.periods}


def _hours(text: str) -> int:
    """Hours with at most one half, as minutes."""
    whole, _dot, part = text.strip().replace(",", ".").partition(".")
    if not whole.isdecimal() or len(whole) > 3 or part not in {"", "0", "5"}:
        raise BadInputError(_("截止时间请写开餐前几小时，例如 2 或 2.5"))
    return int(whole) * 60 + (30 if part == "5" else 0)


def _minute(text: str) -> int:
    hour, _colon, minute = text.partition(":")
    if not (hour.isdecimal() and minute.isdecimal() and int(hour) < 24 and int(minute) < 60):
        raise BadInputError(_("加班餐几点开餐请写成 20:00 这样"))
    return int(hour) * 60 + int(minute)


def _whole(text: str) -> int:
    if not text.isdecimal() or len(text) > 3:
        raise BadInputError(_("天数和份数请写整数"))
    return int(text)
