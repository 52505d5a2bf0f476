"""Production batches (生产批次): what is cooked for a meal, what was served, what is left.

A batch goes planned → cooking → cooked → served → closed. :func:`step` is the whole rule; the
services keep its result, one row for each step told.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows, waste
from kitchen.dishes import Dish, UnknownDishError
from kitchen.meals import MEAL, Meal
from kitchen.rows import KeyedRow

MAX_GRAMS = 2_000_000
"""Two tonnes of one dish are a slip of the finger."""
MAX_PORTIONS = 100_000


class BatchStepError(BadInputError):
    """The batch is not where this step begins."""

    code = "wrong_batch_step"


class CoreTooColdError(BadInputError):
    """The core of the food is not hot enough: it is not cooked."""

    code = "core_too_cold"


_STEP = ("batch_id", "kind", "body")


class BatchState(StrEnum):
    """Where a batch stands."""

    PLANNED = "planned"
    COOKING = "cooking"
    COOKED = "cooked"
    SERVED = "served"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Fate(StrEnum):
    """What becomes of a leftover."""

    STAFF_MEAL = "staff_meal"
    CHILLED = "chilled"
    WASTE = "waste"


@dataclass(frozen=True, slots=True)
class ProductionRules:
    """Limits; temperatures in tenths of a degree Celsius.

    餐饮服务食品安全操作规范 (2018): the core of cooked food reaches 70 °C; cooked food stands
    between 8 and 60 °C for two hours at most. How long chilled food keeps is the site's rule.
    """

    core_tenths: int = 700
    hot_tenths: int = 600
    warm_minutes: int = 120
    chilled_hours: int = 24


@dataclass(frozen=True, slots=True)
class Progress:
    """What a batch has come to; the columns of its row have the same names."""

    state: BatchState
    planned_portions: int
    cold: bool = False
    """Nothing of it is cooked (凉菜, fruit): there is no core temperature."""
    started_at: datetime | None = None
    cook: str | None = None
    cooked_grams: int | None = None
    cooked_portions: int | None = None
    core_tenths: int | None = None
    finished_at: datetime | None = None
    served_portions: int | None = None
    left_grams: int | None = None
    settled_grams: int = 0
    """Of what is left, so much has found its way."""


@dataclass(frozen=True, slots=True)
class Start:
    """The cook begins."""

    kind = "start"


@dataclass(frozen=True, slots=True)
class Finish:
    """The food is ready: weighed, counted, its core measured."""

    kind = "finish"
    grams: int
    portions: int
    cook: str
    core_tenths: int | None


@dataclass(frozen=True, slots=True)
class Serve:
    """Serving is over: portions from the sales, the rest from the scale."""

    kind = "serve"
    portions: int
    left_grams: int


@dataclass(frozen=True, slots=True)
class Settle:
    """A part of what is left goes its way; ``held_tenths`` is how hot it was kept until now."""

    kind = "settle"
    fate: Fate
    grams: int
    held_tenths: int | None = None


@dataclass(frozen=True, slots=True)
class Close:
    """All that was left has found its way."""

    kind = "close"


@dataclass(frozen=True, slots=True)
class Cancel:
    """The dish was taken off the menu before anybody cooked."""

    kind = "cancel"


Event = Start | Finish | Serve | Settle | Close | Cancel
_FROM: dict[type, tuple[BatchState, ...]] = {
    Start: (BatchState.PLANNED,),
    Finish: (BatchState.COOKING,),
    Serve: (BatchState.COOKED, BatchState.SERVED),
    Settle: (BatchState.SERVED,),
    Close: (BatchState.SERVED,),
    Cancel: (BatchState.PLANNED,),
}


def step(now: Progress, event: Event, at: datetime, rules: ProductionRules) -> Progress:
    """What the batch is after an event. Serving may be told again while the batch is not closed.

    Raises:
        BatchStepError: the batch is in no state for it.
        CoreTooColdError: cook on, and measure again.
        BadInputError: weights or portions that cannot be.
    """
    if now.state not in _FROM[type(event)]:
        wanted = " or ".join(_FROM[type(event)])
        raise BatchStepError(f"the batch is {now.state}: to {event.kind} it must be {wanted}")
    match event:
        case Start():
            return replace(now, state=BatchState.COOKING, started_at=at)
        case Finish():
            return _finish(now, event, at, rules)
        case Serve():
            _check(0 <= event.portions <= MAX_PORTIONS, "so many portions were never served")
            most = now.cooked_grams or 0
            _check(
                now.settled_grams <= event.left_grams <= most,
                f"what is left must be between {now.settled_grams} g, whose way is known, "
                f"and the {most} g that were cooked: weigh again",
            )
            return replace(
                now,
                state=BatchState.SERVED,
                served_portions=event.portions,
                left_grams=event.left_grams,
            )
        case Settle():
            return _settle(now, event, at, rules)
        case Close():
            rest = (now.left_grams or 0) - now.settled_grams
            _check(rest == 0, f"{rest} g are left: say what becomes of them first")
            return replace(now, state=BatchState.CLOSED)
        case Cancel():
            return replace(now, state=BatchState.CANCELLED)


def _finish(now: Progress, event: Finish, at: datetime, rules: ProductionRules) -> Progress:
    _check(0 < event.grams <= MAX_GRAMS, f"{event.grams} g cannot be: weigh again")
    _check(0 < event.portions <= MAX_PORTIONS, f"{event.portions} portions cannot be: count again")
    _check(bool(event.cook.strip()), "name the cook")
    if now.cold:
        _check(event.core_tenths is None, "a cold dish has no core temperature")
    elif event.core_tenths is None or event.core_tenths < rules.core_tenths:
        raise CoreTooColdError(
            f"the core must reach {rules.core_tenths / 10:.1f} °C: cook on and measure again"
        )
    else:
        _check(event.core_tenths <= 1500, "no food is that hot: measure again")
    return replace(
        now,
        state=BatchState.COOKED,
        cook=event.cook.strip(),
        cooked_grams=event.grams,
        cooked_portions=event.portions,
        core_tenths=event.core_tenths,
        finished_at=at,
    )


def _settle(now: Progress, event: Settle, at: datetime, rules: ProductionRules) -> Progress:
    rest = (now.left_grams or 0) - now.settled_grams
    _check(0 < event.grams <= rest, f"{rest} g are left: {event.grams} g cannot go")
    if event.fate is not Fate.WASTE and not now.cold and now.finished_at is not None:
        kept_hot = event.held_tenths is not None and event.held_tenths >= rules.hot_tenths
        warm = at - now.finished_at
        _check(
            kept_hot or warm <= timedelta(minutes=rules.warm_minutes),
            f"it stood for {warm // timedelta(minutes=1)} minutes below "
            f"{rules.hot_tenths / 10:.0f} °C: it can only be thrown away",
        )
    return replace(now, settled_grams=now.settled_grams + event.grams)


def _check(fits: bool, text: str) -> None:
    if not fits:
        raise BadInputError(text)


class Batch(KeyedRow):
    """One cooking of a dish for a meal."""

    __tablename__ = "production_batch"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        UniqueConstraint("site_id", *MEAL, "dish_id", "number", name="uq_production_batch_number"),
    )

    business_date: Mapped[date]
    period: Mapped[str] = mapped_column(String(40))
    venue_id: Mapped[UUID]
    dish_id: Mapped[UUID] = mapped_column(ForeignKey("dish.id"), index=True)
    number: Mapped[int]
    """1, 2, … of the dish at the meal."""
    planned_by: Mapped[str] = mapped_column(String(80))
    state: Mapped[str] = mapped_column(String(12), default=BatchState.PLANNED.value)
    planned_portions: Mapped[int]
    cold: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime | None]
    cook: Mapped[str | None] = mapped_column(String(80))
    cooked_grams: Mapped[int | None]
    cooked_portions: Mapped[int | None]
    core_tenths: Mapped[int | None]
    finished_at: Mapped[datetime | None]
    served_portions: Mapped[int | None]
    left_grams: Mapped[int | None]
    settled_grams: Mapped[int] = mapped_column(default=0)

    @property
    def meal(self) -> Meal:
        """For which it is cooked."""
        return Meal(self.business_date, self.period, self.venue_id)


class BatchStep(KeyedRow):
    """One step of a batch, as it was told; rows are added, never changed."""

    __tablename__ = "production_step"
    __table_args__ = (UniqueConstraint("site_id", "key"),)

    business_date: Mapped[date]
    batch_id: Mapped[UUID] = mapped_column(ForeignKey("production_batch.id"), index=True)
    kind: Mapped[str] = mapped_column(String(12))
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    by: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime]
    use_by: Mapped[datetime | None]
    """Of a chilled leftover: then it must be eaten or thrown away."""


def plan(
    session: Session,
    actor: Acting,
    meal: Meal,
    dish_id: UUID,
    portions: int,
    *,
    key: str,
    cold: bool = False,
) -> Batch:
    """Plan a batch; the next of its dish at this meal.

    Raises:
        UnknownDishError: not a dish of this site.
        BadInputError: portions that cannot be.
        kitchen.rows.KeyReusedError: the key planned something else.
    """
    _check(0 < portions <= MAX_PORTIONS, f"plan between 1 and {MAX_PORTIONS} portions")
    dish = session.scalar(
        select(Dish)
        .where(Dish.site_id == actor.site_id, Dish.id == dish_id)
        .with_for_update(key_share=True)
    )
    if dish is None:
        raise UnknownDishError("there is no such dish here: take one from the list of dishes")
    last = session.scalar(
        select(func.max(Batch.number)).where(
            Batch.site_id == actor.site_id, *meal.match(Batch), Batch.dish_id == dish_id
        )
    )
    row = Batch(
        id=new_id(), site_id=actor.site_id, key=key, dish_id=dish_id, number=(last or 0) + 1,
        planned_by=actor.name, planned_portions=portions, cold=cold, **meal.columns,
    )  # fmt: skip
    row, new = rows.insert_once(session, row, (*MEAL, "dish_id", "planned_portions", "cold"))
    if new:
        after = {"dish": str(dish_id), "portions": portions, "meal": str(meal)}
        actor.record(session, "batch.plan", str(row.id), None, after)
    return row


def tell(
    session: Session,
    actor: Acting,
    batch_id: UUID,
    event: Event,
    *,
    key: str,
    rules: ProductionRules | None = None,
) -> Batch:
    """Take a batch one step on. What is thrown away stands in the waste ledger at once.

    Raises:
        kitchen.rows.UnknownRowError: not a batch of this site.
        BatchStepError, CoreTooColdError, BadInputError: as :func:`step` says.
        kitchen.rows.KeyReusedError: the key told something else.
    """
    limits = rules or ProductionRules()
    row = rows.get(session, Batch, actor.site_id, batch_id, "batch", lock=True)
    chilled = isinstance(event, Settle) and event.fate is Fate.CHILLED
    kept = BatchStep(
        id=new_id(), site_id=actor.site_id, business_date=row.business_date, key=key,
        batch_id=batch_id, kind=event.kind, body=asdict(event), by=actor.name, at=actor.at,
        use_by=actor.at + timedelta(hours=limits.chilled_hours) if chilled else None,
    )  # fmt: skip
    if rows.earlier(session, kept, _STEP) is not None:
        return row
    before = progress_of(row)
    after = step(before, event, actor.at, limits)
    rows.insert_once(session, kept, _STEP)
    changed = [f.name for f in fields(after) if getattr(after, f.name) != getattr(before, f.name)]
    for name in changed:
        setattr(row, name, getattr(after, name))
    row.state = after.state.value
    if isinstance(event, Settle) and event.fate is Fate.WASTE:
        thrown = waste.WasteValues(
            venue_id=row.venue_id, period=row.period, category=waste.Category.OVERPRODUCTION,
            grams=event.grams, dish_id=row.dish_id, batch_id=row.id, reason="left over",
        )  # fmt: skip
        waste.record(session, actor, thrown, day=row.business_date, key=f"left:{kept.id}")
    told_by = {name: str(getattr(before, name)) for name in changed}
    actor.record(
        session, f"batch.{event.kind}", str(batch_id),
        told_by, {name: str(getattr(after, name)) for name in changed},
    )  # fmt: skip
    return row


def progress_of(row: Batch) -> Progress:
    """The batch without its place in the database."""
    values = {f.name: getattr(row, f.name) for f in fields(Progress)}
    return Progress(**{**values, "state": BatchState(row.state)})


def of_meal(session: Session, site_id: UUID, meal: Meal) -> Sequence[Batch]:
    """The batches of a meal, in the order in which they were planned."""
    query = select(Batch).where(Batch.site_id == site_id, *meal.match(Batch))
    return session.scalars(query.order_by(Batch.id)).all()


def chilled(
    session: Session, site_id: UUID, since: datetime, until: datetime
) -> Sequence[BatchStep]:
    """Chilled leftovers whose time ends in between, the most urgent first."""
    query = select(BatchStep).where(
        BatchStep.site_id == site_id, BatchStep.use_by >= since, BatchStep.use_by < until
    )
    return session.scalars(query.order_by(BatchStep.use_by, BatchStep.id).limit(500)).all()
