"""人员: diners, their cards, PIN and status."""

from typing import Any
from uuid import UUID

import zxingcpp
from flask import Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse
from wtforms import PasswordField, SelectChoice, SelectField, StringField
from wtforms.validators import DataRequired, Length

from dafan.records import DinerStatus
from server import birthdays, cards, consents, faces, groups, keys, leaving, people
from server.access import needs
from server.books import accounts
from server.pages.forms import Form
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, as_uuid, change, next_page, reading, site_id, svg
from server.reports import sales as report
from server.services import services
from server.values import read_values

PAGE = 50


class DinerForm(Form):
    """A diner's data."""

    staff_no = StringField(_l("工号"), [DataRequired(_l("请填写工号")), Length(max=40)])
    name = StringField(_l("姓名"), [DataRequired(_l("请填写姓名")), Length(max=80)])
    department = StringField(_l("部门"), [Length(max=80)])
    group_id = SelectField(_l("人员类别"), coerce=str)
    birthday = StringField(
        _l("生日"),
        [Length(max=20)],
        description=_l("例如 3月5日；只记月日，用来送生日礼券"),
    )


class PinForm(Form):
    """A new PIN."""

    pin = PasswordField(_l("新的 6 位密码"), [DataRequired(_l("请填写密码"))])


class CardForm(Form):
    """A card's number."""

    number = StringField(_l("卡号"), [DataRequired(_l("请刷卡或填写卡号")), Length(max=60)])


@manage.get("/people")
@needs("see_people")
def people_list() -> str:
    """The list with its search."""
    asked = request.args
    status = asked.get("status", "")
    with reading() as session:
        rows = people.page_diners(
            session,
            site_id(),
            after=asked.get("after", ""),
            limit=PAGE,
            search=asked.get("search", "")[:80],
            group_id=as_uuid(asked.get("group")),
            status=DinerStatus(status) if status in set(DinerStatus) else None,
        )
        return render_template(
            "manage/people.html",
            rows=rows,
            total=people.count_diners(session, site_id()),
            groups={group.id: group.name for group in groups.all_of(session, site_id())},
            balances={row.id: accounts.balances(session, row.id) for row in rows},
            following=next_page(len(rows), PAGE, after=rows[-1].staff_no if rows else ""),
        )


@manage.get("/people/<uuid:diner_id>")
@needs("see_people")
def person(diner_id: UUID) -> str:
    """Everything about one diner."""
    with reading() as session:
        diner = _diner(session, diner_id)
        return render_template(
            "manage/person.html",
            active="manage.people_list",
            diner=diner,
            group=groups.get(session, site_id(), diner.group_id),
            birthday=birthdays.day_of(session, diner_id),
            balances=accounts.balances(session, diner_id),
            cards=cards.cards_of(session, diner_id),
            card_history=cards.history(session, site_id(), diner_id, limit=20),
            sales=report.latest(session, site_id(), limit=20, diner_id=diner_id),
            movements=report.movements(session, site_id(), diner_id, limit=20),
            face=faces.template_of(session, diner_id),
            consent=consents.standing(session, diner_id),
            lookalikes=len(people.lookalikes(session, diner_id)),
            waiting_erasures=len(faces.waiting_erasures(session, site_id(), diner_id)),
            pin_form=PinForm(formdata=None),
            card_form=CardForm(formdata=None),
        )


@manage.get("/people/<uuid:diner_id>/qr.svg")
@needs("edit_people")
def person_qr(diner_id: UUID) -> Response:
    """The diner's QR code; a till asks for the PIN as well."""
    with reading() as session:
        _diner(session, diner_id)
        key = services().ring.key(keys.current(session))
    text = people.qr_text(key.secret, diner_id)
    return svg(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode).to_svg())


@manage.route("/people/new", methods=["GET", "POST"])
@needs("edit_people")
def person_new() -> str | AnyResponse:
    """Add a diner."""
    form = _diner_form()
    made: list[UUID] = []

    def work(session: Session) -> None:
        made.append(people.create_diner(session, actor(), _values(form)).id)
        birthdays.set_day(session, actor(), made[0], form.birthday.data or "")

    if form.validate_on_submit() and change(work, _("已添加 %(name)s", name=form.name.data)):
        return redirect(url_for("manage.person", diner_id=made[0]))
    return render_template("manage/person_edit.html", active="manage.people_list", form=form)


