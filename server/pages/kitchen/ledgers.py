"""台账: disinfection, frying oil and pests; a wrong row is corrected by a new one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from kitchen import ledgers, rows
from kitchen.ledgers import (
    Disinfection,
    DisinfectionValues,
    Fault,
    LedgerRow,
    Method,
    OilAct,
    OilEntry,
    OilValues,
    PestEntry,
    PestValues,
)  # fmt: skip
from server.access import needs
from server.actor import Actor
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import as_uuid, change, next_page, reading, site_id

PAGE = 50
SHOWN = timedelta(days=30)
METHODS: dict[Method, LazyString] = {
    Method.STEAM: _l("蒸汽或煮沸"), Method.INFRARED: _l("红外消毒柜"),
    Method.DISHWASHER: _l("洗碗机"), Method.CHLORINE: _l("含氯消毒液"),
}  # fmt: skip
FAULTS: dict[Fault, LazyString] = {
    Fault.TOO_COOL: _l("温度不够"), Fault.TOO_SHORT: _l("时间不够"),
    Fault.TOO_WEAK: _l("浓度不够"), Fault.NOT_RINSED: _l("没有冲洗"),
}  # fmt: skip
OIL_ACTS: dict[OilAct, LazyString] = {
    OilAct.TESTED: _l("检测"), OilAct.FILTERED: _l("过滤"), OilAct.CHANGED: _l("换油"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Book:
    """A ledger as the tablet shows it.

    Attributes:
        title: What it is called.
        table: Its rows.
        write: Reads the form and writes a row.
        warning: What is said of a row behind its writing; empty where all is well.
    """

    title: LazyString
    table: type[LedgerRow]
    write: Callable[[Session, Actor, date, UUID | None], LedgerRow]
    warning: Callable[[LedgerRow], str]


def _disinfect(session: Session, by: Actor, day: date, corrects: UUID | None) -> LedgerRow:
    values = fields.given(
        DisinfectionValues,
        _("请填温度（加热）或浓度（消毒液），结束要晚于开始"),
        started_at=fields.moment("started_at"),
        ended_at=fields.moment("ended_at"),
    )
    return ledgers.disinfected(
        session, by, fields.key(), day, values, corrects=corrects, reason=fields.said()
    )


def _oil(session: Session, by: Actor, day: date, corrects: UUID | None) -> LedgerRow:
    values = fields.given(
        OilValues,
        _("检测要填极性组分；换油要填废油重量和收运单位"),
        polar=fields.tenths("polar"),
        discarded=fields.thousandths("discarded") or 0,
    )
    return ledgers.oil(
        session, by, fields.key(), day, values, corrects=corrects, reason=fields.said()
    )


def _pests(session: Session, by: Actor, day: date, corrects: UUID | None) -> LedgerRow:
    values = fields.given(PestValues, photo=fields.photo(session, by))
    return ledgers.pests(
        session, by, fields.key(), day, values, corrects=corrects, reason=fields.said()
    )


def _too_little(row: LedgerRow) -> str:
    faults = row.faults if isinstance(row, Disinfection) else []
    named = "、".join(str(FAULTS[Fault(fault)]) for fault in faults)
    return _("不合格：%(faults)s。请重新消毒，再登记一次", faults=named) if named else ""


def _old_oil(row: LedgerRow) -> str:
    due = isinstance(row, OilEntry) and row.change_due
    return _("极性组分超标：请换油") if due else ""


BOOKS: dict[str, Book] = {
    "disinfection": Book(_l("餐具消毒"), Disinfection, _disinfect, _too_little),
    "oil": Book(_l("煎炸油"), OilEntry, _oil, _old_oil),
    "pests": Book(_l("有害生物防制"), PestEntry, _pests, lambda _row: ""),
}

TILES.append(Tile("kitchen.ledger", _l("台账"), _l("餐具消毒、煎炸油、有害生物防制")))


@kitchen.get("/ledgers")
@kitchen.get("/ledgers/<any(disinfection, oil, pests):book>")
@needs("see_kitchen")
def ledger(book: str = "disinfection") -> str:
    """A ledger of the last month, and the form of its next row."""
    chosen, day = BOOKS[book], fields.day()
    first = day - SHOWN
    with reading() as session:
        found = ledgers.current(
            session, site_id(), chosen.table, first, day,
            after=as_uuid(request.args.get("after")), limit=PAGE, newest_first=True,
        )  # fmt: skip
        wrong_id = as_uuid(request.args.get("corrects"))
        wrong = rows.get(session, chosen.table, site_id(), wrong_id, "entry") if wrong_id else None
        stale = ledgers.oil_to_change(session, site_id()) if book == "oil" else []
    more = next_page(len(found), PAGE, after=str(found[-1].id)) if found else ""
    return render_template(
        "kitchen/ledger.html", book=book, books=BOOKS, found=found, wrong=wrong,
        stale=stale, more=more, METHODS=METHODS, FAULTS=FAULTS, OIL_ACTS=OIL_ACTS, day=day,
        heat=ledgers.HEAT_LIMITS, chlorine=ledgers.CHLORINE_LIMITS,
    )  # fmt: skip


@kitchen.post("/ledgers/<any(disinfection, oil, pests):book>")
@needs("do_kitchen")
def ledger_write(book: str) -> AnyResponse:
    """A row of a ledger; what falls short is written too, and said."""
    chosen = BOOKS[book]
    corrects = as_uuid(request.form.get("corrects"))
    warnings: list[str] = []

    def work(session: Session) -> None:
        row = chosen.write(session, signing.acting(), fields.day(), corrects)
        warnings.append(chosen.warning(row))

    if change(work, _("已登记")):
        if warnings[0]:
            flash(warnings[0], "warn")
        return redirect(url_for("kitchen.ledger", book=book))
    return redirect(url_for("kitchen.ledger", book=book, corrects=corrects))
