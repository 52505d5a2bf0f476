"""The store's door, for tests of receiving: a supplier, an order that is due, people who sign."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import cv2
import numpy as np
from flask_login import login_user
from sqlalchemy import Engine, select

from dafan import db
from dafan.ids import new_id
from dafan.quantity import Measure
from kitchen import ingredients, purchasing, staff, stock, suppliers
from kitchen.deliveries import Receiving, ReceivingLine
from kitchen.ingredients import IngredientValues, Keep
from kitchen.purchase_rules import LineValues, OrderValues
from kitchen.receiving_lines import line_id
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import SupplierValues
from server import auth
from server.actor import Actor
from server.pages.kitchen import signing
from tests.server.conftest import NOON, TestSite
from tests.server.pages.conftest import Browser

DAY = date(2026, 3, 2)
LIST = "/kitchen/receiving"
NEW = f"{LIST}/new"


class Door:
    """The store's door: an order of pork, leek and eggs of which nothing has come yet."""

    def __init__(self, engine: Engine, site: TestSite, browser: Callable[[str], Browser]) -> None:
        self.engine, self.site = engine, site
        buyer, chief = (Actor(site.id, name, NOON) for name in ("buyer", "chief"))
        with db.writing(engine) as session:
            goods = (
                IngredientValues(
                    name="五花肉", category="畜肉", keep=Keep.CHILLED, quarantine=True, shelf_days=3
                ),
                IngredientValues(name="韭菜", category="蔬菜", pesticide_test=True),
                IngredientValues(name="鸡蛋", category="蛋", measure=Measure.COUNT, pack=30),
            )
            self.pork, self.leek, self.egg = (
                ingredients.create(session, buyer, one).id for one in goods
            )
            self.supplier = self.add_supplier(session, buyer, "鲜达", DAY + timedelta(99))
            lines = tuple(
                LineValues(ingredient_id=one, quantity=quantity, price=price)
                for one, quantity, price in (
                    (self.pork, 10_000, 2890), (self.leek, 5000, 600), (self.egg, 60, 75)
                )
            )  # fmt: skip
            values = OrderValues(supplier_id=self.supplier, deliver_on=DAY, lines=lines)
            self.order = purchasing.draft(session, buyer, values, DAY, key="o").id
            purchasing.ask(session, buyer, self.order)
            purchasing.decide(session, chief, ("admin",), self.order, approve=True)
            purchasing.send(session, buyer, self.order, DAY)
            self.tokens = {
                name: staff.create(
                    session, buyer, staff.WorkerValues(name=name, post="仓管", login=login)
                )
                for name, login in (("王厨", "chef"), ("李库", "storekeeper"), ("钱采", "buyer"))
            }
        self.tablet = browser("kitchen_manager")

    @staticmethod
    def add_supplier(session: Any, actor: Actor, name: str, until: date) -> UUID:
        values = SupplierValues(name=name, categories=("畜肉", "蔬菜", "蛋"))
        row = suppliers.create(session, actor, values)
        for kind in (LicenceKind.BUSINESS, LicenceKind.FOOD_TRADE):
            paper = LicenceValues(
                kind=kind, number="1", valid_from=date(2024, 1, 1), valid_to=until
            )
            suppliers.add_licence(session, actor, row.id, paper)
        return row.id

    def open(self) -> UUID:
        self.tablet.send(NEW, NEW, order=str(self.order))
        return self.only(Receiving).id

    def only(self, kind: Any) -> Any:
        with db.reading(self.engine) as session:
            return session.scalars(select(kind)).one()

    def all(self, kind: Any) -> list[Any]:
        with db.reading(self.engine) as session:
            return list(session.scalars(select(kind)).all())

    def send(self, delivery: UUID, one: UUID, act: str, **fields: Any) -> str:
        """Fill in a form of a line."""
        path = f"{LIST}/{delivery}/items/{one}/{line_id(delivery, one)}/{act}"
        return self.tablet.send(path, NEW, **{"key": str(new_id()), **fields}).text

    def line(self, one: UUID) -> ReceivingLine | None:
        return next((row for row in self.all(ReceivingLine) if row.ingredient_id == one), None)

    def in_stock(self) -> dict[UUID, int]:
        with db.reading(self.engine) as session:
            return stock.usable(session, self.site.id, DAY)

    def sign(self, delivery: UUID, chef: str = "王厨", driver: str = "赵送货") -> str:
        path = f"{LIST}/{delivery}/sign"
        self.tablet.send(path, NEW, key="s1", role="chef", second=self.token(chef))
        answer = self.tablet.send(
            path, NEW, key="s2", role="supplier", name=driver, photo=(picture(), "s.png")
        )
        return answer.text

    def post(self, delivery: UUID, keeper: str = "李库") -> str:
        fields = {"key": "p", "signed_by": self.token(keeper)}
        return self.tablet.send(f"{LIST}/{delivery}/post", NEW, **fields).text

    def token(self, name: str) -> str:
        """As the tablet gives it to somebody who has said who he is."""
        app = self.tablet.client.application
        with app.test_request_context("/kitchen/"), db.reading(self.engine) as session:
            user = auth.find_user(session, "kitchen_manager")
            assert user is not None
            login_user(user)
            return signing.issue(self.tokens[name])

    def all_good(self, delivery: UUID) -> None:
        """Weigh everything as it was ordered, with papers and a test."""
        self.send(delivery, self.pork, "weigh", gross="10", unit="kg")
        self.send(delivery, self.pork, "seen", looks_good="yes", temperature="4.5",
                  unit_price="28.90", produced_on="2026-03-02")  # fmt: skip
        for kind in ("animal_quarantine", "meat_inspection"):
            self.send(delivery, self.pork, "papers", kind=kind, photo=(picture(), "p.png"))
        self.send(delivery, self.leek, "weigh", gross="5", unit="kg")
        self.send(delivery, self.leek, "seen", looks_good="yes")
        self.send(delivery, self.egg, "weigh", gross="2", unit="pack")
        self.send(delivery, self.egg, "seen", looks_good="yes")
        self.send(delivery, self.leek, "test", inhibition="12.5", item="有机磷", device="NC-8")


def picture() -> io.BytesIO:
    return io.BytesIO(cv2.imencode(".png", np.full((60, 80, 3), 90, np.uint8))[1].tobytes())


def main_of(page: str) -> str:
    return page.partition("<main")[2].partition("</main>")[0]
