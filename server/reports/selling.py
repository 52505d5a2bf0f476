"""销售: how much was sold, when people come, who paid and how."""

from collections.abc import Sequence

from flask_babel import gettext as _
from sqlalchemy import select

from server.groups import DinerGroup
from server.reports.basis import Basis, beside, change
from server.reports.closing import tender_text
from server.reports.frame import (
    COVERS,
    PERCENT,
    PORTIONS,
    SALES,
    YUAN,
    Cell,
    Chart,
    Column,
    Link,
    Part,
    Report,
    Series,
    Table,
    permille,
)
from server.reports.measures import Values
from server.reports.scope import Dimension

_WHOLE = (
    "sales", "covers", "income", "subsidy", "cash", "drawer", "discount", "refunded", "net",
    "per_cover",
)  # fmt: skip
_PAID = {"subsidy": "subsidy", "cash": "cash", "drawer": "drawer"}
"""Measure → its colour."""
_QUARTER = 15
MOST_DISHES = 12


def build(basis: Basis) -> Report:
    """The report."""
    question = _("卖了多少，什么时候人最多，谁付的钱？")
    now, then = basis.whole(*_WHOLE), basis.whole(*_WHOLE, then=True)
    if not now["sales"]:
        return Report(question, _("这段时间没有销售。"))
    compared = then if then["sales"] else None
    peaks = _peaks(basis)
    link = basis.asked.sales()
    facts = [
        basis.fact("net", YUAN, now, compared, link),
        basis.fact("covers", COVERS, now, compared, link),
        basis.fact("per_cover", YUAN, now, compared, link),
        basis.fact("subsidy", YUAN, now, compared, link),
    ]
    parts = [
        _over_time(basis), peaks, _by_meal(basis), _by_tender(basis), _by_group(basis),
        _by_venue(basis), _by_dish(basis),
    ]  # fmt: skip
    return Report(
        question, _answer(now, compared), facts, [part for part in parts if part.table.rows],
        [
            _("净销售额减去了后来的撤销和退款，不论哪天退的。"),
            _("一人一餐算一个人次，付几笔都一样；在两个场所吃，按场所看各算一次。"),
        ],
    )  # fmt: skip


def _answer(now: Values, then: Values | None) -> str:
    told = [
        _("净销售额 %(net)s", net=YUAN.told(now["net"])),
        _("%(covers)s 人次", covers=COVERS.text(now["covers"])),
    ]
    if then and (against := change(now["net"], then["net"])):
        told.insert(1, against)
    if share := permille(now["subsidy"] or 0, now["income"] or 0):
        told.append(_("补贴付了 %(share)s", share=PERCENT.told(share)))
    return str(_("，").join(told) + _("。"))


def _columns(first: str) -> list[Column]:
    return [
        Column(first), Column(_("笔数"), SALES), Column(_("就餐人次"), COVERS),
        Column(_("销售额"), YUAN), Column(_("补贴账户"), YUAN), Column(_("充值账户"), YUAN),
        Column(_("现金"), YUAN), Column(_("退款"), YUAN), Column(_("净销售额"), YUAN),
        Column(_("人均消费"), YUAN),
    ]  # fmt: skip


def _row(name: str, values: Values, link: Link | None) -> list[Cell]:
    codes = ("sales", "covers", "income", "subsidy", "cash", "drawer", "refunded", "net")
    return [
        Cell(name), *(Cell(values[code], link if values[code] else None) for code in codes),
        Cell(values["per_cover"]),
    ]  # fmt: skip


def _over_time(basis: Basis) -> Part:
    """What was paid, by who paid it."""
    found = basis.ask(_WHOLE, basis.dimension)
    earlier = basis.ask(["income"], basis.dimension, then=True)
    steps = basis.steps()
    links = [basis.asked.sales(one.since, one.until) for one in steps]
    names = {"subsidy": _("补贴账户"), "cash": _("充值账户"), "drawer": _("现金")}
    series = [
        Series(names[code], colour, [found.get((one.key,), {}).get(code) for one in steps], links)
        for code, colour in _PAID.items()
        if any(value[code] for value in found.values())
    ]
    then = [earlier.get((one.key,), {}).get("income") for one in basis.steps(then=True)]
    labels = [one.label for one in steps]
    chart = Chart(_("销售额"), YUAN, labels, series, beside(then, len(labels)))
    rows = [
        _row(one.label, found[one.key,], link)
        for one, link in zip(steps, links, strict=True) if (one.key,) in found
    ]  # fmt: skip
    sums = _row(_("合计"), basis.whole(*_WHOLE), basis.asked.sales())
    return Part(
        "time", _("卖得多了还是少了？"), Table(_columns(basis.step_name), rows, sums), chart
    )


