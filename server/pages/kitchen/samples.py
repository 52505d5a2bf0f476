"""留样: which dishes of the meal have their sample, taking one, and what stands in the cabinets."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from flask import Response, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from dafan.errors import BadInputError
from kitchen import (
    dishes,
    limits,
    production,
    rows,
    sample_alarms,
    sample_places,
    sample_rules,
    samples,
)
from kitchen.cabinet import Cabinet
from kitchen.dishes import Dish
from kitchen.meals import Meal
from kitchen.production import Batch
from kitchen.sample_alarms import AlarmKind, SampleAlarm
from kitchen.sample_rules import KeptState, SampleRules
from kitchen.samples import Sample, SampleHold, SampleValues
from server import kitchen_day
from server.access import needs
from server.pages import site_view
from server.pages.kitchen import at_meal, signing
from server.pages.kitchen.blueprint import kitchen
from server.pages.kitchen.entry import grams, one_of, read, whole
from server.pages.kitchen.fields import key, photo
from server.pages.kitchen.names import name_of
from server.pages.layout import zone
from server.pages.shared import as_uuid, change, next_page, reading, site_id
from server.services import services

PAGE = 60
READY_MINUTES = (0, 15, 30, 60)
"""How long ago a dish without a batch was ready, as the form offers it."""


@dataclass(frozen=True, slots=True)
class DishCard:
    """A dish of the meal, and its sample."""

    dish: UUID
    name: str
    state: str
    taken: Sequence[Sample]
    batch: Batch | None
    """One that is ready and has no sample yet."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A sample that is there."""

    row: Sample
    state: KeptState
    place: str
    left: timedelta
    """Until it may go; below zero: since then."""

    @property
    def hours(self) -> int:
        """Whole hours until it may go, rounded up."""
        return -int(-self.left.total_seconds() // 3600)


@kitchen.get("/samples", endpoint="samples")
@needs("see_kitchen")
def samples_page() -> str:
    """The meal's dishes, and what stands in the cabinets."""
    at, now = at_meal.chosen(), services().clock.now()
    with reading() as session:
        cards = _cards(session, at.meal, now)
        found = kept_of(session, samples.kept(session, site_id(), limit=samples.MAX_PAGE), now)
        return render_template(
            "kitchen/samples.html",
            at=at,
            cards=cards,
            missing=sum(card.state == "missing" for card in cards),
            due=[one for one in found if one.state in {KeptState.READY, KeptState.OVERDUE}],
            waiting=[one for one in found if one.state in {KeptState.KEPT, KeptState.HELD}],
            holds=open_holds(session),
            alarms=sample_alarms.still_open(session, site_id()),
            dishes=_dish_names(session),
            rules=limits.of(session, site_id(), SampleRules),
            period=site_view.current().period_name,
            troubles=troubles(session, now),
            review=[
                row
                for card in cards
                for row in card.taken
                if row.reviewer is None and row.disposed_at is None
            ],
        )


@kitchen.get("/samples/take")
@needs("do_kitchen")
def sample_form() -> str:
    """Weigh, photograph, sign: the sample of one dish."""
    at, now = at_meal.chosen(), services().clock.now()
    with reading() as session:
        dish = dishes.get(session, site_id(), one_of("dish"))
        card = next((one for one in _cards(session, at.meal, now) if one.dish == dish.id), None)
        return render_template(
            "kitchen/samples_take.html",
            at=at,
            dish=dish,
            batch=card.batch if card else None,
            place=sample_places.next_free(session, site_id(), at.meal.venue_id),
            cabinets=sample_places.for_samples(session, site_id()),
            rules=limits.of(session, site_id(), SampleRules),
            minutes=READY_MINUTES,
        )


@kitchen.post("/samples/take")
@needs("do_kitchen")
def sample_taken() -> AnyResponse:
    """The sample is in its container."""
    kept: list[UUID] = []

    def work(session: Session) -> None:
        at, person = at_meal.chosen(), signing.acting()
        batch = as_uuid(request.form.get("batch"))
        minutes = timedelta(minutes=whole("minutes"))
        values = read(
            SampleValues,
            "sample",
            **at.meal.columns,
            dish_id=one_of("dish"),
            grams=grams("grams"),
            cabinet_id=one_of("cabinet"),
            slot=whole("slot"),
            container=request.form.get("container", "").strip(),
            batch_id=batch,
            cooked_at=None if batch else person.at - minutes,
            photo=photo(session, person),
        )
        rules = limits.of(session, site_id(), SampleRules)
        row = samples.take(session, person, values, key=key(), rules=rules)
        kitchen_day.sampled(session, person, at.meal, site_view.current().policy)
        kept.append(row.id)

    if change(work, _("已留样")):
        return redirect(url_for("kitchen.sample", sample_id=kept[0]))
    return at_meal.back_to("kitchen.sample_form", "dish")


@kitchen.get("/samples/<uuid:sample_id>")
@needs("see_kitchen")
def sample(sample_id: UUID) -> str:
    """One sample: its record, its label, and what can be done with it now."""
    now = services().clock.now()
    with reading() as session:
        row = rows.get(session, Sample, site_id(), sample_id, "sample")
        return render_template(
            "kitchen/samples_one.html",
            one=kept_of(session, [row], now)[0],
            row=row,
            batch=session.get(Batch, row.batch_id) if row.batch_id else None,
            period=site_view.current().period_name,
            cabinets=sample_places.for_samples(session, site_id()),
            meal=at_meal.address_of(row.meal),
        )


@kitchen.get("/samples/<uuid:sample_id>/label")
@needs("see_kitchen")
def sample_label(sample_id: UUID) -> Response:
    """The label as a receipt document, for the printer beside the scale."""
    with reading() as session:
        row = rows.get(session, Sample, site_id(), sample_id, "sample")
        name = site_view.current().period_name(row.period)
        label = samples.label_of(session, row, name, zone(), name_of(row.sampler))
        return jsonify(label.as_receipt())


@kitchen.get("/samples/scan")
@needs("see_kitchen")
def sample_scan() -> AnyResponse:
    """The sample of a scanned label."""
    try:
        found = sample_rules.read_label(request.args.get("code", ""))
    except BadInputError:
        return redirect(url_for("kitchen.samples", unread=1))
    return redirect(url_for("kitchen.sample", sample_id=found))


@kitchen.get("/samples/record")
@needs("see_kitchen")
def sample_record() -> str:
    """The record of all samples, the newest first, those too that are gone."""
    before = as_uuid(request.args.get("before"))
    with reading() as session:
        query = select(Sample).where(Sample.site_id == site_id())
        if before is not None:
            query = query.where(Sample.id < before)
        found = session.scalars(query.order_by(Sample.id.desc()).limit(PAGE)).all()
        return render_template(
            "kitchen/samples_record.html",
            found=kept_of(session, found, services().clock.now()),
            period=site_view.current().period_name,
            more=next_page(len(found), PAGE, before=str(found[-1].id)) if found else "",
        )


def kept_of(session: Session, found: Sequence[Sample], now: datetime) -> list[Kept]:
    """Samples as the pages show them."""
    rules = limits.of(session, site_id(), SampleRules)
    query = select(Cabinet.id, Cabinet.name).where(Cabinet.site_id == site_id())
    names = {row.id: row.name for row in session.execute(query)}
    held = {_meal_of(one) for one in open_holds(session)}
    return [
        Kept(
            row,
            sample_rules.kept_state(row.due_at, row.disposed_at, row.meal in held, now, rules),
            f"{names[row.cabinet_id]} {row.slot}",
            row.due_at - now,
        )
        for row in found
    ]


def open_holds(session: Session) -> Sequence[SampleHold]:
    """Holds that nobody has lifted."""
    query = select(SampleHold).where(
        SampleHold.site_id == site_id(), SampleHold.lifted_at.is_(None)
    )
    return session.scalars(query.order_by(SampleHold.id)).all()


def troubles(session: Session, now: datetime) -> list[tuple[Cabinet, str]]:
    """Cabinets with which something is wrong at this moment: the cabinet, and what."""
    day = site_view.current().today(now)
    return [
        (row, alarms[-1].trouble.value)
        for row, found in kitchen_day.troubles(session, site_id(), day, now)
        if (alarms := [one for one in found if one.until is None])
    ]


def red(session: Session, now: datetime) -> list[tuple[str, str]]:
    """What the red bar of the day tells, and on which page it is put right."""
    kinds = Counter(row.kind for row in sample_alarms.still_open(session, site_id()))
    missing, warm = kinds[AlarmKind.MISSING], kinds[AlarmKind.TEMPERATURE]
    found = [(_("%(n)s 道菜缺留样", n=missing), "kitchen.samples")] if missing else []
    if warm:
        found.append((_("%(n)s 份留样的柜温异常", n=warm), "kitchen.samples"))
    wrong = troubles(session, now)
    names = "、".join(row.name for row, what in wrong if what != "silent")
    if names:
        found.append((_("%(names)s 温度异常", names=names), "kitchen.cabinets"))
    names = "、".join(row.name for row, what in wrong if what == "silent")
    if names:
        found.append((_("%(names)s 很久没有温度读数", names=names), "kitchen.cabinets"))
    return found


def _cards(session: Session, meal: Meal, now: datetime) -> list[DishCard]:
    policy = site_view.current().policy
    taken: dict[UUID, list[Sample]] = {}
    for row in samples.of_meal(session, site_id(), meal):
        taken.setdefault(row.dish_id, []).append(row)
    batches: dict[UUID, Batch] = {}
    for batch in reversed(production.of_meal(session, site_id(), meal)):
        own = taken.get(batch.dish_id, ())
        if batch.finished_at is not None and batch.id not in {row.batch_id for row in own}:
            batches[batch.dish_id] = batch
    due = kitchen_day.due(session, site_id(), meal, policy, now)
    names = _dish_names(session, [one.dish_id for one in due])
    return [
        DishCard(
            one.dish_id, names.get(one.dish_id, "?"), one.state.value,
            taken.get(one.dish_id, ()), batches.get(one.dish_id),
        )
        for one in due
    ]  # fmt: skip


def _dish_names(session: Session, wanted: Sequence[UUID] | None = None) -> Mapping[UUID, str]:
    query = select(Dish.id, Dish.name).where(Dish.site_id == site_id())
    if wanted is None:
        alarmed = select(SampleAlarm.subject).where(
            SampleAlarm.site_id == site_id(),
            SampleAlarm.closed_at.is_(None),
            SampleAlarm.kind == AlarmKind.MISSING.value,
        )
        query = query.where(Dish.id.in_(alarmed))
    else:
        query = query.where(Dish.id.in_(wanted))
    return {row.id: row.name for row in session.execute(query)}


def _meal_of(hold: SampleHold) -> Meal:
    return Meal(hold.business_date, hold.period, hold.venue_id)
