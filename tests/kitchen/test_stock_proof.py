from datetime import date

import pytest
from sqlalchemy import delete, insert, text, update

from dafan.db import reading, writing
from dafan.ids import new_id
from dafan.money import Fen
from kitchen import ingredients, stock, stock_proof
from kitchen.ingredients import IngredientValues
from kitchen.lots import Lot
from kitchen.stock import NewLot, StockEntry, StockLevel, WasteReason

DAY = date(2026, 3, 2)


@pytest.fixture
def lot(engine, actor):
    """A lot with one of every movement."""
    with writing(engine) as session:
        food = ingredients.create(session, actor, IngredientValues(name="土豆", category="薯类"))
        new = NewLot(food.id, 1000, Fen(999), supplier_id=new_id())
        made = stock.put_in(session, actor, new, key="in", day=DAY)
        stock.issue(session, actor, food.id, 100, ref=("batch", new_id()), key="out", day=DAY)
        stock.transfer(
            session, actor, made.id, 200, source="store", target="二食堂", key="t", day=DAY
        )
        stock.give_back(session, actor, made.id, 50, why="坏", key="r", day=DAY)
        stock.waste(
            session, actor.named("chef"), made.id, 50, reason=WasteReason.TRIM, key="w", day=DAY,
            asked_by=actor.name,
        )  # fmt: skip
        return made.id


def proved(engine):
    with reading(engine) as session:
        return [f"{fault.where}: {fault.what}" for fault in stock_proof.faults(session)]


@pytest.mark.usefixtures("lot")
def test_a_book_that_was_written_as_it_should_has_no_fault(engine):
    assert proved(engine) == []


@pytest.mark.usefixtures("lot")
@pytest.mark.parametrize(
    ("forgery", "told"),
    [
        (update(StockLevel).values(quantity=StockLevel.quantity + 1), "stock level"),
        (update(StockLevel).values(cost=StockLevel.cost + 1), "stock level"),
        (delete(StockLevel).where(StockLevel.place == "二食堂"), "it is missing"),
        (delete(StockEntry).where(StockEntry.kind == "out"), "stock level"),
        (update(StockEntry).where(StockEntry.kind == "out").values(quantity=-1), "stock level"),
        (update(StockEntry).where(StockEntry.kind == "out").values(cost=0), "stock level"),
        (update(Lot).values(quantity=999), "received 999"),
        (update(Lot).values(cost=1), "for 1 fen"),
        (update(Lot).values(state="gone"), "'gone' with 800 left"),
        (update(Lot).values(site_id=new_id()), "which its site has not"),
        (update(StockEntry).where(StockEntry.kind == "transfer_in").values(cost=0), "transfer t"),
        (delete(StockEntry).where(StockEntry.kind == "transfer_in"), "got lost"),
        (update(StockEntry).where(StockEntry.kind == "waste").values(approved_by=None), "alone"),
        (
            update(StockEntry).where(StockEntry.kind == "waste").values(approved_by="keeper"),
            "by keeper alone",
        ),
    ],
)
def test_each_forgery_is_named(engine, forgery, told):
    with writing(engine) as session:
        session.execute(forgery)
    assert any(told in line for line in proved(engine)), proved(engine)


def test_an_empty_lot_that_still_costs_something_is_named(engine, actor, lot):
    with writing(engine) as session:
        food = session.get_one(Lot, lot).ingredient_id
        for place, quantity in (("store", 600), ("二食堂", 200)):
            stock.issue(
                session, actor, food, quantity, ref=("batch", new_id()), key=place, day=DAY,
                place=place,
            )  # fmt: skip
    assert proved(engine) == []
    with writing(engine) as session:
        session.execute(update(StockEntry).where(StockEntry.key == "out").values(cost=-99))
    assert any("with 0 left, worth 1 fen" in line for line in proved(engine)), proved(engine)


@pytest.mark.parametrize("wrong", ["quantity = -1", "cost = -1", "quantity = 0"])
@pytest.mark.usefixtures("lot")
def test_the_database_itself_refuses_a_level_below_zero_and_an_empty_one_that_costs(engine, wrong):
    with pytest.raises(Exception, match=r"(?i)check"), writing(engine) as session:
        session.execute(text(f"UPDATE stock_level SET {wrong}"))  # noqa: S608 - ours


def test_an_entry_of_a_lot_that_never_was_is_refused_by_the_database(engine, actor):
    values = {
        "site_id": actor.site_id, "business_date": DAY, "id": new_id(), "lot_id": new_id(),
        "place": "store", "kind": "out", "quantity": -1, "cost": 0, "by": "x", "at": actor.at,
        "key": "x", "note": "", "reason": "",
    }  # fmt: skip
    with pytest.raises(Exception, match=r"(?i)foreign"), writing(engine) as session:
        session.execute(insert(StockEntry).values(**values))
