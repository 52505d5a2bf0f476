"""菜品: the list and the prices."""

from uuid import UUID

from flask import abort, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, IntegerField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length, NumberRange

from dafan.records import Unit
from kitchen import cookbook
from kitchen import dishes as kitchen_dishes
from server import dishes
from server.access import needs
from server.pages.forms import Form, YuanField
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id

FIELDS = (
    "name", "category", "unit", "price", "half_price", "small_price", "active", "sampled",
    "sort",
)  # fmt: skip


class DishForm(Form):
    """A dish and its prices."""

    name = StringField(_l("菜名"), [DataRequired(_l("请填写菜名")), Length(max=80)])
    category = StringField(_l("分类"), [Length(max=40)])
    unit = SelectField(
        _l("计价方式"),
        choices=[
            SelectChoice(Unit.PIECE.value, _l("按份")),
            SelectChoice(Unit.KG.value, _l("称重（每公斤）")),
        ],
    )
    price = YuanField(_l("单价（元）"), description=_l("不填单价，结算台就不卖这道菜"))
    half_price = YuanField(_l("半份价（元）"))
    small_price = YuanField(_l("小碗价（元）"))
    sort = IntegerField(_l("排序"), [NumberRange(0, 100_000)], default=0)
    active = BooleanField(_l("在售"), default=True)
    sampled = BooleanField(
        _l("留样"), default=True, description=_l("预包装食品、仅作计价用的菜名可不留样")
    )


@manage.get("/dishes")
@needs("see_dishes")
def dishes_list() -> str:
    """Everything that is or was sold."""
    with reading() as session:
        rows = kitchen_dishes.page(session, site_id(), limit=kitchen_dishes.MAX_PAGE)
        cooked = cookbook.dishes_with_recipe(session, site_id())
        return render_template("manage/dishes.html", rows=rows, cooked=cooked)


@manage.route("/dishes/new", methods=["GET", "POST"])
@needs("edit_dishes")
def dish_new() -> str | AnyResponse:
    """Add a dish."""
    form = DishForm()

    def work(session: Session) -> None:
        dishes.create(session, actor(), _values(form))

    if form.validate_on_submit() and change(work, _("已添加，结算台随即更新")):
        return redirect(url_for("manage.dishes_list"))
    return render_template("manage/dish_edit.html", active="manage.dishes_list", form=form)


@manage.route("/dishes/<uuid:dish_id>", methods=["GET", "POST"])
@needs("edit_dishes")
def dish_edit(dish_id: UUID) -> str | AnyResponse:
    """Change a dish or its prices."""
    with reading() as session:
        try:
            dish = kitchen_dishes.get(session, site_id(), dish_id)
        except kitchen_dishes.UnknownDishError:
            abort(404)
        history = kitchen_dishes.price_history(session, site_id(), dish_id)
    form = DishForm(obj=dish)

    def work(session: Session) -> None:
        dishes.update(session, actor(), dish_id, _values(form))

    if form.validate_on_submit() and change(work, _("已保存，结算台随即更新")):
        return redirect(url_for("manage.dishes_list"))
    return render_template(
        "manage/dish_edit.html", active="manage.dishes_list", form=form, dish=dish, history=history
    )


def _values(form: DishForm) -> kitchen_dishes.DishValues:
    return kitchen_dishes.read_values({name: form[name].data for name in FIELDS})
