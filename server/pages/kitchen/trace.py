"""追溯: the food-safety file of a dish of a day, of a lot or of a sample, for the inspector."""

from dataclasses import asdict
from datetime import date
from io import BytesIO
from typing import Any
from uuid import UUID

from flask import Response, current_app, render_template, request, send_file
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from dafan.money import Fen
from kitchen.stock_trace import Origin
from server import trace
from server.access import needs
from server.pages import formats, site_view
from server.pages.kitchen import fields, stock_words
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.more import TILES, Tile
from server.pages.kitchen.names import name_of
from server.pages.shared import actor, reading, site_id
from server.reports import sheets
from server.reports.sheets import Sheet, Value, Yuan
from server.services import services
from server.trace_file import DishTrace, LotFile

PAPERS = {
    "animal_quarantine": _l("动物检疫合格证明"), "meat_inspection": _l("肉品品质检验合格证"),
    "produce_promise": _l("承诺达标合格证"), "conformity": _l("产品合格证"),
    "customs": _l("入境检验检疫证明"),
}  # fmt: skip
TILES.append(Tile("kitchen.trace", _l("追溯"), _l("从菜查到批次和留样，从批次查到菜"), "see_trace"))
ROLES = {"chef": _l("厨师"), "storekeeper": _l("仓管"), "supplier": _l("供货方")}


@kitchen.get("/trace", endpoint="trace")
@needs("see_trace")
def trace_page() -> str:
    """Choose a dish of a day, or scan a lot."""
    day = _day(request.args.get("day", ""))
    with reading() as session:
        dishes = trace.cooked_on(session, site_id(), day)
    return render_template("kitchen/trace.html", day=day, dishes=dishes)


@kitchen.get("/trace/dishes/<uuid:dish_id>/<day>")
@needs("see_trace")
def trace_dish(dish_id: UUID, day: str) -> str:
    """A dish of a day, as it prints."""
    with reading() as session:
        found = trace.dish(session, site_id(), dish_id, _day(day))
    return render_template("kitchen/trace_dish.html", found=found, **_frame())


@kitchen.get("/trace/samples/<uuid:sample_id>")
@needs("see_trace")
def trace_sample(sample_id: UUID) -> str:
    """The dish of a retained sample, as it prints."""
    with reading() as session:
        found = trace.sample(session, site_id(), sample_id)
    return render_template("kitchen/trace_dish.html", found=found, sample=sample_id, **_frame())


@kitchen.get("/trace/lots/<uuid:lot_id>")
@needs("see_trace")
def trace_lot(lot_id: UUID) -> str:
    """A lot with every dish and meal that it went into, as it prints."""
    with reading() as session:
        found = trace.lot(session, site_id(), lot_id)
    return render_template("kitchen/trace_lot.html", found=found, **_frame())


@kitchen.get("/trace/dishes/<uuid:dish_id>/<day>.<any(json, xlsx):kind>")
@needs("see_trace")
def trace_dish_file(dish_id: UUID, day: str, kind: str) -> AnyResponse:
    """The same for a program, or for Excel."""
    with reading() as session:
        found = trace.dish(session, site_id(), dish_id, _day(day))
    name = f"dafan-trace-{found.day}-{found.dish_id.hex[-8:]}"
    return _as_json(found) if kind == "json" else _as_excel(_dish_sheets(found), name)


@kitchen.get("/trace/lots/<uuid:lot_id>.<any(json, xlsx):kind>")
@needs("see_trace")
def trace_lot_file(lot_id: UUID, kind: str) -> AnyResponse:
    """The same for a program, or for Excel."""
    with reading() as session:
        found = trace.lot(session, site_id(), lot_id)
    if kind == "json":
        return _as_json(found)
    return _as_excel(_lot_sheets(found), f"dafan-trace-{found.trace.origin.number}")


@kitchen.app_template_filter("paper")
def paper(kind: str) -> str:
    """The name of a certificate."""
    return str(PAPERS.get(kind, kind))


@kitchen.app_template_filter("party")
def party(role: str) -> str:
    """Who signed a delivery."""
    return str(ROLES.get(role, role))


def _day(text: str) -> date:
    """A day of the address; today where none is named.

    Raises:
        BadInputError: no day.
    """
    if not text:
        return fields.day()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(_("请选日期")) from error


def _frame() -> dict[str, Any]:
    return {
        "printed_at": services().clock.now(), "printed_by": actor().name,
        "period": site_view.current().period_name,
    }  # fmt: skip


