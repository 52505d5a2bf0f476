"""A balance on the screen is the same whatever part of a till's journal the server has booked."""

from uuid import uuid4

from conftest_pos import NOON, Canteen
from hypothesis import given
from hypothesis import strategies as st
from test_store import make_sale

from dafan.money import Fen
from dafan.records import DayUse, Payment, Source
from pos.shifts import figures_of, paid_from
from pos.snapshot import account_of, trading_day

CANTEEN = Canteen()
TODAY = trading_day(CANTEEN.policy, NOON)
"""The business date of every sale that is made here."""


@st.composite
def histories(draw):
    """A till's journal about one diner: sales, and voids of some of them, in order."""
    diner = CANTEEN.diner()
    log, open_sales = [], []
    for _ in range(draw(st.integers(0, 8))):
        if open_sales and draw(st.booleans()):
            log.append(("void", open_sales.pop(draw(st.integers(0, len(open_sales) - 1)))))
            continue
        subsidy, own = draw(st.integers(0, 900)), draw(st.integers(1, 900))
        parts = [(Source.SUBSIDY, subsidy), (Source.CASH, own)]
        payments = tuple(Payment(source=s, amount=Fen(a)) for s, a in parts if a)
        sale = make_sale(CANTEEN, diner, total=subsidy + own).model_copy(
            update={
                "id": uuid4(),
                "payments": payments,
                "subsidised": subsidy > 0,
                "period": draw(st.sampled_from(("lunch", "dinner"))),
            }
        )
        log.append(("sale", sale))
        open_sales.append(sale)
    return diner, log


def books(diner, log):
    """What the server publishes once it has booked these entries."""
    sold = [sale for kind, sale in log if kind == "sale"]
    back = [sale for kind, sale in log if kind == "void"]
    stay = [sale for sale in sold if sale not in back]
    meals: dict[str, int] = {}
    subsidised: dict[str, int] = {}
    for sale in stay:
        meals[sale.period] = meals.get(sale.period, 0) + 1
        subsidised[sale.period] = subsidised.get(sale.period, 0) + sale.subsidised
    spent = Fen(sum(sale.total for sale in stay))
    use = DayUse(
        date=TODAY, meals=meals, subsidised=subsidised, spent=spent, month_meals=len(stay),
        month_spent=spent,
    )  # fmt: skip
    subsidy = Fen(diner.subsidy - paid_from(stay, Source.SUBSIDY))
    cash = Fen(diner.cash - paid_from(stay, Source.CASH))
    return diner.model_copy(update={"today": use, "subsidy": subsidy, "cash": cash})


def seen(diner, log, mark):
    """The account on the screen, when the server has booked the first ``mark`` entries."""
    voided_at = {sale.id: n for n, (kind, sale) in enumerate(log) if kind == "void"}
    sold_at = {sale.id: n for n, (kind, sale) in enumerate(log) if kind == "sale"}
    pending = [s for k, s in log if k == "sale" and sold_at[s.id] >= mark and s.id not in voided_at]
    back = [s for k, s in log if k == "void" and voided_at[s.id] >= mark and sold_at[s.id] < mark]
    word = books(diner, log[:mark])
    return account_of(word, None, pending, TODAY, has_face=False, taken_back=back)


def plain(account):
    counts = [{k: n for k, n in c.items() if n} for c in (account.meals, account.subsidised)]
    return (
        account.subsidy, account.cash, *counts, account.spent, account.month_meals,
        account.month_spent,
    )  # fmt: skip


@given(histories())
def test_a_balance_is_the_same_however_far_the_server_has_come(history):
    diner, log = history
    truth = plain(seen(diner, log, len(log)))
    for mark in range(len(log)):
        assert plain(seen(diner, log, mark)) == truth


@given(histories())
def test_what_is_all_taken_back_leaves_the_diner_as_he_was(history):
    diner, log = history
    taken = {sale.id for kind, sale in log if kind == "void"}
    log += [("void", sale) for kind, sale in log if kind == "sale" and sale.id not in taken]
    for mark in range(len(log) + 1):
        account = seen(diner, log, mark)
        assert (account.subsidy, account.cash) == (diner.subsidy, diner.cash)
        assert (sum(account.meals.values()), account.spent, account.unconfirmed) == (0, 0, 0)


@given(histories(), st.integers(0, 8))
def test_the_figures_of_shifts_add_up_to_what_stays_sold(history, cut):
    _, log = history
    parts = (log[:cut], log[cut:])
    shifts = [
        figures_of(
            1, 1, None, [s for k, s in part if k == "sale"], [s for k, s in part if k == "void"]
        )
        for part in parts
    ]
    taken = {sale.id for kind, sale in log if kind == "void"}
    stay = [sale for kind, sale in log if kind == "sale" and sale.id not in taken]
    assert sum(shift.subsidy for shift in shifts) == paid_from(stay, Source.SUBSIDY)
    assert sum(shift.cash for shift in shifts) == paid_from(stay, Source.CASH)
    assert sum(shift.sales - shift.voids for shift in shifts) == len(stay)
