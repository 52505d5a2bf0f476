from datetime import date, timedelta

import pytest
from sqlalchemy import select

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.quantity import Measure, MeasureError
from kitchen import ingredients, receiving, stock, stock_proof, stock_trace, suppliers
from kitchen.ingredients import Ingredient, IngredientValues, Keep
from kitchen.receiving import Disposal, ReceivingError, Role
from kitchen.receiving_rules import (
    Certificate,
    LineValues,
    Paper,
    PesticideTest,
    Rules,
    check,
    read_line,
)
from kitchen.rows import KeyReusedError
from kitchen.supplier_rules import LicenceKind, LicenceValues
from kitchen.suppliers import SupplierValues

DAY = date(2026, 3, 2)
PAPERS = tuple(
    Paper(kind=kind, file="p.jpg") for kind in (Certificate.QUARANTINE, Certificate.MEAT)
)
PORK = IngredientValues(
    name="五花肉", category="畜肉", keep=Keep.CHILLED, quarantine=True, shelf_days=3
)
LEEK = IngredientValues(name="韭菜", category="蔬菜", pesticide_test=True)
GOOD_PORK = LineValues(
    quantity=10_000, measure=Measure.MASS, unit_price=2890, produced_on=DAY, temperature=45,
    papers=PAPERS,
)  # fmt: skip
GOOD_LEEK = LineValues(quantity=5000, measure=Measure.MASS, unit_price=600)


def as_row(values):
    return Ingredient(**values.model_dump(mode="json"))


def codes(line, values, *tests, rules=None, day=DAY):
    found = check(line, as_row(values), day, rules or Rules(), tests=tests)
    return {finding.code: finding.blocks for finding in found}


def a_test(inhibition, record="1"):
    return PesticideTest(item="有机磷", inhibition=inhibition, device="NC-8", record=record)


def changed(line, **values):
    return LineValues.model_validate(line.model_dump() | values)


# --- rules --------------------------------------------------------------------------------------


def test_a_good_delivery_has_no_finding():
    assert codes(GOOD_PORK, PORK) == {}
    assert codes(GOOD_LEEK, LEEK, a_test(120)) == {}


@pytest.mark.parametrize(
    ("temperature", "label", "blocked"),
    [(80, None, False), (81, None, True), (70, 40, False), (71, 40, True), (-20, 40, False)],
)
def test_chilled_food_is_at_most_three_degrees_above_its_label(temperature, label, blocked):
    line = changed(GOOD_PORK, temperature=temperature, label_temperature=label)
    assert ("too_warm" in codes(line, PORK)) is blocked


@pytest.mark.parametrize(("temperature", "blocked"), [(-180, False), (-90, False), (-89, True)])
def test_frozen_food_is_at_most_nine_below(temperature, blocked):
    frozen = PORK.model_copy(update={"keep": Keep.FROZEN})
    assert ("too_warm" in codes(changed(GOOD_PORK, temperature=temperature), frozen)) is blocked


def test_food_that_is_kept_cold_and_was_not_measured_is_blocked():
    assert codes(changed(GOOD_PORK, temperature=None), PORK) == {"no_temperature": True}


def test_meat_without_its_two_certificates_is_blocked():
    assert codes(changed(GOOD_PORK, papers=[]), PORK) == {"no_certificate": True}
    found = check(changed(GOOD_PORK, papers=PAPERS[:1]), as_row(PORK), DAY, Rules())
    assert [finding.text for finding in found] == ["the certificate 'meat_inspection' is missing"]


@pytest.mark.parametrize(
    ("inhibitions", "expected"),
    [
        ([], {"no_pesticide_test": True}),
        ([499], {}),
        ([500], {"pesticide_retest": True}),
        ([1000, 499], {"retested": False}),
        ([500, 500], {"pesticide": True}),
    ],
)
def test_an_inhibition_of_half_or_more_blocks_until_a_retest_is_good(inhibitions, expected):
    assert codes(GOOD_LEEK, LEEK, *map(a_test, inhibitions)) == expected


def test_a_site_may_have_stricter_limits():
    assert codes(GOOD_LEEK, LEEK, a_test(400), rules=Rules(positive=350)) == {
        "pesticide_retest": True
    }


def test_dates_that_cannot_be_are_blocked_and_a_short_life_warns():
    assert codes(changed(GOOD_PORK, produced_on=DAY + timedelta(1)), PORK) == {
        "produced_tomorrow": True
    }
    assert codes(changed(GOOD_PORK, produced_on=DAY - timedelta(4)), PORK) == {"expired": True}
    assert codes(changed(GOOD_PORK, produced_on=DAY - timedelta(3)), PORK) == {"short_life": False}
    assert codes(changed(GOOD_PORK, produced_on=None), PORK) == {"no_date": False}


