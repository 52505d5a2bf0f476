"""后厨限值: what a site asks of its kitchen, beside the usual limits and what is laid down."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import limits
from kitchen.limits import LaxerThanLawError
from kitchen.menu_checks import Forbidden, MenuRules
from server.access import may, needs
from server.pages import site_view
from server.pages.formats import plain_yuan
from server.pages.forms import read_amount
from server.pages.limit_words import SUBJECTS, Limit, Subject
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, change, reading, site_id

BLANK_PAIRS = 2
MAX_PAIRS = 100
MAX_COVERS = 100_000


@dataclass(frozen=True, slots=True)
class MenuForm:
    """What only menus have, as the form shows it."""

    cost_target: str
    covers: Mapping[str, str]
    pairs: Sequence[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Line:
    """A limit as the form shows it."""

    limit: Limit
    value: str
    usual: str
    law: str
    own: bool


@manage.get("/kitchen-limits", endpoint="limits")
@needs("run_kitchen")
def overview() -> str:
    """All subjects; what the site decided stands out."""
    return _page()


@manage.post("/kitchen-limits/<name>")
@needs("run_kitchen")
def limits_save(name: str) -> AnyResponse | str:
    """Keep what differs from the usual limits; what is laxer than the law is refused."""
    subject = next((one for one in SUBJECTS if one.name == name), None)
    if subject is None:
        abort(404)
    if not may(subject.right):
        abort(403)

    def work(session: Session) -> None:
        decided = limits.decided_of(session, site_id(), subject.kind)
        for limit in subject.limits:
            value = _typed(limit)
            if value == subject.usual(limit):
                decided.pop(limit.name, None)
            else:
                decided[limit.name] = value
        if subject.kind is MenuRules:
            decided = {**decided, **_menu_rules()}
            decided = {key: value for key, value in decided.items() if value not in ([], {}, None)}
        try:
            limits.decide(session, actor(), subject.kind, decided)
        except LaxerThanLawError as error:
            raise _laxer(subject, error) from error

    if change(work, _("已保存，后厨随即照它")):
        return redirect(url_for("manage.limits", _anchor=name))
    return _page(refused=subject)


def _page(refused: Subject | None = None) -> str:
    """All subjects; the one that was refused stands first, as it was typed."""
    with reading() as session:
        order = sorted(SUBJECTS, key=lambda one: one is not refused)
        shown = [
            (one, _lines(session, one, typed=one is refused)) for one in order if may(one.right)
        ]
        rules = limits.of(session, site_id(), MenuRules)
    typed = refused is not None and refused.kind is MenuRules
    return render_template(
        "manage/limits.html", subjects=shown, periods=site_view.current().policy.periods,
        menu_form=_typed_menu() if typed else _kept_menu(rules), blank=BLANK_PAIRS,
        menu_subject=limits.subject_of(MenuRules), active="manage.limits",
    )  # fmt: skip


def _kept_menu(rules: MenuRules) -> MenuForm:
    covers = {code: str(count) for code, count in rules.covers.items()}
    pairs = [(one.one, one.other, one.reason) for one in rules.forbidden]
    return MenuForm(plain_yuan(rules.cost_target), covers, pairs)


def _typed_menu() -> MenuForm:
    covers = {
        one.code: request.form.get(f"covers_{one.code}", "")
        for one in site_view.current().policy.periods
    }
    return MenuForm(request.form.get("cost_target", ""), covers, _pairs())


def _pairs() -> list[tuple[str, ...]]:
    columns = (request.form.getlist(name) for name in ("one", "other", "reason"))
    found = [tuple(cell.strip() for cell in cells) for cells in zip(*columns, strict=False)]
    return [pair for pair in found if any(pair)][: MAX_PAIRS + 1]


def _lines(session: Session, subject: Subject, *, typed: bool) -> list[Line]:
    made = limits.of(session, site_id(), subject.kind)
    decided = limits.decided_of(session, site_id(), subject.kind)
    found = []
    for limit in subject.limits:
        value, usual = getattr(made, limit.name), subject.usual(limit)
        law = subject.law(limit)
        found.append(
            Line(
                limit, request.form.get(limit.name, "") if typed else _shown(limit, value),
                _shown(limit, usual),
                "" if law is None else _law(limit, law), limit.name in decided and value != usual,
            )
        )  # fmt: skip
    return found


def _shown(limit: Limit, value: Any) -> str:
    if limit.switch:
        return "1" if value else ""
    number = Decimal(value) / limit.scale
    return format(number.normalize(), "f")


def _law(limit: Limit, law: limits.Law) -> str:
    if law.low is not None:
        return str(_("法定至少 %(n)s", n=_shown(limit, law.low)))
    return str(_("法定最多 %(n)s", n=_shown(limit, law.high)))


def _laxer(subject: Subject, error: LaxerThanLawError) -> BadInputError:
    limit = next(one for one in subject.limits if one.name == error.field)
    return BadInputError(
        _(
            "%(title)s：“%(label)s”%(law)s %(unit)s（%(why)s）。单位可以更严，不能更松。",
            title=subject.title, label=limit.label, law=_law(limit, error.law), unit=limit.unit,
            why=limit.why,
        )
    )  # fmt: skip


def _typed(limit: Limit) -> bool | int:
    """What the form says of a limit, as it is stored.

    Raises:
        BadInputError: no number, too fine, or out of the range that makes sense.
    """
    text = request.form.get(limit.name, "").strip().replace("−", "-")
    if limit.switch:
        return bool(text)
    try:
        value = Decimal(text) * limit.scale
        fits = limit.low <= value <= limit.high and value == value.to_integral_value()
    except InvalidOperation:
        fits = False
    if not fits:
        raise BadInputError(
            _(
                "“%(label)s”要填 %(low)s 到 %(high)s 之间的数（%(unit)s）",
                label=limit.label, low=_shown(limit, limit.low), high=_shown(limit, limit.high),
                unit=limit.unit,
            )
        )  # fmt: skip
    return int(value)


def _menu_rules() -> dict[str, Any]:
    """What only menus have: the cost that is wanted, usual covers, and what does not go together.

    Raises:
        BadInputError: something in it does not fit; told in the person's language.
    """
    form = request.form
    target = None
    if form.get("cost_target", "").strip():
        target = read_amount(form["cost_target"].strip())
        if target <= 0:
            raise BadInputError(_("成本目标要大于零；不要目标就留空"))
    covers = {}
    for period in site_view.current().policy.periods:
        text = form.get(f"covers_{period.code}", "").strip() or "0"
        if not (text.isascii() and text.isdecimal()) or int(text[:9]) > MAX_COVERS:
            raise BadInputError(_("%(name)s的常用人次要填整数", name=period.name))
        if int(text):
            covers[period.code] = int(text)
    pairs = _pairs()
    if any(not one or not other or one == other for one, other, _reason in pairs):
        raise BadInputError(_("搭配禁忌要写两种不同的菜品或食材"))
    if len(pairs) > MAX_PAIRS or any(len(cell) > MAX_PAIRS for pair in pairs for cell in pair):
        raise BadInputError(_("搭配禁忌最多 100 对，每格最多 100 个字"))
    forbidden = [asdict(Forbidden(*pair)) for pair in pairs]
    return {"cost_target": target, "covers": covers, "forbidden": forbidden}
