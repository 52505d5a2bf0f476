"""What is behind the figures of reports: weighings of waste, entries of stock, deliveries."""

from collections.abc import Collection
from datetime import date
from uuid import UUID

from flask import render_template, request
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from dafan.money import Fen
from dafan.quantity import Measure
from kitchen.dishes import Dish
from kitchen.ingredients import Ingredient
from kitchen.labels import show
from kitchen.lots import Lot
from kitchen.production import Batch
from kitchen.stock_book import Kind, StockEntry
from kitchen.suppliers import Supplier
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


@manage.get("/reports/cost/entries", endpoint="report_stock_entries")
@needs("see_sales")
def stock_entries() -> str:
    """What was issued and came back on some days, the newest first."""
    since, until = _days()
    args, after = request.args, as_uuid(request.args.get("after"))
    where: list[ColumnElement[bool]] = [
        StockEntry.site_id == site_id(), StockEntry.business_date.between(since, until),
        StockEntry.kind.in_([Kind.OUT.value, Kind.BACK.value]),
    ]  # fmt: skip
    for column, value in (
        (Lot.ingredient_id, as_uuid(args.get("ingredient"))),
        (Batch.period, args.get("period", "")[:40]),
        (Batch.venue_id, as_uuid(args.get("venue"))),
        (Batch.dish_id, as_uuid(args.get("dish"))),
    ):
        if value:
            where.append(column == value)
    batch = (StockEntry.ref_kind == "batch") & (StockEntry.ref_id == Batch.id)
    lot = Lot.id == StockEntry.lot_id
    query = select(StockEntry, Lot, Ingredient, Batch).join(Lot, lot).outerjoin(Batch, batch)
    whole = select(func.sum(-StockEntry.cost)).join(Lot, lot).outerjoin(Batch, batch)
    query = query.join(Ingredient, Ingredient.id == Lot.ingredient_id).where(*where)
    if after is not None:
        query = query.where(StockEntry.id < after)
    with reading() as session:
        rows = session.execute(query.order_by(StockEntry.id.desc()).limit(PAGE)).all()
        return render_template(
            "manage/report_stock_entries.html",
            active="manage.reports",
            rows=rows,
            since=since,
            until=until,
            total=Fen(int(session.scalar(whole.where(*where)) or 0)),
            dishes=_names(session, Dish, {row[3].dish_id for row in rows if row[3]}),
            moved=_moved,
            following=next_page(len(rows), PAGE, after=str(rows[-1][0].id) if rows else ""),
        )


@manage.get("/reports/suppliers/lots", endpoint="report_lots")
@needs("see_buying")
def supplied_lots() -> str:
    """What suppliers delivered on some days, the newest first."""
    since, until = _days()
    args, after = request.args, as_uuid(request.args.get("after"))
    where: list[ColumnElement[bool]] = [
        Lot.site_id == site_id(), Lot.received_on.between(since, until),
        Lot.supplier_id.is_not(None), Lot.quantity > 0,
    ]  # fmt: skip
    for column, value in (
        (Lot.supplier_id, as_uuid(args.get("supplier"))),
        (Lot.ingredient_id, as_uuid(args.get("ingredient"))),
    ):
        if value:
            where.append(column == value)
    query = select(Lot, Ingredient).join(Ingredient, Ingredient.id == Lot.ingredient_id)
    query = query.where(*where)
    if after is not None:
        query = query.where(Lot.id < after)
    with reading() as session:
        rows = session.execute(query.order_by(Lot.id.desc()).limit(PAGE)).all()
        return render_template(
            "manage/report_lots.html",
            active="manage.reports",
            rows=rows,
            since=since,
            until=until,
            total=Fen(int(session.scalar(select(func.sum(Lot.cost)).where(*where)) or 0)),
            suppliers=_names(session, Supplier, {row[0].supplier_id for row in rows}),
            shown=lambda lot, food: show(lot.quantity, Measure(food.measure)),
            following=next_page(len(rows), PAGE, after=str(rows[-1][0].id) if rows else ""),
        )


def _names(
    session: Session, table: type[Dish | Ingredient | Supplier], ids: Collection[UUID | None]
) -> dict[UUID, str]:
    query = select(table.id, table.name).where(table.site_id == site_id(), table.id.in_(ids))
    return {row.id: row.name for row in session.execute(query)}


def _moved(entry: StockEntry, food: Ingredient) -> str:
    """What left the store; what came back is below zero."""
    told = show(abs(entry.quantity), Measure(food.measure))
    return f"-{told}" if entry.quantity > 0 else told
