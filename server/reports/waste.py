"""浪费: how much was thrown away at each meal, of what, what it cost, and why."""

from collections.abc import Sequence
from datetime import date

from flask_babel import format_date
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from kitchen.waste import BENCHMARKS, Category, WasteRecord
from server.reports import waste_forecast
from server.reports.basis import CATEGORIES, FOOD, Basis, Step, beside, change
from server.reports.frame import (
    COVERS,
    GRAMS_A_COVER,
    KILOGRAMS,
    PERCENT,
    YUAN,
    Cell,
    Chart,
    Column,
    Fact,
    Link,
    Part,
    Report,
    Series,
    Table,
    per,
    permille,
)
from server.reports.measures import Values
from server.reports.scope import Dimension, Key

_WEIGHED = ("waste_grams", "waste_fen", "waste_uncosted")
_EACH = (*_WEIGHED, "covers", "waste_per_cover")
RECORDS = "manage.report_waste_records"
MEALS_APART = 7
"""Up to so many days every meal is a bar of its own."""
MOST_DISHES = 12


def build(basis: Basis) -> Report:
    """The report."""
    question = _("每餐浪费了多少，为什么？")
    now, then = basis.whole(*_EACH), basis.whole(*_EACH, then=True)
    causes = {key[0]: value for key, value in basis.ask(_WEIGHED, Dimension.CATEGORY).items()}
    if not causes:
        return Report(question, _("这段时间没有称过餐厨垃圾。"), notes=_notes(basis, now))
    before = {
        key[0]: value for key, value in basis.ask(_WEIGHED, Dimension.CATEGORY, then=True).items()
    }
    compared = then if before else None
    parts = [_over_time(basis), _by_cause(basis, causes, before), _plate(basis)]
    parts += [_by_meal(basis), _by_dish(basis), _reasons(basis)]
    parts += waste_forecast.parts(basis)
    return Report(
        question, _answer(now, compared, causes), _facts(basis, now, compared, causes),
        [part for part in parts if part.table.rows], _notes(basis, now),
    )  # fmt: skip


def _answer(now: Values, then: Values | None, causes: dict[str, Values]) -> str:
    grams, fen = now["waste_grams"], now["waste_fen"]
    against = change(grams, then["waste_grams"]) if then else ""
    each = now["waste_per_cover"]
    most = max(causes, key=lambda code: causes[code]["waste_grams"] or 0)
    told = [_("共浪费 %(much)s", much=KILOGRAMS.told(grams))]
    if each is not None:
        told.append(_("平均每人次 %(each)s 克", each=GRAMS_A_COVER.text(each)))
    told += [against] if against else []
    told.append(_("约值 %(fen)s", fen=YUAN.told(fen)))
    share = permille(causes[most]["waste_grams"] or 0, grams or 0)
    cause = _("%(cause)s最多，占 %(share)s。", cause=CATEGORIES[most], share=PERCENT.told(share))
    return str(_("，").join(told) + _("；") + cause)


def _facts(basis: Basis, now: Values, then: Values | None, causes: dict[str, Values]) -> list[Fact]:
    plate = causes.get(Category.PLATE.value, {}).get("waste_grams")
    norm = BENCHMARKS[0].grams
    each = None if plate is None else per(10 * plate, now["covers"] or 0)
    return [
        basis.fact("waste_grams", KILOGRAMS, now, then, _link(basis)),
        basis.fact("waste_per_cover", GRAMS_A_COVER, now, then),
        basis.fact("waste_fen", YUAN, now, then, _link(basis)),
        Fact(_("盘中剩余"), each, GRAMS_A_COVER, foot=_("城市餐饮业平均 %(n)s 克", n=norm)),
    ]


def _link(basis: Basis, since: date | None = None, until: date | None = None, **more: str) -> Link:
    asked = basis.asked
    return asked.link(RECORDS, since or asked.since, until or asked.until, **more)


# --- how much, when -----------------------------------------------------------------------------


