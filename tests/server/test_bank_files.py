"""Bank transfers from the bank's table: each reference once for ever, faults named first."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from dafan import db
from dafan.errors import BadInputError
from dafan.ids import new_id
from dafan.records import Source
from server import bank_files, leaving
from server.actor import Actor
from server.books import accounts
from server.verify import Report, verify_server

MakeDiner = Callable[..., UUID]
HEAD = "工号,姓名,金额,流水号,日期\n"


def book(engine: Engine, actor: Actor, text: str, *, skip: bool = False) -> bank_files.Preview:
    with db.writing(engine) as session:
        return bank_files.apply(session, actor, (HEAD + text).encode(), skip_faulty=skip)


def look(engine: Engine, actor: Actor, text: str) -> bank_files.Preview:
    with db.reading(engine) as session:
        return bank_files.preview(session, actor.site_id, (HEAD + text).encode())


def balance(engine: Engine, diner: UUID) -> int:
    with db.reading(engine) as session:
        return accounts.balances(session, diner)[Source.CASH]


def test_each_payment_is_booked_once_whatever_file_brings_it(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    one, other = make_diner(cash=0), make_diner(cash=0)
    first = "1001,甲子,100.00,B1,2026-03-02\n1002,甲子,50,B2,2026/3/2\n"
    assert len(book(engine, actor, first).fresh) == 2
    again = look(engine, actor, first + "1001,甲子,7.5,B3,20260303\n")
    assert [row.booked for row in again.rows] == [True, True, False]
    assert again.total == 750
    book(engine, actor, first + "1001,甲子,7.5,B3,20260303\n")
    book(engine, actor, first)
    assert (balance(engine, one), balance(engine, other)) == (10_750, 5000)
    with db.reading(engine) as session:
        found = bank_files.page(session, actor.site_id)
        assert [row.reference for row in found] == ["B3", "B2", "B1"]
        assert found[0].paid_on == date(2026, 3, 3)
        report = Report()
        verify_server(session, report)
        assert report.faults == []


FAULTS = [
    ("9999,甲子,1,R1,2026-03-02", "unknown_number"), ("1001,乙丑,1,R1,2026-03-02", "other_name"),
    ("1001,甲子,0,R1,2026-03-02", "not_positive"), ("1001,甲子,-5,R1,2026-03-02", "not_positive"),
    ("1001,甲子,1.234,R1,2026-03-02", "bad_amount"), ("1001,甲子,,R1,2026-03-02", "bad_amount"),
    ("1001,甲子,1,,2026-03-02", "blank"), ("1001,甲子,1,R1,yesterday", "bad_date"),
    ("1001,甲子,1,R1,2026-13-40", "bad_date"), ("1001,甲子,1,4.2E+27,2026-03-02", "shortened"),
    (f"1001,甲子,1,{'9' * 65},2026-03-02", "too_long"), ("1001,甲子,1,GOOD,2026-03-02", "repeated"),
    ("1001,甲子,2,OLD,2026-03-02", "reference_used"), ("1003,甲子,1,R1,2026-03-02", "has_left"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "code"), FAULTS)
def test_a_faulty_row_is_named_and_stops_the_file_until_the_person_leaves_it_out(
    engine: Engine, actor: Actor, make_diner: MakeDiner, row: str, code: str
) -> None:
    diner = make_diner(cash=0)
    make_diner(cash=0)
    gone = make_diner(cash=0)
    book(engine, actor, "1001,甲子,1,OLD,2026-03-02\n")
    with db.writing(engine) as session:
        leaving.leave(session, actor, gone)
    text = f"1001,甲子,20,GOOD,2026-03-02\n{row}\n"
    plan = look(engine, actor, text)
    assert [(error.row, error.code) for error in plan.errors] == [(3, code)]
    with pytest.raises(BadInputError) as caught:
        book(engine, actor, text)
    assert caught.value.code == "faulty_table"
    assert balance(engine, diner) == 100
    book(engine, actor, text, skip=True)
    assert balance(engine, diner) == 2100


def test_a_table_without_its_columns_says_which_are_missing(engine: Engine, actor: Actor) -> None:
    with db.reading(engine) as session:
        plan = bank_files.preview(session, actor.site_id, "工号,姓名\n1,甲\n".encode())
    assert [error.column for error in plan.errors] == ["金额", "流水号", "日期"]
    with pytest.raises(BadInputError), db.writing(engine) as session:
        bank_files.apply(session, actor, "工号,姓名\n1,甲\n".encode(), skip_faulty=True)


def test_an_excel_file_keeps_its_dates_and_amounts(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    diner = make_diner(cash=0)
    workbook = openpyxl.Workbook()
    workbook.active.append(["交易日期", "附言", "对方户名", "贷方金额", "交易流水号"])
    workbook.active.append([datetime(2026, 3, 2, 9, 30), "1001", "甲子", 12.5, "X1"])  # noqa: DTZ001 - Excel has no zones
    data = io.BytesIO()
    workbook.save(data)
    with db.writing(engine) as session:
        plan = bank_files.apply(session, actor, data.getvalue())
    assert plan.rows[0].paid_on == date(2026, 3, 2)
    assert balance(engine, diner) == 1250


def test_another_site_has_its_own_references(
    engine: Engine, actor: Actor, make_diner: MakeDiner
) -> None:
    make_diner(cash=0)
    book(engine, actor, "1001,甲子,1,B1,2026-03-02\n")
    stranger = replace(actor, site_id=new_id())
    plan = look(engine, stranger, "1001,甲子,1,B1,2026-03-02\n")
    assert [error.code for error in plan.errors] == ["unknown_number"]


CELL = st.text(st.characters(exclude_characters=',"\n\r\0', exclude_categories=["Cs"]), max_size=20)


@given(rows=st.lists(st.tuples(CELL, CELL, CELL, CELL, CELL), max_size=4))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_table_makes_money_of_rows_without_a_person(
    engine: Engine, actor: Actor, rows: Any
) -> None:
    text = "\n".join(",".join(row) for row in rows)
    plan = look(engine, actor, text)
    assert plan.rows == ()
    with db.reading(engine) as session:
        assert bank_files.page(session, actor.site_id) == []