def test_other_amounts_and_prices_than_ordered_warn_and_what_looks_bad_is_blocked():
    line = changed(GOOD_PORK, ordered=9000, ordered_price=2800, looks_good=False)
    assert codes(line, PORK) == {
        "more_than_ordered": False,
        "other_price": False,
        "looks_bad": True,
    }
    assert codes(changed(GOOD_PORK, ordered=10_001), PORK) == {"less_than_ordered": False}


@pytest.mark.parametrize(
    "wrong",
    [
        {"quantity": -5}, {"quantity": 0}, {"quantity": 10**9 + 1}, {"quantity": 1.5},
        {"quantity": True}, {"unit_price": -1}, {"temperature": 5000}, {"measure": "斤"},
        {"produced_on": "2026-03-02", "expires_on": "2026-03-01"}, {"papers": [{"kind": "x"}]},
    ],
)  # fmt: skip
def test_absurd_values_are_refused_with_the_name_of_the_field(wrong):
    with pytest.raises(BadInputError, match="|".join(wrong) + "|expires"):
        read_line({**GOOD_PORK.model_dump(mode="json"), **wrong})


# --- a delivery ---------------------------------------------------------------------------------


@pytest.fixture
def goods(engine, actor):
    with writing(engine) as session:
        return [ingredients.create(session, actor, values).id for values in (PORK, LEEK)]


@pytest.fixture
def supplier(engine, actor):
    """Of meat, with the licences that it needs until the end of 2026."""
    with writing(engine) as session:
        row = suppliers.create(session, actor, SupplierValues(name="鲜达", categories=("畜肉",)))
        for kind in (LicenceKind.BUSINESS, LicenceKind.FOOD_TRADE):
            licence = LicenceValues(
                kind=kind, number="1", valid_from=date(2024, 1, 1), valid_to=date(2026, 12, 31),
            )  # fmt: skip
            suppliers.add_licence(session, actor, row.id, licence)
        return row.id


@pytest.fixture
def delivery(engine, actor, supplier):
    with writing(engine) as session:
        return receiving.begin(session, actor, supplier, key="d", day=DAY).id


@pytest.fixture
def put(engine, actor, delivery, goods):
    """Adds a line of pork (0) or leek (1) and gives its id."""

    def do(which=0, values=None, line=None):
        line = line or new_id()
        values = values or (GOOD_PORK, GOOD_LEEK)[which]
        with writing(engine) as session:
            receiving.put_line(session, actor, delivery, line, goods[which], values)
        return line

    return do


@pytest.fixture
def do(engine, actor, delivery):
    """Does something with the delivery in a transaction of its own."""

    def run(work, *parts, **named):
        with writing(engine) as session:
            return work(session, actor, delivery, *parts, **named)

    return run


def sign_all(do):
    for role, name in zip(Role, ("王师傅", "库管", "送货人"), strict=True):
        do(receiving.sign, role, name)


def in_stock(engine, actor):
    with reading(engine) as session:
        assert not list(stock_proof.faults(session))
        return stock.usable(session, actor.site_id, DAY)


def test_a_signed_delivery_makes_lots_with_all_that_the_law_wants_to_be_kept(
    engine, actor, delivery, goods, put, do
):
    put(values=changed(GOOD_PORK, batch="B7"))
    sign_all(do)
    (lot,) = do(receiving.post, day=DAY)
    assert (lot.quantity, lot.cost, lot.batch, lot.receiving_id) == (10_000, 28_900, "B7", delivery)
    assert (lot.expires_on, lot.zone) == (date(2026, 3, 5), "动物性食品")
    assert in_stock(engine, actor) == {goods[0]: 10_000}


def test_posted_twice_it_comes_in_once(engine, actor, goods, put, do):
    put()
    sign_all(do)
    first = [lot.id for lot in do(receiving.post, day=DAY)]
    assert [lot.id for lot in do(receiving.post, day=DAY)] == first
    assert in_stock(engine, actor) == {goods[0]: 10_000}


def test_nothing_comes_in_before_three_different_people_have_signed(engine, actor, put, do):
    put()
    do(receiving.sign, Role.CHEF, "王师傅")
    with pytest.raises(ReceivingError, match="three people"):
        do(receiving.sign, Role.SUPPLIER, " 王师傅 ")
    do(receiving.sign, Role.STOREKEEPER, "库管")
    with pytest.raises(ReceivingError, match="supplier"):
        do(receiving.post, day=DAY)
    assert in_stock(engine, actor) == {}


def test_a_change_after_a_signature_has_to_be_signed_again(put, do):
    line = put()
    sign_all(do)
    put(line=line)
    put(values=changed(GOOD_PORK, quantity=9000), line=line)
    with pytest.raises(ReceivingError, match="chef, storekeeper, supplier"):
        do(receiving.post, day=DAY)


