"""审批: what waits for the signed-in person, and who may approve how much."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.money import Fen
from kitchen import approvals, ingredients, lots, purchasing, stock_requests, stocktake
from kitchen.approvals import DEFAULT_LIMITS, RuleValues
from kitchen.stock import MAIN
from kitchen.stock_requests import StockRequest
from server import inbox
from server.access import RIGHTS, needs
from server.inbox import Ask, Kind
from server.pages import asks, buying, formats, scale_words
from server.pages.forms import read_amount
from server.pages.kitchen import stock_words
from server.pages.kitchen.incidents import KINDS
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 50
NO_LIMIT, NOTHING, UP_TO = "all", "none", "up_to"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that waits, as the list shows it.

    Attributes:
        what: What it is about.
        more: Where, which lot, why; may be empty.
        amount: Fen, or a quantity, in words; may be empty.
        address: Where it is looked at; empty: there is no page besides this one.
        path: Where its buttons lead, under the inbox; empty: it is decided on its own page.
    """

    ask: Ask
    mark: str
    kind: str
    what: str
    more: str
    amount: str
    address: str
    path: str


@dataclass(frozen=True, slots=True)
class Stock:
    """A request to the stock in words."""

    food: str
    much: str
    more: str
    waste: bool


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a role approves."""

    role: str
    name: str
    kind: str
    """:data:`NO_LIMIT`, :data:`NOTHING` or :data:`UP_TO`."""
    up_to: Fen | None


@manage.get("/approvals")
@needs("see_buying")
def approvals_inbox() -> str:
    """Everything that waits for this person, the longest waiting first."""
    with reading() as session:
        found = inbox.waiting(
            session, asks.who(session), after=request.args.get("after", ""), limit=PAGE
        )
        return render_template(
            "manage/approvals.html",
            lines=_lines(session, found),
            all=asks.count(session),
            now=services().clock.now(),
            following=next_page(len(found), PAGE, after=found[-1].cursor if found else ""),
            tab="inbox",
        )


@manage.post("/approvals/orders/<uuid:order_id>/approve")
@needs("approve_buying")
def order_approve(order_id: UUID) -> AnyResponse:
    """Say yes to an order."""
    return _decide(order_id, approve=True)


@manage.post("/approvals/orders/<uuid:order_id>/refuse")
@needs("approve_buying")
def order_refuse(order_id: UUID) -> AnyResponse:
    """Say no to an order, and why."""
    return _decide(order_id, approve=False)


def _decide(order_id: UUID, *, approve: bool) -> AnyResponse:
    """What is decided is what was seen: an order written anew meanwhile has another approval."""
    seen, reason = as_uuid(request.form.get("approval")), request.form.get("reason", "")

    def work(session: Session) -> None:
        row = purchasing.decide(
            session, actor(), current_user.roles, order_id, approve=approve, reason=reason
        )
        if row.approval_id != seen:
            raise BadInputError(_("这张采购单刚被改写过：请重新查看再决定"))

    change(work, _("已批准，可以下达") if approve else _("已驳回，申请人可以改写后再提交"))
    return redirect(url_for("manage.approvals_inbox"))


@manage.post("/approvals/stock/<uuid:request_id>/approve")
@needs("approve_stock")
def stock_approve(request_id: UUID) -> AnyResponse:
    """Say yes to an issue or a waste: it moves at once."""
    change(
        lambda session: stock_requests.approve(session, actor(), request_id, day=buying.today()),
        _("已同意，库存已变动"),
    )
    return redirect(url_for("manage.approvals_inbox"))


@manage.post("/approvals/stock/<uuid:request_id>/refuse")
@needs("approve_stock")
def stock_refuse(request_id: UUID) -> AnyResponse:
    """Say no to an issue or a waste; nothing moves."""
    reason = request.form.get("reason", "")
    change(
        lambda session: stock_requests.refuse(session, actor(), request_id, reason),
        _("已拒绝，库存没有变动"),
    )
    return redirect(url_for("manage.approvals_inbox"))


def _lines(session: Session, found: Sequence[Ask]) -> list[Line]:
    """What only the rows themselves know is read for this page of the list."""
    stock = _of_stock(session, [ask.id for ask in found if ask.kind is Kind.STOCK])
    return [_line(session, ask, stock) for ask in found]


def _line(session: Session, ask: Ask, stock: Mapping[UUID, Stock]) -> Line:
    mark, kind = asks.KINDS[ask.kind]
    what, amount, path = ask.title, ask.amount, ""
    if one := stock.get(ask.id):
        mark, kind = ("warn", _("报损")) if one.waste else ("info", _("超额领料"))
        return Line(ask, mark, kind, one.food, one.more, one.much, "", f"stock/{ask.id}")
    if ask.kind is Kind.STOCKTAKE:
        row = stocktake.get(session, site_id(), ask.id)
        what, amount = stock_words.place(row.place), Fen(stocktake.worth(session, row))
    elif ask.kind is Kind.INCIDENT:
        what = str(KINDS.get(ask.title, ask.title))
    elif ask.kind in asks.SCALES:
        what = scale_words.text(asks.SCALES[ask.kind], ask.title)
    elif ask.kind is Kind.ORDER:
        path = f"orders/{ask.id}"
    told = "" if amount is None else formats.yuan(amount)
    return Line(ask, mark, str(kind), what, "", told, asks.address(ask), path)


def _of_stock(session: Session, ids: Sequence[UUID]) -> dict[UUID, Stock]:
    """Requests to the stock: what, how much, of which lot, and why."""
    query = select(StockRequest).where(StockRequest.site_id == site_id(), StockRequest.id.in_(ids))
    rows = session.scalars(query).all()
    food = ingredients.by_ids(session, site_id(), [row.ingredient_id for row in rows])
    known = lots.by_ids(session, site_id(), [row.lot_id for row in rows if row.lot_id])
    found = {}
    for row in rows:
        one = food[row.ingredient_id]
        lot = known.get(row.lot_id) if row.lot_id else None
        number = _("批次 %(number)s", number=lot.number) if lot else ""
        place = "" if row.place == MAIN else stock_words.place(row.place)
        found[row.id] = Stock(
            food=one.name,
            much=buying.show(row.quantity, one.measure),
            more=" ".join(part for part in (number, place, row.note) if part),
            waste=row.lot_id is not None,
        )
    return found


@manage.get("/approvals/rules")
@needs("see_buying")
def approval_rules() -> str:
    """Up to which amount each role approves an order."""
    with reading() as session:
        limits = _limits(approvals.rules_of(session, site_id()))
    return render_template("manage/approval_rules.html", limits=limits, tab="rules")


@manage.post("/approvals/rules")
@needs("edit_accounts")
def approval_rules_save() -> AnyResponse:
    """Whoever gives out roles says what they approve."""
    change(lambda session: _save(session, request.form), _("审批权限已保存"))
    return redirect(url_for("manage.approval_rules"))


def _limits(rules: Sequence[RuleValues]) -> list[Limit]:
    own = {rule.role: rule.up_to for rule in rules if rule.subject == purchasing.SUBJECT}
    known = own or DEFAULT_LIMITS
    names = dict(zip(_roles(), buying.role_names(_roles()), strict=True))
    found = []
    for role in _roles():
        up_to = known.get(role)
        kind = NOTHING if role not in known else NO_LIMIT if up_to is None else UP_TO
        found.append(Limit(role, names[role], kind, up_to))
    return found


def _roles() -> Sequence[str]:
    return RIGHTS["approve_buying"]


def _save(session: Session, given: Mapping[str, str]) -> None:
    """Write the whole table of the form.

    Raises:
        BadInputError: an amount is none, or nobody would be left who approves.
    """
    kinds = {role: given.get(f"kind_{role}", NOTHING) for role in _roles()}
    if NO_LIMIT not in kinds.values():
        raise BadInputError(_("至少要有一个角色可以审批任何金额，否则大额采购没有人能批"))
    for role, kind in kinds.items():
        if kind == NOTHING:
            approvals.remove_rule(session, actor(), purchasing.SUBJECT, role)
            continue
        up_to = None if kind == NO_LIMIT else _amount(given.get(f"up_to_{role}", ""))
        values = RuleValues(subject=purchasing.SUBJECT, role=role, up_to=up_to)
        approvals.set_rule(session, actor(), values)


def _amount(text: str) -> Fen:
    amount = read_amount(text)
    if amount <= 0:
        raise BadInputError(_("审批限额要大于零"))
    return amount
