"""收货, one line: loads on the scale, what is seen of them, papers, a test, a rejection."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from dafan.errors import BadInputError
from dafan.money import parse_yuan
from dafan.quantity import Measure, MeasureError
from kitchen import (
    categories,
    ingredients,
    labels,
    limits,
    pictures,
    receiving_book,
    receiving_lines,
    receiving_posting,
    receiving_rules,
    rows,
    suppliers,
    zones,
)  # fmt: skip
from kitchen import receiving as rules
from kitchen.deliveries import Disposal, ReceivingLine, State, UnknownReceivingError
from kitchen.ingredients import Ingredient, Keep
from kitchen.receiving_rules import Certificate, Finding, Paper, PesticideTest, Rules, Weighing
from server import uploads
from server.access import needs
from server.pages.kitchen import receiving_words
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.receiving import seen_on, today
from server.pages.kitchen.today import read_number
from server.pages.shared import actor, change, reading, site_id

DEGREES = "0.1 °C"
_PERCENT = re.compile(r"[-−]?(?:[0-9]{1,2}(?:[.,][0-9])?|100)")
_CRATES = re.compile(r"[0-9]{1,3}")
_HERE = "/receiving/<uuid:receiving_id>/items/<uuid:ingredient_id>/<uuid:line_id>"


@kitchen.get(_HERE)
@needs("see_kitchen")
def receiving_line(receiving_id: UUID, ingredient_id: UUID, line_id: UUID) -> str:
    """One line, with everything that is due of it."""
    day = today()
    with reading() as session:
        row = rules.get(session, site_id(), receiving_id)
        ingredient = ingredients.get(session, site_id(), ingredient_id)
        line = _line(session, receiving_id, ingredient_id, line_id)
        site = limits.of(session, site_id(), Rules)
        found: list[Finding] = []
        tests: tuple[PesticideTest, ...] = ()
        if line is not None:
            tests = line.pesticide_tests
            seen = seen_on(row)
            found = receiving_rules.check(line.values, ingredient, seen, site, tests=tests)
        ordered = receiving_book.ordered(session, row.order_id) if row.order_id else {}
        known = zones.of_site(session, site_id())
        return render_template(
            "kitchen/receiving_line.html",
            row=row, ingredient=ingredient, line=line, line_id=line_id, findings=found,
            values=line.values if line else None, tests=tests, papers=receiving_words.PAPERS,
            ordered=ordered.get(ingredient_id), say=receiving_words.finding, show=labels.show,
            open=row.state == State.OPEN.value,
            units=receiving_lines.UNITS[Measure(ingredient.measure)],
            supplier=suppliers.get(session, site_id(), row.supplier_id),
            zones=[one for one in known if ingredient.category in one.categories],
            cold=ingredient.keep != Keep.AMBIENT.value, reasons=receiving_words.REASONS,
            days=[day - timedelta(days=back) for back in range(3)], measure=Measure,
            testable=ingredient.pesticide_test or ingredient.category == categories.VEGETABLE,
            again=receiving_rules.may_test_again(tests, site), positive=site.positive,
            last=_last_load(session, receiving_id),
        )  # fmt: skip


@kitchen.post(f"{_HERE}/weigh")
@needs("do_kitchen")
def receiving_weighed(receiving_id: UUID, ingredient_id: UUID, line_id: UUID) -> Response:
    """A load on the scale, or an amount that was typed in a unit or in packs."""

    def work(session: Session) -> None:
        ingredient = ingredients.get(session, site_id(), ingredient_id)
        typed = request.form
        gross = _amount(typed.get("gross", ""), typed.get("unit", ""), ingredient)
        crates, crate = typed.get("crates", "").strip() or "0", typed.get("crate", "").strip()
        if _CRATES.fullmatch(crates) is None:
            raise BadInputError(_("筐数请填整数"))
        weighing = rows.read(
            Weighing,
            {
                "key": _key(), "gross": gross, "crates": int(crates), "by": actor().name[:80],
                "crate": _amount(crate, "", ingredient) if crate.strip("0") else 0,
                "by_scale": typed.get("gross_from") == "scale",
            },
            "load",
        )  # fmt: skip
        site = limits.of(session, site_id(), Rules)
        receiving_lines.weigh(
            session, actor(), receiving_id, line_id, ingredient_id, weighing, site
        )

    return _done(work, _("已称重"), receiving_id, ingredient_id, line_id)


@kitchen.post(f"{_HERE}/take-back")
@needs("do_kitchen")
def receiving_unweighed(receiving_id: UUID, ingredient_id: UUID, line_id: UUID) -> Response:
    """A load that was a mistake."""
    load = request.form.get("load", "")
    return _done(
        lambda session: receiving_lines.take_back(session, actor(), receiving_id, line_id, load),
        _("已撤回这一次称重"),
        receiving_id,
        ingredient_id,
        line_id,
    )


@kitchen.post(f"{_HERE}/seen")
@needs("do_kitchen")
def receiving_seen(receiving_id: UUID, ingredient_id: UUID, line_id: UUID) -> Response:
    """Price, dates, batch, zone, temperatures and look; a field that was not sent stays."""

    def work(session: Session) -> None:
        told: dict[str, Any] = {}
        for name in ("batch", "specification", "zone"):
            if name in request.form:
                told[name] = request.form[name].strip()
        for name, read in (
            ("unit_price", _yuan), ("produced_on", _day), ("expires_on", _day),
            ("temperature", _degrees), ("label_temperature", _degrees),
        ):  # fmt: skip
            if name in request.form:
                told[name] = read(request.form[name].strip())
        if "looks_good" in request.form:
            told["looks_good"] = request.form["looks_good"] == "yes"
        receiving_lines.describe(session, actor(), receiving_id, line_id, told)

    return _done(work, _("已记录"), receiving_id, ingredient_id, line_id)


@kitchen.post(f"{_HERE}/papers")
@needs("do_kitchen")
def receiving_pictured(receiving_id: UUID, ingredient_id: UUID, line_id: UUID) -> Response:
    """The picture of a certificate, or of how the goods came."""

    def work(session: Session) -> None:
        file, kind = request.files.get("photo"), request.form.get("kind", "")
        if kind not in receiving_words.PAPERS:
            raise BadInputError(_("请选择这是什么票证"))
        jpeg = uploads.read_picture(file.stream if file else None)
        number = request.form.get("number", "").strip()[:60]
        file_id = pictures.keep(session, actor(), jpeg)
        paper = Paper(kind=Certificate(kind), file=file_id, number=number)
        receiving_lines.add_paper(session, actor(), receiving_id, line_id, paper)

    return _done(work, _("照片已保存"), receiving_id, ingredient_id, line_id)


@kitchen.post(f"{_HERE}/test")
@needs("do_kitchen")
def receiving_tested(receiving_id: UUID, ingredient_id: UUID, line_id: UUID) -> Response:
    """What the rapid pesticide test said."""

    def work(session: Session) -> None:
        typed = request.form.get("inhibition", "").strip()
        if _PERCENT.fullmatch(typed) is None:
            raise BadInputError(_("抑制率请填百分数，例如 12.5"))
        test = receiving_rules.read_test({
            "item": request.form.get("item", "").strip(),
            "inhibition": read_number(typed, DEGREES),
            "device": request.form.get("device", "").strip(),
            "record": request.form.get("record", "").strip() or _key(),
            "reagent": request.form.get("reagent", "").strip(),
        })  # fmt: skip
        receiving_posting.add_test(
            session, actor(), receiving_id, line_id, test, day=today(),
            rules=limits.of(session, site_id(), Rules),
        )  # fmt: skip

    return _done(work, _("检测结果已记录"), receiving_id, ingredient_id, line_id)


@kitchen.post(f"{_HERE}/reject")
@needs("do_kitchen")
def receiving_rejected(receiving_id: UUID, ingredient_id: UUID, line_id: UUID) -> Response:
    """A part goes back, or all of it; ``none`` takes that back."""

    def work(session: Session) -> None:
        line = _line(session, receiving_id, ingredient_id, line_id)
        if line is None:
            raise UnknownReceivingError("weigh it first")
        ingredient = ingredients.get(session, site_id(), ingredient_id)
        how = request.form.get("how", "")
        quantity = {"all": line.values.quantity, "none": 0}.get(how)
        if quantity is None:
            typed = request.form
            quantity = _amount(typed.get("quantity", ""), typed.get("unit", ""), ingredient)
        why = request.form.get("why", "").strip() or request.form.get("reason", "")
        away = request.form.get("disposal") == Disposal.DESTROY.value
        rules.reject(
            session, actor(), receiving_id, line_id, quantity, why=why,
            disposal=Disposal.DESTROY if away else Disposal.RETURN,
        )  # fmt: skip

    return _done(work, _("已记录"), receiving_id, ingredient_id, line_id)


def _done(
    work: Callable[[Session], Any], said: str, receiving_id: UUID, ingredient_id: UUID,
    line_id: UUID,
) -> Response:  # fmt: skip
    """Do it, and show the line again."""
    change(work, said)
    return redirect(
        url_for(
            "kitchen.receiving_line", receiving_id=receiving_id, ingredient_id=ingredient_id,
            line_id=line_id,
        )
    )  # fmt: skip


def _line(
    session: Session, receiving_id: UUID, ingredient_id: UUID, line_id: UUID
) -> ReceivingLine | None:
    lines = rules.lines(session, site_id(), receiving_id)
    line = next((one for one in lines if one.id == line_id), None)
    if line is not None and line.ingredient_id != ingredient_id:
        raise UnknownReceivingError("this line is of something else: open it from the delivery")
    return line


def _last_load(session: Session, receiving_id: UUID) -> Weighing | None:
    """The load that was weighed last: the next one stands in the same crates."""
    for line in reversed(rules.lines(session, site_id(), receiving_id)):
        if line.values.weighings:
            return line.values.weighings[-1]
    return None


def _amount(number: str, unit: str, ingredient: Ingredient) -> int:
    """What was typed, in the ingredient's measure, or a text that says what to type.

    Raises:
        BadInputError: no number above zero, or a unit of another measure.
    """
    units = receiving_lines.UNITS[Measure(ingredient.measure)]
    try:
        read = receiving_lines.read_amount(number, unit or ingredient.measure, ingredient)
    except MeasureError as error:
        told = {"name": ingredient.name, "units": " / ".join(units)}
        raise MeasureError(
            _("%(name)s 按 %(units)s 计量：请换单位", **told), code="unit"
        ) from error
    except BadInputError as error:
        raise BadInputError(_("数量不对：请填大于零的数字，例如 2.5")) from error
    if read <= 0:
        raise BadInputError(_("数量不对：请填大于零的数字，例如 2.5"))
    return read


def _key() -> str:
    key = request.form.get("key", "")
    if not 1 <= len(key) <= rows.KEY_LENGTH:
        raise BadInputError(_("页面过期：请刷新后再试"))
    return key


def _yuan(typed: str) -> int:
    try:
        fen = parse_yuan(typed)
    except BadInputError as error:
        raise BadInputError(_("单价请填数字，例如 28.90")) from error
    if fen < 0:
        raise BadInputError(_("单价不能小于零"))
    return fen


def _day(typed: str) -> date | None:
    if not typed:
        return None
    try:
        return date.fromisoformat(typed)
    except ValueError as error:
        raise BadInputError(_("日期请像 2026-03-02 这样填")) from error


def _degrees(typed: str) -> int | None:
    return read_number(typed, DEGREES) if typed else None
