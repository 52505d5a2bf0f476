from datetime import date, timedelta

import pytest

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from kitchen import ingredients, inquiries, purchasing, suppliers
from kitchen.ingredients import IngredientValues, UnknownIngredientError
from kitchen.inquiries import InquiryValues, Offer, QuoteValues, compare
from kitchen.purchase_rules import LineValues, OrderValues
from kitchen.rows import KeyReusedError, UnknownRowError
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import SupplierBlockedError, SupplierValues

DAY = date(2026, 3, 2)
PORK = new_id()


def offers(*prices):
    return {PORK: [Offer(new_id(), price) for price in prices]}


def test_offers_stand_the_cheapest_first_beside_the_last_price():
    (found,) = compare([PORK], offers(2400, 2200, 2300), {PORK: 2000})
    assert [offer.price for offer in found.offers] == [2200, 2300, 2400]
    assert (found.cheapest.price, found.middle, found.against_last) == (2200, 2300, 100)
    assert found.findings == ()


@pytest.mark.parametrize(
    ("prices", "last", "findings"),
    [
        ((), 2000, ("no_offer",)),
        ((2000, 2000), None, ("few_offers",)),
        ((2201, 2210, 2220), 2000, ("dearer_than_last",)),
        ((1000, 2000, 2201), None, ("offers_far_apart",)),
        ((1000, 2000, 2200), None, ()),
    ],
)
def test_what_a_buyer_should_look_at_is_pointed_out(prices, last, findings):
    (found,) = compare([PORK], offers(*prices), {} if last is None else {PORK: last})
    assert found.findings == findings
    assert (found.cheapest is None) == (not prices)


def seller(session, actor, name):
    row = suppliers.create(session, actor, SupplierValues(name=name))
    paper = LicenceValues(kind=LicenceKind.BUSINESS, number=name, valid_from=DAY)
    suppliers.add_licence(session, actor, row.id, paper)
    return row.id


@pytest.fixture
def market(engine, actor):
    """Three sellers, two ingredients, one inquiry for both."""
    with writing(engine) as session:
        sellers = [seller(session, actor, name) for name in "甲乙丙"]
        pork = ingredients.create(session, actor, IngredientValues(name="猪肉")).id
        rice = ingredients.create(session, actor, IngredientValues(name="大米")).id
        asked = InquiryValues(deliver_on=DAY, wanted={pork: 50_000, rice: 100_000})
        inquiry = inquiries.open_inquiry(session, actor, asked, DAY, key="q1")
        again = inquiries.open_inquiry(session, actor, asked, DAY, key="q1")
        assert inquiry.id == again.id
        actor.recorded.clear()
        return inquiry.id, sellers, pork, rice


def name_price(engine, actor, inquiry, supplier, prices):
    with writing(engine) as session:
        values = QuoteValues(supplier_id=supplier, prices=prices)
        inquiries.quote(session, actor, inquiry, values)


def test_prices_of_several_suppliers_are_compared_with_the_last_order(engine, actor, market):
    inquiry, sellers, pork, rice = market
    with writing(engine) as session:
        for number, price in enumerate((1900, 2000)):
            lines = (LineValues(ingredient_id=pork, quantity=1000, price=price),)
            values = OrderValues(supplier_id=sellers[0], deliver_on=DAY, lines=lines)
            order = purchasing.draft(session, actor, values, DAY, key=f"o{number}").id
            purchasing.ask(session, actor, order)
            chief = actor.named("chief")
            purchasing.decide(session, chief, ["manager"], order, approve=True)
            purchasing.send(session, chief, order, DAY)
        values = OrderValues(supplier_id=sellers[0], deliver_on=DAY, lines=(
            LineValues(ingredient_id=pork, quantity=1000, price=1),))  # fmt: skip
        purchasing.draft(session, actor, values, DAY, key="only a draft")
    for supplier, price in zip(sellers, (2300, 2100, 2200), strict=True):
        name_price(engine, actor, inquiry, supplier, {pork: price})
    with reading(engine) as session:
        of_pork, of_rice = inquiries.comparison(session, actor.site_id, inquiry)
    assert (of_pork.cheapest, of_pork.last_price) == (Offer(sellers[1], 2100), 2000)
    assert of_pork.against_last == 50
    assert (of_rice.ingredient_id, of_rice.findings) == (rice, ("no_offer",))


def test_a_later_price_takes_the_place_of_the_earlier_and_both_are_in_the_journal(
    engine, actor, market
):
    inquiry, sellers, pork, _ = market
    for price in (2300, 2250, 2250):
        name_price(engine, actor, inquiry, sellers[0], {pork: price})
    with reading(engine) as session:
        found = inquiries.comparison(session, actor.site_id, inquiry)[0]
    assert [offer.price for offer in found.offers] == [2250]
    changes = [(line.before, line.after) for line in actor.recorded]
    assert changes == [({}, {str(pork): 2300}), ({str(pork): 2300}, {str(pork): 2250})]


def test_what_is_not_asked_for_or_too_late_or_of_a_blocked_supplier_is_refused(
    engine, actor, market
):
    inquiry, sellers, pork, _ = market
    with writing(engine) as session:
        bare = suppliers.create(session, actor, SupplierValues(name="无证")).id
    with pytest.raises(SupplierBlockedError):
        name_price(engine, actor, inquiry, bare, {pork: 1})
    with pytest.raises(BadInputError, match="did not ask"):
        name_price(engine, actor, inquiry, sellers[0], {new_id(): 1})
    with writing(engine) as session:
        for _ in range(2):
            inquiries.close(session, actor, inquiry)
    with pytest.raises(BadInputError, match="closed"):
        name_price(engine, actor, inquiry, sellers[0], {pork: 1})
    with pytest.raises(ValueError, match="greater than 0"):
        QuoteValues(supplier_id=bare, prices={pork: 0})


def test_an_inquiry_belongs_to_one_site_and_a_key_to_one_inquiry(engine, actor, market):
    inquiry, _, pork, _ = market
    with writing(engine) as session:
        other = InquiryValues(deliver_on=DAY + timedelta(days=1), wanted={pork: 1})
        with pytest.raises(KeyReusedError):
            inquiries.open_inquiry(session, actor, other, DAY, key="q1")
        unknown = InquiryValues(deliver_on=DAY, wanted={new_id(): 1})
        with pytest.raises(UnknownIngredientError):
            inquiries.open_inquiry(session, actor, unknown, DAY, key="q2")
        second = inquiries.open_inquiry(session, actor, other, DAY, key="q3").id
    with reading(engine) as session:
        newest = inquiries.page(session, actor.site_id, limit=1)
        assert [row.id for row in newest] == [second]
        older = inquiries.page(session, actor.site_id, after=second)
        assert [row.id for row in older] == [inquiry]
        with pytest.raises(UnknownRowError):
            inquiries.comparison(session, new_id(), inquiry)
