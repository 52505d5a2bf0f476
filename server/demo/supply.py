"""How the demo's kitchen buys: the plan of its menus becomes orders, and these arrive."""

from datetime import date, time, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from dafan.ids import new_id
from dafan.money import Fen
from dafan.quantity import Measure
from kitchen import ingredients, purchasing, receiving, receiving_posting, suppliers, week_plan
from kitchen.deliveries import Role
from kitchen.ingredients import Ingredient, Keep
from kitchen.plan import Line
from kitchen.purchase_book import PurchaseOrder, lines_of
from kitchen.purchase_rules import LineValues as OrderLine
from kitchen.purchase_rules import OrderValues, State
from kitchen.receiving_rules import LineValues, Paper, PesticideTest, Rules
from server.actor import Actor
from server.demo.scene import Scene

ROLES = ("manager",)
_PRICE = Fen(500)
_SURFACE = {Keep.CHILLED.value: 35, Keep.FROZEN.value: -165}


def order(session: Session, scene: Scene, first: date, *, deliver: date) -> None:
    """Order what the menus of a day need, on the day before: asked for, approved, sent."""
    wanted = _wanted(session, scene, first)
    sellers = _sellers(session, scene.site_id)
    known = ingredients.by_ids(session, scene.site_id, [line.ingredient for line in wanted])
    bought = sorted(
        wanted, key=lambda line: (sellers[known[line.ingredient].category], line.ingredient)
    )
    for supplier, lines in groupby(bought, lambda line: sellers[known[line.ingredient].category]):
        written = tuple(_order_line(line, known[line.ingredient]) for line in lines)
        values = OrderValues(supplier_id=supplier, deliver_on=deliver, lines=written)
        _send(session, scene, values, deliver - timedelta(days=1))
        scene.count("orders")


def _wanted(session: Session, scene: Scene, first: date) -> list[Line]:
    """The lines of the plan that a day's meals need."""
    plan = week_plan.plan_days(
        session, scene.site_id, [scene.venue_id], first, first + timedelta(days=6)
    )
    return [line for line in plan.lines if line.buy and line.first == first]


def _sellers(session: Session, site_id: UUID) -> dict[str, UUID]:
    rows = suppliers.page(session, site_id)
    return {category: row.id for row in rows for category in row.categories}


def _order_line(line: Line, ingredient: Ingredient) -> OrderLine:
    price = Fen(ingredient.price) if ingredient.price else _PRICE
    return OrderLine(ingredient_id=line.ingredient, quantity=line.buy, price=price)


def _send(session: Session, scene: Scene, values: OrderValues, day: date) -> None:
    ahead = (day - scene.day).days
    chef = scene.by("厨师长", scene.at(time(9, 30), ahead=ahead))
    row = purchasing.draft(session, chef, values, day, key=str(new_id()))
    purchasing.ask(session, chef, row.id)
    approver = Actor(scene.site_id, scene.approver, scene.at(time(10), ahead=ahead))
    purchasing.decide(session, approver, ROLES, row.id, approve=True)
    purchasing.send(session, chef, row.id, day)


def receive(session: Session, scene: Scene) -> None:
    """Take in what arrives on the day: weighed, tested, signed by three, put into stock."""
    query = select(PurchaseOrder).where(
        PurchaseOrder.site_id == scene.site_id,
        PurchaseOrder.deliver_on == scene.day,
        PurchaseOrder.state == State.SENT.value,
    )
    for number, row in enumerate(session.scalars(query.order_by(PurchaseOrder.id)).all()):
        minutes = timedelta(minutes=12 * number)
        keeper = scene.by("仓管", scene.at(time(6, 5)) + minutes)
        _take_in(session, scene, row, keeper)
        scene.count("deliveries")


def _take_in(session: Session, scene: Scene, row: PurchaseOrder, keeper: Actor) -> None:
    delivery = receiving.begin(
        session, keeper, row.supplier_id, key=str(new_id()), day=scene.day, order_id=row.id
    )
    ordered = lines_of(session, row.id)
    known = ingredients.by_ids(session, scene.site_id, [line.ingredient_id for line in ordered])
    for line in ordered:
        ingredient, line_id = known[line.ingredient_id], new_id()
        weighed = line.quantity
        if Measure(ingredient.measure) is Measure.MASS:
            weighed += line.quantity * scene.rng.randint(0, 12) // 1000
        values = LineValues(
            quantity=weighed, measure=Measure(ingredient.measure), unit_price=Fen(line.price),
            ordered=line.quantity, ordered_price=Fen(line.price), batch=f"{scene.day:%Y%m%d}",
            produced_on=scene.day - timedelta(days=1), temperature=_SURFACE.get(ingredient.keep),
            papers=_papers(session, scene, keeper, ingredient),
        )  # fmt: skip
        receiving.put_line(session, keeper, delivery.id, line_id, ingredient.id, values)
        if ingredient.pesticide_test:
            tested = PesticideTest(
                item=ingredient.name, inhibition=scene.rng.randint(20, 260), device="DEMO-NC1",
                record=f"{scene.day:%m%d}-{scene.done['pesticide tests'] + 1:03}",
            )  # fmt: skip
            receiving_posting.add_test(
                session, keeper, delivery.id, line_id, tested, day=scene.day, rules=Rules()
            )
            scene.count("pesticide tests")
        scene.count("lots")
    receiving.sign(session, keeper, delivery.id, Role.CHEF, scene.known.people["厨师长"])
    receiving.sign(session, keeper, delivery.id, Role.SUPPLIER, "送货人")
    receiving_posting.finish(session, keeper, delivery.id, day=scene.day, rules=Rules())


def _papers(
    session: Session, scene: Scene, keeper: Actor, ingredient: Ingredient
) -> tuple[Paper, ...]:
    if not ingredient.quarantine:
        return ()
    return tuple(
        Paper(kind=kind, file=scene.picture(session, keeper, kind.value))
        for kind in Rules().meat_papers
    )
