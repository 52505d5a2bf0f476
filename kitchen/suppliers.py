"""Suppliers (供应商) and their licences (索证索票): no proof, no purchase.

The rules are in :mod:`kitchen.supplier_rules`; here is what is kept.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field
from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from dafan.acting import Acting
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import rows
from kitchen.rows import SiteRow, Values
from kitchen.supplier_rules import (
    BY_CATEGORY,
    SOON,
    Finding,
    LicenceValues,
    Needs,
    Standing,
    may_supply,
    needs_of,
)

MAX_PAGE = 500


class SupplierBlockedError(BadInputError):
    """A supplier that may not supply: an order, a dispatch or a receiving is refused."""

    code = "supplier_blocked"


class Supplier(SiteRow):
    """Somebody who sells to a site."""

    __tablename__ = "supplier"
    __table_args__ = (UniqueConstraint("site_id", "name"),)

    name: Mapped[str] = mapped_column(String(80))
    credit_code: Mapped[str] = mapped_column(String(18), default="")
    address: Mapped[str] = mapped_column(String(200), default="")
    contact: Mapped[str] = mapped_column(String(80), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    categories: Mapped[list[str]] = mapped_column(JSON, default=list)
    standing: Mapped[str] = mapped_column(String(12), default=Standing.ACTIVE.value)
    reason: Mapped[str] = mapped_column(String(200), default="")


class Licence(SiteRow):
    """A licence of a supplier; a renewed one is added, an old one stays as it was."""

    __tablename__ = "supplier_licence"
    __table_args__ = (Index("ix_supplier_licence_supplier", "site_id", "supplier_id"),)

    supplier_id: Mapped[UUID] = mapped_column(ForeignKey("supplier.id"))
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[str] = mapped_column(String(60))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    file: Mapped[str] = mapped_column(String(120), default="")
    added_by: Mapped[str] = mapped_column(String(80))
    added_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]


class SupplierValues(Values):
    """What is known of a supplier: article 53 wants name, address and contact on record."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    credit_code: Annotated[str, Field(pattern=r"^([0-9A-Z]{18})?$")] = ""
    """统一社会信用代码, 18 characters."""
    address: Annotated[str, Field(max_length=200)] = ""
    contact: Annotated[str, Field(max_length=80)] = ""
    phone: Annotated[str, Field(max_length=40)] = ""
    categories: tuple[Annotated[str, Field(min_length=1, max_length=40)], ...] = ()
    """Categories of ingredients that it sells: 蔬菜, 畜肉 …; they say which licences it needs."""


def create(session: Session, actor: Acting, values: SupplierValues) -> Supplier:
    """Add a supplier.

    Raises:
        BadInputError: the site has one of this name; the transaction is then lost.
    """
    row = Supplier(id=new_id(), site_id=actor.site_id, **values.model_dump(mode="json"))
    session.add(row)
    _flush(session, values.name)
    actor.record(session, "supplier.create", str(row.id), None, values.model_dump(mode="json"))
    return row


def update(session: Session, actor: Acting, supplier_id: UUID, values: SupplierValues) -> Supplier:
    """Change what is known of a supplier.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: another one has the name; the transaction is then lost.
    """
    row = get(session, actor.site_id, supplier_id, lock=True)
    before = values_of(row)
    if before == values:
        return row
    for name, value in values.model_dump(mode="json").items():
        setattr(row, name, value)
    _flush(session, values.name)
    actor.record(
        session, "supplier.update", str(row.id),
        before.model_dump(mode="json"), values.model_dump(mode="json"),
    )  # fmt: skip
    return row


def set_standing(
    session: Session, actor: Acting, supplier_id: UUID, standing: Standing, reason: str
) -> Supplier:
    """Pause, blacklist or take back a supplier, with the reason.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: no reason is given.
    """
    row = get(session, actor.site_id, supplier_id, lock=True)
    said = rows.say(reason, "why")
    before = {"standing": row.standing, "reason": row.reason}
    after = {"standing": standing.value, "reason": said}
    if before != after:
        row.standing, row.reason = standing.value, said
        actor.record(session, "supplier.standing", str(row.id), before, after)
    return row


