import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from dafan import db
from dafan.desk import Shift, Void
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import Source
from server import closing_proof, day_figures, reconciliation, refunds, shifts, verify
from server.actor import Actor
from server.audit import Audit
from server.books import accounts, closing
from server.books.accounts import AccountKind
from server.books.closing import ClosingError
from server.books.transfers import Posting, Transfer
from server.entries import EntryRow


@pytest.fixture
def finance(site, clock):
    """A person of the finance desk, now."""
    return lambda: Actor(site.id, "finance", clock.now())


@pytest.fixture
def look(engine, site, clock):
    """The day's page, as it is now."""

    def see(when):
        with db.reading(engine) as session:
            return reconciliation.day(session, site.id, when, clock.now())

    return see


def end_shift(till, **told):
    """A shift that covers all that the till has written since its last one."""
    written = till.journal.read(0, 200)
    before = [entry.seq for entry in written if entry.kind == "shift"]
    first = before[-1] + 1 if before else 1
    values = {
        "id": new_id(), "business_date": till.clock.now().date(),
        "opened_at": till.clock.now() - timedelta(hours=2), "closed_at": till.clock.now(),
        "first_seq": first, "last_seq": len(written), "sales": 0, "voids": 0, "subsidy": Fen(0),
        "cash": Fen(0), "drawer": Fen(0), "counted": None, "staff_id": new_id(),
    }  # fmt: skip
    body = Shift(**values | told)
    till.write("shift", body)
    return body


def void(till, sale):
    body = Void(
        id=new_id(), sale_id=sale.id, business_date=sale.business_date, total=sale.total,
        reason="打错了", staff_id=new_id(), at=till.clock.now(),
    )  # fmt: skip
    till.write("void", body)


def keys(found):
    return [each.code for each in found.differences]


def test_a_shift_that_agrees_with_the_books_leaves_nothing_to_explain(
    terminal, make_diner, make_sale, look, clock
):
    diner = make_diner(cash=5000, subsidy=600)
    paid = ((Source.SUBSIDY, 600), (Source.CASH, 400))
    terminal.sell(make_sale(diner, total=1000, payments=paid, subsidised=True))
    terminal.sell(make_sale(total=700))
    wrong = make_sale(total=300)
    terminal.sell(wrong)
    void(terminal, wrong)
    end_shift(
        terminal, sales=3, voids=1, subsidy=Fen(600), cash=Fen(400), drawer=Fen(700),
        counted=Fen(700),
    )  # fmt: skip
    terminal.push()
    found = look(clock.now().date())
    assert found.differences == []
    [each] = found.shifts
    assert (each.expected, each.over, each.disagreeing()) == (700, 0, {})
    total = found.figures.total
    assert (total.sales, total.total, total.net) == (3, 2000, 1700)
    assert (total.voids.count, total.voids.fen) == (1, 300)
    assert {code: part.fen for code, part in total.tenders.items()} == {"card": 1000, "cash": 1000}


def test_each_way_in_which_a_shift_can_disagree_is_named_with_its_amount(
    engine, terminal, make_diner, make_sale, look, clock, finance
):
    diner = make_diner()
    sold = make_sale(total=800)
    terminal.sell(sold)
    terminal.sell(make_sale(diner, total=500))
    terminal.sell(make_sale(new_id(), total=400))  # nobody knows this diner: parked
    end_shift(terminal, sales=4, cash=Fen(950), drawer=Fen(800), counted=Fen(750))
    terminal.push()
    found = {each.code: each for each in look(clock.now().date()).differences}
    assert set(found) == {"parked", "sales", "cash", "counted"}
    assert (found["sales"].count, found["cash"].fen, found["counted"].fen) == (1, 50, -50)
    assert found["parked"].count == 1
    clock.advance(60)
    with db.writing(engine) as session:
        refunds.void(session, finance(), sold.id, "菜洒了", key=new_id())
    terminal.sell(make_sale(total=100))
    clock.advance(60)
    end_shift(terminal, sales=1, drawer=Fen(100), counted=Fen(0))
    terminal.push(after=4)
    found = look(clock.now().date())
    more = [each for each in found.differences if each.code in {"counted", "server_void"}]
    assert [(each.code, each.fen) for each in more] == [
        ("server_void", -800), ("counted", -50), ("counted", 700)
    ]  # fmt: skip
    assert [each.expected for each in found.shifts] == [800, -700]


