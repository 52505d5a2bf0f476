"""询价: several suppliers are asked, their prices stand side by side, and one is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import ingredients, inquiries, rows
from kitchen.ingredients import Ingredient
from kitchen.inquiries import LEAST_OFFERS, Comparison, Inquiry, InquiryValues, QuoteValues
from kitchen.rows import UnknownRowError
from server import buying as service
from server.access import needs
from server.pages import buying
from server.pages.forms import read_amount
from server.pages.manage.blueprint import manage
from server.pages.manage.orders import read_day
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 50
_ROWS = 12
_FINDINGS: dict[str, LazyString] = {
    "no_offer": _l("还没有报价"),
    "few_offers": _l("不到三家"),
    "dearer_than_last": _l("比上次贵一成以上"),
    "offers_far_apart": _l("各家差得很多"),
}


@dataclass(frozen=True, slots=True)
class Compared:
    """One ingredient of an inquiry with the offers of all who were asked."""

    food: Ingredient
    wanted: int
    comparison: Comparison
    prices: Mapping[UUID, int]
    """Supplier → price."""

    def against_last(self, price: int) -> float | None:
        """Per cent against the last price paid."""
        last = self.comparison.last_price
        return None if not last else 100 * (price - last) / last


@manage.get("/inquiries", endpoint="inquiries_list")
@needs("see_buying")
def page() -> str:
    """Inquiries, the newest first."""
    with reading() as session:
        found = inquiries.page(
            session, site_id(), after=as_uuid(request.args.get("after")), limit=PAGE
        )
        return render_template(
            "manage/inquiries.html",
            found=found,
            following=next_page(len(found), PAGE, after=str(found[-1].id) if found else ""),
        )


@manage.route("/inquiries/new", methods=["GET", "POST"])
@needs("buy")
def inquiry_new() -> str | AnyResponse:
    """Ask for prices."""
    key = str(as_uuid(request.form.get("key")) or new_id())
    made: list[UUID] = []

    def work(session: Session) -> None:
        values = _read(session)
        made.append(inquiries.open_inquiry(session, actor(), values, buying.today(), key=key).id)

    if request.method == "POST" and change(work, _("已发起，收到报价后登记在这里")):
        return redirect(url_for("manage.inquiry", inquiry_id=made[0]))
    typed = list(zip(request.form.getlist("name"), request.form.getlist("quantity"), strict=False))
    blank = [("", "")] * max(_ROWS - len(typed), 0)
    with reading() as session:
        food = ingredients.page(session, site_id(), limit=ingredients.MAX_PAGE)
    return render_template(
        "manage/inquiry_edit.html",
        active="manage.orders_list",
        food=[one for one in food if one.active],
        rows=typed + blank,
        deliver_on=request.form.get("deliver_on") or buying.today(),
        note=request.form.get("note", ""),
        today=buying.today(),
        key=key,
        words=buying,
    )


@manage.get("/inquiries/<uuid:inquiry_id>")
@needs("see_buying")
def inquiry(inquiry_id: UUID) -> str:
    """The offers side by side."""
    with reading() as session:
        row = _or_404(session, inquiry_id)
        found = _compared(session, row)
        asked = sorted({one for line in found for one in line.prices})
        return render_template(
            "manage/inquiry.html",
            active="manage.orders_list",
            row=row,
            found=found,
            asked=asked,
            names=buying.supplier_names(session, asked),
            choices=buying.supplier_choices(session, row.deliver_on),
            least=LEAST_OFFERS,
            finding_text=lambda code: str(_FINDINGS[code]),
            today=buying.today(),
            key=str(new_id()),
            words=buying,
        )


@manage.post("/inquiries/<uuid:inquiry_id>/quotes")
@needs("buy")
def inquiry_quote(inquiry_id: UUID) -> AnyResponse:
    """Keep what a supplier names; his newest price counts."""
    given = request.form

    def work(session: Session) -> None:
        supplier = as_uuid(given.get("supplier"))
        if supplier is None:
            raise BadInputError(_("请选择供应商"))
        typed = {
            as_uuid(name.removeprefix("price_")): read_amount(text)
            for name, text in given.items()
            if name.startswith("price_") and text.strip()
        }
        prices = {one: price for one, price in typed.items() if one is not None}
        if not prices or any(price <= 0 for price in prices.values()):
            raise BadInputError(_("请至少写一个大于零的价格"))
        values = rows.read(QuoteValues, {"supplier_id": supplier, "prices": prices}, "quote")
        inquiries.quote(session, actor(), inquiry_id, values)

    change(work, _("报价已登记"))
    return redirect(url_for("manage.inquiry", inquiry_id=inquiry_id))


@manage.post("/inquiries/<uuid:inquiry_id>/close")
@needs("buy")
def inquiry_close(inquiry_id: UUID) -> AnyResponse:
    """No more prices are taken, and nothing is ordered."""
    change(lambda session: inquiries.close(session, actor(), inquiry_id), _("询价已结束"))
    return redirect(url_for("manage.inquiry", inquiry_id=inquiry_id))


@manage.post("/inquiries/<uuid:inquiry_id>/orders")
@needs("buy")
def inquiry_orders(inquiry_id: UUID) -> AnyResponse:
    """Order of those who were chosen; who takes a dearer offer says why."""
    given = request.form
    key = str(as_uuid(given.get("key")) or new_id())

    def work(session: Session) -> None:
        row = inquiries.get(session, site_id(), inquiry_id)
        picks, dearer = _picks(_compared(session, row), row.deliver_on, given)
        reason = given.get("reason", "").strip()
        if dearer and not reason:
            raise BadInputError(_("%(names)s 没有选最便宜的：请写明理由", names="、".join(dearer)))
        note = f"{_('询价')} {row.business_date}" + (f"：{reason}" if dearer else "")
        service.draft_orders(session, actor(), picks, buying.today(), key=key, note=note[:200])
        inquiries.close(session, actor(), inquiry_id)

    if change(work, _("已生成采购单草稿，请检查后提交审批")):
        return redirect(url_for("manage.orders_list"))
    return redirect(url_for("manage.inquiry", inquiry_id=inquiry_id))


def _picks(
    found: Sequence[Compared], deliver_on: date, given: Mapping[str, str]
) -> tuple[list[service.Pick], list[str]]:
    """What was chosen, and the ingredients of which it was not the cheapest."""
    picks, dearer = [], []
    for line in found:
        supplier = as_uuid(given.get(f"choose_{line.food.id}"))
        offer = next((one for one in line.comparison.offers if one.supplier_id == supplier), None)
        if offer is None:
            continue
        picks.append(
            service.Pick(offer.supplier_id, deliver_on, line.food.id, line.wanted, offer.price)
        )
        if offer.price > line.comparison.offers[0].price:
            dearer.append(line.food.name)
    return picks, dearer


def _compared(session: Session, row: Inquiry) -> list[Compared]:
    found = inquiries.comparison(session, site_id(), row.id)
    food = ingredients.by_ids(session, site_id(), [one.ingredient_id for one in found])
    return [
        Compared(
            food[one.ingredient_id],
            row.wanted[str(one.ingredient_id)],
            one,
            {offer.supplier_id: offer.price for offer in one.offers},
        )
        for one in found
    ]


def _or_404(session: Session, inquiry_id: UUID) -> Inquiry:
    try:
        return inquiries.get(session, site_id(), inquiry_id)
    except UnknownRowError:
        abort(404)


def _read(session: Session) -> InquiryValues:
    """What the form asks for.

    Raises:
        BadInputError: something is missing or written wrongly; the text is for the person.
    """
    given = request.form
    wanted: dict[UUID, int] = {}
    for name, quantity in zip(given.getlist("name"), given.getlist("quantity"), strict=False):
        if not name.strip() and not quantity.strip():
            continue
        one = buying.named(session, name)
        if one.id in wanted:
            raise BadInputError(_("同一种食材写了两行：请合成一行"))
        wanted[one.id] = buying.read(quantity, one)
    if not wanted:
        raise BadInputError(_("请至少写一种食材"))
    deliver_on = read_day(given.get("deliver_on", ""))
    if deliver_on < buying.today():
        raise BadInputError(_("到货日期已经过去：请选今天或以后的一天"))
    told = {"deliver_on": deliver_on, "wanted": wanted, "note": given.get("note", "")}
    return rows.read(InquiryValues, told, "inquiry")