def _over_time(basis: Basis) -> Part:
    """Stacked bars: a bar a meal for a few days, else a day, a week or a month."""
    apart = basis.asked.days <= MEALS_APART
    by = (basis.dimension, Dimension.MEAL) if apart else (basis.dimension,)
    places = _places(basis, basis.steps(), apart=apart)
    weighed = basis.ask(["waste_grams"], *by, Dimension.CATEGORY)
    each = basis.ask(_EACH, *by)
    keys = [key for key, _label, _target in places]
    if apart:  # meals that were never cooked are left out, unknown ones are added
        places = [one for one in places if one[0] in each]
        keys = [key for key, _label, _target in places]
    codes = [code for code in CATEGORIES if any((*key, code) in weighed for key in keys)]
    grams = {
        (key, code): weighed.get((*key, code), {}).get("waste_grams") or 0
        for key in keys for code in codes
    }  # fmt: skip
    chart = Chart(
        _("浪费重量"), KILOGRAMS, [label for _key, label, _target in places],
        [
            Series(
                str(CATEGORIES[code]), code, [grams[key, code] for key in keys],
                [Link(to.endpoint, {**to.args, "category": code}) for _k, _l, to in places],
            )
            for code in codes
        ],
        _then(basis, apart=apart),
    )  # fmt: skip
    columns = [
        Column(_("餐") if apart else basis.step_name),
        *(Column(str(CATEGORIES[code]), KILOGRAMS) for code in codes),
        Column(_("合计"), KILOGRAMS), Column(_("就餐人次"), COVERS),
        Column(_("人均浪费"), GRAMS_A_COVER), Column(_("约值"), YUAN),
    ]  # fmt: skip
    rows = [
        [
            Cell(label), *(_weight(grams[key, code], target, code) for code in codes),
            *_ends(each.get(key), target),
        ]
        for key, label, target in places
    ]  # fmt: skip
    total = basis.whole(*_EACH)
    sums = [
        Cell(_("合计")),
        *(_weight(sum(grams[key, code] for key in keys), _link(basis), code) for code in codes),
        *_ends(total, _link(basis)),
    ]
    title = _("每餐浪费了多少？") if apart else _("浪费在增加还是减少？")
    return Part("time", title, Table(columns, rows, sums), chart)


Place = tuple[Key, str, Link]
"""The key of a bar, its label, what is behind it."""


def _places(basis: Basis, steps: Sequence[Step], *, apart: bool) -> list[Place]:
    if not apart:
        return [((one.key,), one.label, _link(basis, one.since, one.until)) for one in steps]
    chosen = [basis.asked.period] if basis.asked.period else [*basis.meals, ""]
    found: list[Place] = []
    for one in steps:
        for code in chosen:
            day = format_date(one.since, "EEE")
            label = f"{day} {basis.meal(code)}" if len(steps) > 1 else basis.meal(code)
            more = {"period": code} if code else {}
            found.append(((one.key, code), label, _link(basis, one.since, one.until, **more)))
    return found


def _then(basis: Basis, *, apart: bool) -> list[int | None]:
    """The earlier period at the same places; of meals only where the same ones were cooked."""
    by = (basis.dimension, Dimension.MEAL) if apart else (basis.dimension,)
    now, then = (basis.ask(["waste_grams"], *by, then=before) for before in (False, True))
    steps, earlier = basis.steps(), basis.steps(then=True)
    if not apart:
        values = [then.get((one.key,), {}).get("waste_grams") for one in earlier]
        return beside(values, len(steps))
    pairs = dict(zip((one.key for one in steps), (one.key for one in earlier), strict=False))
    keys = [key for key, _label, _target in _places(basis, steps, apart=True) if key in now]
    found = [then.get((pairs.get(key[0]), key[1]), {}).get("waste_grams") for key in keys]
    return beside(found, len(found))


def _weight(grams: int, link: Link, code: str) -> Cell:
    return Cell(grams, Link(link.endpoint, {**link.args, "category": code}) if grams else None)


