"""What a site decided otherwise (本单位的限值): one row for each subject's rules.

The rules of a subject are a frozen dataclass whose defaults are those of a usual site
(:class:`kitchen.sample_rules.SampleRules`); a site keeps only what it decided.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError

R = TypeVar("R")
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
"""Of each subject's rules made once: to make one takes longer than to read the row."""


@dataclass(frozen=True, slots=True)
class Law:
    """What is laid down: a site may be stricter, never laxer.

    Attributes:
        low: The least value; in the unit of the field.
        high: The largest one.
        source: Where it stands.
    """

    low: int | None = None
    high: int | None = None
    source: str = ""

    def allows(self, value: object) -> bool:
        """Whether a value is at least as strict; what is no number is judged elsewhere."""
        if not isinstance(value, int):
            return True
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


_GUIDE = "餐饮服务食品安全操作规范 (2018)"
LAW: Mapping[str, Mapping[str, Law]] = {
    "sample_rules.SampleRules": {
        "grams": Law(low=125, source=f"教育部令45 art 40; {_GUIDE} 7.9"),
        "hours": Law(low=48, source=f"教育部令45 art 40; {_GUIDE} 7.9"),
    },
    "receiving_rules.Rules": {
        "chilled_over_label": Law(high=30, source=f"{_GUIDE} 6.2"),
        "chilled_most": Law(high=80, source=f"{_GUIDE}, definitions"),
        "positive": Law(high=500, source="GB/T 5009.199-2003"),
    },
    "production.ProductionRules": {
        "core_tenths": Law(low=700, source=_GUIDE),
        "hot_tenths": Law(low=600, source=_GUIDE),
        "warm_minutes": Law(high=120, source=_GUIDE),
    },
    "cabinet.ChilledRules": {
        "lowest": Law(low=0, source=f"{_GUIDE}, definitions"),
        "highest": Law(high=80, source=f"{_GUIDE}, definitions"),
    },
}
"""Subject → field → what is laid down."""


class LaxerThanLawError(BadInputError):
    """A limit that is laxer than what is laid down."""

    code = "laxer_than_law"

    def __init__(self, field: str, law: Law) -> None:
        self.field, self.law = field, law
        bound = f"at least {law.low}" if law.low is not None else f"at most {law.high}"
        super().__init__(f"{field} is {bound} by {law.source}: a site may only be stricter")


class KitchenLimits(Base):
    """What one site decided about one subject."""

    __tablename__ = "kitchen_limits"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(60), primary_key=True)
    decided: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Field → value; what is not there is as in the defaults."""


def of(session: Session, site_id: UUID, kind: type[R]) -> R:
    """The rules of a subject at a site: the defaults, and what the site decided otherwise."""
    return _laid_over(kind(), decided_of(session, site_id, kind))


def decided_of(session: Session, site_id: UUID, kind: type[object]) -> dict[str, Any]:
    """Only what the site decided otherwise, as it is stored."""
    row = session.get(KitchenLimits, (site_id, subject_of(kind)))
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    return {name: value for name, value in (row.decided if row else {}).items() if name in known}


def decide(session: Session, actor: Acting, kind: type[R], decided: Mapping[str, object]) -> R:
    """Let a site have its own limits; fields that are not named are the defaults again.

    Args:
        session: Writing.
        actor: Who decides.
        kind: The rules of the subject.
        decided: Field → value.

    Raises:
        LaxerThanLawError: a value is laxer than what is laid down.
        BadInputError: no such field, or a value that does not fit.
    """
    unknown = set(decided) - {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown:
        raise BadInputError(f"these rules have no {', '.join(sorted(unknown))}")
    subject = subject_of(kind)
    try:
        made = _laid_over(kind(), decided)
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
        raise BadInputError(f"these limits do not fit: {wrong}") from error
    for name in decided:
        law = LAW.get(subject, {}).get(name)
        if law is not None and not law.allows(getattr(made, name)):
            raise LaxerThanLawError(name, law)
    row = session.get(KitchenLimits, (actor.site_id, subject), with_for_update=True)
    if row is None:
        row = KitchenLimits(site_id=actor.site_id, subject=subject, decided={})
        session.add(row)
    told = _adapter(kind).dump_python(made, mode="json")
    before, after = row.decided, {name: told[name] for name in decided}
    if before != after:
        row.decided = after
        session.flush()
        actor.record(session, "kitchen_limits.decide", subject, before, after)
    return made


def shown(made: object) -> dict[str, Any]:
    """Field → value of rules, for a form."""
    return asdict(made)  # type: ignore[call-overload, no-any-return]  # a dataclass


def _laid_over(usual: R, decided: Mapping[str, object]) -> R:
    kind = type(usual)
    read = _adapter(kind).validate_python(shown(usual) | dict(decided))
    return replace(usual, **{name: getattr(read, name) for name in decided})  # type: ignore[type-var]


def subject_of(kind: type[object]) -> str:
    """The name under which a subject's rules are kept."""
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__qualname__}"
