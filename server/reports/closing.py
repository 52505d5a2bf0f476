"""日结: the words for movements and differences of a day, and its Excel file."""

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from dafan.money import Fen
from server.books.accounts import AccountKind
from server.day_figures import Takings
from server.reconciliation import Day, Difference
from server.reports.sheets import Sheet, Value, Yuan

_KINDS: dict[str, LazyString] = {
    "sale": _l("销售"),
    "void": _l("撤销"),
    "refund": _l("退款"),
    "top_up": _l("充值"),
    "top_up_reversal": _l("充值冲正"),
    "bank": _l("银行转账"),
    "gateway": _l("线上充值"),
    "gateway_refund": _l("线上充值退回"),
    "subsidy": _l("发放补贴"),
    "expiry": _l("补贴到期收回"),
    "wallet_move": _l("卡间转账"),
    "pay_out": _l("离开结清"),
    "cash_diff": _l("现金长短款"),
    "settlement": _l("清算"),
}
_ACCOUNTS: dict[str, LazyString] = {
    AccountKind.SUBSIDY: _l("补贴账户"),
    AccountKind.CASH: _l("充值账户"),
    AccountKind.REVENUE: _l("销售收入"),
    AccountKind.DRAWER: _l("现金抽屉"),
    AccountKind.CASH_DESK: _l("充值收款"),
    AccountKind.SUBSIDY_FUND: _l("补贴资金"),
    AccountKind.BANK: _l("银行存款"),
    AccountKind.GATEWAY: _l("在线收款"),
    AccountKind.CLEARING: _l("主体往来"),
    AccountKind.DIFFERENCE: _l("现金长短款"),
}
_TENDERS: dict[str, LazyString] = {
    "face": _l("刷脸"),
    "card": _l("刷卡"),
    "qr": _l("扫码"),
    "pin": _l("工号+密码"),
    "cash": _l("现金"),
}
_DIFFERENCES: dict[str, tuple[str, LazyString, LazyString]] = {
    "cut_off": (
        "warn",
        _l("还没到的数据"),
        _l("这台在当天结束前就断开了；之后的销售联网后自动补上，已关账的记入补录。"),
    ),
    "no_shift": ("info", _l("没有交班"), _l("这些销售不在任何一次交班里，没有清点过现金。")),
    "parked": ("stop", _l("无法入账"), _l("结算台已收款，服务器没有记账；请在“例外”里处理。")),
    "server_void": ("info", _l("网页上撤销"), _l("在管理页面撤销的，结算台的数字里还有这些。")),
    "sales": ("stop", _l("笔数不符"), _l("结算台报的笔数和账上不同。")),
    "voids": ("stop", _l("撤销数不符"), _l("结算台报的撤销数和账上不同。")),
    "subsidy": ("stop", _l("补贴账户不符"), _l("结算台报的金额减去账上的金额。")),
    "cash": ("stop", _l("充值账户不符"), _l("结算台报的金额减去账上的金额。")),
    "drawer": ("stop", _l("现金销售不符"), _l("结算台报的金额减去账上的金额。")),
    "counted": ("warn", _l("现金长短款"), _l("清点的现金减去应有的现金；负数是少了。")),
}


def kind_text(kind: str) -> str:
    """A kind of movement; one without words here shows its code."""
    return str(_KINDS.get(kind, kind))


def account_text(kind: str) -> str:
    """A kind of account."""
    return str(_ACCOUNTS.get(kind, kind))


def tender_text(code: str) -> str:
    """How people identified themselves, or that they paid coins."""
    return str(_TENDERS.get(code, code))


def difference_text(code: str) -> tuple[str, str, str]:
    """Light, title and meaning of a difference."""
    light, title, meaning = _DIFFERENCES[code]
    return light, str(title), str(meaning)


def sheets(day: Day, site: str) -> list[Sheet]:
    """The day as sheets of an Excel file.

    Args:
        day: As :func:`server.reconciliation.day` gives it.
        site: Name, for the headings.
    """
    state = _("已关账") if day.closed else _("未关账")
    heading = f"{site} · {_('日结')} {day.date} · {state}"
    found = [_tills(day, heading), _tenders(day, heading), _desk(day, heading)]
    found += [_shifts(day, heading), _differences(day, heading), _kinds(day, heading)]
    if day.late:
        found.insert(1, _late(day, heading))
    return found


