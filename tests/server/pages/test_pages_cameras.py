"""Cameras are set up, zones are drawn, and what no model knows is taught and judged on the spot."""

import io
import json
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from dafan.clock import ManualClock
from dafan.ids import new_id
from kitchen import cameras, teaching
from kitchen.cameras import Camera, CameraValues
from kitchen.teaching import TaughtRule, TeachingExample
from server import incidents as desk
from server.actor import Actor
from tests.server.conftest import TestSite, parts_of
from tests.server.pages.conftest import Browser

sys.path.insert(0, str(Path(__file__).parents[2] / "vision"))
import bins

PAGE = "/manage/cameras"


def jpeg(image: Any) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@pytest.fixture
def boss(browser: Callable[[str], Browser], site: TestSite) -> Browser:
    assert site
    return browser("kitchen_manager")


@pytest.fixture
def camera(engine: Engine, actor: Actor) -> UUID:
    with db.writing(engine) as session:
        made = cameras.save(session, actor, CameraValues(name="热厨", rules=list(cameras.RULES))).id
        still = np.random.default_rng(1).integers(0, 255, (200, 320, 3), np.uint8)
        cameras.show(session, actor, "热厨", jpeg(still))
        return made


def test_a_camera_is_added_changed_and_taken_out_of_use(boss: Browser, engine: Engine) -> None:
    boss.send(PAGE, PAGE, name="热厨", place="灶台", rules=["no_mask", "phone"])
    with db.reading(engine) as session:
        row = session.scalars(select(Camera)).one()
    assert (row.rules, row.on_board, row.active) == (["no_mask", "phone"], False, True)
    one = f"{PAGE}/{row.id}"
    assert "还没有画面" in boss.see(one)
    boss.send(one, one, name="热厨", place="炉台", rules=["phone"], on_board="1")
    with db.reading(engine) as session:
        row = session.scalars(select(Camera)).one()
    assert (row.place, row.rules, row.on_board, row.active) == ("炉台", ["phone"], True, False)
    assert "请填摄像头的名称" in boss.send(PAGE, PAGE, name=" ").text
    assert boss.get(f"{PAGE}/{new_id()}").status_code == 404


def test_zones_are_kept_and_what_is_no_zone_is_refused(
    boss: Browser, engine: Engine, camera: UUID
) -> None:
    one = f"{PAGE}/{camera}"
    zone = {"polygon": [[0, 0], [0.5, 0], [0.5, 1]], "rules": ["phone"]}
    boss.send(f"{one}/zones", one, zones=json.dumps([zone]))
    for wrong in ("", "[{}]", json.dumps([{**zone, "polygon": [[0, 0], [9, 9], [1, 1]]}]), "null"):
        assert "请重新画" in boss.send(f"{one}/zones", one, zones=wrong).text
    with db.reading(engine) as session:
        assert session.get_one(Camera, camera).zones == [zone]
    assert boss.get(f"{one}/still").mimetype == "image/jpeg"