def _ends(values: Values | None, link: Link) -> list[Cell]:
    if values is None:
        return [Cell(0), Cell(0), Cell(None), Cell(0)]
    grams = values["waste_grams"]
    return [
        Cell(grams, link if grams else None), Cell(values["covers"]),
        Cell(values["waste_per_cover"]), Cell(values["waste_fen"]),
    ]  # fmt: skip


# --- of what ------------------------------------------------------------------------------------


def _by_cause(basis: Basis, now: dict[str, Values], then: dict[str, Values]) -> Part:
    codes = sorted(now, key=lambda code: -(now[code]["waste_grams"] or 0))
    grams = [now[code]["waste_grams"] or 0 for code in codes]
    total = sum(grams)
    earlier = [then.get(code, {}).get("waste_grams") for code in codes]
    chart = Chart(
        _("浪费重量，按原因"), KILOGRAMS, [str(CATEGORIES[code]) for code in codes],
        [Series(_("浪费"), "plate", grams, [_link(basis, category=one) for one in codes], codes)],
        beside(earlier, len(codes)), across=True,
    )  # fmt: skip
    columns = [
        Column(_("原因")), Column(_("重量"), KILOGRAMS), Column(_("占比"), PERCENT),
        Column(_("上期"), KILOGRAMS), Column(_("约值"), YUAN),
    ]  # fmt: skip
    rows = [
        [
            Cell(str(CATEGORIES[code])), Cell(much, _link(basis, category=code)),
            Cell(permille(much, total)), Cell(before), Cell(now[code]["waste_fen"]),
        ]
        for code, much, before in zip(codes, grams, earlier, strict=True)
    ]  # fmt: skip
    sums = [
        Cell(_("合计")), Cell(total, _link(basis)), Cell(1000 if total else None),
        Cell(sum(value or 0 for value in earlier)),
        Cell(sum(value["waste_fen"] or 0 for value in now.values())),
    ]  # fmt: skip
    return Part("cause", _("浪费在哪里？"), Table(columns, rows, sums), chart)


def _plate(basis: Basis) -> Part:
    """What diners left, for each who ate, beside what others report."""
    norm = BENCHMARKS[0].grams
    steps, code = basis.steps(), Category.PLATE.value
    plate = basis.ask(["waste_grams"], basis.dimension, category=code)
    covers = basis.ask(["covers"], basis.dimension)
    rows: list[list[Cell]] = []
    values: list[int | None] = []
    links = [_link(basis, one.since, one.until, category=code) for one in steps]
    for one, link in zip(steps, links, strict=True):
        grams = plate.get((one.key,), {}).get("waste_grams")
        ate = covers.get((one.key,), {}).get("covers") or 0
        each = None if grams is None else per(10 * grams, ate)
        values.append(each)
        if grams is not None:
            share = None if each is None else per(100 * each, norm)
            sales = basis.asked.sales(one.since, one.until)
            rows.append([
                Cell(one.label), Cell(grams, link), Cell(ate, sales), Cell(each), Cell(share),
            ])  # fmt: skip
    columns = [
        Column(basis.step_name), Column(_("盘中剩余"), KILOGRAMS), Column(_("就餐人次"), COVERS),
        Column(_("人均"), GRAMS_A_COVER), Column(_("相当于平均"), PERCENT),
    ]  # fmt: skip
    series = Series(_("盘中剩余"), code, values, links)
    named = _("城市餐饮业平均 %(n)s 克", n=norm)
    chart = Chart(
        _("每人次盘中剩余"), GRAMS_A_COVER, [one.label for one in steps], [series],
        norm=(10 * norm, named),
    )  # fmt: skip
    return Part("plate", _("就餐人剩了多少？"), Table(columns, rows), chart)


