import io
from datetime import UTC, datetime

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dafan.db import reading, writing
from dafan.errors import BadInputError
from dafan.records import DinerStatus, Source
from kitchen import dishes
from server import cards, drafts, groups, importing, importing_dishes, people
from server.actor import Actor
from server.books import accounts

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
HEAD = "工号,姓名,部门,人员类别,卡号,初始补贴,初始余额,状态\n"
GOOD = HEAD + "1001,甲子,办公室,干部职工,A001,300,50.5,在职\n1002,乙丑,,人才,,,,冻结\n"


@pytest.fixture
def actor(site):
    return Actor(site.id, "丙寅", NOW)


@pytest.fixture(autouse=True)
def _groups(engine, actor):
    with writing(engine) as session:
        groups.create(session, actor, groups.GroupValues(name="人才"))


def look(engine, actor, text):
    data = text.encode() if isinstance(text, str) else text
    with reading(engine) as session:
        return importing.preview(session, actor.site_id, data)


def take_over(engine, actor, text):
    with writing(engine) as session:
        return importing.apply(session, actor, text.encode())


def wallets_of(engine, actor, staff_no):
    with reading(engine) as session:
        diner = people.find_diner(session, actor.site_id, staff_no)
        return accounts.balances(session, diner.id)


def test_a_preview_counts_and_changes_nothing(engine, actor):
    plan = look(engine, actor, GOOD)
    assert (plan.new, plan.changed, plan.unchanged, plan.errors) == (2, 0, 0, ())
    with reading(engine) as session:
        assert people.count_diners(session, actor.site_id) == 0


def test_an_import_brings_people_cards_status_and_opening_balances(engine, actor):
    take_over(engine, actor, GOOD)
    with reading(engine) as session:
        first = people.find_diner(session, actor.site_id, "1001")
        assert (first.name, first.department) == ("甲子", "办公室")
        assert [card.number for card in cards.cards_of(session, first.id)] == ["A001"]
        assert people.find_diner(session, actor.site_id, "1002").status == DinerStatus.FROZEN
        assert people.diner_record(session, first).cash == 5050
    assert wallets_of(engine, actor, "1001") == {Source.SUBSIDY: 30000, Source.CASH: 5050}


def test_importing_twice_doubles_neither_people_nor_money(engine, actor):
    take_over(engine, actor, GOOD)
    again = look(engine, actor, GOOD)
    assert (again.new, again.changed, again.unchanged) == (0, 0, 2)
    take_over(engine, actor, GOOD)
    take_over(engine, actor, GOOD.replace("50.5", "70"))
    assert wallets_of(engine, actor, "1001")[Source.CASH] == 5050


def test_an_excel_table_is_taken_over_like_a_csv(engine, actor):
    book = openpyxl.Workbook()
    book.active.append(HEAD.strip().split(","))
    book.active.append([1001, "甲子", "办公室", "干部职工", "A001", 300, 50.5, "在职"])
    file = io.BytesIO()
    book.save(file)
    plan = look(engine, actor, file.getvalue())
    assert plan.errors == ()
    assert plan.rows[0].opening == {Source.SUBSIDY: 30000, Source.CASH: 5050}


def test_blank_cells_and_missing_columns_leave_what_is_known(engine, actor):
    take_over(engine, actor, GOOD)
    plan = take_over(engine, actor, "工号,姓名,部门\n1001,丁卯,\n1002,乙丑,财务\n")
    assert [row.changes for row in plan.rows] == [("name",), ("department",)]
    with reading(engine) as session:
        first = people.find_diner(session, actor.site_id, "1001")
        assert (first.name, first.department) == ("丁卯", "办公室")
        assert people.find_diner(session, actor.site_id, "1002").status == DinerStatus.FROZEN


def test_who_is_listed_as_left_leaves(engine, actor):
    take_over(engine, actor, GOOD)
    take_over(engine, actor, "工号,姓名,状态\n1001,甲子,离职\n")
    with reading(engine) as session:
        gone = people.find_diner(session, actor.site_id, "1001")
        assert gone.status == DinerStatus.LEFT
        assert cards.cards_of(session, gone.id) == []


@pytest.mark.parametrize(
    ("line", "column", "code"),
    [
        (",甲子,,干部职工,,,,", "工号", "blank"),
        ("1 2,甲子,,干部职工,,,,", "工号", "bad_number"),
        (f"{'1' * 41},甲子,,干部职工,,,,", "工号", "too_long"),
        ("1001,,,干部职工,,,,", "姓名", "blank"),
        (f"1001,{'甲' * 81},,干部职工,,,,", "姓名", "too_long"),
        (f"1001,甲子,{'部' * 81},干部职工,,,,", "部门", "too_long"),
        ("1001,甲子,,厨师,,,,", "人员类别", "unknown_group"),
        ("1001,甲子,,,,,,", "人员类别", "unknown_group"),
        ("1001,甲子,,干部职工,1.23E+09,,,", "卡号", "shortened"),
        ("1001,甲子,,干部职工,12,,,", "卡号", "bad_card"),
        ("1001,甲子,,干部职工,,很多,,", "初始补贴", "bad_amount"),
        ("1001,甲子,,干部职工,,,-5,", "初始余额", "bad_amount"),
        ("1001,甲子,,干部职工,,,12.345,", "初始余额", "bad_amount"),
        ("1001,甲子,,干部职工,,,99999999,", "初始余额", "bad_amount"),
        ("1001,甲子,,干部职工,,,,休假", "状态", "bad_status"),
    ],
)
def test_a_fault_names_its_row_column_and_what_to_do(engine, actor, line, column, code):
    plan = look(engine, actor, HEAD + "1009,戊辰,,人才,,,,\n" + line + "\n")
    (error,) = plan.errors
    assert (error.row, error.column, error.code) == (3, column, code)
    assert error.advice
    assert len(plan.rows) == 1, "the good row stays good"


