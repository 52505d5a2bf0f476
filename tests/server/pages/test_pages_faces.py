"""Faces through the page, in a real Chromium, with real weights and real photographs."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
import pytest
from sqlalchemy import func, select

from dafan import db
from server import consents, faces, people
from vision import samples

pytestmark = [
    pytest.mark.browser,
    pytest.mark.models,
    pytest.mark.usefixtures("models_dir"),
]


@pytest.fixture(scope="module")
def people_of_picture():
    return samples.sample_faces()


@pytest.fixture
def photo(people_of_picture, tmp_path) -> Callable[..., Path]:
    """A photograph of a person of the sample picture; another seed is another moment."""

    def take(number: int, seed: int = 0, **changes: float) -> Path:
        how = samples.Variation(**changes)
        image = samples.vary(people_of_picture[number], np.random.default_rng(seed), how)
        return written(image, tmp_path / f"{number}-{seed}-{len(changes)}.jpg")

    return take


def written(image, path: Path) -> Path:
    assert cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 95])
    return path


@pytest.fixture
def desk(page, sign_in, make_user):
    """A manager at the desk."""
    make_user("manager", "manager")
    sign_in(page, "manager")
    return page


def agree(page, address: str, diner: UUID) -> None:
    page.goto(f"{address}/manage/people/{diner}/face")
    assert "人脸信息单独同意书" in page.inner_text("#page")
    assert "不用于考勤" in page.inner_text(".consent")
    assert page.locator("[name=photo]").count() == 0
    page.check("#agreed")
    page.click("button:has-text('记录同意')")
    page.wait_for_selector("[name=photo]")


def send(page, path: Path) -> None:
    page.set_input_files("[name=photo]", path)
    page.click("button:has-text('检查并登记')")


def said(page, text: str) -> None:
    page.wait_for_selector(f".note:has-text('{text}')")


def kept(engine, table) -> int:
    with db.reading(engine) as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_face_is_enrolled_after_consent_and_erased_on_withdrawal(
    address, desk, make_diner, photo, terminal, engine
):
    diner = make_diner()
    agree(desk, address, diner)
    send(desk, photo(0))
    said(desk, "人脸已登记")
    assert desk.url == f"{address}/manage/people/{diner}"
    shown = desk.inner_text("#page")
    assert "已登记" in shown
    assert "mobilefacenet" in shown
    template = next(item for item in terminal.feed()["items"] if item["kind"] == "template")
    assert template["body"]["diner_id"] == str(diner)
    desk.goto(f"{address}/manage/people/{diner}/face")
    with desk.expect_popup() as opened:
        desk.click("button:has-text('查看登记照片')")
    opened.value.wait_for_selector("img")
    opened.value.close()
    desk.click("button:has-text('撤回并删除')")
    desk.click("dialog .btn-primary")
    said(desk, "已撤回并删除")
    assert "没有登记" in desk.inner_text("#page")
    assert (kept(engine, faces.Photo), kept(engine, faces.Template)) == (0, 0)
    with db.reading(engine) as session:
        assert consents.standing(session, diner) is None
        assert [one.erased_at for one in faces.erasures(session, diner)] == [None]
    gone = [item for item in terminal.feed()["items"] if item["key"] == template["key"]]
    assert [item["body"] for item in gone] == [None]


def test_the_same_face_for_another_person_is_asked_about_and_then_marked_on_both(
    address, desk, make_diner, photo, engine
):
    first, second = make_diner(), make_diner()
    agree(desk, address, first)
    send(desk, photo(2))
    said(desk, "人脸已登记")
    agree(desk, address, second)
    send(desk, photo(2, seed=7, face_width=150, gain=0.9))
    said(desk, "这张脸与下面的人很接近")
    assert "1001" in desk.inner_text("#page")
    assert kept(engine, faces.Template) == 1
    desk.wait_for_selector("[data-preview]:not([hidden])")
    desk.check("[name=confirm]")
    desk.click("button:has-text('检查并登记')")
    said(desk, "人脸已登记")
    for diner in (first, second):
        desk.goto(f"{address}/manage/people/{diner}")
        assert "1 位，刷脸后还要输密码或刷卡" in desk.inner_text("#page")
    with db.reading(engine) as session:
        assert people.lookalikes(session, first) == [second]
        assert people.lookalikes(session, second) == [first]


def test_what_is_no_photograph_of_one_person_is_refused_in_the_persons_words(
    address, desk, make_diner, photo, engine, tmp_path
):
    from insightface.data import get_image

    empty = written(samples.empty_frame(), tmp_path / "empty.jpg")
    group = written(get_image("t1", use_cache=False), tmp_path / "group.jpg")
    text, huge = tmp_path / "text.jpg", tmp_path / "huge.jpg"
    text.write_text("这不是照片")
    huge.write_bytes(group.read_bytes() + bytes(40 * 2**20))
    agree(desk, address, make_diner())
    for path, words in (
        (group, "照片里有两个人"), (empty, "没有看到人脸"), (text, "这不是可用的照片"),
        (photo(0, gain=0.2), "太暗"), (photo(4), "脸没有朝前"),
    ):  # fmt: skip
        send(desk, path)
        said(desk, words)
    send(desk, huge)
    desk.wait_for_selector("[data-fault]:has-text('照片不能超过 15 MB')")
    assert (kept(engine, faces.Photo), kept(engine, faces.Template)) == (0, 0)


def test_a_40_mb_file_is_refused_calmly_where_no_script_runs(
    address, chromium, sign_in, make_user, make_diner, tmp_path
):
    make_user("manager", "manager")
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(bytes(40 * 2**20))
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "manager")
    agree(page, address, make_diner())
    send(page, huge)
    page.wait_for_selector("h1:has-text('文件太大')")
    context.close()