def test_cash_over_or_short_is_booked_once_and_the_drawer_then_holds_what_was_counted(
    engine, terminal, make_sale, look, clock, finance
):
    terminal.sell(make_sale(total=900))
    shift = end_shift(terminal, sales=1, drawer=Fen(900), counted=Fen(880))
    terminal.push()
    for _ in range(2):
        with db.writing(engine) as session:
            shifts.confirm_cash(session, finance(), shift.id)
    with db.reading(engine) as session:
        kinds = (AccountKind.DRAWER, AccountKind.DIFFERENCE)
        balance = {
            account.kind: account.balance
            for account in session.scalars(
                select(accounts.Account).where(accounts.Account.owner_id == terminal.id)
            )
        }
        assert [balance[kind] for kind in kinds] == [-880, -20]
        acts = select(func.count()).where(Audit.action == "shift.cash")
        assert session.scalar(acts) == 1
    [each] = look(clock.now().date()).differences
    assert (each.code, each.fen, each.booked) == ("counted", -20, True)
    with db.writing(engine) as session, pytest.raises(shifts.UnknownShiftError):
        shifts.confirm_cash(session, Actor(new_id(), "other", clock.now()), shift.id)


def test_a_shift_that_was_reported_before_or_covers_what_is_not_written_is_parked(
    terminal, make_sale
):
    terminal.sell(make_sale())
    shift = end_shift(terminal)
    terminal.write("shift", shift)
    end_shift(terminal, last_seq=9)
    outcomes = terminal.push().outcomes
    assert [one.outcome.value for one in outcomes] == ["applied", "applied", "parked", "parked"]
    assert [one.reason.split(":")[0] for one in outcomes[2:]] == ["known_shift", "bad_range"]


def test_a_till_that_is_cut_off_is_shown_and_does_not_prevent_closing(
    engine, make_till, make_sale, look, clock, finance
):
    day = clock.now().date()
    quiet, busy = make_till(), make_till()
    quiet.sell(make_sale(total=100))
    quiet.push()
    for till in (quiet, busy):
        till.sell(make_sale(total=500))
    clock.advance(3600 * 30)
    busy.push()
    [first, second, third] = look(day).differences
    assert (first.code, first.terminal, first.since) == (
        "cut_off", quiet.info.name, clock.now() - timedelta(hours=30)
    )  # fmt: skip
    assert (second.code, second.count, second.fen) == ("no_shift", 1, 100)
    assert (third.code, third.count, third.fen) == ("no_shift", 1, 500)
    with db.writing(engine) as session:
        reconciliation.explain(session, finance(), day, first.key, "网线坏了")
        [row] = reconciliation.close_days(session, finance(), day)
    told = closing.figures_of(row)["differences"]
    assert (told[0]["code"], told[0]["notes"]) == ("cut_off", ["网线坏了"])
    quiet.push(after=1)
    found = look(day)
    assert found.figures.total.total == 600
    assert (found.late_total.sales, found.late_total.total) == (1, 500)
    assert found.figures == day_figures.Figures.from_json(closing.figures_of(row)["figures"])
    after = look(day + timedelta(days=1)).figures
    assert after.rescued == {day: day_figures.Amount(1, Fen(500))}
    assert after.total.sales == 0
    assert after.moved("sale", AccountKind.REVENUE) == 500
    with db.reading(engine) as session:
        report = verify.Report()
        verify.verify_server(session, report)
        assert report.faults == []


def test_days_are_closed_up_to_a_date_with_those_on_which_nothing_moved_and_never_ahead(
    engine, terminal, make_sale, look, clock, finance
):
    first = clock.now().date()
    terminal.sell(make_sale())
    terminal.push()
    clock.advance(3 * 86400)
    today = clock.now().date()
    with db.writing(engine) as session:
        with pytest.raises(ClosingError) as caught:
            reconciliation.close_days(session, finance(), today + timedelta(days=1))
        assert caught.value.code == "closing_ahead"
        closed = reconciliation.close_days(session, finance(), today - timedelta(days=1))
    assert [row.business_date for row in closed] == [first, today - timedelta(days=1)]
    between = look(first + timedelta(days=1))
    assert (between.closed, between.closing, between.figures.counts) == (True, None, {})
    with db.writing(engine) as session:
        with pytest.raises(ClosingError) as caught:
            reconciliation.close_days(session, finance(), first)
        assert caught.value.code == "closed_before"
        reconciliation.close_days(session, finance(), today)
    with db.reading(engine) as session:
        assert list(closing.faults(session)) == []


def test_only_what_differs_can_be_explained_and_only_in_words(
    engine, terminal, make_sale, look, clock, finance
):
    day = clock.now().date()
    terminal.sell(make_sale(total=900))
    end_shift(terminal, sales=1, drawer=Fen(900), counted=Fen(1000))
    terminal.push()
    [each] = look(day).differences
    with db.writing(engine) as session:
        for key, text in ((each.key, "  "), (f"counted:{new_id()}", "why"), (each.key, "x" * 401)):
            with pytest.raises(BadInputError):
                reconciliation.explain(session, finance(), day, key, text)
        reconciliation.explain(session, finance(), day, each.key, " 找零备用金 ")
    notes = look(day).notes[each.key]
    assert [(note.text, note.by) for note in notes] == [("找零备用金", "finance")]