def test_numbers_and_cards_that_stand_twice_are_faults_of_the_second_row(engine, actor):
    plan = look(engine, actor, HEAD + "1,甲子,,人才,A001,,,\n1,乙丑,,人才,a001,,,\n")
    assert [(error.row, error.column, error.code) for error in plan.errors] == [
        (3, "工号", "repeated"),
        (3, "卡号", "repeated"),
    ]


def test_a_card_of_somebody_else_is_a_fault(engine, actor):
    take_over(engine, actor, GOOD)
    plan = look(engine, actor, HEAD + "1002,乙丑,,人才,A001,,,\n")
    assert [error.code for error in plan.errors] == ["card_taken"]


def test_a_table_without_the_columns_that_name_people_says_so(engine, actor):
    plan = look(engine, actor, "部门,姓名\n办公室,甲子\n")
    assert [(error.row, error.code) for error in plan.errors] == [(1, "column_missing")]
    assert "工号" in plan.errors[0].advice


def test_one_fault_keeps_the_whole_table_out(engine, actor):
    with pytest.raises(BadInputError, match="row 3"):
        take_over(engine, actor, HEAD + "1001,甲子,,人才,,,,\n1002,,,人才,,,,\n")
    with reading(engine) as session:
        assert people.count_diners(session, actor.site_id) == 0


def test_an_import_of_another_site_touches_nobody_here(engine, actor):
    take_over(engine, actor, GOOD)
    with writing(engine) as session:
        from server import sites

        other = Actor(sites.ensure_site(session, "另一单位").id, "丙寅", NOW)
        groups.create(session, other, groups.GroupValues(name="人才"))
    with writing(engine) as session:
        plan = importing.apply(session, other, "工号,姓名,人员类别\n1001,己巳,人才\n".encode())
    assert plan.new == 1
    with reading(engine) as session:
        assert people.find_diner(session, actor.site_id, "1001").name == "甲子"


CELLS = st.one_of(
    st.text(max_size=12), st.sampled_from(["1001", "甲子", "人才", "A001", "12.5", "离职", "\0"])
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.lists(CELLS, min_size=8, max_size=8), max_size=6), st.sampled_from([",", "\t"]))
def test_whatever_the_cells_say_there_is_a_plan_or_faults(engine, actor, rows, comma):
    lines = [HEAD.strip().replace(",", comma), *(comma.join(row) for row in rows)]
    try:
        plan = look(engine, actor, "\n".join(lines))
    except BadInputError:
        return
    assert all(error.advice and error.row >= 1 for error in plan.errors)


# --- dishes -------------------------------------------------------------------------------------

MENU_HEAD = "菜名,分类,单位,单价,半份价,小碗价,在售,排序\n"
MENU = MENU_HEAD + "自选称重,热菜,公斤,28,,,,1\n米饭,主食,份,1,0.5,,是,2\n"


def test_a_table_of_dishes_is_taken_over_once_and_only_prices_that_change_are_remembered(
    engine, actor
):
    with writing(engine) as session:
        assert importing_dishes.apply(session, actor, MENU.encode()).new == 2
    with writing(engine) as session:
        plan = importing_dishes.apply(session, actor, MENU.replace(",1,0.5", ",2,1").encode())
        assert (plan.new, plan.changed, plan.unchanged) == (0, 1, 1)
    with reading(engine) as session:
        rice = dishes.find_by_name(session, actor.site_id, "米饭")
        weighed = dishes.find_by_name(session, actor.site_id, "自选称重")
        history = dishes.price_history(session, actor.site_id, rice.id)
        assert [row.price for row in history] == [200, 100]
        assert (weighed.unit, weighed.price) == ("kg", 2800)


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (",热菜,份,1,,,,", "菜名"),
        ("汤,热菜,,1,,,,", "单位"),
        ("汤,热菜,桶,1,,,,", "单位"),
        ("汤,热菜,份,一元,,,,", "单价"),
        ("汤,热菜,份,1,2,,,", "半份价"),
        ("汤,热菜,份,1,,,也许,", "在售"),
        ("汤,热菜,份,1,,,,第一", "排序"),
        ("米饭,热菜,份,1,,,,", "菜名"),
    ],
)
def test_a_fault_in_a_table_of_dishes_names_its_row_and_column(engine, actor, line, column):
    with reading(engine) as session:
        plan = importing_dishes.preview(session, actor.site_id, (MENU + line + "\n").encode())
    assert [(error.row, error.column) for error in plan.errors] == [(4, column)]


# --- drafts -------------------------------------------------------------------------------------


def test_an_upload_waits_for_its_own_person_and_is_then_forgotten(engine, actor):
    with writing(engine) as session:
        draft_id = drafts.keep(session, actor, "people", "人员.csv", GOOD.encode())
    with reading(engine) as session:
        assert drafts.take(session, actor, "people", draft_id).data == GOOD.encode()
        other = Actor(actor.site_id, "庚午", NOW)
        for who, kind in ((other, "people"), (actor, "dishes")):
            with pytest.raises(BadInputError, match="upload the file again"):
                drafts.take(session, who, kind, draft_id)
    late = Actor(actor.site_id, "丙寅", NOW + drafts.KEPT * 2)
    with writing(engine) as session:
        drafts.keep(session, late, "people", "人员.csv", b"")
        with pytest.raises(BadInputError, match="upload the file again"):
            drafts.take(session, late, "people", draft_id)
