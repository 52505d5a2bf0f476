"""清算报表: what the bodies of a site owe each other, month by month, as the statements tell it."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from server.books import settlement
from server.books.settlement import Statement
from server.reports.basis import Basis
from server.reports.frame import YUAN, Cell, Chart, Column, Fact, Link, Part, Report, Series, Table

STATEMENT = "manage.settlement"


def build(basis: Basis) -> Report:
    """The report: of all the months that the days touch, each whole."""
    question = _("各主体之间互相欠多少，结清了吗？")
    asked = basis.asked
    now = statements(basis.session, basis.site_id, asked.since, asked.until)
    then = statements(basis.session, basis.site_id, asked.then_since, asked.then_until)
    if not any(told.pairs() for told in now):
        return Report(question, _("这些月份没有跨主体的消费。"), notes=_notes())
    open_fen, whole = still_open(now), gross(now)
    answer = _("跨主体消费 %(gross)s，净额里还有 %(open)s 没有清算。",
               gross=YUAN.told(whole), open=YUAN.told(open_fen))  # fmt: skip
    if not open_fen:
        answer = _("跨主体消费 %(gross)s，都清算了。", gross=YUAN.told(whole))
    before = gross(then) if any(told.pairs() for told in then) else None
    facts = [
        Fact(_("跨主体消费"), whole, YUAN, before),
        Fact(_("未清算净额"), open_fen, YUAN, still_open(then) if before is not None else None),
    ]
    return Report(question, str(answer), facts, [_pairs(now), _bodies(now)], _notes())


def statements(session: Session, site_id: UUID, since: date, until: date) -> list[Statement]:
    """Of every month that the days touch, the first one first."""
    return [settlement.statement(session, site_id, month) for month in _months(since, until)]


def _months(since: date, until: date) -> Iterator[date]:
    month = since.replace(day=1)
    while month <= until:
        yield month
        month = settlement.month_end(month).replace(day=1)
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)


def gross(told: list[Statement]) -> int:
    """Fen of all that bodies owe each other, refunds taken off, nothing netted."""
    return sum(owed.net for one in told for owed in one.owed.values())


def still_open(told: list[Statement]) -> int:
    """Fen of the net amounts of pairs that have not settled."""
    return sum(
        abs(one.net(*pair)) for one in told for pair in one.pairs() if pair not in one.settled
    )


def _link(month: date) -> Link:
    return Link(STATEMENT, {"month": f"{month:%Y-%m}"})


def _pairs(now: list[Statement]) -> Part:
    rows, labels, values, links = [], [], [], []
    for told in now:
        for one, other in told.pairs():
            settled = told.settled.get((one, other))
            for debtor, creditor in ((one, other), (other, one)):
                owed = told.gross(debtor, creditor)
                rows.append([
                    Cell(f"{told.month:%Y-%m}"), Cell(told.bodies[debtor]),
                    Cell(told.bodies[creditor]), Cell(owed.sales, _link(told.month)),
                    Cell(owed.refunds), Cell(owed.net),
                    Cell(settled.reference if settled else _("未清算")),
                ])  # fmt: skip
        labels.append(f"{told.month:%Y-%m}")
        values.append(gross([told]))
        links.append(_link(told.month))
    columns = [
        Column(_("月份")), Column(_("就餐人的主体")), Column(_("场所的主体")),
        Column(_("销售"), YUAN), Column(_("撤销和退款"), YUAN), Column(_("应付"), YUAN),
        Column(_("清算")),
    ]  # fmt: skip
    every = [owed for told in now for owed in told.owed.values()]
    sums = [
        Cell(_("合计")), Cell(""), Cell(""), Cell(sum(owed.sales for owed in every)),
        Cell(sum(owed.refunds for owed in every)), Cell(sum(owed.net for owed in every)), Cell(""),
    ]  # fmt: skip
    chart = Chart(_("跨主体消费"), YUAN, labels, [Series(_("应付"), "owed", values, links)])
    return Part("pairs", _("谁欠谁？"), Table(columns, rows, sums), chart)


def _bodies(now: list[Statement]) -> Part:
    """What each body pays to all others together; below zero it receives; all together nothing."""
    names = {body: name for told in now for body, name in told.bodies.items()}
    rows = [
        [Cell(name), Cell(sum(told.result(body) for told in now if body in told.bodies))]
        for body, name in names.items()
    ]
    sums = [Cell(_("合计")), Cell(sum(told.whole for told in now))]
    columns = [Column(_("主体")), Column(_("净付出"), YUAN)]
    return Part("bodies", _("每个主体一共付出还是收进？"), Table(columns, rows, sums))


def _notes() -> list[str]:
    return [
        _("按自然月计，和“清算”页面的清算单相同；所选日期涉及的月份都是整月。"),
        _("净付出为负数是收进。按场所或餐次筛选在这里不起作用。"),
    ]