_MEASURES = (
    ("list_total", _l("原价")), ("discount", _l("优惠")), ("total", _l("收入")),
    ("subsidy", _l("补贴账户")), ("cash", _l("充值账户")), ("drawer", _l("现金")),
)  # fmt: skip


def _row(takings: Takings) -> list[Value]:
    return [
        takings.sales, *(Yuan(getattr(takings, name)) for name, _text in _MEASURES),
        takings.voids.count, Yuan(takings.voids.fen),
        takings.refunds.count, Yuan(takings.refunds.fen), Yuan(takings.net),
    ]  # fmt: skip


def _tills(day: Day, heading: str) -> Sheet:
    columns = [
        _("场所"), _("结算台"), _("笔数"), *(str(text) for _name, text in _MEASURES),
        _("撤销笔数"), _("撤销"), _("退款笔数"), _("退款"), _("净额"),
    ]  # fmt: skip
    rows = [
        [place.venue, place.terminal, *_row(takings)]
        for place, takings in day.figures.tills.items()
    ]
    return Sheet(_("销售"), heading, columns, rows, [_("合计"), "", *_row(day.figures.total)])


def _late(day: Day, heading: str) -> Sheet:
    rows: list[list[Value]] = [
        [_("关账时"), "", day.figures.total.sales, Yuan(day.figures.total.total)]
    ]
    rows += [
        [_("补录"), place.terminal, takings.sales, Yuan(takings.total)]
        for place, takings in day.late.items()
    ]
    whole = day.figures.total + day.late_total
    columns = ["", _("结算台"), _("笔数"), _("收入")]
    return Sheet(_("补录"), heading, columns, rows, [_("合计"), "", whole.sales, Yuan(whole.total)])


def _tenders(day: Day, heading: str) -> Sheet:
    rows: list[list[Value]] = [
        [tender_text(code), each.count, Yuan(each.fen)]
        for code, each in day.figures.total.tenders.items()
    ]
    return Sheet(_("付款方式"), heading, [_("方式"), _("笔数"), _("金额")], rows)


def _desk(day: Day, heading: str) -> Sheet:
    rows: list[list[Value]] = [
        [by, kind_text(kind), each.count, Yuan(each.fen)]
        for (by, kind), each in day.figures.desk.items()
    ]
    return Sheet(_("充值台"), heading, [_("经办"), _("事项"), _("笔数"), _("现金收付")], rows)


def _shifts(day: Day, heading: str) -> Sheet:
    columns = [
        _("结算台"), _("笔数"), _("撤销"), _("补贴账户"), _("充值账户"), _("现金"),
        _("应有现金"), _("清点"), _("长短款"), _("备注"),
    ]  # fmt: skip
    names = {place.terminal_id: place.terminal for place in day.figures.tills}
    rows: list[list[Value]] = [
        [
            names.get(each.row.terminal_id, ""), each.row.sales, each.row.voids,
            Yuan(Fen(each.row.subsidy)), Yuan(Fen(each.row.cash)), Yuan(Fen(each.row.drawer)),
            Yuan(each.expected), None if each.row.counted is None else Yuan(Fen(each.row.counted)),
            None if each.row.counted is None else Yuan(each.over), each.row.note,
        ]
        for each in day.shifts
    ]  # fmt: skip
    return Sheet(_("交班"), heading, columns, rows)


def _differences(day: Day, heading: str) -> Sheet:
    columns = [_("结算台"), _("差异"), _("数量"), _("金额"), _("说明")]
    rows = [_difference(day, each) for each in day.differences]
    return Sheet(_("差异"), heading, columns, rows)


def _difference(day: Day, each: Difference) -> list[Value]:
    notes = "；".join(f"{note.text}（{note.by}）" for note in day.notes.get(each.key, ()))
    amount = None if each.fen is None else Yuan(each.fen)
    return [each.terminal, difference_text(each.code)[1], each.count or None, amount, notes]


def _kinds(day: Day, heading: str) -> Sheet:
    used = sorted({kind for moved in day.figures.kinds.values() for kind in moved})
    columns = [_("事项"), _("笔数"), *(account_text(kind) for kind in used)]
    rows: list[list[Value]] = [
        [
            kind_text(kind), day.figures.counts[kind],
            *(Yuan(moved[account]) if account in moved else None for account in used),
        ]
        for kind, moved in day.figures.kinds.items()
    ]  # fmt: skip
    return Sheet(_("账上的变动"), heading, columns, rows)