def test_a_part_is_accepted_and_the_rejected_part_never_reaches_stock(
    engine, actor, goods, put, do
):
    line = put()
    do(receiving.reject, line, 4000, why="有异味", disposal=Disposal.RETURN)
    sign_all(do)
    (lot,) = do(receiving.post, day=DAY)
    assert (lot.quantity, lot.cost) == (6000, 17_340)
    assert in_stock(engine, actor) == {goods[0]: 6000}


def test_what_is_blocked_comes_in_only_when_it_is_rejected_whole(engine, actor, goods, put, do):
    put()
    leek = put(1)
    do(receiving.add_test, leek, a_test(700))
    do(receiving.reject, leek, 100, why="农残超标")
    sign_all(do)
    with pytest.raises(ReceivingError, match="inhibition 70"):
        do(receiving.post, day=DAY)
    assert in_stock(engine, actor) == {}
    do(receiving.add_test, leek, a_test(650, "2"))
    do(receiving.reject, leek, 5000, why="农残超标", disposal=Disposal.DESTROY)
    sign_all(do)
    assert len(do(receiving.post, day=DAY)) == 1
    assert in_stock(engine, actor) == {goods[0]: 10_000}


def test_a_delivery_that_is_rejected_whole_makes_no_lot(engine, actor, delivery, put, do):
    line = put()
    do(receiving.reject, line, 10_000, why="无检疫证")
    sign_all(do)
    assert do(receiving.post, day=DAY) == []
    with reading(engine) as session:
        assert receiving.get(session, actor.site_id, delivery).state == "rejected"


def test_only_a_positive_test_is_repeated_and_only_once(put, do):
    line = put(1)
    do(receiving.add_test, line, a_test(500))
    assert len(do(receiving.add_test, line, a_test(500)).tests) == 1, "the same record again"
    with pytest.raises(ReceivingError, match="something else"):
        do(receiving.add_test, line, a_test(499))
    do(receiving.add_test, line, a_test(100, "2"))
    with pytest.raises(ReceivingError, match="only once"):
        do(receiving.add_test, line, a_test(10, "3"))


def test_nothing_changes_after_posting(put, do):
    line = put()
    sign_all(do)
    do(receiving.post, day=DAY)
    with pytest.raises(ReceivingError, match="posted"):
        put(line=line)
    with pytest.raises(ReceivingError, match="posted"):
        do(receiving.reject, line, 1, why="太迟")
    with pytest.raises(ReceivingError, match="posted"):
        do(receiving.sign, Role.CHEF, "李师傅")


def test_litres_of_pork_wrong_zones_and_too_large_rejections_are_refused(put, do):
    with pytest.raises(MeasureError):
        put(values=changed(GOOD_PORK, measure="ml"))
    with pytest.raises(BadInputError, match="lie apart"):
        put(values=changed(GOOD_PORK, zone="即食食品"))
    line = put()
    for quantity in (-1, 10_001):
        with pytest.raises(BadInputError, match="nobody can reject"):
            do(receiving.reject, line, quantity, why="x")
    with pytest.raises(BadInputError, match="why"):
        do(receiving.reject, line, 1, why=" ")


def test_a_fault_in_one_line_leaves_nothing_half_posted(engine, put, do):
    put()
    put(1)
    sign_all(do)
    with pytest.raises(ReceivingError, match="pesticides"):
        do(receiving.post, day=DAY)
    with reading(engine) as session:
        assert session.scalars(select(stock.StockEntry)).all() == []


def test_a_delivery_that_is_opened_twice_is_one_and_strangers_do_not_see_it(
    engine, actor, delivery
):
    with writing(engine) as session:
        row = receiving.get(session, actor.site_id, delivery)
        again = receiving.begin(session, actor, row.supplier_id, key="d", day=DAY)
        assert again.id == delivery
        with pytest.raises(KeyReusedError):
            receiving.begin(session, actor, new_id(), key="d", day=DAY)
        with pytest.raises(receiving.UnknownReceivingError):
            receiving.get(session, new_id(), delivery)


def test_a_supplier_whose_licence_has_ended_delivers_nothing(engine, actor, supplier):
    with pytest.raises(suppliers.SupplierBlockedError), writing(engine) as session:
        receiving.begin(session, actor, supplier, key="late", day=date(2027, 1, 1))


def test_a_lot_is_traced_to_its_papers_its_tests_and_its_supplier(engine, actor, delivery, put, do):
    put()
    leek = put(1)
    do(receiving.add_test, leek, a_test(120))
    sign_all(do)
    by_zone = {lot.zone: lot.id for lot in do(receiving.post, day=DAY)}
    with reading(engine) as session:
        meat, greens = (
            stock_trace.trace_lot(session, actor.site_id, by_zone[zone]).origin
            for zone in ("动物性食品", "植物性食品")
        )
    assert (meat.supplier, meat.receiving_id) == ("鲜达", delivery)
    assert (meat.papers, meat.tests) == (PAPERS, ())
    assert greens.tests == (a_test(120),)
