"""供应商: who may sell to the site, on which papers, and how well he delivers."""

from datetime import timedelta
from uuid import UUID

from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import StringField
from wtforms.validators import DataRequired, Length, Regexp

from dafan.errors import BadInputError
from kitchen import appraisals, pictures, purchase_book, rows, suppliers
from kitchen.pictures import Picture
from kitchen.rows import UnknownRowError
from kitchen.supplier_rules import LicenceValues, Standing, may_supply, needs_of
from kitchen.suppliers import Supplier, SupplierValues
from server import uploads
from server.access import needs
from server.pages import buying
from server.pages.forms import Form
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id

PAGE = 100
APPRAISED = timedelta(days=180)
"""A score is of the deliveries of half a year."""
_ORDERS = 10


class SupplierForm(Form):
    """What is known of a supplier."""

    name = StringField(_l("名称"), [DataRequired(_l("请填写名称")), Length(max=80)])
    credit_code = StringField(
        _l("统一社会信用代码"),
        [Regexp(r"^([0-9A-Z]{18})?$", message=_l("应为 18 位数字和大写字母"))],
    )
    contact = StringField(_l("联系人"), [Length(max=80)])
    phone = StringField(_l("电话"), [Length(max=40)])
    address = StringField(_l("地址"), [Length(max=200)])
    categories = StringField(
        _l("供应的品类"), [Length(max=200)],
        description=_l("用顿号隔开，例如 蔬菜、水果；品类决定要查哪些证照"),
    )  # fmt: skip


@manage.get("/suppliers", endpoint="suppliers_list")
@needs("see_buying")
def page() -> str:
    """All suppliers with their lights."""
    day = buying.today()
    with reading() as session:
        try:
            found = suppliers.page(
                session, site_id(), after=as_uuid(request.args.get("after")), limit=PAGE
            )
        except UnknownRowError:
            abort(404)
        standings = suppliers.standings(session, site_id(), found, day)
        return render_template(
            "manage/suppliers.html",
            found=found,
            standings=standings,
            lights=[buying.light(standings[row.id]) for row in found],
            words=buying,
            following=next_page(len(found), PAGE, after=str(found[-1].id) if found else ""),
        )


@manage.route("/suppliers/new", methods=["GET", "POST"])
@needs("buy")
def supplier_new() -> str | AnyResponse:
    """Add a supplier."""
    form = SupplierForm()
    made: list[UUID] = []

    def work(session: Session) -> None:
        made.append(suppliers.create(session, actor(), _values(form)).id)

    if form.validate_on_submit() and change(work, _("已添加，请登记它的证照")):
        return redirect(url_for("manage.supplier", supplier_id=made[0]))
    return render_template("manage/supplier_edit.html", active="manage.orders_list", form=form)


@manage.route("/suppliers/<uuid:supplier_id>/edit", methods=["GET", "POST"])
@needs("buy")
def supplier_edit(supplier_id: UUID) -> str | AnyResponse:
    """Change what is known of a supplier."""
    with reading() as session:
        row = _or_404(session, supplier_id)
    told = {name: getattr(row, name) for name in SupplierValues.model_fields}
    form = SupplierForm(data=told | {"categories": "、".join(row.categories)})

    def work(session: Session) -> None:
        suppliers.update(session, actor(), supplier_id, _values(form))

    if form.validate_on_submit() and change(work, _("已保存")):
        return redirect(url_for("manage.supplier", supplier_id=supplier_id))
    return render_template(
        "manage/supplier_edit.html", active="manage.orders_list", form=form, row=row
    )


@manage.get("/suppliers/<uuid:supplier_id>")
@needs("see_buying")
def supplier(supplier_id: UUID) -> str:
    """One supplier: his papers, how he delivers, his last orders."""
    day = buying.today()
    with reading() as session:
        row = _or_404(session, supplier_id)
        papers = suppliers.licences(session, site_id(), supplier_id)
        own = [suppliers.licence_values(paper) for paper in papers]
        needed = needs_of(row.categories)
        return render_template(
            "manage/supplier.html",
            active="manage.orders_list",
            row=row,
            papers=papers[::-1],
            found=may_supply(Standing(row.standing), row.reason, own, day, needed),
            needed=[sorted(group) for group in needed],
            today=day,
            soon=day + timedelta(days=30),
            appraisal=appraisals.of_supplier(session, site_id(), supplier_id, day - APPRAISED),
            orders=purchase_book.page(session, site_id(), supplier_id=supplier_id, limit=_ORDERS),
            words=buying,
        )


