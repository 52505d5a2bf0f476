"""What the tablet's forms say, read into the values of the rules; and who may sign what."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

from flask import request
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from kitchen import pictures
from server import auth, uploads
from server.access import RIGHTS
from server.actor import Actor
from server.pages import site_view
from server.pages.kitchen import signing
from server.pages.shared import reading, site_id
from server.services import services

V = TypeVar("V", bound=BaseModel)

NAMES: Mapping[str, LazyString] = {
    "name": _l("名称"), "post": _l("岗位"), "place": _l("位置"), "note": _l("说明"),
    "kind": _l("种类"), "number": _l("证号"), "issued": _l("发证日期"), "expires": _l("有效期至"),
    "temperature": _l("体温（34.0–43.0 °C）"), "what": _l("说明"), "due": _l("期限"),
    "items": _l("餐具"), "count": _l("数量"), "celsius": _l("温度"), "chlorine": _l("浓度"),
    "ended_at": _l("结束时间"), "started_at": _l("开始时间"), "fryer": _l("炸炉"),
    "polar": _l("极性组分"), "discarded": _l("废油重量"), "places": _l("区域"),
    "method": _l("方法"), "traces": _l("痕迹数量"), "weighed_mg": _l("称取量"),
    "food_g": _l("食品重量"), "dish": _l("用于"), "purpose": _l("用途"), "foods": _l("适用食品"),
    "limit_mg_per_kg": _l("限量"), "limit_from": _l("限量依据"), "value": _l("读数"),
    "restart": _l("新表起始读数"), "norm": _l("定额"), "since": _l("开始日期"),
    "maintain_days": _l("保养周期"), "every_days": _l("检查周期"), "title": _l("标题"),
    "text": _l("内容"), "asked": _l("题数"), "pass_percent": _l("及格线"),
    "valid_days": _l("有效天数"), "options": _l("选项"), "right": _l("正确答案"),
    "weight": _l("权重"), "low": _l("下限"), "high": _l("上限"), "opens": _l("开始"),
    "code": _l("代码"), "source": _l("依据"), "worker_id": _l("人员"),
}  # fmt: skip
"""Names of the fields, for whoever filled one in wrongly."""


def given(kind: type[V], whole: str = "", **known: object) -> V:
    """The form's fields as values of the rules; a box that is not ticked says no.

    Args:
        kind: Of the values.
        whole: What to say where the fields do not fit each other.
        known: What the page itself knows, or has read from the form already.

    Raises:
        BadInputError: naming the fields that do not fit, for the person.
    """
    values: dict[str, object] = {}
    for name, field in kind.model_fields.items():
        typed = request.form.get(name, "").strip()
        if field.annotation is bool:
            values[name] = name in request.form
        elif typed:
            values[name] = typed
    try:
        return kind.model_validate({**values, **known})
    except ValidationError as error:
        found = [str(fault["loc"][0]) if fault["loc"] else "" for fault in error.errors()]
        named = [str(NAMES.get(name, name)) for name in dict.fromkeys(found) if name]
        text = _("请检查：%(fields)s", fields="、".join(named)) if named else whole
        raise BadInputError(text or _("请检查填写的内容")) from error


def photo(session: Session, by: Actor, name: str = "photo") -> str:
    """Keep the photograph of the form; empty where none was taken.

    Raises:
        ImageError: it is no photograph.
    """
    file = request.files.get(name)
    if file is None or not file.filename:
        return ""
    return pictures.keep(session, by, uploads.read_picture(file.stream))


def key() -> str:
    """The form's own key: sent twice, it is written once."""
    return request.form.get("key", "").strip()


def said(name: str = "reason") -> str:
    """A line of text; the rules say where one must be given."""
    return request.form.get(name, "").strip()


def day() -> date:
    """The site's business date."""
    return site_view.current().today(services().clock.now())


def moment(name: str) -> datetime:
    """A time of today as it was typed; one that is still to come was yesterday.

    Raises:
        BadInputError: no time of day.
    """
    now = services().clock.now().astimezone(site_view.current().zone)
    try:
        at = time.fromisoformat(request.form.get(name, "").strip())
    except ValueError as error:
        raise BadInputError(_("请检查：%(fields)s", fields=NAMES.get(name, name))) from error
    found = datetime.combine(now.date(), at.replace(tzinfo=None), now.tzinfo)
    return (found if found <= now else found - timedelta(days=1)).astimezone(UTC)


def tenths(name: str) -> int | None:
    """A number with at most one decimal, in tenths; none where nothing was typed.

    Raises:
        BadInputError: no number.
    """
    return _scaled(name, 1)


def thousandths(name: str) -> int | None:
    """A number with at most three decimals, in thousandths; none where nothing was typed.

    Raises:
        BadInputError: no number.
    """
    return _scaled(name, 3)


def acting_with(right: str) -> Actor:
    """Who signs, where the act is for people in charge: his own account must have the right.

    Raises:
        NotSignedError: nobody has said who he is.
        BadInputError: he may not.
    """
    by = signing.acting()
    with reading() as session:
        user = auth.find_user(session, by.name)
        roles = user.roles_at(site_id()) if user is not None and user.active else []
    if not any(role in RIGHTS[right] for role in roles):
        raise BadInputError(_("这一步要由负责人签字：请他用自己的账号对应的工号签"))
    return by


def _scaled(name: str, decimals: int) -> int | None:
    typed = request.form.get(name, "").strip().replace(",", ".")
    if not typed:
        return None
    whole, _dot, part = typed.partition(".")
    digits = whole + part
    if not (digits.isascii() and digits.isdigit() and whole) or len(whole) > 9:
        raise BadInputError("type digits, such as 4.1", code="bad_number")
    if len(part.rstrip("0")) > decimals:
        raise BadInputError("it has too many decimals", code="bad_number")
    return int(whole + part[:decimals].ljust(decimals, "0"))
