"""我的: cards, allergies, the phones on which one is signed in."""

from typing import Any
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from server import (
    allergies,
    birthdays,
    cards,
    consents,
    faces,
    feedback,
    groups,
    people,
    phone_sessions,
    plate_book,
    wishes,
)
from server.access import diner
from server.cards import UnknownCardError
from server.pages.food_words import ALLERGENS
from server.pages.me.blueprint import actor, me, who
from server.pages.shared import change, reading
from server.services import services
from server.wishes import Wish


@me.get("/mine")
@diner
def mine() -> str:
    """Everything of one's own."""
    own, now = who(), services().clock.now()
    with reading() as session:
        person = people.get_diner(session, own.site_id, own.diner_id)
        said = feedback.of_diner(session, own.site_id, own.diner_id)
        return render_template(
            "me/mine.html",
            tab="mine",
            person=person,
            group=groups.get(session, own.site_id, person.group_id).name,
            cards=cards.cards_of(session, own.diner_id),
            consent=consents.standing(session, own.diner_id),
            face=faces.template_of(session, own.diner_id),
            avoid=allergies.of(session, own.diner_id),
            wish=wishes.of(session, own.diner_id),
            birthday=birthdays.day_of(session, own.diner_id),
            points=plate_book.balance(session, own.diner_id),
            phones=phone_sessions.open_ones(session, own.diner_id, now),
            pays_online=bool(services().settings.gateway.mchid),
            waiting=sum(row.answered_at is None for row in said),
            ALLERGENS=ALLERGENS,
        )


@me.post("/cards/<number>/<any(lost,found):act>")
@diner
def card(number: str, act: str) -> Response:
    """Report one's own card lost, or found: at once, for every till."""
    acts: dict[str, tuple[Any, str]] = {
        "lost": (cards.report_lost, _("已挂失，各结算台不再受理这张卡")),
        "found": (cards.found, _("已解除挂失")),
    }
    work, done = acts[act]

    def on_own(session: Session) -> None:
        try:
            found = cards.get_card(session, who().site_id, number)
        except UnknownCardError:
            abort(404)
        if found.diner_id != who().diner_id:
            abort(404)
        work(session, actor(), number)

    change(on_own, done)
    return redirect(url_for("me.mine"))


@me.post("/allergies")
@diner
def tell_allergies() -> Response:
    """What one must not eat."""
    told = request.form.getlist("allergen")[:20]
    change(lambda s: wishes.tell_allergies(s, actor(), who().diner_id, told), _("已保存"))
    return redirect(url_for("me.mine"))


@me.post("/birthday/forget")
@diner
def birthday_forget() -> Response:
    """His day is his own: it goes when he says so."""
    change(lambda s: birthdays.forget(s, actor(), who().diner_id), _("已删除生日"))
    return redirect(url_for("me.mine"))


@me.post("/wish")
@diner
def wish() -> Response:
    """What the tills show, and what they may know."""
    typed = request.form.get("goal", "").strip()[:9]

    def work(session: Session) -> None:
        chosen = Wish(
            "nutrition" in request.form, "warn_at_till" in request.form, wishes.read_goal(typed)
        )
        wishes.choose(session, actor(), who().diner_id, chosen)

    change(work, _("已保存"))
    return redirect(url_for("me.mine"))


@me.post("/phones/<uuid:session_id>/end")
@diner
def phone_end(session_id: UUID) -> Response:
    """Sign out on another phone."""
    change(
        lambda s: phone_sessions.end(s, actor(), who().diner_id, session_id),
        _("已在那台手机上退出"),
    )
    return redirect(url_for("me.mine"))
