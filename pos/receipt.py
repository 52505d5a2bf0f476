"""Sales, voids and shifts on paper, in Chinese. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from dafan.desk import Shift, Void
from dafan.money import Fen, format_yuan
from dafan.records import Policy, Portion, Sale, SaleLine, Source, Tender, TerminalInfo
from devices.receipt_doc import Columns, Cut, Drawer, Feed, Item, ReceiptDoc, Rule, Text
from pos.snapshot import Account, Sold, mask

_PORTIONS = {Portion.FULL: "", Portion.HALF: "（半份）", Portion.SMALL: "（小碗）"}
_SOURCES = {Source.SUBSIDY: "补贴", Source.CASH: "充值账户", Source.DRAWER: "现金"}
_TENDERS = {
    Tender.FACE: "刷脸",
    Tender.CARD: "刷卡",
    Tender.QR: "扫码",
    Tender.PIN: "工号",
    Tender.CASH: "现金",
}


def make_receipt(
    sale: Sale, terminal: TerminalInfo, policy: Policy, account: Account | None
) -> ReceiptDoc:
    """The receipt of a paid sale.

    Args:
        sale: What was paid.
        terminal: Where.
        policy: Gives the time zone, the meals' names and the footer.
        account: The diner after the sale; ``None`` for cash, which opens the drawer.
    """
    items: list[Item] = [Drawer()] if sale.tender is Tender.CASH else []
    items += [
        *_head(terminal),
        Columns(left=_local(sale.paid_at, policy), right=_meal(sale, policy)),
    ]
    if account is not None:
        items.append(Columns(left=mask(account.diner.name), right=_TENDERS[sale.tender]))
    items.append(Rule())
    for line in sale.lines:
        items += _line(line)
    items += [Rule(), *_sums(sale)]
    if account is not None:
        balance = f"补贴 {_yuan(account.subsidy)}  充值 {_yuan(account.cash)}"
        items.append(Text(text=f"余额：{balance}"))
    items += [Rule(), Text(text=f"单号 {short_id(sale)}")]
    if policy.receipt_footer:
        items.append(Text(text=policy.receipt_footer, align="center"))
    return ReceiptDoc(lines=(*items, Cut()))


def make_void_receipt(
    void: Void, sold: Sold, clerk: str, terminal: TerminalInfo, policy: Policy
) -> ReceiptDoc:
    """The receipt of a sale that is taken back; the drawer opens for money that goes back.

    Args:
        void: What is written.
        sold: The sale.
        clerk: Who did it.
        terminal: Where.
        policy: Gives the time zone.
    """
    sale = sold.sale
    who = mask(sold.name) if sold.name else _TENDERS[sale.tender]
    cash = any(payment.source is Source.DRAWER for payment in sale.payments)
    return ReceiptDoc(
        lines=(
            *([Drawer()] if cash else []),
            *_head(terminal, "撤销单"),
            Columns(left=_local(void.at, policy), right=who),
            Columns(left="原单号", right=short_id(sale)),
            Columns(left="原单时间", right=_local(sale.paid_at, policy)),
            Rule(),
            Columns(left="退回", right=_yuan(sale.total), bold=True),
            *(
                Columns(left=f"  {_SOURCES[p.source]}", right=_yuan(p.amount))
                for p in sale.payments
            ),
            Text(text=f"原因：{void.reason}"),
            Rule(),
            Columns(left="经办", right=clerk),
            Text(text="就餐人签字："),
            Feed(lines=2),
            Cut(),
        )
    )


def make_shift_slip(shift: Shift, clerk: str, terminal: TerminalInfo, policy: Policy) -> ReceiptDoc:
    """The slip of a shift.

    Args:
        shift: Its figures.
        clerk: Who closes it.
        terminal: Where.
        policy: Gives the time zone.
    """
    counted: list[Item] = []
    if shift.counted is not None:
        counted = [
            Columns(left="实点现金", right=_yuan(shift.counted)),
            Columns(left="差额", right=_yuan(Fen(shift.counted - shift.drawer)), bold=True),
        ]
    return ReceiptDoc(
        lines=(
            *_head(terminal, "交班单"),
            Columns(left="开始", right=_local(shift.opened_at, policy)),
            Columns(left="结束", right=_local(shift.closed_at, policy)),
            Rule(),
            Columns(left="结算", right=f"{shift.sales} 笔"),
            Columns(left="撤销", right=f"{shift.voids} 笔"),
            Columns(left=_SOURCES[Source.SUBSIDY], right=_yuan(shift.subsidy)),
            Columns(left=_SOURCES[Source.CASH], right=_yuan(shift.cash)),
            Columns(left=_SOURCES[Source.DRAWER], right=_yuan(shift.drawer)),
            *counted,
            Rule(),
            Columns(left="交班", right=clerk),
            Text(text="签字："),
            Feed(lines=2),
            Cut(),
        )
    )


def _head(terminal: TerminalInfo, title: str = "") -> list[Item]:
    named = [Text(text=title, align="center", bold=True)] if title else []
    return [
        Text(text=terminal.site_name, align="center", bold=True, size=2),
        Text(text=f"{terminal.venue_name} · {terminal.name}", align="center"),
        *named,
        Rule(),
    ]


def short_id(sale: Sale) -> str:
    """The end of the sale's id, enough for a person to find it by."""
    return sale.id.hex[-10:].upper()


def _line(line: SaleLine) -> list[Item]:
    name = line.name + _PORTIONS[line.portion]
    if line.grams is not None:
        detail = f"  {line.grams} g × {_yuan(line.unit_price)}/kg"
    else:
        detail = f"  {line.quantity} × {_yuan(line.unit_price)}"
    return [Text(text=name), Columns(left=detail, right=_yuan(line.amount))]


def _sums(sale: Sale) -> list[Item]:
    items: list[Item] = []
    if sale.discount:
        items.append(Columns(left="合计", right=_yuan(sale.list_total)))
        items.append(Columns(left="优惠", right=_yuan(Fen(-sale.discount))))
    items.append(Columns(left="实付", right=_yuan(sale.total), bold=True))
    items += [Columns(left=f"  {_SOURCES[p.source]}", right=_yuan(p.amount)) for p in sale.payments]
    return items


def _meal(sale: Sale, policy: Policy) -> str:
    return next((p.name for p in policy.periods if p.code == sale.period), "")


def _local(moment: datetime, policy: Policy) -> str:
    return moment.astimezone(ZoneInfo(policy.time_zone)).strftime("%Y-%m-%d %H:%M:%S")


def _yuan(amount: Fen) -> str:
    sign = "-" if amount < 0 else ""
    return f"{sign}￥{format_yuan(Fen(abs(amount)))}"
