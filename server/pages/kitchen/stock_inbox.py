"""库存审批: what waits for a second person (闭环审批), on the tablet and at the desk."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kitchen import ingredients, limits, lots, stock, stock_requests, stocktake
from kitchen.pictures import Picture
from kitchen.stock_view import StockRules
from server.access import may, needs
from server.actor import Actor
from server.pages.forms import read_amount
from server.pages.kitchen import fields, stock_words
from server.pages.kitchen.blueprint import kitchen
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 50


@kitchen.get("/stock/requests")
@needs("see_kitchen")
def stock_inbox() -> str:
    """What was asked for and nobody has judged, the oldest first."""
    after = as_uuid(request.args.get("after"))
    with reading() as session:
        found = stock_requests.waiting(session, site_id(), after=after, limit=PAGE)
        wanted = [row.lot_id for row in found if row.lot_id is not None]
        ids = select(Picture.id).where(
            Picture.site_id == site_id(), Picture.id.in_([row.id for row in found])
        )
        more = next_page(len(found), PAGE, after=str(found[-1].id)) if found else ""
        takes = stocktake.waiting(session, site_id())
        return render_template(
            "kitchen/stock_inbox.html", found=found, more=more,
            names=ingredients.by_ids(session, site_id(), [row.ingredient_id for row in found]),
            lots=lots.by_ids(session, site_id(), wanted), photos=set(session.scalars(ids)),
            takes=[(take, stocktake.worth(session, take)) for take in takes],
            reasons=stock_words.REASONS, purposes=stock_words.PURPOSES,
            limit=stock.limit_of(session, site_id()),
            rules=limits.of(session, site_id(), StockRules),
        )  # fmt: skip


@kitchen.post("/stock/requests/<uuid:request_id>/<any(yes, no):said>")
@needs("do_kitchen")
def stock_judge(request_id: UUID, said: str) -> Response:
    """Say yes, which moves it, or no."""

    def work(session: Session) -> None:
        if said == "yes":
            stock_requests.approve(session, _judge(), request_id, day=fields.day())
        else:
            stock_requests.refuse(session, _judge(), request_id, fields.said())

    change(work, _("已批准") if said == "yes" else _("已驳回"))
    return redirect(url_for("kitchen.stock_inbox"))


@kitchen.post("/stock/counts/<uuid:stocktake_id>/<any(yes, no):said>")
@needs("do_kitchen")
def stock_count_judge(stocktake_id: UUID, said: str) -> Response:
    """Book the differences of a stocktake, or send it back to be counted again."""

    def work(session: Session) -> None:
        if said == "yes":
            stocktake.approve(session, _judge(), stocktake_id, day=fields.day())
        else:
            stocktake.refuse(session, _judge(), stocktake_id, fields.said())

    change(work, _("已批准，差异已入账") if said == "yes" else _("已驳回"))
    return redirect(url_for("kitchen.stock_count", stocktake_id=stocktake_id))


@kitchen.post("/stock/limits")
@needs("run_kitchen")
def stock_limits() -> Response:
    """What one person may take alone, and when there is too much of something."""

    def work(session: Session) -> None:
        typed = request.form.get("issue", "").strip()
        wanted = read_amount(typed) if typed else None
        if wanted != stock.limit_of(session, site_id()):
            stock.set_limit(session, actor(), wanted)
        limits.decide(
            session, actor(), StockRules, {"maximum_times": request.form.get("times", "")}
        )

    change(work, _("已保存"))
    return redirect(url_for("kitchen.stock_inbox"))


def _judge() -> Actor:
    """Who says yes or no: a person with the right, by his own account or by his signature."""
    if may("approve_stock") and not request.form.get("signed_by"):
        return actor()
    return fields.acting_with("approve_stock")
