import re
from datetime import timedelta

from sqlalchemy import func, select

from dafan import db
from dafan.ids import new_id
from dafan.money import Fen
from dafan.records import FaceEvidence, SaleLine, Source, Tender, Unit
from dafan.units import Grams
from server.books.accounts import Account
from server.reports import sales as report


def yuan(fen):
    return f"¥{fen // 100:,}.{fen % 100:02d}"


def test_the_live_part_shows_a_sale_as_soon_as_the_till_has_pushed_it(
    browser, terminal, make_diner, make_sale
):
    person = browser("manager")
    assert "今天还没有销售" in person.see("/manage/live")
    sale = make_sale(make_diner(), total=1234)
    terminal.sell(sale)
    terminal.push()
    fresh = person.see("/manage/live")
    assert f'data-id="{sale.id}"' in fresh
    assert "¥12.34" in fresh
    assert "今天还没有销售" not in fresh


def test_totals_on_the_pages_equal_the_books(
    browser, engine, terminal, make_diner, make_sale, clock
):
    person = browser("finance")
    one, other = make_diner(cash=5000, subsidy=1000), make_diner(cash=5000)
    paid = ((Source.SUBSIDY, 600), (Source.CASH, 650))
    terminal.sell(make_sale(one, total=1250, payments=paid, subsidised=True))
    terminal.sell(make_sale(other, total=990))
    terminal.sell(make_sale(total=700))
    clock.advance(60)
    terminal.sell(make_sale(other, total=100))
    terminal.push()
    with db.reading(engine) as session:
        revenue = session.scalar(select(func.sum(Account.balance)).where(Account.kind == "revenue"))
    assert revenue == 3040
    listed, overview = person.see("/manage/sales"), person.see("/manage/")
    sums = re.search(r'<div class="sums">(.*?)</div>', listed, re.DOTALL).group(1)
    assert [yuan(revenue), "¥6.00", "¥17.40", "¥7.00", "¥0.00"] == re.findall(
        r"<b>(¥[\d.,]+)</b>", sums
    )
    assert yuan(revenue) in overview
    rows = re.findall(r'<td class="money">(¥[\d.,]+)</td>', listed.split("<tbody>")[1])
    assert sum(int(row[1:].replace(".", "")) for row in rows) == revenue


def test_a_diner_who_pays_twice_at_a_meal_is_one_cover(
    engine, site, terminal, make_diner, make_sale, clock
):
    diner = make_diner()
    for _ in range(2):
        terminal.sell(make_sale(diner))
    terminal.sell(make_sale())
    terminal.push()
    today = clock.now().date()
    with db.reading(engine) as session:
        found = report.day_figures(session, site.id, today, today)[today]
    assert (found.sales, found.covers) == (3, 2)
    assert found.pay_seconds is not None
    assert abs(found.pay_seconds - 9) < 0.01


def test_the_comparison_counts_last_week_only_up_to_this_time_of_day(
    engine, site, terminal, make_sale, clock
):
    now = clock.now()
    week_ago = now - timedelta(days=7)
    for minutes in (-30, 30):
        at = week_ago + timedelta(minutes=minutes)
        terminal.sell(make_sale(business_date=at.date(), opened_at=at, paid_at=at))
    terminal.push()
    day = week_ago.date()
    with db.reading(engine) as session:
        part = report.day_figures(session, site.id, day, day, week_ago)[day]
        whole = report.day_figures(session, site.id, day, day)[day]
    assert (part.sales, whole.sales) == (1, 2)


def test_paging_shows_every_sale_once_however_equal_their_times(
    engine, site, terminal, make_sale, clock
):
    for _ in range(7):
        terminal.sell(make_sale())
    terminal.push()
    today = clock.now().date()
    chosen = report.Filter(today, today)
    seen, after = [], ""
    with db.reading(engine) as session:
        while rows := report.page(session, site.id, chosen, after=after, limit=3):
            seen += [row.sale.id for row in rows]
            after = rows[-1].cursor
    assert len(seen) == len(set(seen)) == 7


def test_a_sale_shows_its_lines_evidence_entry_postings_and_receipt(
    browser, terminal, make_diner, make_sale
):
    person = browser("manager")
    line = SaleLine(
        dish_id=new_id(), name="自选称重", unit=Unit.KG, grams=Grams(412),
        unit_price=Fen(2800), amount=Fen(1154),
    )  # fmt: skip
    face = FaceEvidence(pack="mobilefacenet", similarity=734, margin=304, liveness=None, frames=3)
    sale = make_sale(make_diner(), total=1154, lines=(line,), tender=Tender.FACE, face=face)
    entry = terminal.sell(sale)
    terminal.push()
    page = person.see(f"/manage/sales/{sale.id}")
    for part in ("412 g", "¥28.00", "0.734", "没有活体模型", entry.hash, "销售收入", "甲子"):
        assert part in page
    assert re.search(r"合计 +¥11\.54", page)


def test_a_cashier_and_an_auditor_see_masked_names_only(browser, terminal, make_diner, make_sale):
    diner = make_diner()
    sale = make_sale(diner)
    terminal.sell(sale)
    terminal.push()
    for role in ("cashier", "auditor"):
        person = browser(role)
        pages = ("/manage/", "/manage/sales", f"/manage/sales/{sale.id}", "/manage/people",
                 f"/manage/people/{diner}")  # fmt: skip
        for path in pages:
            page = person.see(path)
            assert "甲*" in page, path
            assert "甲子" not in page, path


def test_nonsense_in_the_filter_is_answered_with_a_page(browser):
    person = browser("auditor")
    for query in (
        "since=yesterday&until=2026-99-01", "after=nonsense", "after=2026-01-01T00:00:00_x",
        "terminal=1&venue=%00&tender=gold", "since=2026-03-09&until=2026-03-01", "diner=%25_'%22",
    ):  # fmt: skip
        assert person.get(f"/manage/sales?{query}").status_code == 200


def test_a_sale_of_nobody_knows_where_is_not_found(browser):
    assert browser("admin").get(f"/manage/sales/{new_id()}").status_code == 404
