"""What a site decided otherwise (本单位的限值): one row for each subject's rules.

The rules of a subject are a frozen dataclass whose defaults are those of a usual site
(:class:`kitchen.sample_rules.SampleRules`); a site keeps only what it decided.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError

R = TypeVar("R")


class KitchenLimits(Base):
    """What one site decided about one subject."""

    __tablename__ = "kitchen_limits"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(60), primary_key=True)
    decided: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Field → value; what is not there is as in the defaults."""


def of(session: Session, site_id: UUID, kind: type[R]) -> R:
    """The rules of a subject at a site: the defaults, and what the site decided otherwise."""
    row = session.get(KitchenLimits, (site_id, _subject(kind)))
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    decided = {name: value for name, value in (row.decided if row else {}).items() if name in known}
    return TypeAdapter(kind).validate_python(decided)


def decide(session: Session, actor: Acting, kind: type[R], decided: Mapping[str, object]) -> R:
    """Let a site have its own limits; fields that are not named are the defaults again.

    Raises:
        BadInputError: no such field, or a value that does not fit.
    """
    unknown = set(decided) - {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if unknown:
        raise BadInputError(f"these rules have no {', '.join(sorted(unknown))}")
    try:
        made = TypeAdapter(kind).validate_python(dict(decided))
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, fault["loc"])) for fault in error.errors())
        raise BadInputError(f"these limits do not fit: {wrong}") from error
    subject = _subject(kind)
    row = session.get(KitchenLimits, (actor.site_id, subject), with_for_update=True)
    if row is None:
        row = KitchenLimits(site_id=actor.site_id, subject=subject, decided={})
        session.add(row)
    told = TypeAdapter(kind).dump_python(made, mode="json")
    before, after = row.decided, {name: told[name] for name in decided}
    if before != after:
        row.decided = after
        session.flush()
        actor.record(session, "kitchen_limits.decide", subject, before, after)
    return made


def shown(made: object) -> dict[str, Any]:
    """Field → value of rules, for a form."""
    return asdict(made)  # type: ignore[call-overload, no-any-return]  # a dataclass


def _subject(kind: type[object]) -> str:
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__qualname__}"
