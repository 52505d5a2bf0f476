"""Shared by the pages of buying: words for states and papers, quantities as people write them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from dafan.errors import BadInputError
from dafan.quantity import Measure, read_quantity
from kitchen import ingredients, labels, suppliers
from kitchen.ingredients import Ingredient
from kitchen.purchase_rules import Act, State
from kitchen.supplier_rules import Fault, Finding, LicenceKind, Standing
from kitchen.suppliers import Supplier
from server.pages import site_view
from server.pages.shared import site_id
from server.pages.words import role_choices
from server.services import services

_UNITS = {Measure.MASS: "kg", Measure.VOLUME: "L"}
_READ_AS = {Measure.MASS: "kg", Measure.VOLUME: "l", Measure.COUNT: "piece"}

_STATES: Mapping[str, tuple[str, LazyString]] = {
    State.DRAFT: ("plain", _l("草稿")),
    State.ASKED: ("warn", _l("待审批")),
    State.APPROVED: ("ok", _l("已批准，待下达")),
    State.REFUSED: ("stop", _l("被驳回")),
    State.SENT: ("info", _l("已下达")),
    State.PARTLY: ("info", _l("部分到货")),
    State.RECEIVED: ("ok", _l("全部到货，待结清")),
    State.CLOSED: ("plain", _l("已结清")),
    State.CANCELLED: ("plain", _l("已取消")),
}
_ACTS: Mapping[str, LazyString] = {
    Act.DRAFT: _l("起草"),
    Act.REVISE: _l("改写"),
    Act.ASK: _l("提交审批"),
    Act.APPROVE: _l("批准"),
    Act.REFUSE: _l("驳回"),
    Act.SEND: _l("下达"),
    Act.RECEIVE_PART: _l("部分到货"),
    Act.RECEIVE_ALL: _l("全部到货"),
    Act.CLOSE: _l("结清"),
    Act.CANCEL: _l("取消"),
}
_LICENCES: Mapping[str, LazyString] = {
    LicenceKind.BUSINESS: _l("营业执照"),
    LicenceKind.FOOD_TRADE: _l("食品经营许可证"),
    LicenceKind.FOOD_PRODUCTION: _l("食品生产许可证"),
    LicenceKind.ANIMAL: _l("动物防疫条件合格证"),
    LicenceKind.SLAUGHTER: _l("生猪定点屠宰证"),
    LicenceKind.SALT: _l("食盐定点批发企业证书"),
    LicenceKind.WASTE: _l("餐厨垃圾收运许可"),
    LicenceKind.OTHER: _l("其他证照"),
}


def state_pill(state: str) -> tuple[str, str]:
    """Light and words of an order's state."""
    light, text = _STATES[state]
    return light, str(text)


def act_text(act: str) -> str:
    """What was done to an order."""
    return str(_ACTS[act])


def licence_text(kind: str) -> str:
    """What a licence is called on its paper."""
    return str(_LICENCES[kind])


def licence_choices() -> list[tuple[str, str]]:
    """Every kind of licence with its name."""
    return [(kind, str(text)) for kind, text in _LICENCES.items()]


def finding_text(found: Finding, reason: str = "") -> str:
    """What stands against a supplier, in words; ``reason`` is that of his standing."""
    if found.fault is Fault.PAUSED:
        return str(_("已暂停：%(reason)s", reason=reason))
    if found.fault is Fault.BLACKLISTED:
        return str(_("黑名单：%(reason)s", reason=reason))
    names = str(_("或")).join(licence_text(kind) for kind in found.kinds)
    if found.fault is Fault.LICENCE_MISSING:
        return str(_("缺%(names)s", names=names))
    if found.fault is Fault.LICENCE_EXPIRED:
        return str(_("%(names)s已于 %(day)s 到期", names=names, day=found.until))
    return str(_("%(names)s将于 %(day)s 到期", names=names, day=found.until))


def light(found: Sequence[Finding]) -> str:
    """``stop`` where he may not supply, ``warn`` where somebody should see to it, else ``ok``."""
    if any(one.blocks for one in found):
        return "stop"
    return "warn" if found else "ok"


def unit(measure: str) -> str:
    """What an ingredient is ordered and priced in: kg, L or pieces."""
    return _UNITS.get(Measure(measure)) or str(_("个"))


def show(quantity: int, measure: str) -> str:
    """A quantity with its unit."""
    return labels.show(quantity, Measure(measure))


def typed(quantity: int, measure: str) -> str:
    """``12500`` grams as ``12.5``, as a field in :func:`unit` shows it."""
    if Measure(measure) is Measure.COUNT:
        return str(quantity)
    return f"{quantity // 1000}.{quantity % 1000:03d}".rstrip("0").rstrip(".")


def read(text: str, one: Ingredient) -> int:
    """What a person typed in :func:`unit`, in the ingredient's measure.

    Raises:
        BadInputError: no quantity above zero; the text is for the person.
    """
    measure = Measure(one.measure)
    try:
        quantity = read_quantity(text, _READ_AS[measure], measure)
    except BadInputError as error:
        raise BadInputError(
            _("%(name)s 的数量写错了：请写数字，例如 12.5", name=one.name)
        ) from error
    if not quantity:
        raise BadInputError(_("%(name)s 的数量要大于零", name=one.name))
    return quantity


def named(session: Session, name: str) -> Ingredient:
    """The ingredient that a person named.

    Raises:
        BadInputError: there is none of this name; the text is for the person.
    """
    found = ingredients.find_by_name(session, site_id(), name.strip())
    if found is None:
        raise BadInputError(_("没有叫“%(name)s”的食材：请从列表中选", name=name.strip()[:40]))
    return found


def today() -> date:
    """The business date of the site."""
    return site_view.current().today(services().clock.now())


def supplier_choices(session: Session, day: date) -> list[tuple[Supplier, str]]:
    """The site's suppliers, each with what keeps him from supplying on a day, or nothing."""
    found = suppliers.page(session, site_id(), limit=suppliers.MAX_PAGE)
    standings = suppliers.standings(session, site_id(), found, day)
    return [(row, blocking(standings[row.id], row.reason)) for row in found]


def blocking(found: Sequence[Finding], reason: str) -> str:
    """What keeps a supplier from supplying, in words; empty where nothing does."""
    return "；".join(finding_text(one, reason) for one in found if one.blocks)


def supplier_names(session: Session, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Names of suppliers of the site."""
    return {row.id: row.name for row in suppliers.by_ids(session, site_id(), ids)}


def role_names(roles: Collection[str]) -> list[str]:
    """What roles are called, in the order of the table of rights."""
    return [name for role, name, _may in role_choices() if role in roles]


def is_blacklisted(row: Supplier) -> bool:
    """Whether nothing is bought of him, for a reason that is on record."""
    return row.standing == Standing.BLACKLISTED.value
