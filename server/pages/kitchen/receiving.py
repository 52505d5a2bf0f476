"""收货: what is due and what came, a delivery with its three signatures, its papers and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from flask import Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.quantity import Measure
from kitchen import (
    ingredients,
    labels,
    limits,
    lots,
    pictures,
    purchase_book,
    receiving_book,
    receiving_lines,
    receiving_note,
    receiving_posting,
    suppliers,
    zones,
)  # fmt: skip
from kitchen import receiving as rules
from kitchen.deliveries import Receiving, ReceivingLine, Role, State
from kitchen.ingredients import Ingredient
from kitchen.purchase_book import PurchaseLine
from kitchen.receiving_rules import Finding, Rules
from server import uploads
from server.access import needs
from server.pages import buying, site_view
from server.pages.kitchen import receiving_words, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.names import name_of
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A line as the tablet shows it: ordered, or weighed, or both."""

    ingredient: Ingredient
    line_id: UUID
    line: ReceivingLine | None
    ordered: PurchaseLine | None
    findings: list[Finding]

    @property
    def light(self) -> str:
        """The class of its edge."""
        if self.line is None:
            return ""
        if self.line.accepted and any(one.blocks for one in self.findings):
            return "late"
        if not self.line.accepted:
            return "back"
        return "soon" if self.findings else "over"


def today() -> date:
    """The business date at this moment."""
    return site_view.current().today(services().clock.now())


def seen_on(row: Receiving) -> date:
    """The day whose dates count: today, and of what is posted the day when it came."""
    return today() if row.state == State.OPEN.value else row.business_date


@kitchen.get("/receiving")
@needs("see_kitchen")
def receiving() -> str:
    """What is due, what stands open, what came."""
    day = today()
    with reading() as session:
        orders = receiving_book.due(session, site_id(), day, limit=receiving_book.MAX_PAGE)
        opened = receiving_book.opened(session, site_id())
        ended = receiving_book.ended(
            session, site_id(), after=as_uuid(request.args.get("after")), limit=PAGE
        )
        begun = {row.order_id for row in opened}
        ids = [row.supplier_id for row in orders]
        ids += [row.supplier_id for row in (*opened, *ended)]
        names = {row.id: row.name for row in suppliers.by_ids(session, site_id(), ids)}
        waiting = sorted(
            (row for row in orders if row.id not in begun), key=lambda row: (row.deliver_on, row.id)
        )
        return render_template(
            "kitchen/receiving.html",
            day=day, orders=waiting, opened=opened, ended=ended, names=names,
            goods={row.id: _goods(session, row.id) for row in waiting},
            more=next_page(len(ended), PAGE, after=str(ended[-1].id) if ended else ""),
        )  # fmt: skip


@kitchen.get("/receiving/new")
@needs("do_kitchen")
def receiving_new() -> str:
    """Who brought something without an order; who may not supply stands there with the reason."""
    with reading() as session:
        after = as_uuid(request.args.get("after"))
        found = receiving_book.choices(session, site_id(), today(), after=after, limit=PAGE)
        return render_template(
            "kitchen/receiving_new.html", choices=found, fault=buying.finding_text,
            more=next_page(len(found), PAGE, after=str(found[-1].supplier.id) if found else ""),
        )  # fmt: skip


@kitchen.post("/receiving/new")
@needs("do_kitchen")
def receiving_begun() -> AnyResponse:
    """Open a delivery, of an order or without one."""
    opened: list[UUID] = []

    def work(session: Session) -> None:
        order_id = as_uuid(request.form.get("order"))
        if order_id is not None:
            order = purchase_book.get(session, site_id(), order_id)
            supplier, key = order.supplier_id, receiving_book.key_of(session, site_id(), order_id)
        else:
            chosen = as_uuid(request.form.get("supplier"))
            if chosen is None:
                raise BadInputError(_("请选择供应商"))
            supplier, key = chosen, request.form.get("key", "")
        row = rules.begin(session, actor(), supplier, key=key, day=today(), order_id=order_id)
        opened.append(row.id)

    if change(work, ""):
        return redirect(url_for("kitchen.delivery", receiving_id=opened[0]))
    back = "kitchen.receiving" if "order" in request.form else "kitchen.receiving_new"
    return redirect(url_for(back))


