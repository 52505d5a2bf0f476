"""菜品库: ingredients, dishes and recipes from the library or another canteen, and out to it."""

from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import DafanError
from kitchen import cookbook, exchange
from kitchen.catalogue import DISHES, INGREDIENTS, RECIPES, SHOWN_FAULTS
from kitchen.dishes import Dish
from kitchen.exchange_plan import Plan, State
from kitchen.ingredients import Ingredient
from server import catalogue, drafts
from server.access import needs
from server.pages import messages
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id

SHOWN = 200
_KIND: drafts.Kind = "catalogue"


@manage.get("/catalogue", endpoint="catalogue")
@needs("see_dishes")
def overview() -> str:
    """What there is, and the ways in and out."""
    with reading() as session:
        counts = {
            "ingredients": _count(session, Ingredient),
            "dishes": _count(session, Dish),
            "recipes": len(cookbook.dishes_with_recipe(session, site_id())),
        }
    return render_template("manage/catalogue.html", counts=counts)


def _count(session: Session, table: type[Ingredient] | type[Dish]) -> int:
    query = select(func.count()).select_from(table).where(table.site_id == site_id())
    return session.scalar(query) or 0


@manage.post("/catalogue/seed")
@needs("edit_dishes")
def catalogue_seed() -> AnyResponse:
    """Add the library; what the site has already stays as it is."""
    added: list[str] = []

    def work(session: Session) -> None:
        done = catalogue.seed(session, actor())
        counts = [one["new"] for one in done.counts.values()]
        added.append(
            _(
                "已加入：食材 %(parts)s 种，菜品 %(dishes)s 道，配方 %(recipes)s 份",
                parts=counts[0], dishes=counts[1], recipes=counts[2],
            )
        )  # fmt: skip
        if done.left_out:
            names = len(done.left_out)
            added.append(_("%(n)s 份配方与这里的食材计量不同，没有加入", n=names))

    if change(work, ""):
        for said, kind in zip(added, ("ok", "warn"), strict=False):
            flash(said, kind)
    return redirect(url_for("manage.catalogue"))


@manage.get("/catalogue/dafan-catalogue.<any(json, xlsx):kind>")
@needs("see_dishes")
def catalogue_file(kind: str) -> Response:
    """Everything as a file that another canteen can take over."""
    with reading() as session:
        whole = exchange.export(session, site_id())
    data = exchange.to_json(whole) if kind == "json" else exchange.to_excel(whole)
    sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Response(
        data,
        mimetype="application/json" if kind == "json" else sheet,
        headers={"Content-Disposition": f"attachment; filename=dafan-catalogue.{kind}"},
    )


@manage.post("/catalogue/import")
@needs("edit_dishes")
def catalogue_import() -> AnyResponse:
    """Keep the file and go on to what it would change."""
    file = request.files.get("file")
    data = file.stream.read(exchange.MAX_BYTES + 1) if file else b""
    if not data or file is None:
        flash(_("请选择一个文件"), "warn")
        return redirect(url_for("manage.catalogue"))
    if len(data) > exchange.MAX_BYTES:
        flash(_("文件太大：请分成几个不超过 10 MB 的表格"), "stop")
        return redirect(url_for("manage.catalogue"))
    kept: list[AnyResponse] = []

    def work(session: Session) -> None:
        draft = drafts.keep(session, actor(), _KIND, file.filename or "catalogue", data)
        kept.append(redirect(url_for("manage.catalogue_plan", draft_id=draft)))

    change(work, "")
    return kept[0] if kept else redirect(url_for("manage.catalogue"))


@manage.route("/catalogue/import/<uuid:draft_id>", methods=["GET", "POST"])
@needs("edit_dishes")
def catalogue_plan(draft_id: UUID) -> str | AnyResponse:
    """What the file would change; taken over whole, or not at all."""
    only_new = bool(request.values.get("only_new"))
    prices = not request.values.get("keep_prices")
    try:
        with reading() as session:
            draft = drafts.take(session, actor(), _KIND, draft_id)
            if request.method == "GET":
                plan = exchange.plan(
                    session, site_id(), exchange.read(draft.data), only_new=only_new, prices=prices
                )
                return _plan_page(draft, plan, only_new=only_new, keep_prices=not prices)
    except DafanError as error:
        flash(messages.say(error), "stop")
        return redirect(url_for("manage.catalogue"))

    def work(session: Session) -> None:
        catalogue.take_over(session, actor(), draft.data, only_new=only_new, prices=prices)

    if change(work, _("已导入，新菜品和新价格随即到达结算台")):
        return redirect(url_for("manage.catalogue"))
    return redirect(url_for("manage.catalogue_plan", draft_id=draft_id))


def _plan_page(draft: drafts.ImportDraft, plan: Plan, **options: bool) -> str:
    rows = [
        *((INGREDIENTS, part) for part in plan.ingredients if part.state is not State.SAME),
        *((DISHES, dish) for dish in plan.dishes if dish.state is not State.SAME),
        *((RECIPES, recipe) for recipe in plan.recipes if recipe.state is not State.SAME),
    ]
    return render_template(
        "manage/catalogue_plan.html", active="manage.dishes_list", draft=draft, plan=plan,
        counts=plan.counts(), rows=rows[:SHOWN], many=len(rows), shown=SHOWN,
        shown_faults=SHOWN_FAULTS, options=options, advice=messages.catalogue_advice,
    )  # fmt: skip
