"""食品添加剂: what may be used, each dose weighed against its limit, and a second signature."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import additives, ledgers, rows
from kitchen.additives import Additive, AdditiveUse, AdditiveValues, DoseError, UseValues
from server.access import needs
from server.pages.kitchen import fields, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.ledgers import SHOWN
from server.pages.kitchen.more import TILES, Tile
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 50

TILES.append(Tile("kitchen.additive_list", _l("添加剂"), _l("限量、称量、双人签字")))


@kitchen.get("/additives")
@needs("see_kitchen")
def additive_list() -> str:
    """What is kept, what was used lately, and the form for the next dose."""
    day = fields.day()
    with reading() as session:
        kept = additives.listed(session, site_id())
        waiting = {row.id for row in additives.unsigned(session, site_id(), day)}
        used = ledgers.current(
            session, site_id(), AdditiveUse, day - SHOWN, day,
            after=as_uuid(request.args.get("after")), limit=PAGE,
            newest_first=True,
        )  # fmt: skip
        every = session.scalars(select(Additive).where(Additive.site_id == site_id()))
        names = {row.id: row.name for row in every}
    more = next_page(len(used), PAGE, after=str(used[-1].id)) if used else ""
    return render_template(
        "kitchen/additives.html", kept=kept, used=used, names=names,
        waiting=waiting, more=more, dose=additives.dose,
    )  # fmt: skip


@kitchen.post("/additives/use")
@needs("do_kitchen")
def additive_use() -> AnyResponse:
    """A dose, before it goes into the food."""

    def work(session: Session) -> None:
        by = signing.acting()
        values = fields.given(
            UseValues,
            weighed_mg=fields.thousandths("weighed"),
            food_g=fields.thousandths("food"),
        )
        try:
            additives.use(session, by, fields.key(), fields.day(), values)
        except DoseError as error:
            limit = rows.get(session, Additive, site_id(), values.additive_id, "additive")
            most = additives.most(values.food_g, limit.limit_mg_per_kg or 0)
            raise BadInputError(
                _("超过限量：这么多食品最多放 %(g)s g", g=f"{most / 1000:.3f}")
            ) from error

    change(work, _("已登记：请第二个人看秤，复核签字"))
    return redirect(url_for("kitchen.additive_list"))


@kitchen.post("/additives/use/<uuid:use_id>/sign")
@needs("do_kitchen")
def additive_sign(use_id: UUID) -> AnyResponse:
    """The second person."""

    def work(session: Session) -> None:
        additives.countersign(session, signing.acting(), use_id)

    change(work, _("已复核"))
    return redirect(url_for("kitchen.additive_list"))


@kitchen.route("/additives/new", methods=["GET", "POST"])
@needs("run_kitchen")
def additive_new() -> str | AnyResponse:
    """Add an additive with its limit."""

    def work(session: Session) -> None:
        additives.create(session, actor(), _values())

    if request.method == "POST" and change(work, _("已添加")):
        return redirect(url_for("kitchen.additive_list"))
    return render_template("kitchen/additive.html", row=None)


@kitchen.route("/additives/<uuid:additive_id>", methods=["GET", "POST"])
@needs("run_kitchen")
def additive_edit(additive_id: UUID) -> str | AnyResponse:
    """Change an additive; doses of earlier days keep their limit."""

    def work(session: Session) -> None:
        additives.update(session, actor(), additive_id, _values())

    if request.method == "POST" and change(work, _("已保存")):
        return redirect(url_for("kitchen.additive_list"))
    with reading() as session:
        row = rows.get(session, Additive, site_id(), additive_id, "additive")
    return render_template("kitchen/additive.html", row=row)


def _values() -> AdditiveValues:
    return fields.given(
        AdditiveValues,
        _("餐饮不能购买、存放、使用亚硝酸盐"),
        limit_mg_per_kg=fields.said("limit_mg_per_kg") or None,
    )