@manage.route("/people/<uuid:diner_id>/edit", methods=["GET", "POST"])
@needs("edit_people")
def person_edit(diner_id: UUID) -> str | AnyResponse:
    """Change a diner's data."""
    with reading() as session:
        diner, birthday = _diner(session, diner_id), birthdays.day_of(session, diner_id)
    form = _diner_form(diner)
    if request.method == "GET":
        form.birthday.data = birthday or ""

    def work(session: Session) -> None:
        people.update_diner(session, actor(), diner_id, _values(form))
        birthdays.set_day(session, actor(), diner_id, form.birthday.data or "")

    if form.validate_on_submit() and change(work, _("已保存")):
        return redirect(url_for("manage.person", diner_id=diner_id))
    return render_template(
        "manage/person_edit.html", active="manage.people_list", form=form, diner=diner
    )


@manage.post("/people/<uuid:diner_id>/status")
@needs("edit_people")
def person_status(diner_id: UUID) -> AnyResponse:
    """Freeze, or let pay again."""
    frozen = request.form.get("status") == DinerStatus.FROZEN.value
    status = DinerStatus.FROZEN if frozen else DinerStatus.ACTIVE
    done = _("已冻结，结算台不再受理") if frozen else _("已恢复，可以付款")
    change(lambda session: people.set_status(session, actor(), diner_id, status), done)
    return _back(diner_id)


@manage.post("/people/<uuid:diner_id>/leave")
@needs("edit_people")
def person_leave(diner_id: UUID) -> AnyResponse:
    """He leaves for good."""
    change(lambda session: leaving.leave(session, actor(), diner_id), _("已办理离开"))
    return _back(diner_id)


@manage.post("/people/<uuid:diner_id>/pin")
@needs("edit_people")
def person_pin(diner_id: UUID) -> AnyResponse:
    """Set the PIN."""
    pin = PinForm().pin.data or ""
    change(lambda session: people.set_pin(session, actor(), diner_id, pin), _("密码已更新"))
    return _back(diner_id)


@manage.post("/people/<uuid:diner_id>/cards")
@needs("edit_people")
def card_assign(diner_id: UUID) -> AnyResponse:
    """Give a card."""
    number = CardForm().number.data or ""
    change(lambda session: cards.assign(session, actor(), diner_id, number), _("已发卡"))
    return _back(diner_id)


@manage.post("/people/<uuid:diner_id>/cards/replace")
@needs("edit_people")
def card_replace(diner_id: UUID) -> AnyResponse:
    """Another card for one that is lost or broken, in one act."""
    old, new = request.form.get("old", "")[:60], CardForm().number.data or ""
    change(
        lambda session: cards.replace(session, actor(), old, new, diner_id=diner_id),
        _("已补卡，旧卡不再受理"),
    )
    return _back(diner_id)


@manage.post("/people/<uuid:diner_id>/cards/<number>/<any(lost,found,take_back):act>")
@needs("edit_people")
def card_act(diner_id: UUID, number: str, act: str) -> AnyResponse:
    """Report a card lost or found, or take it back."""
    acts: dict[str, tuple[Any, str]] = {
        "lost": (cards.report_lost, _("已挂失，各结算台不再受理这张卡")),
        "found": (cards.found, _("已解除挂失")),
        "take_back": (cards.take_back, _("已收回，可以发给别人")),
    }
    work, done = acts[act]
    change(lambda session: work(session, actor(), number), done)
    return _back(diner_id)


def _diner(session: Session, diner_id: UUID) -> people.Diner:
    try:
        return people.get_diner(session, site_id(), diner_id)
    except people.UnknownDinerError:
        abort(404)


def _diner_form(diner: people.Diner | None = None) -> DinerForm:
    form = DinerForm(obj=diner)
    with reading() as session:
        form.group_id.choices = [
            SelectChoice(str(group.id), group.name) for group in groups.all_of(session, site_id())
        ]
    return form


def _values(form: DinerForm) -> people.DinerValues:
    names = ("staff_no", "name", "department", "group_id")
    return read_values(people.DinerValues, {name: form[name].data or "" for name in names})


def _back(diner_id: UUID) -> AnyResponse:
    return redirect(url_for("manage.person", diner_id=diner_id))
