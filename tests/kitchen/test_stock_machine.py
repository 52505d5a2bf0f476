"""Whatever is done to the stock in whatever order: the book, a plain model and the proof agree."""

import tempfile
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from sqlalchemy import func, select

from dafan import db
from dafan.db import reading, writing
from dafan.ids import new_id
from dafan.money import Fen
from kitchen import ingredients, lots, stock, stock_book, stock_proof, stocktake
from kitchen.ingredients import Ingredient, IngredientValues
from kitchen.lots import Lot, LotCounter
from kitchen.stock import NewLot, NotEnoughStockError, StockEntry, WasteReason
from kitchen.stock_book import StockAct, StockLevel, StockLimit
from kitchen.stocktake import Stocktake, StocktakeLine
from kitchen.zones import StoreZone
from tests.kitchen.conftest import MORNING, Worker

DAY = date(2026, 3, 2)
PLACES = ("store", "二食堂")
TABLES = (
    Ingredient, Lot, LotCounter, StockEntry, StockLevel, StockAct, StockLimit, StoreZone, Stocktake,
    StocktakeLine,
)  # fmt: skip


class Storeroom(RuleBasedStateMachine):
    """Two places, one ingredient, and a dictionary that knows what must be left."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.engine = db.make_engine(f"sqlite:///{Path(self.folder.name) / 'stock.db'}")
        tables = [table.__table__ for table in TABLES]
        db.Base.metadata.create_all(self.engine, tables=tables)
        self.keeper = Worker(new_id(), "keeper", MORNING)
        self.chef = self.keeper.named("chef")
        self.left, self.expires, self.held, self.number = {}, {}, set(), 0

    def teardown(self):
        self.engine.dispose()
        self.folder.cleanup()

    def key(self):
        self.number += 1
        return f"k{self.number}"

    def do(self, work, actor, *parts, **named):
        with writing(self.engine) as session:
            return work(session, actor, *parts, **named)

    @initialize()
    def an_ingredient(self):
        values = IngredientValues(name="土豆", category="薯类")
        self.food = self.do(ingredients.create, self.keeper, values).id

    @rule(quantity=st.integers(1, 50), cost=st.integers(0, 999), days=st.none() | st.integers(0, 5))
    def come(self, quantity, cost, days):
        expires = None if days is None else DAY + timedelta(days)
        new = NewLot(
            self.food, quantity, Fen(cost), supplier_id=self.keeper.site_id, expires_on=expires
        )
        key = self.key()
        lot = self.do(stock.put_in, self.keeper, new, key=key, day=DAY).id
        assert self.do(stock.put_in, self.keeper, new, key=key, day=DAY).id == lot
        self.left[lot, "store"], self.expires[lot] = quantity, expires

    @rule(quantity=st.integers(1, 60), place=st.sampled_from(PLACES), day=st.integers(0, 6))
    def issue(self, quantity, place, day):
        day = DAY + timedelta(day)
        good = sum(
            left
            for (lot, where), left in self.left.items()
            if where == place and lot not in self.held and (self.expires[lot] or date.max) >= day
        )
        wish = {"ref": ("batch", self.keeper.site_id), "key": self.key(), "day": day}
        if quantity > good:
            with pytest.raises(NotEnoughStockError):
                self.do(stock.issue, self.keeper, self.food, quantity, place=place, **wish)
            return
        taken = self.do(stock.issue, self.keeper, self.food, quantity, place=place, **wish)
        again = self.do(stock.issue, self.keeper, self.food, quantity, place=place, **wish)
        assert [entry.id for entry in taken] == [entry.id for entry in again]
        for entry in taken:
            self.left[entry.lot_id, place] -= -entry.quantity

    @precondition(lambda self: self.left)
    @rule(data=st.data(), way=st.sampled_from(("transfer", "waste", "return", "count")))
    def something_with_a_lot(self, data, way):
        lot, place = data.draw(st.sampled_from(sorted(self.left)))
        there = self.left[lot, place]
        quantity = data.draw(st.integers(1, there + 2))
        named = {"key": self.key(), "day": DAY}
        if way == "count":
            self.count(lot, place, data.draw(st.integers(0, there + 3)))
            return
        if way == "transfer":
            other = PLACES[1 - PLACES.index(place)]
            work, parts, more = stock.transfer, self.keeper, {"source": place, "target": other}
        elif way == "waste":
            reason = {"reason": WasteReason.TRIM, "asked_by": "keeper", "place": place}
            work, parts, more = stock.waste, self.chef, reason
        else:
            work, parts, more = stock.give_back, self.keeper, {"why": "坏", "place": place}
        refused = (NotEnoughStockError, lots.HeldError)
        if quantity > there or (way == "transfer" and lot in self.held):
            with pytest.raises(refused):
                self.do(work, parts, lot, quantity, **more, **named)
            return
        self.do(work, parts, lot, quantity, **more, **named)
        self.left[lot, place] -= quantity
        if way == "transfer":
            self.left[lot, other] = self.left.get((lot, other), 0) + quantity

    def count(self, lot, place, counted):
        taking = self.do(stocktake.begin, self.keeper, key=self.key(), day=DAY, place=place).id
        self.do(stocktake.count, self.keeper, taking, lot, counted)
        self.do(stocktake.ask, self.keeper, taking)
        self.do(stocktake.approve, self.chef, taking, day=DAY)
        self.left[lot, place] = counted

    @precondition(lambda self: self.left)
    @rule(data=st.data())
    def hold_or_let_go(self, data):
        lot = data.draw(st.sampled_from(sorted({lot for lot, _ in self.left})))
        if lot in self.held:
            self.do(stock_book.release, self.chef, lot, "合格")
        else:
            self.do(lots.hold, self.keeper, lot, "疑")
        self.held ^= {lot}

    @invariant()
    def the_book_the_model_and_the_proof_agree(self):
        with reading(self.engine) as session:
            assert list(stock_proof.faults(session)) == []
            total = func.sum(StockEntry.quantity)
            query = select(StockEntry.lot_id, StockEntry.place, total)
            query = query.group_by(StockEntry.lot_id, StockEntry.place)
            booked = {(lot, place): left for lot, place, left in session.execute(query)}
            assert {key: left for key, left in self.left.items() if left} == {
                key: left for key, left in booked.items() if left
            }
            usable = sum(left for (lot, _), left in self.left.items() if lot not in self.held)
            assert stock.usable(session, self.keeper.site_id, DAY).get(self.food, 0) == usable


TestStoreroom = Storeroom.TestCase
TestStoreroom.settings = settings(
    max_examples=12, stateful_step_count=15, deadline=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