def add_licence(
    session: Session, actor: Acting, supplier_id: UUID, values: LicenceValues
) -> Licence:
    """Keep a licence; the same one told again is kept once, and may bring its picture then.

    Raises:
        UnknownRowError: not a supplier of this site.
    """
    get(session, actor.site_id, supplier_id, lock=True)
    known = same_licence(session, actor.site_id, supplier_id, values)
    if known is not None:
        if values.file and not known.file:
            known.file = values.file
            actor.record(session, "supplier.licence", str(known.id), None, {"file": values.file})
        return known
    row = Licence(
        id=new_id(), site_id=actor.site_id, supplier_id=supplier_id, kind=values.kind.value,
        **values.model_dump(exclude={"kind"}),
        added_by=actor.name, added_at=actor.at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    after = {"supplier": str(supplier_id), **values.model_dump(mode="json")}
    actor.record(session, "supplier.licence", str(row.id), None, after)
    return row


def same_licence(
    session: Session, site_id: UUID, supplier_id: UUID, values: LicenceValues
) -> Licence | None:
    """The licence that says the same, with or without its picture."""
    told = values.model_copy(update={"file": ""})
    for known in licences(session, site_id, supplier_id):
        if licence_values(known).model_copy(update={"file": ""}) == told:
            return known
    return None


def ending(session: Session, site_id: UUID, day: date) -> Sequence[tuple[str, LicenceValues]]:
    """Licences of suppliers in use that ended or end soon, and have no newer one of their kind.

    Returns:
        The supplier's name and what the licence says, by supplier.
    """
    query = (
        select(Supplier.name, Licence)
        .join(Supplier, Supplier.id == Licence.supplier_id)
        .where(
            Licence.site_id == site_id,
            Licence.withdrawn_at.is_(None),
            Supplier.standing == Standing.ACTIVE.value,
        )
        .order_by(Supplier.name, Supplier.id, Licence.id)
    )
    longest: dict[tuple[UUID, str], tuple[str, LicenceValues]] = {}
    for name, row in session.execute(query):
        at = row.supplier_id, row.kind
        values = licence_values(row)
        known = longest.get(at)
        if known is None or (known[1].valid_to or date.max) < (values.valid_to or date.max):
            longest[at] = name, values
    return [
        (name, one) for name, one in longest.values() if (one.valid_to or date.max) <= day + SOON
    ]


def is_licence_picture(session: Session, site_id: UUID, file: str) -> bool:
    """Whether a photograph is that of a licence of the site."""
    query = select(Licence.id).where(Licence.site_id == site_id, Licence.file == file)
    return session.scalar(query.limit(1)) is not None


def withdraw_licence(session: Session, actor: Acting, licence_id: UUID, reason: str) -> None:
    """A licence that was revoked, or entered wrongly, counts no more.

    Raises:
        UnknownRowError: not one of this site.
        BadInputError: no reason is given.
    """
    row = rows.get(session, Licence, actor.site_id, licence_id, "licence", lock=True)
    said = rows.say(reason, "why")
    if row.withdrawn_at is None:
        row.withdrawn_at = actor.at
        before = licence_values(row).model_dump(mode="json")
        actor.record(session, "supplier.licence_withdrawn", str(row.id), before, {"reason": said})


def get(session: Session, site_id: UUID, supplier_id: UUID, *, lock: bool = False) -> Supplier:
    """A supplier of the site.

    Raises:
        UnknownRowError: not one of this site.
    """
    return rows.get(session, Supplier, site_id, supplier_id, "supplier", lock=lock)


def licences(session: Session, site_id: UUID, supplier_id: UUID) -> Sequence[Licence]:
    """All licences of a supplier that were not withdrawn, the oldest first."""
    query = select(Licence).where(
        Licence.site_id == site_id,
        Licence.supplier_id == supplier_id,
        Licence.withdrawn_at.is_(None),
    )
    return session.scalars(query.order_by(Licence.id)).all()


def findings(
    session: Session, site_id: UUID, supplier_id: UUID, day: date,
    table: Mapping[str, Needs] = BY_CATEGORY,
) -> tuple[Finding, ...]:  # fmt: skip
    """As :func:`may_supply`, of a supplier as he is kept.

    Raises:
        UnknownRowError: not one of this site.
    """
    row = get(session, site_id, supplier_id)
    own = [licence_values(one) for one in licences(session, site_id, supplier_id)]
    needs = needs_of(row.categories, table)
    return may_supply(Standing(row.standing), row.reason, own, day, needs)


def standings(
    session: Session, site_id: UUID, found: Sequence[Supplier], day: date,
    table: Mapping[str, Needs] = BY_CATEGORY,
) -> dict[UUID, tuple[Finding, ...]]:  # fmt: skip
    """As :func:`findings`, of many suppliers in one query."""
    own: dict[UUID, list[LicenceValues]] = {row.id: [] for row in found}
    query = select(Licence).where(
        Licence.site_id == site_id,
        Licence.supplier_id.in_(own),
        Licence.withdrawn_at.is_(None),
    )
    for licence in session.scalars(query.order_by(Licence.id)):
        own[licence.supplier_id].append(licence_values(licence))
    return {
        row.id: may_supply(
            Standing(row.standing), row.reason, own[row.id], day, needs_of(row.categories, table)
        )
        for row in found
    }


def require_may_supply(session: Session, site_id: UUID, supplier_id: UUID, day: date) -> None:
    """Refuse to order from, or to receive of, a supplier that may not supply.

    Raises:
        SupplierBlockedError: naming everything that blocks.
        UnknownRowError: not one of this site.
    """
    found = findings(session, site_id, supplier_id, day)
    blocking = "; ".join(one.text for one in found if one.blocks)
    if blocking:
        name = get(session, site_id, supplier_id).name
        raise SupplierBlockedError(f"{name} may not supply on {day}: {blocking}")


def by_ids(session: Session, site_id: UUID, ids: Sequence[UUID]) -> Sequence[Supplier]:
    """Those of the suppliers that the site has, by name."""
    query = select(Supplier).where(Supplier.site_id == site_id, Supplier.id.in_(ids))
    return session.scalars(query.order_by(Supplier.name, Supplier.id)).all()


def page(
    session: Session, site_id: UUID, *, after: UUID | None = None, limit: int = 100
) -> Sequence[Supplier]:
    """Suppliers by name, from behind the supplier ``after``."""
    query = select(Supplier).where(Supplier.site_id == site_id)
    if after is not None:
        last = get(session, site_id, after)
        query = query.where(tuple_(Supplier.name, Supplier.id) > tuple_(last.name, last.id))
    query = query.order_by(Supplier.name, Supplier.id).limit(max(1, min(limit, MAX_PAGE)))
    return session.scalars(query).all()


def values_of(row: Supplier) -> SupplierValues:
    """The supplier as a person told it."""
    return SupplierValues.model_validate(
        {name: getattr(row, name) for name in SupplierValues.model_fields}
    )


def licence_values(row: Licence) -> LicenceValues:
    """The licence as its paper says."""
    return LicenceValues.model_validate(
        {name: getattr(row, name) for name in LicenceValues.model_fields}
    )


def _flush(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise BadInputError(f"there is a supplier named {name} already", code="taken") from error
