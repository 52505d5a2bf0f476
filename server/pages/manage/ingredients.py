"""食材: what is bought, how it is counted and kept, and what it gives."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import (
    BooleanField,
    DecimalField,
    Field,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from dafan.quantity import LARGEST, Measure
from kitchen import ingredients, zones
from kitchen.categories import CATEGORIES
from kitchen.ingredients import Allergen, Ingredient, Keep
from kitchen.nutrition import Nutrient
from server import foods
from server.access import needs
from server.pages import food_words
from server.pages.forms import Form, YuanField
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 50
_SAME = (
    "name", "category", "weighs", "keep", "zone", "shelf_days", "minimum", "maximum", "pack",
    "price", "pesticide_test", "quarantine", "allergens", "nutrients_from", "active",
)  # fmt: skip


class IngredientForm(Form):
    """An ingredient; the fields of its nutrients are beside it."""

    name = StringField(_l("名称"), [DataRequired(_l("请填写名称")), Length(max=80)])
    category = StringField(_l("类别"), [Length(max=40)], description=_l("决定证照、库区和食谱检查"))
    measure = SelectField(
        _l("计量"),
        choices=[SelectChoice(one.value, food_words.MEASURES[one]) for one in Measure],
        description=_l("建好后不能改：库存和配方都按它计数"),
    )
    weighs = IntegerField(
        _l("单重（克）"), [Optional(), NumberRange(1, 100_000)],
        description=_l("一个或一升有多重；按克计量的不填"),
    )  # fmt: skip
    edible = DecimalField(
        _l("可食部（%）"), [InputRequired(), NumberRange(Decimal("0.1"), 100)],
        places=1, default=Decimal(100), description=_l("去掉不能吃的部分后剩多少"),
    )  # fmt: skip
    keep = SelectField(
        _l("储存"), choices=[SelectChoice(one.value, food_words.KEEPS[one]) for one in Keep]
    )
    zone = StringField(_l("库区"), [Length(max=40)])
    shelf_days = IntegerField(_l("保质期（天）"), [Optional(), NumberRange(1, 3650)])
    minimum = IntegerField(
        _l("最低库存"), [InputRequired(), NumberRange(0, LARGEST)], default=0,
        description=_l("按计量单位；低于它就提醒采购"),
    )  # fmt: skip
    maximum = IntegerField(
        _l("最高库存"), [Optional(), NumberRange(1, LARGEST)],
        description=_l("按计量单位；不填就按最低库存的倍数算"),
    )  # fmt: skip
    pack = IntegerField(
        _l("采购倍数"), [InputRequired(), NumberRange(1, LARGEST)], default=1,
        description=_l("按计量单位；采购数取它的整数倍"),
    )  # fmt: skip
    price = YuanField(_l("标准单价（元）"), description=_l("每公斤、每升或每个"))
    allergens = SelectMultipleField(
        _l("过敏原"),
        choices=[SelectChoice(one.value, food_words.ALLERGENS[one]) for one in Allergen],
        widget=ListWidget(prefix_label=False), option_widget=CheckboxInput(),
    )  # fmt: skip
    pesticide_test = BooleanField(_l("验收时做农残检测"))
    quarantine = BooleanField(_l("验收时查检疫证明"))
    nutrients_from = StringField(
        _l("营养数据来源"), [Length(max=40)], description=_l("例如 USDA SR28 11116，或包装标签")
    )
    active = BooleanField(_l("在用"), default=True)

    def validate_maximum(self, field: Field) -> None:
        """Not below the minimum, where there is one."""
        if field.data is not None and field.data < (self.minimum.data or 0):
            raise ValidationError(_("不能低于最低库存"))


for _one in Nutrient:
    setattr(
        IngredientForm,
        f"n_{_one.value}",
        DecimalField(food_words.NUTRIENTS[_one], [Optional(), NumberRange(0, 10**6)], places=None),
    )


@manage.get("/ingredients")
@needs("see_dishes")
def ingredients_list() -> str:
    """Everything that is bought, a page at a time."""
    asked = request.args
    with reading() as session:
        rows = ingredients.page(
            session, site_id(), after=as_uuid(asked.get("after")), limit=PAGE,
            search=asked.get("search", "").strip(), category=asked.get("category", ""),
            active=None if asked.get("all") else True,
        )  # fmt: skip
        used = ingredients.categories(session, site_id())
    following = next_page(len(rows), PAGE, after=str(rows[-1].id)) if rows else ""
    return render_template(
        "manage/ingredients.html", rows=rows, categories=used, following=following,
        missing=missing, words=food_words,
    )  # fmt: skip


def missing(row: Ingredient) -> list[str]:
    """The main nutrients that an ingredient does not tell."""
    return [str(food_words.NUTRIENTS[one]) for one in food_words.MAIN if one not in row.nutrients]


@manage.route("/ingredients/new", methods=["GET", "POST"])
@needs("edit_catalogue")
def ingredient_new() -> str | AnyResponse:
    """Add an ingredient."""
    form = IngredientForm()

    def work(session: Session) -> None:
        ingredients.create(session, actor(), _values(form, form.measure.data))

    if form.validate_on_submit() and change(work, _("已添加")):
        return redirect(url_for("manage.ingredients_list", search=form.name.data))
    return _page(form, None)


@manage.route("/ingredients/<uuid:ingredient_id>", methods=["GET", "POST"])
@needs("edit_catalogue")
def ingredient_edit(ingredient_id: UUID) -> str | AnyResponse:
    """Change an ingredient; its measure stays."""
    with reading() as session:
        try:
            row = ingredients.get(session, site_id(), ingredient_id)
        except ingredients.UnknownIngredientError:
            abort(404)
    form = IngredientForm(data=_shown(row))

    def work(session: Session) -> None:
        foods.update_ingredient(session, actor(), ingredient_id, _values(form, row.measure))

    if request.method == "POST":
        form.measure.data = row.measure
    if form.validate_on_submit() and change(work, _("已保存")):
        return redirect(url_for("manage.ingredients_list", search=form.name.data))
    return _page(form, row)


def _page(form: IngredientForm, row: Ingredient | None) -> str:
    with reading() as session:
        places = [zone.name for zone in zones.of_site(session, site_id())]
    return render_template(
        "manage/ingredient_edit.html", active="manage.dishes_list", form=form, row=row,
        categories=CATEGORIES, places=places, nutrients=list(Nutrient), main=food_words.MAIN,
    )  # fmt: skip


def _shown(row: Ingredient) -> dict[str, Any]:
    nutrients = {
        f"n_{name}": Decimal(int(value) if value == int(value) else str(value))
        for name, value in row.nutrients.items()
    }
    same = {name: getattr(row, name) for name in (*_SAME, "measure")}
    return {**same, **nutrients, "edible": Decimal(row.edible_permille) / 10}


def _values(form: IngredientForm, measure: str) -> ingredients.IngredientValues:
    told = {name: form[name].data for name in _SAME}
    typed = {one.value: form[f"n_{one.value}"].data for one in Nutrient}
    return ingredients.read_values(
        {
            **told,
            "measure": measure,
            "edible_permille": int(form.edible.data * 10),
            "nutrients": {name: float(value) for name, value in typed.items() if value is not None},
        }
    )
