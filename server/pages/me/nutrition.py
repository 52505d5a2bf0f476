"""营养: what a week's meals gave, by day, and one plain advice; an estimate from the recipes."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

from flask import render_template, request
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from dafan.food import Intake
from kitchen import diary as rules
from kitchen import foods, menus
from kitchen.diary import Advice, Judged, Meal
from kitchen.nutrition import DAY, Nutrient
from server import wishes
from server.access import diner
from server.pages import site_view
from server.pages.food_words import NUTRIENTS
from server.pages.me.blueprint import me, who
from server.pages.shared import reading
from server.phone_menu import DAY_KCAL
from server.reports.nutrition import Diary, diary
from server.services import services

WEEKS = 8
"""So many weeks may be looked back on."""
_MEALS_A_DAY = 3

_WHAT: dict[Advice, LazyString] = {
    Advice.NO_MEALS: _l("这一周没有在食堂用餐的记录"),
    Advice.SODIUM_HIGH: _l("钠偏高"),
    Advice.ENERGY_HIGH: _l("能量偏高"),
    Advice.LITTLE_KNOWN: _l("还说不准"),
    Advice.FAT_HIGH: _l("油脂偏多"),
    Advice.PROTEIN_LOW: _l("蛋白质偏少"),
    Advice.ENERGY_LOW: _l("吃得偏少"),
    Advice.WELL: _l("能量和钠都合适"),
}
_DO: dict[Advice, LazyString] = {
    Advice.NO_MEALS: _l("用餐后，这里会按配方估算您吃到的营养。"),
    Advice.SODIUM_HIGH: _l(
        "平均每餐 %(value)s 毫克以上，建议不超过 %(bound)s 毫克。少喝汤汁，少选腌制和酱料多的菜。"
    ),
    Advice.ENERGY_HIGH: _l(
        "平均每餐 %(value)s 千卡以上，建议不超过 %(bound)s 千卡。主食可以要半份，油炸的少选一次。"
    ),
    Advice.LITTLE_KNOWN: _l("您吃的菜里，有配方数据的还不够多。"),
    Advice.FAT_HIGH: _l(
        "脂肪提供了 %(share)s%% 的能量，建议不超过 %(limit)s%%。多选蒸、煮、凉拌的菜。"
    ),
    Advice.PROTEIN_LOW: _l(
        "蛋白质只提供了 %(share)s%% 的能量，建议至少 %(limit)s%%。加一份鱼、蛋、豆腐或瘦肉。"
    ),
    Advice.ENERGY_LOW: _l("平均每餐 %(value)s 千卡，建议至少 %(bound)s 千卡。别饿着，记得吃主食。"),
    Advice.WELL: _l("平均每餐 %(value)s 千卡。继续保持，记得吃够蔬菜和水果。"),
}
_UNITS: dict[str, LazyString] = {"kcal": _l("千卡"), "g": _l("克"), "mg": _l("毫克")}


@me.get("/records/nutrition")
@diner
def nutrition() -> str:
    """One week, Monday to Sunday."""
    mine, view = who(), site_view.current()
    today = view.today(services().clock.now())
    this_week = menus.monday(today)
    week = _asked(this_week)
    with reading() as session:
        if not wishes.of(session, mine.diner_id).nutrition:
            return render_template("me/nutrition_off.html", tab="records")
        told = diary(session, mine.site_id, mine.diner_id, week, week + timedelta(days=6))
    return render_template(
        "me/nutrition.html",
        tab="records",
        week=week,
        sunday=week + timedelta(days=6),
        before=_step(week, -1, this_week),
        after=_step(week, 1, this_week),
        told=told,
        what=_WHAT[told.judged.advice],
        do=_advice(told.judged),
        well=told.judged.advice is Advice.WELL,
        days=[(day, *_shown(day.intakes[Nutrient.ENERGY], Nutrient.ENERGY)) for day in told.days],
        rows=[_row(one, told) for one in foods.TOLD],
        of=told.intakes[Nutrient.ENERGY],
        DAY_KCAL=DAY_KCAL,
    )


def _asked(this_week: date) -> date:
    """The Monday that is asked for; this week's where it is none of the last ones."""
    weeks = [this_week - timedelta(weeks=back) for back in range(WEEKS)]
    text = request.args.get("week", "")
    return next((week for week in weeks if week.isoformat() == text), this_week)


def _step(week: date, weeks: int, this_week: date) -> date | None:
    other = week + timedelta(weeks=weeks)
    return other if this_week - timedelta(weeks=WEEKS - 1) <= other <= this_week else None


def _advice(judged: Judged) -> str:
    figures = {"value": _tens(judged.a_meal), "bound": _tens(judged.bound)}
    shares = {"share": round(judged.a_meal / 10), "limit": round(judged.bound / 10)}
    return str(_DO[judged.advice]) % {**figures, **shares}


def _row(one: Nutrient, told: Diary) -> dict[str, object]:
    """A nutrient: what an average meal gave of it, what it should give, and how full that is."""
    found, meals = told.intakes[one], max(1, len(told.meals))
    value, least = _shown(Intake(found.value / meals, found.known, found.lines), one)
    low, high = _wanted(one, told.meals)
    figures = [_figure(bound, one) for bound in (low, high) if bound is not None]
    return {
        "name": NUTRIENTS[one],
        "value": value,
        "least": least,
        "unit": _UNITS[one.unit],
        "wanted": "–".join(str(figure) for figure in figures),
        "percent": round(found.value / meals * 100 / high) if high else None,
        "over": one in DAY and high is not None and found.value > high * meals,
    }


def _wanted(one: Nutrient, meals: Sequence[Meal]) -> tuple[Fraction | None, Fraction | None]:
    """For a meal: from the Guidelines by its part of the day, else a third of a day's reference."""
    wanted = rules.norm(meals, one)
    if wanted is not None:
        count = sum(rules.judged(meal) for meal in meals)
        low, high = (
            None if bound is None else Fraction(bound, count) for bound in (wanted.low, wanted.high)
        )
        return low, high
    return None, None if one.reference is None else one.reference / _MEALS_A_DAY


def _shown(found: Intake, one: Nutrient) -> tuple[int | None, bool]:
    """The figure, and whether it is only a lower bound; ``None``: nothing is known."""
    if not found.known and not found.value:
        return None, False
    return _figure(found.value, one), not found.complete


def _figure(value: Fraction, one: Nutrient) -> int:
    return round(value) if one.unit == "g" else _tens(value)


def _tens(value: Fraction) -> int:
    """No estimate is nearer than that."""
    return 10 * round(value / 10)
