"""A refund in a real Chromium: asked at the sale, approved after a question; pages fit a phone."""

import pytest

from dafan import db
from dafan.ids import new_id
from dafan.records import FaceEvidence, Source, Tender
from server import disputes, refunds
from server.books import accounts

pytestmark = [pytest.mark.browser, pytest.mark.process]


def test_a_refund_is_asked_at_the_sale_and_approved_after_a_question(
    address, page, sign_in, terminal, make_diner, make_sale, make_user, engine, actor
):
    make_user("admin", "admin")
    diner = make_diner(cash=2000)
    face = FaceEvidence(pack="x", similarity=700, margin=200, liveness=None, frames=3)
    one, other = (make_sale(diner, 500, tender=Tender.FACE, face=face) for _ in range(2))
    for sale in (one, other):
        terminal.sell(sale)
    terminal.push()
    with db.writing(engine) as session:
        refunds.ask(session, actor, other.id, None, "重复付款", key=new_id())
        dispute = disputes.begin(session, actor, other.id, "不是我").id
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    sign_in(page, "admin")
    page.goto(f"{address}/manage/sales/{one.id}")
    page.click("a:has-text('退款') >> nth=-1")
    page.fill("[name=reason]", "菜有问题")
    page.click("button[name=whole]")
    page.wait_for_selector(".pill:has-text('待审批')")
    page.goto(f"{address}/manage/refunds")
    assert page.locator("li:has-text('菜有问题') button").count() == 0  # his own
    page.click("li:has-text('重复付款') button:has-text('批准')")
    page.click("dialog .btn-primary")
    page.wait_for_selector(".note.ok")
    with db.reading(engine) as session:
        assert accounts.balances(session, diner)[Source.CASH] == 1500
    page.context.add_cookies([{"name": "dafan_language", "value": "en", "url": address}])
    wide = []
    paths = [f"sales/{one.id}", f"disputes/{dispute}", "disputes", "refunds", "refunds?done=1"]
    paths += [f"sales/{one.id}/{act}" for act in ("void", "refund", "dispute")]
    for path in paths:
        page.goto(f"{address}/manage/{path}")
        for width in (375, 1024):
            page.set_viewport_size({"width": width, "height": 800})
            root = "document.documentElement"
            if page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"):
                wide.append((path, width))
    assert wide == []
    assert faults == []