def _as_json(found: DishTrace | LotFile) -> Response:
    told = {"site": site_view.current().name, "made_at": services().clock.now(), **asdict(found)}
    text = current_app.json.dumps(_plain(told), ensure_ascii=False)
    return Response(text, mimetype="application/json")


def _plain(value: Any) -> Any:
    """Pydantic models, sets of ids and keys as JSON has them."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return value if value is None or isinstance(value, str | int | float) else _text(value)


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _as_excel(made: list[Sheet], name: str) -> AnyResponse:
    return send_file(
        BytesIO(sheets.write(made)), mimetype=sheets.MIME, as_attachment=True,
        download_name=f"{name}.xlsx",
    )  # fmt: skip


def _heading(what: str) -> str:
    now = services().clock.now()
    return " · ".join(
        (what, site_view.current().name,
         _("%(who)s 于 %(at)s 导出", who=name_of(actor().name), at=_moment(now)))
    )  # fmt: skip


def _moment(at: Any) -> str:
    return formats.moment(at, site_view.current().zone) if at else ""


def _lot_columns() -> list[str]:
    return [
        _("食材"), _("批次"), _("厂家批号"), _("供应商"), _("生产日期"), _("保质期至"), _("入库"),
        _("证明"), _("农残检测"),
    ]  # fmt: skip


def _lot_cells(one: Origin) -> list[Value]:
    papers = "、".join(f"{paper(each.kind.value)} {each.number}".strip() for each in one.papers)
    tests = "、".join(f"{each.item} {each.inhibition / 10:g}%" for each in one.tests)
    return [
        one.ingredient, one.number, one.batch, one.supplier, one.produced_on, one.expires_on,
        one.received_on, papers, tests,
    ]  # fmt: skip


def _dish_sheets(found: DishTrace) -> list[Sheet]:
    head = _heading(f"{found.dish} · {found.day}")
    period = site_view.current().period_name
    meals: list[list[Value]] = [
        [
            period(meal.period), meal.planned, meal.cook, meal.sold.covers, meal.sold.portions,
            Yuan(Fen(meal.sold.fen)), len(meal.batches), len(meal.samples),
        ]
        for meal in found.meals
    ]  # fmt: skip
    samples: list[list[Value]] = [
        [
            period(meal.period), one.grams, f"{one.cabinet} {one.slot}", _moment(one.sampled_at),
            name_of(one.sampler), _moment(one.due_at), _moment(one.disposed_at),
        ]
        for meal in found.meals
        for one in meal.samples
    ]  # fmt: skip
    columns = [
        _("餐次"), _("计划份数"), _("掌勺"), _("就餐人次"), _("份数"), _("金额"), _("批数"),
        _("留样数"),
    ]  # fmt: skip
    kept = [
        _("餐次"), _("克数"), _("位置"), _("留样时间"), _("留样人"), _("到期"), _("销样时间"),
    ]  # fmt: skip
    lots = [[*_lot_cells(one.origin), one.quantity, Yuan(Fen(one.fen))] for one in found.used]
    return [
        Sheet(_("餐次"), head, columns, meals),
        Sheet(_("用料批次"), head, [*_lot_columns(), _("用量"), _("金额")], lots),
        Sheet(_("留样"), head, kept, samples),
    ]


def _lot_sheets(found: LotFile) -> list[Sheet]:
    origin = found.trace.origin
    head = _heading(f"{origin.ingredient} {origin.number}")
    period = site_view.current().period_name
    went: list[list[Value]] = [
        [one.day, period(one.period), one.dish, one.number, one.quantity, one.sold.covers]
        for one in found.went
    ]
    moves: list[list[Value]] = [
        [one.day, stock_words.movement(one.kind), stock_words.place(one.place), one.quantity,
         Yuan(Fen(one.cost)), name_of(one.by)]
        for one in found.trace.moves
    ]  # fmt: skip
    columns = [_("日期"), _("餐次"), _("菜品"), _("生产批次"), _("用量"), _("就餐人次")]
    moved = [_("日期"), _("类型"), _("存放"), _("数量"), _("金额"), _("经手")]
    return [
        Sheet(_("批次"), head, _lot_columns(), [_lot_cells(origin)]),
        Sheet(_("去向"), head, columns, went),
        Sheet(_("进出"), head, moved, moves),
    ]