def test_a_void_of_a_closed_day_is_refused_and_a_refund_counts_for_an_open_one(
    engine, site, terminal, make_diner, make_sale, look, clock, finance
):
    day = clock.now().date()
    sale = make_sale(make_diner(), total=900)
    terminal.sell(sale)
    terminal.push()
    with db.writing(engine) as session:
        reconciliation.close_days(session, finance(), day)
    before = look(day)
    with db.writing(engine) as session, pytest.raises(BadInputError):
        refunds.void(session, finance(), sale.id, "错", key=new_id())
    with db.writing(engine) as session:
        asked = refunds.ask(session, finance(), sale.id, None, "菜凉了", key=new_id())
        other = Actor(site.id, "second", clock.now())
        refunds.approve(session, other, asked.id)
    assert look(day).figures == before.figures
    after = look(day + timedelta(days=1)).figures.total
    assert (after.refunds.count, after.refunds.fen) == (1, 900)


def sums_of(session, site_id, day):
    query = (
        select(Transfer.kind, accounts.Account.kind, func.sum(Posting.amount))
        .join(Posting, Posting.transfer_id == Transfer.id)
        .join(accounts.Account, accounts.Account.id == Posting.account_id)
        .where(Transfer.site_id == site_id, Transfer.business_date == day)
        .group_by(Transfer.kind, accounts.Account.kind)
    )
    return {(kind, account): int(total) for kind, account, total in session.execute(query)}


def test_closing_a_day_while_tills_push_into_it_never_disagrees_with_its_transfers(
    engine, site, make_till, make_diner, make_sale, clock
):
    day = clock.now().date()
    diner = make_diner(cash=1_000_000)
    tills = [make_till() for _ in range(3)]
    for till in tills:
        for fen in range(1, 13):
            till.sell(make_sale(diner, total=fen * 10))
    start = threading.Barrier(len(tills) + 1)
    faults = []

    def pushes(till):
        start.wait()
        for after in range(0, 12, 2):
            till.push(after=after, limit=2)

    def closes():
        start.wait()
        with db.writing(engine) as session:
            reconciliation.close_days(session, Actor(site.id, "finance", clock.now()), day)

    def run(work, *args):
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001 - told by the main thread
            faults.append(error)

    threads = [threading.Thread(target=run, args=(pushes, till)) for till in tills]
    threads.append(threading.Thread(target=run, args=(closes,)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with db.reading(engine) as session:
        row = closing.find(session, site.id, day)
        figures = day_figures.Figures.from_json(closing.figures_of(row)["figures"])
        told = {(k, a): fen for k, moved in figures.kinds.items() for a, fen in moved.items()}
        assert told == sums_of(session, site.id, day)
        late = reconciliation.day(session, site.id, day, clock.now()).late_total
        assert figures.total.sales + late.sales == 36
        assert figures.total.total + late.total == 3 * 780
        following = day_figures.of_day(session, site.id, day + timedelta(days=1))
        assert sum(each.count for each in following.rescued.values()) == late.sales
        parked = select(func.count()).where(EntryRow.outcome != "applied")
        assert session.scalar(parked) == 0


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("UPDATE posting SET amount = 2 * amount WHERE business_date = '2026-03-02'", "moved on a"),
        ("UPDATE transfer SET kind = 'void' WHERE kind = 'sale'", "moved on a closed day"),
        ("UPDATE day_close SET business_date = '2026-03-01'", "that has no closing"),
        ("UPDATE sale SET rescued_on = NULL", "for its own date; it is booked on 2026-03-03"),
        ("UPDATE sale SET rescued_on = '2026-03-04' WHERE rescued_on IS NOT NULL", "late; it is"),
    ],
)
def test_money_that_is_moved_on_a_closed_day_is_found(
    engine, terminal, make_diner, make_sale, clock, finance, harm, told
):
    day = clock.now().date()
    diner = make_diner()
    terminal.sell(make_sale(diner, total=900))
    terminal.push()
    with db.writing(engine) as session:
        reconciliation.close_days(session, finance(), day)
    terminal.sell(make_sale(diner, total=800))
    terminal.push(after=1)
    with db.reading(engine) as session:
        assert list(closing_proof.faults(session)) == []
    with engine.begin() as connection:
        connection.exec_driver_sql(harm)
    with db.reading(engine) as session:
        assert any(told in fault.what for fault in closing_proof.faults(session))
