"""首页: the balance, the code for paying, the last meal, and what there is to eat."""

from datetime import datetime, timedelta

import zxingcpp
from flask import Response, abort, render_template
from sqlalchemy.orm import Session

from dafan.records import DinerStatus, MealPeriod, Policy
from server import allergies, keys, line, people, phone_menu, ratings
from server.access import diner
from server.books import accounts
from server.line_book import TraySession
from server.pages import site_view
from server.pages.food_words import ALLERGENS
from server.pages.me import notices
from server.pages.me.blueprint import me, who
from server.pages.shared import reading, svg
from server.people import Diner
from server.reports import sales as report
from server.services import services

TRAY_SHOWN = timedelta(hours=3)


@me.get("/")
@diner
def home() -> str:
    """Everything that one looks for at noon."""
    mine, view, now = who(), site_view.current(), services().clock.now()
    today = view.today(now)
    with reading() as session:
        person = people.get_diner(session, mine.site_id, mine.diner_id)
        last = report.latest(session, mine.site_id, limit=1, diner_id=mine.diner_id)
        fresh = [row for row in last if (today - row.sale.business_date).days <= ratings.OPEN_DAYS]
        period = _coming(view.policy, now.astimezone(view.zone))
        avoid = allergies.of(session, mine.diner_id)
        return render_template(
            "me/home.html",
            tab="home",
            person=person,
            balances=accounts.balances(session, mine.diner_id),
            pays=_pays(person),
            told=notices.told(session, today),
            tray=_tray(session, now),
            last=fresh[0] if fresh and not fresh[0].sale.cancelled else None,
            stars=ratings.of_sales(session, mine.diner_id, [row.sale.id for row in fresh]),
            period=period,
            hour=now.astimezone(view.zone).hour,
            meals=phone_menu.of_day(
                session, mine.site_id, today, view.policy, avoid,
                period=period.code if period else None,
            ),
            ALLERGENS=ALLERGENS,
            DAY_KCAL=phone_menu.DAY_KCAL,
        )  # fmt: skip


@me.get("/code")
@diner
def pay_code() -> str:
    """The code for paying, as large as the phone is wide."""
    with reading() as session:
        person = people.get_diner(session, who().site_id, who().diner_id)
    return render_template("me/pay_code.html", tab="home", pays=_pays(person))


@me.get("/code.svg")
@diner
def pay_code_svg() -> Response:
    """The same code as the desk prints: a till asks for the PIN as well."""
    with reading() as session:
        person = people.get_diner(session, who().site_id, who().diner_id)
        key = _key(session)
    if not _pays(person):
        abort(404)
    text = people.qr_text(key, person.id)
    return svg(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_svg())


def _tray(session: Session, now: datetime) -> TraySession | None:
    """His last tray of the weigh line, while it is of interest."""
    found = line.current(session, who().diner_id)
    return found if found and now - found.begins < TRAY_SHOWN else None


def _key(session: Session) -> bytes:
    return services().ring.key(keys.current(session)).secret


def _pays(person: Diner) -> bool:
    """Whether a till takes his code: it asks for the PIN, so there has to be one."""
    return person.pin_hash is not None and person.status == DinerStatus.ACTIVE.value


def _coming(policy: Policy, local: datetime) -> MealPeriod | None:
    """The meal that is served, or comes next today."""
    coming = [one for one in policy.periods if local.time() < one.ends]
    return min(coming, key=lambda one: one.starts, default=None)
