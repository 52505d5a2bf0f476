"""菜单: today and the days of this week; what the diner must not eat is marked."""

from datetime import date, timedelta

from flask import render_template, request

from kitchen import menus
from server import allergies, phone_menu
from server.access import diner
from server.pages import site_view
from server.pages.food_words import ALLERGENS
from server.pages.me.blueprint import me, who
from server.pages.shared import reading
from server.services import services


@me.get("/menu")
@diner
def menu() -> str:
    """One day's meals, and the days to choose from."""
    mine, view = who(), site_view.current()
    today = view.today(services().clock.now())
    monday = menus.monday(today)
    days = [monday + timedelta(days=step) for step in range(7)]
    chosen = _asked(days) or today
    with reading() as session:
        avoid = allergies.of(session, mine.diner_id)
        return render_template(
            "me/menu.html",
            tab="menu",
            today=today,
            chosen=chosen,
            days=days,
            there=phone_menu.days_with_menu(session, mine.site_id, days),
            meals=phone_menu.of_day(session, mine.site_id, chosen, view.policy, avoid),
            avoid=avoid,
            ALLERGENS=ALLERGENS,
            DAY_KCAL=phone_menu.DAY_KCAL,
        )


def _asked(days: list[date]) -> date | None:
    text = request.args.get("day", "")
    return next((day for day in days if day.isoformat() == text), None)
