"""What the tables of people and supervision share: rows of a site, written once by their key."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.db import Base
from dafan.errors import BadInputError
from dafan.ids import new_id

KEY_LENGTH = 96


class UnknownRowError(BadInputError):
    """The site has no such thing."""

    code = "unknown_row"


class KeyReusedError(BadInputError):
    """Two different things were sent under one key."""

    code = "key_reused"


class SamePersonError(BadInputError):
    """What needs two persons was tried by one."""

    code = "same_person"


class SiteRow(Base):
    """A row that belongs to a site."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    site_id: Mapped[UUID]


class KeyedRow(SiteRow):
    """A row that a tablet may send again after its network came back: one key, one row.

    Its table declares ``UniqueConstraint("site_id", "key")``.
    """

    __abstract__ = True

    key: Mapped[str] = mapped_column(String(KEY_LENGTH))


class Values(BaseModel):
    """What a person decides or reports."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True
    )


R = TypeVar("R", bound=SiteRow)
K = TypeVar("K", bound=KeyedRow)
V = TypeVar("V", bound=BaseModel)


def read(
    kind: type[V],
    values: Mapping[str, object],
    what: str,
    wrong: type[BadInputError] = BadInputError,
) -> V:
    """Check what a form or a file says.

    Raises:
        BadInputError: of the kind ``wrong``, naming every field that does not fit.
    """
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        faults = "; ".join(
            ": ".join(filter(None, [".".join(map(str, fault["loc"])), fault["msg"]]))
            for fault in error.errors()
        )
        raise wrong(f"this {what} cannot be kept: {faults}") from error


def get(
    session: Session, table: type[R], site_id: UUID, row_id: UUID, what: str, *, lock: bool = False
) -> R:
    """A row of the site, locked where it is about to change.

    Raises:
        UnknownRowError: not one of this site.
    """
    query = select(table).where(table.site_id == site_id, table.id == row_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    row = session.scalar(query)
    if row is None:
        raise UnknownRowError(f"there is no such {what} here: take one from the list")
    return row


def values_of(kind: type[V], row: SiteRow) -> V:
    """What was decided about a row."""
    return kind.model_validate({name: getattr(row, name) for name in kind.model_fields})


def change(
    session: Session, actor: Acting, row: SiteRow, values: Values, action: str, taken: str
) -> None:
    """Let a row follow what a person decided; where nothing differs, nothing is written.

    Args:
        session: Of the change.
        actor: Who decides.
        row: Locked.
        values: What he decides.
        action: What the journal of changes calls it.
        taken: What to say where another row has its name already.

    Raises:
        BadInputError: ``taken``; the transaction is then lost.
    """
    before = values_of(type(values), row)
    if before == values:
        return
    for name, value in values.model_dump().items():
        setattr(row, name, value.value if isinstance(value, Enum) else value)
    flush(session, taken)
    told = (one.model_dump(mode="json") for one in (before, values))
    actor.record(session, action, str(row.id), *told)


def flush(session: Session, taken: str) -> None:
    """Write what waits.

    Raises:
        BadInputError: ``taken``: another row has this name; the transaction is then lost.
    """
    try:
        session.flush()
    except IntegrityError as error:
        raise BadInputError(taken, code="row_taken") from error


def earlier(session: Session, row: K, same: Sequence[str]) -> K | None:
    """The row that was already written under this row's key.

    Args:
        session: Not yet given the row.
        row: What is sent now.
        same: Columns that must be equal, or else the key was used for something different.

    Raises:
        KeyReusedError: something different was written under the key.
        BadInputError: no key, or one that is too long.
    """
    if not 1 <= len(row.key) <= KEY_LENGTH:
        raise BadInputError(f"send a key of 1 to {KEY_LENGTH} characters with it")
    table = type(row)
    found = session.scalar(select(table).where(table.site_id == row.site_id, table.key == row.key))
    if found is not None and any(getattr(found, name) != getattr(row, name) for name in same):
        raise KeyReusedError("something different was sent under this key: begin a new entry")
    return found


def insert_once(session: Session, row: K, same: Sequence[str]) -> tuple[K, bool]:
    """Write a row, or find the one that was already written under its key.

    Returns:
        The row, and whether it is new.

    Raises:
        KeyReusedError: as :func:`earlier`.
    """
    found = earlier(session, row, same)
    if found is None:
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:
            found = earlier(session, row, same)
            if found is None:
                raise
        else:
            return row, True
    return found, False


def insert_all_once(session: Session, fresh: Sequence[KeyedRow], same: Sequence[str]) -> int:
    """As :func:`insert_once` of many rows: all at once, one by one only where somebody was quicker.

    Returns:
        How many are new.

    Raises:
        KeyReusedError: as :func:`earlier`.
    """
    values = [
        {name: value for name, value in vars(row).items() if not name.startswith("_")}
        for row in fresh
    ]
    try:
        with session.begin_nested():
            session.add_all(fresh)
    except IntegrityError:
        again = [type(row)(**kept) for row, kept in zip(fresh, values, strict=True)]
        return sum(insert_once(session, row, same)[1] for row in again)
    return len(fresh)


def say(text: str, what: str, longest: int = 200) -> str:
    """A reason or a note that somebody must give.

    Raises:
        BadInputError: nothing was said, or too much.
    """
    said = text.strip()
    if not said:
        raise BadInputError(f"say {what}", code="nothing_said")
    if len(said) > longest:
        raise BadInputError(f"say {what} in at most {longest} characters", code="said_too_much")
    return said


def require_other(name: str, first: str | None, act: str) -> None:
    """Refuse that one person does both halves of an act.

    Raises:
        SamePersonError: he did the first half himself.
    """
    if first is not None and name == first:
        raise SamePersonError(f"{first} cannot {act}: another person does it")
