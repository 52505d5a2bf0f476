"""浪费 against the forecast: who was expected, who came, what was cooked and left over."""

from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select

from kitchen import expected, forecast
from kitchen.history import CoverRow, History
from kitchen.meals import Meal
from kitchen.production import Batch, BatchState
from server.reports.basis import Basis
from server.reports.frame import COVERS, KILOGRAMS, PORTIONS, Cell, Column, Part, Table
from server.reports.measures import ask
from server.reports.scope import Dimension, Scope

MOST_DAYS = 31
"""Longer reports leave it out: every day asks the forecast anew."""
HISTORY = timedelta(days=730)
_At = tuple[date, str]


def parts(basis: Basis) -> list[Part]:
    """One part, or none where the days are too many or nothing was cooked."""
    if basis.asked.days > MOST_DAYS:
        return []
    cooked = _cooked(basis)
    if not cooked:
        return []
    came = {
        key: value["covers"] or 0
        for key, value in basis.ask(["covers"], Dimension.DAY, Dimension.MEAL).items()
    }
    guesses = _guesses(basis, sorted(cooked))
    rows, short, whole = [], 0, 0
    for at in sorted(cooked, key=lambda one: (one[0], [*basis.meals, one[1]].index(one[1]))):
        day, period = at
        portions, served, left = cooked[at]
        guess, actual = guesses.get(at), came.get(at, 0)
        whole += left
        short += left if guess is not None and actual < guess else 0
        sales = basis.asked.sales(day, day, period=period)
        rows.append([
            Cell(f"{day:%m-%d} {basis.meal(period)}"), Cell(guess), Cell(actual, sales),
            Cell(portions), Cell(served), Cell(left),
        ])  # fmt: skip
    columns = [
        Column(_("餐")), Column(_("预估"), COVERS), Column(_("实到"), COVERS),
        Column(_("做了"), PORTIONS), Column(_("卖出"), PORTIONS), Column(_("剩下"), KILOGRAMS),
    ]  # fmt: skip
    told = _("每一餐都卖完了。")
    if whole:
        told = _(
            "剩下的 %(whole)s 里，%(short)s 出在来的人比预估少的餐。",
            whole=KILOGRAMS.told(whole), short=KILOGRAMS.told(short),
        )  # fmt: skip
    return [Part("forecast", _("是预估不准，还是做多了？"), Table(columns, rows), answer=told)]


def _cooked(basis: Basis) -> dict[_At, tuple[int, int, int]]:
    """Portions cooked and served, and grams left, of each meal."""
    sums = (Batch.cooked_portions, Batch.served_portions, Batch.left_grams)
    asked = basis.asked
    query = select(Batch.business_date, Batch.period, *(func.sum(one) for one in sums)).where(
        Batch.site_id == basis.site_id,
        Batch.business_date.between(asked.since, asked.until),
        Batch.state.in_([BatchState.SERVED.value, BatchState.CLOSED.value]),
    )
    if asked.venue_id is not None:
        query = query.where(Batch.venue_id == asked.venue_id)
    if asked.period:
        query = query.where(Batch.period == asked.period)
    found = basis.session.execute(query.group_by(Batch.business_date, Batch.period))
    return {
        (row[0], row[1]): (int(row[2] or 0), int(row[3] or 0), int(row[4] or 0)) for row in found
    }


def _guesses(basis: Basis, meals: list[_At]) -> dict[_At, int]:
    """What was expected on the morning of each day; a person's own figure stands before it."""
    first, last = meals[0][0], meals[-1][0]
    asked = basis.asked
    only = {} if asked.venue_id is None else {Dimension.VENUE: asked.venue_id}
    scope = Scope(first - HISTORY, last, only)
    past = ask(basis.session, basis.site_id, ["covers"], scope, (Dimension.DAY, Dimension.MEAL))
    rows = (CoverRow(key[0], key[1], value["covers"] or 0) for key, value in past.items())
    histories = History.by_period(rows)
    told = expected.of_site(basis.session, basis.site_id)
    venues = [asked.venue_id] if asked.venue_id is not None else [*basis.venues]
    found: dict[_At, int] = {}
    for day, period in meals:
        guess = forecast.of_histories(histories, [(day, period)], before=day)[0]
        said = [told.get(Meal(day, period, venue)) for venue in venues]
        if len(venues) == 1 and said[0] is not None:
            found[day, period] = said[0].covers
        elif guess.estimate is not None:
            found[day, period] = guess.covers
    return found