@kitchen.get("/receiving/<uuid:receiving_id>")
@needs("see_kitchen")
def delivery(receiving_id: UUID) -> str:
    """A delivery: its lines, who signed, and when it is posted its lots."""
    with reading() as session:
        row = rules.get(session, site_id(), receiving_id)
        shown = rows_of(session, row)
        made = [one.line.lot_id for one in shown if one.line and one.line.lot_id]
        return render_template(
            "kitchen/receiving_delivery.html",
            row=row, rows=shown, posted=row.state != State.OPEN.value,
            supplier=suppliers.get(session, site_id(), row.supplier_id),
            signed={one.role: one for one in rules.signatures(session, site_id(), receiving_id)},
            lots=lots.by_ids(session, site_id(), made), say=receiving_words.finding,
            measure=Measure,
            show=labels.show,
        )  # fmt: skip


@kitchen.get("/receiving/<uuid:receiving_id>/add")
@needs("do_kitchen")
def receiving_add(receiving_id: UUID) -> str:
    """Choose what else came; of an order, one more batch of what was ordered."""
    with reading() as session:
        row = rules.get(session, site_id(), receiving_id)
        sold: list[str] = []
        if row.order_id is None:
            sold = suppliers.get(session, site_id(), row.supplier_id).categories
            found, more = _to_choose(session, sold)
        else:
            wanted = list(receiving_book.ordered(session, row.order_id))
            found, more = list(ingredients.by_ids(session, site_id(), wanted).values()), ""
        have = {one.ingredient_id for one in rules.lines(session, site_id(), receiving_id)}
        batch = request.args.get("batch", "")[:40]
        ids = {
            one.id: receiving_lines.line_id(receiving_id, one.id, batch if one.id in have else "")
            for one in found
        }
        active = [one for one in found if one.active]
        return render_template(
            "kitchen/receiving_add.html", row=row, found=active, ids=ids, have=have, more=more,
            sold=sold, chosen=_category(sold),
        )  # fmt: skip


def _category(sold: Sequence[str]) -> str:
    """Of which the ingredients are shown: what the supplier sells comes first; empty: of all."""
    return request.args.get("category", sold[0] if sold else "")[:40]


def _to_choose(session: Session, sold: Sequence[str]) -> tuple[Sequence[Ingredient], str]:
    search = request.args.get("search", "").strip()[:40]
    found = ingredients.page(
        session, site_id(), after=as_uuid(request.args.get("after")), limit=60, search=search,
        category="" if search else _category(sold), active=True,
    )  # fmt: skip
    return found, next_page(len(found), 60, after=str(found[-1].id) if found else "")


@kitchen.post("/receiving/<uuid:receiving_id>/sign")
@needs("do_kitchen")
def receiving_signed(receiving_id: UUID) -> AnyResponse:
    """The chef signs as himself; whoever brought it writes his name and draws, or is pictured."""

    def work(session: Session) -> None:
        if request.form.get("role") == Role.CHEF.value:
            chef = signing.acting("second")
            rules.sign(session, chef, receiving_id, Role.CHEF, chef.name)
            return
        name, file = request.form.get("name", ""), request.files.get("photo")
        if file is None or not file.filename:
            raise BadInputError(_("请送货人手写签名，或拍照"))
        picture = pictures.keep(session, actor(), uploads.read_picture(file.stream))
        rules.sign(session, actor(), receiving_id, Role.SUPPLIER, name, picture=picture)

    change(work, _("已签字"))
    return redirect(url_for("kitchen.delivery", receiving_id=receiving_id))


