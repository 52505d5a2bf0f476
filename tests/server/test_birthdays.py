"""Birthday vouchers: once a year, by themselves, paid from the fund, and no more than agreed."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from dafan import db
from dafan.errors import BadInputError
from dafan.records import DinerStatus, Source
from kitchen import limits
from server import audit, birthdays, birthdays_proof, importing, leaving, people, subsidy_expiry
from server.actor import Actor
from server.birthdays import CATCH_UP, GiftRules
from server.books import accounts, subsidies
from server.verify import Report, verify_server

MakeDiner = Callable[..., UUID]
SET = audit.Search(action="birthday.set")
DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))


@pytest.mark.parametrize(
    "text",
    ["3月5日", "03-05", "3-5", "3/5", "1990-03-05", "1990/3/5", "19900305", " 1990年3月5日 ",
     "1990-03-05T00:00:00", "1990-03-05 00:00:00"],
)  # fmt: skip
def test_a_day_is_read_as_people_and_tables_write_it_and_its_year_is_dropped(text: str) -> None:
    assert birthdays.read_day(text) == "03-05"


@pytest.mark.parametrize(
    "text",
    ["", "5", "13-01", "2-30", "1990-02-29", "0305", "soon", "3-5-7-9", "12/25/1990", "3-5x3"],
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(birthdays.BirthdayError):
        birthdays.read_day(text)


@given(st.text(max_size=24))
def test_any_text_is_a_day_of_the_calendar_or_a_clear_refusal(text: str) -> None:
    try:
        day = birthdays.read_day(text)
    except birthdays.BirthdayError:
        return
    assert date.fromisoformat(f"2000-{day}")


@given(born=DAYS, first=st.integers(2020, 2060))
def test_whoever_is_looked_at_every_day_is_due_on_seven_days_of_each_year(
    born: date, first: int
) -> None:
    one, day = uuid4(), f"{born:%m-%d}"
    start = date(first, 7, 1) if born.month < 4 else date(first, 1, 20)
    year = [start + timedelta(days=n) for n in range(365)]
    due = [today for today in year if birthdays.due({one: day}, today)]
    kept = birthdays.day_in(day, due[0].year)
    assert due == [kept + timedelta(days=n) for n in range(7)]


def test_who_was_born_on_29_february_is_not_forgotten_for_four_years() -> None:
    one = uuid4()
    assert birthdays.due({one: "02-29"}, date(2026, 2, 28)) == {one}
    assert birthdays.due({one: "02-29"}, date(2028, 2, 28)) == set()
    assert birthdays.due({one: "02-29"}, date(2028, 2, 29)) == {one}


# --- vouchers -----------------------------------------------------------------------------------


def decide(engine: Engine, actor: Actor, **decided: int) -> None:
    with db.writing(engine) as session:
        limits.decide(session, actor, GiftRules, decided)


def born(engine: Engine, actor: Actor, diner_id: UUID, day: str) -> None:
    with db.writing(engine) as session:
        birthdays.set_day(session, actor, diner_id, day)


def night(engine: Engine, actor: Actor, after_days: int = 0) -> tuple[int, int]:
    with db.writing(engine) as session:
        return birthdays.give_due(session, actor.at + timedelta(days=after_days))


def subsidy(engine: Engine, diner_id: UUID) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner_id)[Source.SUBSIDY]


def test_a_voucher_comes_on_the_day_once_and_every_till_hears_of_it(
    engine: Engine, actor: Actor, site: Any, make_diner: MakeDiner, terminal: Any
) -> None:
    today, tomorrow, untold = (make_diner(cash=0) for _ in range(3))
    born(engine, actor, today, "3-2")
    born(engine, actor, tomorrow, "1985-03-03")
    assert night(engine, actor) == (0, 0)  # nothing is given before somebody says how much
    decide(engine, actor, fen=2000)
    assert night(engine, actor) == (1, 2000)
    assert night(engine, actor) == (0, 0)
    assert [subsidy(engine, one) for one in (today, tomorrow, untold)] == [2000, 0, 0]
    assert night(engine, actor, 1) == (1, 2000)
    assert [night(engine, actor, n)[0] for n in range(2, 365)] == [0] * 363
    assert night(engine, actor, 365) == (1, 2000)
    known = {
        item["body"]["id"]: item["body"]["subsidy"]
        for item in terminal.feed()["items"] if item["kind"] == "diner"
    }  # fmt: skip
    assert known[str(today)] == 4000
    with db.reading(engine) as session:
        report = Report()
        verify_server(session, report)
        assert report.faults == []
        week, *_ = subsidies.runs(session, site.id)
        assert week.name == "生日礼券 2027-W09"


def test_a_server_that_was_off_makes_up_for_a_week_and_no_more(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    decide(engine, actor, fen=500)
    late, too_late = make_diner(cash=0), make_diner(cash=0)
    born(engine, actor, late, f"{actor.at.date() - CATCH_UP:%m-%d}")
    born(engine, actor, too_late, f"{actor.at.date() - CATCH_UP - timedelta(days=1):%m-%d}")
    assert night(engine, actor) == (1, 500)
    assert subsidy(engine, late) == 500


def test_a_day_that_is_changed_after_the_voucher_brings_no_second_one(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    decide(engine, actor, fen=500)
    diner = make_diner(cash=0)
    born(engine, actor, diner, "3-2")
    assert night(engine, actor)[0] == 1
    for months in (1, 4, 9):
        at = actor.at + timedelta(days=30 * months)
        born(engine, actor, diner, f"{at:%m-%d}")
        assert night(engine, actor, 30 * months)[0] == 0
    assert subsidy(engine, diner) == 500
    with db.reading(engine) as session:
        acts = [row.before for row in audit.page(session, actor.site_id, SET)]
    assert len(acts) == 4  # whoever moves a day that pays money is written down


def test_the_proof_finds_a_voucher_without_its_money_and_money_without_its_voucher(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    decide(engine, actor, fen=500)
    one, other = make_diner(cash=0), make_diner(cash=0)
    born(engine, actor, one, "3-2")
    night(engine, actor)
    with Session(engine) as session:
        assert list(birthdays_proof.faults(session)) == []
        for damage in (
            "DELETE FROM birthday_gift",
            "UPDATE birthday_gift SET fen = 501",
            "UPDATE birthday_gift SET transfer_id = diner_id",
        ):
            damaged = session.begin_nested()
            session.execute(text(damage))
            assert list(birthdays_proof.faults(session)), damage
            damaged.rollback()
        (gift,) = session.scalars(select(birthdays.BirthdayGift))
        gift.diner_id = other
        session.flush()
        assert [fault.code for fault in birthdays_proof.faults(session)] == ["birthday"]
        session.rollback()


def test_what_is_left_of_a_voucher_goes_back_after_its_last_week(
    engine: Engine, actor: Actor, make_diner: MakeDiner, terminal: Any, make_sale: Any
) -> None:
    decide(engine, actor, fen=2000, weeks=2)
    spender, saver = make_diner(cash=0), make_diner(cash=0)
    for diner in (spender, saver):
        born(engine, actor, diner, "3-2")
    night(engine, actor)
    terminal.sell(make_sale(spender, 1500, payments=(("subsidy", 1500),)))
    terminal.push()
    for days, left in ((20, [500, 2000]), (21, [0, 0])):  # Monday 2 March, to Sunday 22 March
        with db.writing(engine) as session:
            subsidy_expiry.expire_due(session, actor.at + timedelta(days=days))
        assert [subsidy(engine, diner) for diner in (spender, saver)] == left
    with db.reading(engine) as session:
        report = Report()
        verify_server(session, report)
    assert report.faults == []


def test_who_has_left_or_is_frozen_gets_none_and_leaving_erases_the_day(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    decide(engine, actor, fen=500)
    gone, frozen = make_diner(cash=0), make_diner(cash=0)
    for diner in (gone, frozen):
        born(engine, actor, diner, "3-2")
    with db.writing(engine) as session:
        leaving.leave(session, actor, gone)
        people.set_status(session, actor, frozen, DinerStatus.FROZEN)
    assert night(engine, actor) == (0, 0)
    with db.reading(engine) as session:
        assert birthdays.days_of(session, actor.site_id) == {frozen: "03-02"}
        assert birthdays.count(session, actor.site_id) == 0


@pytest.mark.parametrize("wrong", [{"fen": -1}, {"fen": 100_001}, {"weeks": 0}, {"weeks": 53}])
def test_a_voucher_that_could_empty_the_fund_or_never_be_spent_is_refused(
    engine: Engine, actor: Actor, wrong: dict[str, int]
) -> None:
    with pytest.raises(BadInputError):
        decide(engine, actor, **wrong)


# --- HR's table ---------------------------------------------------------------------------------

HEAD = "工号,姓名,人员类别,出生日期\n"


def take_over(engine: Engine, actor: Actor, text: str) -> importing.Preview:
    with db.writing(engine) as session:
        return importing.apply(session, actor, text.encode())


def test_hrs_table_brings_birthdays_without_years_and_a_blank_cell_leaves_them(
    engine: Engine, actor: Actor
) -> None:
    take_over(engine, actor, HEAD + "1,甲子,干部职工,1990-03-05\n2,乙丑,干部职工,\n")
    again = HEAD + "1,甲子,,\n2,乙丑,,3月6日\n"
    assert take_over(engine, actor, again).changed == 1
    assert take_over(engine, actor, again).changed == 0
    with db.reading(engine) as session:
        found = birthdays.days_of(session, actor.site_id)
        names = {
            people.get_diner(session, actor.site_id, one).name: day for one, day in found.items()
        }
    assert names == {"甲子": "03-05", "乙丑": "03-06"}
    with db.reading(engine) as session:
        plan = importing.preview(session, actor.site_id, (HEAD + "1,甲子,,2月30日\n").encode())
    assert [(one.column, one.code) for one in plan.errors] == [("生日", "bad_birthday")]
