"""清算单: what the bodies of a site owe each other for a month, as an Excel file."""

from flask_babel import gettext as _

from server.books.settlement import Statement
from server.reports.sheets import Sheet, Value, Yuan


def sheets(told: Statement, site: str) -> list[Sheet]:
    """The statement as sheets: who owes whom, pair by pair, and the matrix.

    Args:
        told: As :func:`server.books.settlement.statement` gives it.
        site: Name, for the headings.
    """
    state = _("当月已全部关账") if told.closed else _("当月还有未关账的日子")
    heading = f"{site} · {_('清算单')} {told.month:%Y-%m} · {state}"
    return [_pairs(told, heading), _matrix(told, heading)]


def _pairs(told: Statement, heading: str) -> Sheet:
    columns = [
        _("就餐人的主体"), _("场所的主体"), _("销售"), _("撤销和退款"), _("应付"), _("清算"),
    ]  # fmt: skip
    rows: list[list[Value]] = []
    for one, other in told.pairs():
        settled = told.settled.get((one, other))
        for debtor, creditor in ((one, other), (other, one)):
            owed = told.gross(debtor, creditor)
            rows.append([
                told.bodies[debtor], told.bodies[creditor], Yuan(owed.sales), Yuan(owed.refunds),
                Yuan(owed.net), settled.reference if settled else None,
            ])  # fmt: skip
    return Sheet(_("明细"), heading, columns, rows)


def _matrix(told: Statement, heading: str) -> Sheet:
    """Row pays column; the last column of all rows sums to zero."""
    columns = [_("付款方 ＼ 收款方"), *told.bodies.values(), _("合计应付")]
    rows: list[list[Value]] = [
        [
            name,
            *(None if other == body else Yuan(told.net(body, other)) for other in told.bodies),
            Yuan(told.result(body)),
        ]
        for body, name in told.bodies.items()
    ]
    sums: list[Value] = [_("合计"), *(None for _body in told.bodies), Yuan(told.whole)]
    return Sheet(_("净额"), heading, columns, rows, sums)