@kitchen.post("/receiving/<uuid:receiving_id>/post")
@needs("do_kitchen")
def receiving_posted(receiving_id: UUID) -> AnyResponse:
    """The storekeeper signs, and what is accepted comes into stock."""

    def work(session: Session) -> None:
        site = limits.of(session, site_id(), Rules)
        receiving_posting.finish(
            session, signing.acting(), receiving_id, day=today(), rules=site
        )  # fmt: skip

    change(work, _("验收完成"))
    return redirect(url_for("kitchen.delivery", receiving_id=receiving_id))


@kitchen.post("/receiving/<uuid:receiving_id>/give-up")
@needs("do_kitchen")
def receiving_given_up(receiving_id: UUID) -> AnyResponse:
    """It was opened by mistake."""

    def work(session: Session) -> None:
        why = request.form.get("reason", "")
        receiving_posting.give_up(session, signing.acting(), receiving_id, why, day=today())

    if change(work, _("已撤销这张验收单")):
        return redirect(url_for("kitchen.receiving"))
    return redirect(url_for("kitchen.delivery", receiving_id=receiving_id))


@kitchen.get("/receiving/<uuid:receiving_id>/note.json")
@needs("see_kitchen")
def receiving_paper(receiving_id: UUID) -> Response:
    """The note for whoever brought it, as a receipt document."""
    with reading() as session:
        row = rules.get(session, site_id(), receiving_id)
        lines = rules.lines(session, site_id(), receiving_id)
        known = ingredients.by_ids(session, site_id(), [one.ingredient_id for one in lines])
        supplier = suppliers.get(session, site_id(), row.supplier_id).name
        signed = [
            (one.role, name_of(one.name))
            for one in rules.signatures(session, site_id(), receiving_id)
        ]
        return jsonify(receiving_note.note(row, lines, known, signed, supplier))


@kitchen.get("/receiving/lots/<uuid:lot_id>/label.json")
@needs("see_kitchen")
def receiving_label(lot_id: UUID) -> Response:
    """The label of a lot, as a receipt document."""
    with reading() as session:
        lot = lots.get(session, site_id(), lot_id)
        ingredient = ingredients.get(session, site_id(), lot.ingredient_id)
        supplier = ""
        if lot.supplier_id is not None:
            supplier = suppliers.get(session, site_id(), lot.supplier_id).name
        by_name = {one.name: one for one in zones.of_site(session, site_id())}
        label = labels.lot_label(lot, ingredient, supplier=supplier, zone=by_name.get(lot.zone))
        return jsonify(label.as_receipt())


def rows_of(session: Session, row: Receiving) -> list[Row]:
    """What was weighed, and what is ordered and not weighed yet."""
    lines = rules.lines(session, site_id(), row.id)
    ordered = receiving_book.ordered(session, row.order_id) if row.order_id else {}
    wanted = [*ordered, *(line.ingredient_id for line in lines)]
    known = ingredients.by_ids(session, site_id(), wanted)
    site = limits.of(session, site_id(), Rules)
    found = rules.findings(session, site_id(), row.id, day=seen_on(row), rules=site)
    shown = [
        Row(known[line.ingredient_id], line.id, line, ordered.get(line.ingredient_id),
            found[line.id])
        for line in lines
    ]  # fmt: skip
    have = {line.ingredient_id for line in lines}
    if row.state == State.OPEN.value:
        shown += [
            Row(known[one], receiving_lines.line_id(row.id, one), None, line, [])
            for one, line in ordered.items()
            if one not in have and line.received < line.quantity
        ]
    places = {one: place for place, one in enumerate(ordered)}
    return sorted(shown, key=lambda one: places.get(one.ingredient.id, len(places)))


def _goods(session: Session, order_id: UUID) -> list[str]:
    """What is still to come of an order, by name."""
    left = [one for one in purchase_book.lines_of(session, order_id) if one.received < one.quantity]
    known = ingredients.by_ids(session, site_id(), [one.ingredient_id for one in left])
    return [known[one.ingredient_id].name for one in left]