def test_the_marked_region_of_the_still_becomes_an_example_once_and_can_go(
    boss: Browser, engine: Engine, camera: UUID
) -> None:
    one = f"{PAGE}/{camera}/teach/bin_open"
    assert "请先在画面上框出位置" in boss.send(f"{one}/examples/right", one, key="a").text
    assert "请先在画面上框出位置" in boss.send(f"{one}/mark", one, region="a,b").text
    boss.send(f"{one}/mark", one, region="0.25,0.25,0.5,0.5")
    for _ in range(2):
        boss.send(f"{one}/examples/wrong", one, key="a")
    with db.reading(engine) as session:
        row = session.scalars(select(TeachingExample)).one()
    assert (row.wrong, row.rule) == (True, "bin_open")
    shown = boss.get(f"{one}/examples/{row.id}")
    image = cv2.imdecode(np.frombuffer(shown.data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (100, 160, 3)
    assert boss.get(f"{PAGE}/{camera}/teach/no_hat/examples/{row.id}").status_code == 404
    boss.send(f"{one}/examples/{row.id}/remove", one)
    assert "还没有例子" in boss.see(one)


def test_crops_are_uploaded_and_what_is_no_picture_is_refused_whole(
    boss: Browser, engine: Engine, camera: UUID
) -> None:
    one = f"{PAGE}/{camera}/teach/no_hat"
    crop = jpeg(np.random.default_rng(2).integers(0, 255, (60, 60, 3), np.uint8))
    good, bad = (io.BytesIO(crop), "a.jpg"), (io.BytesIO(b"GIF89a"), "b.jpg")
    boss.send(f"{one}/examples/right", one, key="a", photos=[good, bad])
    with db.reading(engine) as session:
        assert session.scalars(select(TeachingExample)).all() == []
    boss.send(f"{one}/examples/right", one, key="b", photos=[(io.BytesIO(crop), "a.jpg")])
    with db.reading(engine) as session:
        assert len(session.scalars(select(TeachingExample)).all()) == 1
    assert "例子太少" in boss.send(f"{one}/train", one).text


@pytest.mark.models
def test_a_bin_is_taught_on_the_spot_and_refused_below_the_wanted_precision(
    boss: Browser, engine: Engine, camera: UUID, actor: Actor, clock: ManualClock,
    app: APIFlask, models_dir: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("DAFAN_MODELS", str(models_dir))
    ring, one = parts_of(app).ring, f"{PAGE}/{camera}/teach/bin_open"
    with db.writing(engine) as session:
        row = session.get_one(Camera, camera)
        teaching.mark(session, actor, camera, "bin_open", [0.25, 0.25, 0.5, 0.5])
        for number, example in enumerate(bins.bin_examples(20)):
            at = clock.now() - timedelta(minutes=5 * number + 5)
            desk.add_example(
                session, ring, actor, row, "bin_open", wrong=example.wrong,
                picture=jpeg(example.crop), at=at, key=str(number), whole=True,
            )  # fmt: skip
    assert "还不够准" in boss.send(f"{one}/train", one, precision="97").text
    with db.reading(engine) as session:
        task = session.scalars(select(TaughtRule)).one()
    assert (task.live, task.report is not None) == (False, True)
    assert "报警准确率" in boss.see(one)
    assert "已训练并启用" in boss.send(f"{one}/train", one, precision="80").text
    with db.reading(engine) as session:
        assert teaching.live_rules(session, actor.site_id).keys() == {camera}
    boss.send(f"{one}/off", one)
    with db.reading(engine) as session:
        assert teaching.live_rules(session, actor.site_id) == {}


@pytest.mark.browser
@pytest.mark.process
def test_a_zone_is_drawn_with_a_finger_and_a_region_is_dragged(
    address: str, page: Any, sign_in: Callable[[Any, str], None], make_user: Callable[..., Any],
    camera: UUID, engine: Engine,
) -> None:  # fmt: skip
    make_user("boss", "kitchen_manager")
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    sign_in(page, "boss")
    page.goto(f"{address}{PAGE}/{camera}")
    page.click("[data-new]")
    box = page.locator(".canvas svg").bounding_box()

    def tap(x: float, y: float) -> tuple[float, float]:
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    for corner in ((0.1, 0.1), (0.6, 0.1), (0.6, 0.8), (0.1, 0.1)):
        page.mouse.click(*tap(*corner))
    page.uncheck(".zone input[value=smoking]")
    page.click("form:has(.canvas) .btn-primary")
    page.wait_for_selector(".note.ok")
    with db.reading(engine) as session:
        (zone,) = session.get_one(Camera, camera).zones
    assert np.allclose(zone["polygon"], [(0.1, 0.1), (0.6, 0.1), (0.6, 0.8)], atol=0.01)
    assert set(zone["rules"]) == set(cameras.RULES) - {"smoking"}
    page.goto(f"{address}{PAGE}/{camera}/teach/bin_open")
    box = page.locator(".canvas svg").bounding_box()
    page.mouse.move(*tap(0.2, 0.2))
    page.mouse.down()
    page.mouse.move(*tap(0.6, 0.7))
    page.mouse.up()
    page.click("form:has([data-region]) .btn-primary")
    page.wait_for_selector(".note.ok")
    with db.reading(engine) as session:
        task = session.scalars(select(TaughtRule)).one()
    assert task.region is not None
    assert np.allclose(task.region, [0.2, 0.2, 0.4, 0.5], atol=0.02)
    assert faults == []
