from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from uuid import uuid4

from conftest_pos import NOON, Canteen, make_policy
from hypothesis import given
from hypothesis import strategies as st

from dafan.money import Fen
from dafan.records import DayUse, DinerStatus, MealPeriod, MealRule, Portion, Source
from dafan.units import Grams
from pos.authorise import Authorised, Refused, authorise, authorise_cash
from pos.basket import MAX_QUANTITY, Basket, is_empty, net_grams
from pos.pricing import price_basket
from pos.snapshot import account_of, mask, period_of, trading_day
from pos.view import NoticeCode

TODAY = trading_day(make_policy(), NOON)


def basket(grams=None):
    return Basket(uuid4(), NOON, grams)


def account(canteen, group=None, pending=(), **changes):
    diner = canteen.diner(**changes)
    return account_of(diner, group or canteen.group, pending, TODAY, has_face=True)


@given(grams=st.integers(1, 5000))
def test_a_weighed_line_is_rounded_half_up_once(grams):
    canteen = Canteen()
    line = price_basket(basket(Grams(grams)), canteen.catalogue()).lines[0]
    exact = Fraction(grams * 2800, 1000)
    assert line.amount == int(exact + Fraction(1, 2))
    assert line.grams == grams


def test_half_portions_small_bowls_and_pieces_have_their_own_price(canteen):
    chosen = basket()
    for portion in (Portion.FULL, Portion.FULL, Portion.HALF, Portion.SMALL):
        chosen = chosen.add(canteen.rice.id, portion)
    priced = price_basket(chosen, canteen.catalogue())
    assert [line.amount for line in priced.lines] == [200, 50, 30]
    assert priced.list_total == 280


def test_a_dish_without_price_makes_the_basket_unpayable(canteen):
    priced = price_basket(
        basket(Grams(300)).add(canteen.unpriced.id, Portion.FULL), canteen.catalogue()
    )
    assert priced.unpriced == ("新菜",)
    assert not priced.payable


def test_a_basket_has_an_end(canteen):
    chosen = basket()
    for _ in range(MAX_QUANTITY):
        chosen = chosen.add(canteen.rice.id, Portion.FULL)
    assert chosen.add(canteen.rice.id, Portion.FULL) is None


def test_what_was_taken_out_is_not_paid(canteen):
    chosen = basket().add(canteen.rice.id, Portion.FULL).add(canteen.rice.id, Portion.HALF)
    fewer = chosen.remove(chosen.items[0].key)
    assert [item.portion for item in fewer.items] == [Portion.HALF]


def test_the_tray_is_taken_off_and_an_empty_tray_is_nothing_to_sell():
    policy = make_policy(tray_grams=300, min_grams=20)
    assert net_grams(Grams(700), policy) == 400
    assert net_grams(Grams(310), policy) is None
    assert is_empty(Grams(5), policy)
    assert not is_empty(Grams(300), policy)


def test_subsidy_pays_first_and_cash_the_rest(canteen):
    answer = authorise(account(canteen, subsidy=Fen(500)), canteen.policy, Fen(1000), NOON)
    assert answer.discount == 100
    assert [(p.source, p.amount) for p in answer.payments] == [
        (Source.SUBSIDY, 500),
        (Source.CASH, 400),
    ]
    assert answer.subsidised


def test_the_subsidy_cap_leaves_the_rest_to_cash(canteen):
    capped = canteen.group.model_copy(update={"meals": {"lunch": MealRule(subsidy_cap=Fen(300))}})
    answer = authorise(account(canteen, capped), canteen.policy, Fen(1000), NOON)
    assert [p.amount for p in answer.payments] == [300, 600]


def test_the_second_lunch_is_full_price_from_cash_and_says_so(canteen):
    used = DayUse(date=TODAY, subsidised={"lunch": 1}, meals={"lunch": 1})
    answer = authorise(account(canteen, today=used), canteen.policy, Fen(1800), NOON)
    assert answer.full_price
    assert answer.discount == 0
    assert not answer.subsidised
    assert [(p.source, p.amount) for p in answer.payments] == [(Source.CASH, 1800)]


def test_yesterdays_lunch_takes_nothing_from_todays(canteen):
    used = DayUse(date=TODAY - timedelta(days=1), subsidised={"lunch": 1}, spent=Fen(9000))
    answer = authorise(account(canteen, today=used), canteen.policy, Fen(1000), NOON)
    assert answer.subsidised


