"""巡查, 外包考核 and 日报 on their pages: who may do what, and what a person sees."""

import io
import re
from datetime import timedelta

from openpyxl import load_workbook
from sqlalchemy import select

from dafan import db
from kitchen import inspections, rectification
from kitchen.inspections import USUAL, Inspection
from kitchen.rectification import Finding
from tests.server.pages.hands import shot

LIST = "/manage/inspections"


def test_an_inspector_walks_the_list_and_a_manager_verifies_what_was_put_right(
    browser, engine, site, actor, clock
):
    few = [point for point in USUAL if point.code in {"bins", "dress", "samples"}]
    with db.writing(engine) as session:
        inspections.set_points(session, actor, few)
    inspector, boss = browser("inspector"), browser("manager")
    assert browser("auditor").send(LIST, LIST, venue=site.venue_id).status_code == 403
    begun = inspector.send(LIST, LIST, venue=site.venue_id, key="k").text
    assert "还有 3 项没有看" in begun
    with db.reading(engine) as session:
        path = f"{LIST}/{session.scalars(select(Inspection.id)).one()}"
    bad = {"verdict": "bad", "note": "盖子坏了", "due": clock.now().date() + timedelta(days=2)}
    assert "拍一张照片" in inspector.send(f"{path}/points/bins", path, **bad).text
    told = inspector.send(f"{path}/points/bins", path, photo=shot(), **bad).text
    assert "盖子坏了" in told
    assert "待派人" in told
    assert "由他来记" in boss.send(f"{path}/points/dress", path, verdict="good").text
    assert "还有没看的项目" in inspector.send(f"{path}/end", path).text
    for point in few:
        if point.code != "bins":
            inspector.send(f"{path}/points/{point.code}", path, verdict="good")
    assert "得分 76.5" in inspector.send(f"{path}/end", path, note="较好").text
    with db.writing(engine) as session:
        finding = session.scalars(select(Finding)).one()
        finding.state = "assigned"
        rectification.put_right(session, actor, finding.id, "p")
    judge = f"{path}/findings/{finding.id}"
    assert "整改待复核" in boss.see("/manage/approvals")
    assert "复核通过" in boss.see(path)
    boss.send(f"{judge}/rejected", path, key="r", note="还漏")
    assert "没改好" in boss.see(path)
    with db.writing(engine) as session:
        rectification.put_right(session, actor, finding.id, "q")
    assert "已复核" in boss.send(f"{judge}/verified", path, key="v").text
    assert "76.5" in boss.see(LIST)


def test_the_list_is_the_sites_own_and_its_points_are_checked(browser):
    boss, path = browser("manager"), f"{LIST}/points"
    assert USUAL[0].text in boss.see(path)
    one = {"code": ["x", ""], "area": ["环境", ""], "text": ["门口干净", "灯亮"]}
    assert "1 到 20" in boss.send(path, path, **one, weight=["21", "5"]).text
    kept = boss.send(path, path, **one, weight=["3", "5"]).text
    assert "共 8 分" in kept
    assert USUAL[0].text not in kept
    assert browser("inspector").get(path).status_code == 403


def test_a_scorecard_shows_its_rows_and_is_an_excel_file(browser):
    boss, path = browser("manager"), "/manage/scorecards"
    page = boss.see(f"{path}?month=2026-03")
    assert "不到一半权重" in page
    assert "盘中剩余" in page
    answer = boss.get(f"{path}.xlsx?month=2026-03")
    book = load_workbook(io.BytesIO(answer.data))
    assert [cell.value for cell in book.worksheets[0]["A"]].count("违规") == 1
    weights = {
        "supervision": "30", "findings": "15", "incidents": "15", "satisfaction": "15",
        "complaints": "10", "waste": "10", "inspection": "15", "incident_points": "5",
        "plate_grams": "40",
    }  # fmt: skip
    assert "等于 100" in boss.send(f"{path}/rules", path, **weights).text
    weights["supervision"] = "20"
    assert "签过的月份不变" in boss.send(f"{path}/rules", path, **weights).text
    assert "过完再签" in boss.send(f"{path}/sign?month=2026-03", path).text
    assert "没有可签的得分" in boss.send(f"{path}/sign?month=2026-02", path).text
    assert browser("inspector").send(f"{path}/sign", path).status_code == 403


def test_the_daily_report_is_set_up_read_and_sent_to_oneself(browser, terminal, make_sale):
    terminal.sell(make_sale(total=880))
    terminal.push()
    boss, path = browser("manager"), "/manage/daily"
    assert "还没有设定" in boss.see(path)
    wrong = boss.send(path, path, at="20:30", others="nobody", address="")
    assert "没有的账号或工号" in wrong.text
    saved = boss.send(path, path, at="20:30", to=["manager"], address="https://x.example.cn")
    assert "每天 20:30 发给 1 人" in saved.text
    assert re.search(r'value="manager" checked', saved.text)
    assert "没有送出" in boss.send(f"{path}/send", path).text
    assert browser("cashier").send(path, path, at="").status_code == 403
    assert browser("inspector").get(path).status_code == 403