@manage.post("/suppliers/<uuid:supplier_id>/licences")
@needs("buy")
def licence_add(supplier_id: UUID) -> AnyResponse:
    """Keep a licence, with its photograph."""

    def work(session: Session) -> None:
        given = request.form
        ends = given.get("valid_to", "").strip()
        values = rows.read(
            LicenceValues,
            {
                "kind": given.get("kind", ""), "number": given.get("number", ""),
                "valid_from": given.get("valid_from", ""), "valid_to": ends or None,
            },
            "licence",
        )  # fmt: skip
        known = suppliers.same_licence(session, site_id(), supplier_id, values)
        file = request.files.get("photo")
        if file is not None and file.filename and (known is None or not known.file):
            photo = pictures.keep(session, actor(), uploads.read_picture(file.stream))
            values = values.model_copy(update={"file": photo})
        suppliers.add_licence(session, actor(), supplier_id, values)

    change(work, _("证照已登记"))
    return redirect(url_for("manage.supplier", supplier_id=supplier_id))


@manage.post("/suppliers/<uuid:supplier_id>/licences/<uuid:licence_id>/withdraw")
@needs("buy")
def licence_withdraw(supplier_id: UUID, licence_id: UUID) -> AnyResponse:
    """A licence counts no more."""
    reason = request.form.get("reason", "")
    change(
        lambda session: suppliers.withdraw_licence(session, actor(), licence_id, reason),
        _("证照已作废"),
    )
    return redirect(url_for("manage.supplier", supplier_id=supplier_id))


@manage.get("/suppliers/licences/<uuid:picture_id>.jpg")
@needs("see_buying")
def licence_picture(picture_id: UUID) -> Response:
    """The photograph of a licence."""
    with reading() as session:
        if not suppliers.is_licence_picture(session, site_id(), str(picture_id)):
            abort(404)
        row = rows.get(session, Picture, site_id(), picture_id, "photograph")
        return Response(row.jpeg, mimetype="image/jpeg")


@manage.post("/suppliers/<uuid:supplier_id>/block")
@needs("buy")
def supplier_block(supplier_id: UUID) -> AnyResponse:
    """Pause or blacklist: nothing is bought of him from now on."""
    black = request.form.get("standing") == Standing.BLACKLISTED.value
    standing, reason = (
        Standing.BLACKLISTED if black else Standing.PAUSED,
        request.form.get("reason", ""),
    )

    def work(session: Session) -> None:
        row = suppliers.get(session, site_id(), supplier_id, lock=True)
        if buying.is_blacklisted(row) and not black:
            raise BadInputError(_("它在黑名单上：请先由有审批权的人恢复"))
        suppliers.set_standing(session, actor(), supplier_id, standing, reason)

    change(work, _("已拉黑，不能再向它下单") if black else _("已暂停，不能再向它下单"))
    return redirect(url_for("manage.supplier", supplier_id=supplier_id))


@manage.post("/suppliers/<uuid:supplier_id>/back")
@needs("approve_buying")
def supplier_back(supplier_id: UUID) -> AnyResponse:
    """Take a supplier back; whoever only buys cannot."""
    reason = request.form.get("reason", "")
    change(
        lambda session: suppliers.set_standing(
            session, actor(), supplier_id, Standing.ACTIVE, reason
        ),
        _("已恢复供货资格，证照仍要齐全"),
    )
    return redirect(url_for("manage.supplier", supplier_id=supplier_id))


def _or_404(session: Session, supplier_id: UUID) -> Supplier:
    try:
        return suppliers.get(session, site_id(), supplier_id)
    except UnknownRowError:
        abort(404)


def _values(form: SupplierForm) -> SupplierValues:
    told = {name: form[name].data for name in SupplierValues.model_fields}
    parts = told["categories"].replace("，", "、").replace(",", "、").split("、")
    wanted = dict.fromkeys(filter(None, map(str.strip, parts)))
    return rows.read(SupplierValues, told | {"categories": list(wanted)}, "supplier")
