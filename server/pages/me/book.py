"""订餐: the meals of the next days, overtime meals, and what can be ordered for a pick-up."""

from datetime import date, timedelta
from uuid import UUID

import zxingcpp
from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from kitchen import limits
from kitchen.meals import Meal
from server import bookings, phone_menu, preorder_rounds, preorders
from server.access import diner
from server.booking_rules import OVERTIME, BookingRules, slot_of, slots
from server.bookings import BookingError
from server.pages import site_view
from server.pages.me.blueprint import actor, me, who
from server.pages.shared import as_uuid, change, next_page, reading, svg
from server.preorder_rounds import UnknownPreorderError
from server.preorders import Order
from server.services import services

SHOWN_BACK = timedelta(days=30)
"""So long a meal to which one did not come is shown."""
PAGE = 20


@me.get("/book")
@diner
def book() -> str:
    """One day's meals, and everything that is booked and ordered."""
    mine, view, now = who(), site_view.current(), services().clock.now()
    today = view.today(now)
    with reading() as session:
        rules = limits.of(session, mine.site_id, BookingRules)
        coming = slots(rules, view.policy, now) if rules.offered else []
        days = sorted({one.day for one in coming})
        chosen = _asked(days)
        there = bookings.venues(session, mine.site_id, rules)
        venue = next((one for one in there if str(one.id) == request.args.get("venue")), None)
        rows = bookings.of_diner(session, mine.site_id, mine.diner_id, today - SHOWN_BACK)
        missed = bookings.missed(session, [row.id for row in rows], now)
        at = venue or next(iter(there), None)
        orders = preorders.of_diner(session, mine.site_id, mine.diner_id, limit=PAGE)
        waiting = [one for one in orders if one.row.state == "ordered" and not one.missed(now)]
        return render_template(
            "me/book.html",
            tab="book",
            rules=rules,
            days=days,
            chosen=chosen,
            today=today,
            now=now,
            meals=[one for one in coming if one.day == chosen],
            overtime=_overtime(rules, chosen or today),
            OVERTIME=OVERTIME,
            had={(row.business_date, row.period): row for row in rows},
            coming=[row for row in rows if row.ends_at > now],
            missed=[row for row in rows if row.id in missed],
            venues=there,
            venue=at,
            venue_names={one.id: one.name for one in there},
            dishes=_dishes(session, chosen, at.id if at else None),
            rounds=preorder_rounds.open_rounds(session, mine.site_id, now),
            orders=waiting,
        )


@me.post("/book")
@diner
def book_meal() -> AnyResponse:
    """Book a meal, or change how many come."""
    given = request.form
    reason = given.get("reason", "")

    def work(session: Session) -> None:
        covers = given.get("covers", "1")
        count = int(covers) if covers.isdecimal() and len(covers) < 3 else 0
        bookings.book(session, actor(), who().diner_id, _meal(), count, reason)

    change(work, _("已订餐"))
    return _back()


@me.post("/book/<uuid:booking_id>/cancel")
@diner
def book_cancel(booking_id: UUID) -> AnyResponse:
    """Take a booking back."""
    change(lambda s: bookings.cancel(s, actor(), who().diner_id, booking_id), _("已取消"))
    return _back()


@me.get("/orders")
@diner
def preorder_list() -> str:
    """All that one ordered before."""
    mine = who()
    with reading() as session:
        rows = preorders.of_diner(
            session, mine.site_id, mine.diner_id, limit=PAGE,
            before=as_uuid(request.args.get("before")),
        )  # fmt: skip
        return render_template(
            "me/preorders.html",
            tab="book",
            orders=rows,
            now=services().clock.now(),
            following=next_page(len(rows), PAGE, before=str(rows[-1].row.id) if rows else ""),
        )


@me.get("/order/<uuid:round_id>")
@diner
def preorder_round(round_id: UUID) -> str:
    """The dishes of a round, and how many of each."""
    mine, now = who(), services().clock.now()
    with reading() as session:
        try:
            row = preorder_rounds.get_round(session, mine.site_id, round_id)
        except UnknownPreorderError:
            abort(404)
        items = preorder_rounds.items_of(session, [row.id])[row.id]
        return render_template(
            "me/preorder_round.html",
            tab="book",
            row=row,
            items=items,
            had=preorders.had(session, row.id, mine.diner_id),
            dishes=preorders.dishes(session, [one.dish_id for one in items]),
            open=row.open_at(now),
        )


@me.post("/order/<uuid:round_id>")
@diner
def preorder_make(round_id: UUID) -> AnyResponse:
    """Order; the same form twice orders once."""
    key = as_uuid(request.form.get("key"))
    if key is None:
        abort(400)
    wanted = {
        item: int(count)
        for name, count in request.form.items()
        if (item := as_uuid(name)) and count.isdecimal() and len(count) < 4
    }
    done = change(
        lambda s: preorders.order(s, actor(), who().diner_id, round_id, key, wanted),
        _("已预订，取餐时出示取餐码"),
    )
    if done:
        return redirect(url_for("me.preorder", order_id=key))
    return redirect(url_for("me.preorder_round", round_id=round_id))


@me.get("/orders/<uuid:order_id>")
@diner
def preorder(order_id: UUID) -> str:
    """The code that is shown at the pick-up."""
    with reading() as session:
        return render_template(
            "me/preorder.html", tab="book", order=_own(session, order_id),
            now=services().clock.now(),
        )  # fmt: skip


@me.get("/orders/<uuid:order_id>.svg")
@diner
def preorder_svg(order_id: UUID) -> Response:
    """The code as a picture, for the scanner."""
    with reading() as session:
        text = preorders.qr_text(_own(session, order_id).row)
    return svg(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_svg())


@me.post("/orders/<uuid:order_id>/cancel")
@diner
def preorder_cancel(order_id: UUID) -> AnyResponse:
    """Take an order back; its portions are free for others."""
    change(lambda s: preorders.cancel(s, actor(), who().diner_id, order_id), _("已取消"))
    return redirect(url_for("me.preorder", order_id=order_id))


def _own(session: Session, order_id: UUID) -> Order:
    try:
        return preorders.of_one(session, who().site_id, who().diner_id, order_id)
    except UnknownPreorderError:
        abort(404)


def _asked(days: list[date]) -> date | None:
    text = request.args.get("day", "")
    first = next(iter(days), None)
    return next((day for day in days if day.isoformat() == text), first)


def _overtime(rules: BookingRules, day: date) -> object:
    return slot_of(rules, site_view.current().policy, day, OVERTIME) if rules.overtime else None


def _dishes(session: Session, day: date | None, venue: UUID | None) -> dict[str, list[str]]:
    """Period → names of what its menu has."""
    if day is None or venue is None:
        return {}
    return phone_menu.names(session, who().site_id, day, venue)


def _meal() -> Meal:
    """The meal that the form names.

    Raises:
        BookingError: it names none.
    """
    venue = as_uuid(request.form.get("venue"))
    try:
        day = date.fromisoformat(request.form.get("day", ""))
    except ValueError as error:
        raise BookingError("this meal cannot be booked: take one from the list") from error
    if venue is None:
        raise BookingError("choose where you eat")
    return Meal(day, request.form.get("period", "")[:32], venue)


def _back() -> AnyResponse:
    named = {key: request.form[key] for key in ("day", "venue") if key in request.form}
    return redirect(url_for("me.book", **named))  # type: ignore[arg-type]  # only our own names
