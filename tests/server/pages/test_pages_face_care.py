"""刷脸情况: reminders and errors in words."""

import json
from datetime import timedelta

from dafan import db
from kitchen import limits
from server import audit, consents, face_care, face_figures
from server.faces import Photo, Template
from tests.server.test_face_care import GOOD


def test_the_page_tells_reminders_and_errors_in_words(app, engine, actor, make_diner, browser):
    old = make_diner()
    with db.writing(engine) as session:
        consent = consents.give(session, actor, old, consents.ConsentValues())
        session.add(
            Photo(
                site_id=actor.site_id, diner_id=old, consent_id=consent.id, epoch=1, sealed=b"-",
                taken_at=actor.at - timedelta(days=1200),
            )
        )  # fmt: skip
        session.add(Template(site_id=actor.site_id, diner_id=old, pack="p", epoch=1, sealed=b"-"))
    desk = browser("manager")
    first = desk.see("/manage/faces")
    assert "已登记 1 人，其中 1 人建议重拍照片" in first
    assert f"/manage/people/{old}/face" in first
    assert "还没有测量结果" in first
    rules, page = "face_care.FaceCareRules", "/manage/kitchen-limits"
    assert f'href="{page}#{rules}"' in first
    decided = {"months": "48", "fall": "0.06", "recent_days": "30", "payments": "8"}
    assert "已保存" in desk.send(f"{page}/{rules}", **decided).text
    assert "已登记 1 人，照片都合用" in desk.see("/manage/faces")
    assert "0.01 到 0.5" in desk.send(f"{page}/{rules}", **decided | {"fall": "60"}).text
    cook = browser("kitchen_manager")
    assert rules not in cook.see(page), "faces are none of the kitchen's business"
    assert cook.send(f"{page}/{rules}", **decided).status_code == 403
    with db.reading(engine) as session:
        kept = limits.of(session, actor.site_id, face_care.FaceCareRules)
        told = [(one.action, one.after) for one in audit.page(session, actor.site_id)]
    assert kept == face_care.FaceCareRules(months=48)
    assert ("kitchen_limits.decide", {"months": 48}) in told
    file = app.extensions["dafan"].settings.data_dir / face_figures.FILE
    file.write_text(json.dumps(GOOD), encoding="utf-8")
    shown = desk.see("/manage/faces")
    assert "一万次本人刷脸，约有 330 次" in shown
    assert "data-figure" in shown
    file.write_text("{", encoding="utf-8")
    assert "测量结果文件读不懂" in desk.see("/manage/faces")
