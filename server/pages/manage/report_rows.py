"""What is behind the figures of reports: weighings of waste."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from flask import render_template, request
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient
from kitchen.waste import WasteRecord
from server import sites
from server.access import needs
from server.pages import site_view
from server.pages.manage.blueprint import manage
from server.pages.shared import as_uuid, next_page, reading, site_id
from server.reports import filters
from server.reports.basis import CATEGORIES
from server.services import services

PAGE = 50


def _days() -> tuple[date, date]:
    site = site_view.current()
    today = site.today(services().clock.now())
    asked = filters.read(request.args, today, (), ())
    return asked.since, asked.until


@manage.get("/reports/waste/records", endpoint="report_waste_records")
@needs("see_kitchen")
def waste_records() -> str:
    """Weighings of some days, the newest first."""
    since, until = _days()
    args = request.args
    category = args.get("category", "")
    after = as_uuid(args.get("after"))
    where: list[ColumnElement[bool]] = [
        WasteRecord.site_id == site_id(), WasteRecord.business_date.between(since, until),
    ]  # fmt: skip
    for column, value in (
        (WasteRecord.category, category if category in CATEGORIES else ""),
        (WasteRecord.period, args.get("period", "")[:40]),
        (WasteRecord.venue_id, as_uuid(args.get("venue"))),
        (WasteRecord.dish_id, as_uuid(args.get("dish"))),
    ):
        if value:
            where.append(column == value)
    query = select(WasteRecord).where(*where)
    if after is not None:
        query = query.where(WasteRecord.id < after)
    with reading() as session:
        rows = session.scalars(query.order_by(WasteRecord.id.desc()).limit(PAGE)).all()
        total = session.scalar(select(func.sum(WasteRecord.grams)).where(*where))
        names = _names(session, Dish, {row.dish_id for row in rows})
        names |= _names(session, Ingredient, {row.ingredient_id for row in rows})
        return render_template(
            "manage/report_waste_records.html",
            active="manage.reports",
            rows=rows,
            since=since,
            until=until,
            category=category if category in CATEGORIES else "",
            categories=CATEGORIES,
            total=int(total or 0),
            names=names,
            venues={one.id: one.name for one in sites.venues(session, site_id())},
            following=next_page(len(rows), PAGE, after=str(rows[-1].id) if rows else ""),
        )


def _names(
    session: Session, table: type[Dish | Ingredient], ids: Collection[UUID | None]
) -> dict[UUID, str]:
    query = select(table.id, table.name).where(table.site_id == site_id(), table.id.in_(ids))
    return {row.id: row.name for row in session.execute(query)}