def _peaks(basis: Basis) -> Part:
    """Sales by the quarter of an hour in which they were paid, on a mean day."""
    found = {
        key[0]: value for key, value in basis.ask(["sales", "income"], Dimension.QUARTER).items()
    }
    before = {
        key[0]: value["sales"]
        for key, value in basis.ask(["sales"], Dimension.QUARTER, then=True).items()
    }
    if not found:
        return Part("peak", "", Table([], []))
    minutes = list(range(min(found), max(found) + 1, _QUARTER))
    values = [found.get(minute, {}).get("sales") for minute in minutes]
    labels = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in minutes]
    link = basis.asked.sales()
    chart = Chart(
        _("每 15 分钟付款笔数"), SALES, labels,
        [Series(_("笔数"), "covers", values, [link] * len(minutes))],
        beside([before.get(minute) for minute in minutes], len(minutes)),
    )  # fmt: skip
    top = max(found, key=lambda minute: found[minute]["sales"] or 0)
    total = sum(value["sales"] or 0 for value in found.values())
    share = permille(found[top]["sales"] or 0, total)
    answer = _(
        "最忙的一刻钟从 %(at)s 开始，付了 %(n)s 笔，占 %(share)s。",
        at=f"{top // 60:02d}:{top % 60:02d}", n=SALES.text(found[top]["sales"]),
        share=PERCENT.told(share),
    )  # fmt: skip
    rows = [
        [Cell(label), Cell(found[minute]["sales"], link), Cell(before.get(minute)),
         Cell(found[minute]["income"])]
        for minute, label in zip(minutes, labels, strict=True) if minute in found
    ]  # fmt: skip
    columns = [
        Column(_("时间")), Column(_("笔数"), SALES), Column(_("上期"), SALES),
        Column(_("销售额"), YUAN),
    ]  # fmt: skip
    return Part("peak", _("什么时候人最多？"), Table(columns, rows), chart, answer)


def _by_meal(basis: Basis) -> Part:
    found = {key[0]: value for key, value in basis.ask(_WHOLE, Dimension.MEAL).items()}
    order = [*(code for code in basis.meals if code in found)]
    order += [code for code in found if code not in basis.meals]
    rows = [_row(basis.meal(code), found[code], basis.asked.sales(period=code)) for code in order]
    return Part("meal", _("哪一餐卖得多？"), Table(_columns(_("餐次")), rows))


def _by_tender(basis: Basis) -> Part:
    codes = ("sales", "income", "net")
    found = {key[0]: value for key, value in basis.ask(codes, Dimension.TENDER).items()}
    total = sum(value["sales"] or 0 for value in found.values())
    order = sorted(found, key=lambda code: (-(found[code]["sales"] or 0), code))
    rows = []
    for code in order:
        values, link = found[code], basis.asked.sales(tender=code)
        rows.append([
            Cell(tender_text(code)), Cell(values["sales"], link),
            Cell(permille(values["sales"] or 0, total)), Cell(values["income"], link),
            Cell(values["net"]),
        ])  # fmt: skip
    columns = [
        Column(_("付款方式")), Column(_("笔数"), SALES), Column(_("占比"), PERCENT),
        Column(_("销售额"), YUAN), Column(_("净销售额"), YUAN),
    ]  # fmt: skip
    series = _one(_("笔数"), [found[code]["sales"] for code in order],
                  [basis.asked.sales(tender=code) for code in order])  # fmt: skip
    labels = [tender_text(code) for code in order]
    chart = Chart(_("付款笔数，按方式"), SALES, labels, [series], across=True)
    return Part("tender", _("怎么付的？"), Table(columns, rows), chart)


def _one(name: str, values: Sequence[int | None], links: Sequence[Link]) -> Series:
    return Series(name, "covers", values, links)


def _by_group(basis: Basis) -> Part:
    """Groups of diners, with what subsidies paid for them."""
    query = select(DinerGroup.id, DinerGroup.name).where(DinerGroup.site_id == basis.site_id)
    names = {row.id: row.name for row in basis.session.execute(query)}
    found = {key[0]: value for key, value in basis.ask(_WHOLE, Dimension.GROUP).items()}
    order = sorted(found, key=lambda one: (one is None, -(found[one]["income"] or 0), str(one)))
    rows = []
    for one in order:
        link = None if one is None else basis.asked.sales(group=str(one))
        rows.append(_row(_("没有身份") if one is None else names.get(one, ""), found[one], link))
    return Part("group", _("谁在吃？"), Table(_columns(_("人员类别")), rows))


def _by_venue(basis: Basis) -> Part:
    """Where there is more than one."""
    found = {key[0]: value for key, value in basis.ask(_WHOLE, Dimension.VENUE).items()}
    order = sorted(found, key=lambda one: (-(found[one]["income"] or 0), str(one)))
    rows = [
        _row(basis.venues.get(one, ""), found[one], basis.asked.sales(venue=str(one)))
        for one in order
    ]
    shown = rows if len(basis.venues) > 1 else []
    return Part("venue", _("哪个场所卖得多？"), Table(_columns(_("场所")), shown))


def _by_dish(basis: Basis) -> Part:
    codes = ("quantity", "income", "net")
    found = {
        key[0]: value for key, value in basis.ask(codes, Dimension.DISH).items()
        if key[0] is not None and value["income"]
    }  # fmt: skip
    names = basis.dish_names()
    order = sorted(found, key=lambda one: (-(found[one]["net"] or 0), str(one)))
    links = {one: basis.asked.sales(dish=str(one)) for one in order}
    rows = [
        [Cell(names.get(one, "")), Cell(found[one]["quantity"], links[one]),
         Cell(found[one]["net"], links[one])]
        for one in order
    ]  # fmt: skip
    top = order[:MOST_DISHES]
    series = Series(
        _("净销售额"), "income", [found[one]["net"] for one in top], [links[one] for one in top]
    )
    labels = [names.get(one, "") for one in top]
    chart = Chart(_("卖得最多的菜"), YUAN, labels, [series], across=True)
    columns = [Column(_("菜品")), Column(_("卖出"), PORTIONS), Column(_("净销售额"), YUAN)]
    return Part("dish", _("哪些菜卖得多？"), Table(columns, rows), chart)