def test_outside_every_meal_the_sale_is_allowed_at_full_price(canteen):
    afternoon = NOON + timedelta(hours=3)
    answer = authorise(account(canteen), canteen.policy, Fen(1000), afternoon)
    assert (answer.period, answer.discount, answer.subsidised) == ("other", 0, False)
    assert not answer.full_price


def test_a_meal_at_night_belongs_to_the_evening_before():
    night = make_policy(
        periods=(MealPeriod(code="night", name="夜宵", starts=time(22), ends=time(2)),)
    )
    at = datetime(2026, 3, 2, 17, 30, tzinfo=UTC)
    assert period_of(night, at) == "night"
    assert trading_day(night, at).isoformat() == "2026-03-02"


def test_who_may_not_pay_is_told_why(canteen):
    policy = canteen.policy
    limited = canteen.group.model_copy(update={"meal_limit": Fen(2000), "daily_limit": Fen(3000)})
    cases = [
        (account(canteen, status=DinerStatus.FROZEN), 100, NoticeCode.FROZEN, {}),
        (account(canteen, status=DinerStatus.LEFT), 100, NoticeCode.LEFT, {}),
        (
            account(canteen, subsidy=Fen(0), cash=Fen(580)), 1000,
            NoticeCode.INSUFFICIENT, {"short_fen": 320},
        ),
        (
            account(canteen, subsidy=Fen(0), cash=Fen(-100)), 1000,
            NoticeCode.INSUFFICIENT, {"short_fen": 1000},
        ),
        (account(canteen, limited), 4000, NoticeCode.MEAL_LIMIT, {"limit_fen": 2000}),
        (
            account(canteen, limited, today=DayUse(date=TODAY, spent=Fen(2500))), 1000,
            NoticeCode.DAILY_LIMIT, {"limit_fen": 3000},
        ),
        (account(canteen, cash=Fen(90000)), 20000, NoticeCode.OFFLINE_LIMIT, {}),
    ]  # fmt: skip
    for who, amount, code, params in cases:
        assert authorise(who, policy, Fen(amount), NOON) == Refused(code, params)


def test_a_free_meal_needs_no_payment(canteen):
    free = canteen.group.model_copy(update={"discount_percent": 100})
    answer = authorise(account(canteen, free, cash=Fen(0)), canteen.policy, Fen(1000), NOON)
    assert (answer.total, answer.payments, answer.subsidised) == (0, (), True)


@given(
    amount=st.integers(0, 20000),
    subsidy=st.integers(-1000, 20000),
    cash=st.integers(-1000, 20000),
    percent=st.integers(0, 100),
    cap=st.none() | st.integers(0, 5000),
    used=st.integers(0, 2),
)
def test_whoever_is_authorised_pays_the_total_from_money_he_has(
    amount, subsidy, cash, percent, cap, used
):
    canteen = Canteen(policy=make_policy(offline_exposure=10**6))
    rule = MealRule(subsidised_per_day=1, subsidy_cap=cap)
    group = canteen.group.model_copy(update={"discount_percent": percent, "meals": {"lunch": rule}})
    use = DayUse(date=TODAY, subsidised={"lunch": used})
    who = account(canteen, group, subsidy=Fen(subsidy), cash=Fen(cash), today=use)
    answer = authorise(who, canteen.policy, Fen(amount), NOON)
    if isinstance(answer, Refused):
        assert answer.code is NoticeCode.INSUFFICIENT
        assert answer.params["short_fen"] > 0
        return
    assert isinstance(answer, Authorised)
    paid = {p.source: p.amount for p in answer.payments}
    assert sum(paid.values()) == answer.total == answer.list_total - answer.discount
    assert paid.get(Source.SUBSIDY, 0) <= max(0, subsidy)
    assert paid.get(Source.CASH, 0) <= max(0, cash)
    assert used == 0 or (answer.discount == 0 and Source.SUBSIDY not in paid)


def test_cash_pays_full_price_from_the_drawer(canteen):
    quote = authorise_cash(canteen.policy, Fen(1000), NOON)
    assert [(p.source, p.amount) for p in quote.payments] == [(Source.DRAWER, 1000)]


def test_those_who_stand_behind_cannot_read_the_name():
    assert (mask("甲子"), mask("欧阳甲子"), mask("甲")) == ("甲*", "欧***", "甲*")