def _by_meal(basis: Basis) -> Part:
    found = {key[0]: value for key, value in basis.ask(_EACH, Dimension.MEAL).items()}
    order = [*(code for code in basis.meals if code in found)]
    order += [code for code in found if code not in basis.meals]
    columns = [
        Column(_("餐次")), Column(_("浪费"), KILOGRAMS), Column(_("就餐人次"), COVERS),
        Column(_("人均浪费"), GRAMS_A_COVER), Column(_("约值"), YUAN),
    ]  # fmt: skip
    rows = [
        [Cell(basis.meal(code)), *_ends(found[code], _link(basis, period=code or ""))]
        for code in order
    ]
    return Part("meal", _("哪一餐浪费多？"), Table(columns, rows))


def _by_dish(basis: Basis) -> Part:
    """Only of weighings that name their dish."""
    found = {
        key[0]: value
        for key, value in basis.ask(_WEIGHED, Dimension.DISH).items()
        if key[0] is not None and value["waste_grams"]
    }
    names = basis.dish_names()
    order = sorted(found, key=lambda one: (-(found[one]["waste_grams"] or 0), str(one)))
    columns = [Column(_("菜品")), Column(_("浪费"), KILOGRAMS), Column(_("约值"), YUAN)]
    rows = [
        [
            Cell(names.get(one, "")),
            Cell(found[one]["waste_grams"], _link(basis, dish=str(one))),
            Cell(found[one]["waste_fen"]),
        ]
        for one in order
    ]
    top = order[:MOST_DISHES]
    series = Series(
        _("浪费"), "overproduction", [found[one]["waste_grams"] for one in top],
        [_link(basis, dish=str(one)) for one in top],
    )  # fmt: skip
    labels = [names.get(one, "") for one in top]
    chart = Chart(_("浪费最多的菜"), KILOGRAMS, labels, [series], across=True)
    return Part("dish", _("哪些菜浪费多？"), Table(columns, rows), chart)


def _reasons(basis: Basis) -> Part:
    """As people wrote them down; a row that takes another off counts with that one's reason."""
    undone = aliased(WasteRecord)
    reason = func.coalesce(undone.reason, WasteRecord.reason)
    grams = func.sum(WasteRecord.grams)
    scope = basis.scope()
    where = [
        WasteRecord.site_id == basis.site_id,
        WasteRecord.business_date.between(scope.since, scope.until),
        WasteRecord.category.in_(FOOD),
    ]
    if basis.asked.venue_id is not None:
        where.append(WasteRecord.venue_id == basis.asked.venue_id)
    if basis.asked.period:
        where.append(WasteRecord.period == basis.asked.period)
    query = (
        select(WasteRecord.category, reason, grams)
        .outerjoin(undone, undone.id == WasteRecord.voids)
        .where(*where, reason != "")
        .group_by(WasteRecord.category, reason)
        .having(grams > 0)
    )
    found = sorted(basis.session.execute(query), key=lambda row: (-int(row[2]), row[0], row[1]))
    rows = [
        [Cell(_reason(why)), Cell(str(CATEGORIES[code])),
         Cell(int(much), _link(basis, category=code))]
        for code, why, much in found
    ]  # fmt: skip
    columns = [Column(_("写下的原因")), Column(_("类别")), Column(_("重量"), KILOGRAMS)]
    return Part("why", _("为什么？"), Table(columns, rows))


def _reason(text: str) -> str:
    """What the program itself writes, in words."""
    return str(_("做多了，没有卖出")) if text == "left over" else text


def _notes(basis: Basis, now: Values) -> list[str]:
    notes = [
        _("金额是估算：批次按进价，食材按当天进价，菜品按标准成本，没写菜名的熟食按当天平均。"),
        _("平均 %(n)s 克是公开报道的城市餐饮业每人每餐剩余，约占食物的 12%%。",
          n=BENCHMARKS[0].grams),
    ]  # fmt: skip
    if uncosted := now["waste_uncosted"]:
        notes.insert(0, _("其中 %(much)s 不知道是什么或没有价格，没有算进金额。",
                          much=KILOGRAMS.told(uncosted)))  # fmt: skip
    if basis.asked.period:
        notes.append(_("没有写明餐次的称重不在这一餐里。"))
    return notes
