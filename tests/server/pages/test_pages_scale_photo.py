"""A scale's certificate is kept as a photograph, at once or later, and inspectors open it."""

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import pypdf
import pytest
from apiflask import APIFlask
from PIL import Image
from sqlalchemy import Engine, func, select
from werkzeug.test import TestResponse

from dafan import db
from dafan.ids import new_id
from kitchen import pictures
from kitchen.pictures import Picture
from server import auth, scale_book, scales, sites
from server.actor import Actor
from server.audit import Audit
from server.scale_book import ScaleValues, Verification, VerificationValues
from tests.server.conftest import NOON, PASSWORD, Till
from tests.server.pages.conftest import Browser

TODAY = date(2026, 3, 2)
PLATE = ScaleValues(model="ACS-15", serial="A1", max_grams=15_000, e_grams=5)
WORDS = {
    "key": "p1", "passed": "1", "certificate": "J1", "verified_on": "2026-03-02",
    "verified_until": "2027-03-01",
}  # fmt: skip


def paper(size: tuple[int, int] = (90, 60), seed: int = 1, **more: Any) -> bytes:
    """A JPEG as a telephone makes it."""
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8)
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "JPEG", **more)
    return target.getvalue()


def pdf() -> bytes:
    target = io.BytesIO()
    writer = pypdf.PdfWriter()
    writer.add_blank_page(595, 842)
    writer.write(target)
    return target.getvalue()


def huge() -> bytes:
    target = io.BytesIO()
    Image.new("1", (60_000, 1_000)).save(target, "PNG")
    return target.getvalue()


@pytest.fixture
def scale(engine: Engine, actor: Actor, terminal: Till) -> UUID:
    """A scale with a verification that nobody has photographed."""
    with db.writing(engine) as session:
        row = scales.create(session, actor, terminal.id, 0, PLATE)
        values = VerificationValues(
            certificate="J0", verified_on=TODAY, verified_until=TODAY + timedelta(days=300)
        )
        scales.verify(session, actor, "first", row.id, values)
        return row.id


@pytest.fixture
def first(engine: Engine, scale: UUID) -> Verification:
    with db.reading(engine) as session:
        return session.scalars(select(Verification).where(Verification.scale_id == scale)).one()


@pytest.fixture
def send(scale: UUID, first: Verification) -> Callable[..., TestResponse]:
    """Send a file for the verification that has none."""

    def do(who: Browser, data: bytes, name: str = "j0.jpg", of: UUID = scale) -> TestResponse:
        path = f"/manage/scales/{of}/verifications/{first.id}/photo"
        return who.send(path, photo=(io.BytesIO(data), name))

    return do


def kept(engine: Engine) -> tuple[int, list[str], int]:
    """How many pictures, which photographs of verifications, how many entries of the audit log."""
    with db.reading(engine) as session:
        count = session.scalar(select(func.count()).select_from(Picture)) or 0
        acts = session.scalar(select(func.count()).select_from(Audit)) or 0
        papers = select(Verification.photo).order_by(Verification.id)
        return count, list(session.scalars(papers)), acts


def test_a_photograph_that_comes_later_is_added_once_and_the_inspector_opens_it(
    browser: Callable[[str], Browser], engine: Engine, scale: UUID, first: Verification,
    send: Callable[..., TestResponse],
) -> None:  # fmt: skip
    boss, inspector = browser("kitchen_manager"), browser("inspector")
    page = f"/manage/scales/{scale}"
    assert "补证书照片" in boss.see(page)
    seen = inspector.see(page)
    assert "没有照片" in seen
    assert "补证书照片" not in seen, "who only looks adds nothing"
    assert "证书照片已保存" in send(boss, paper()).text
    again = kept(engine)
    assert "证书照片已保存" in send(boss, paper()).text, "the same form sent twice"
    assert "不能换" in send(boss, paper(seed=2)).text
    assert kept(engine) == again, "another photograph leaves nothing"
    _count, (photo,), _acts = again
    seen = inspector.see(page)
    assert f'href="/manage/scales/certificates/{photo}.jpg"' in seen
    assert "没有照片" not in seen
    assert inspector.get(f"/manage/scales/certificates/{photo}.jpg").data[:3] == b"\xff\xd8\xff"
    with db.reading(engine) as session:
        act = session.scalars(select(Audit).where(Audit.action == "scale.photo")).one()
        assert (act.subject, act.after["certificate"]) == (str(scale), "J0")
        kept_as = session.get_one(Verification, first.id)
        assert (kept_as.certificate, kept_as.at, kept_as.by) == ("J0", first.at, first.by)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pdf(), "拍成照片"), (b"\n\n" + pdf(), "拍成照片"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "JPEG 或 PNG"),
        (b"<html>" + paper(), "JPEG 或 PNG"), (paper()[:200], "JPEG 或 PNG"),
        (huge(), "JPEG 或 PNG"), (b"", "JPEG 或 PNG"),
    ],
    ids=["pdf", "pdf behind lines", "svg", "html before", "broken off", "60 megapixels", "empty"],
)  # fmt: skip
def test_what_is_no_photograph_is_told_in_words_and_nothing_is_kept_of_it(
    browser: Callable[[str], Browser], engine: Engine, scale: UUID,
    send: Callable[..., TestResponse], data: bytes, said: str,
) -> None:  # fmt: skip
    boss = browser("manager")
    before = kept(engine)
    assert said in send(boss, data).text
    entered = {**WORDS, "photo": (io.BytesIO(data), "j1.jpg")}
    assert said in boss.send(f"/manage/scales/{scale}/verify", **entered).text
    assert kept(engine) == before


def test_the_photograph_bears_nothing_but_pixels_and_runs_nothing(
    browser: Callable[[str], Browser], engine: Engine, send: Callable[..., TestResponse]
) -> None:
    boss = browser("manager")
    exif = Image.Exif()
    exif[0x010F] = "Camera of somebody"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 15.0, 1.0), 3: "E", 4: (120.0, 9.0, 1.0)})
    behind = b"<html><script>alert(1)</script>"
    send(boss, paper(exif=exif, comment=b"<script>") + behind, "../../j0.html")
    (photo,) = kept(engine)[1]
    answer = boss.get(f"/manage/scales/certificates/{photo}.jpg")
    assert answer.content_type == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert Image.open(io.BytesIO(answer.data)).size == (90, 60)
    for trace in (b"script", b"Exif", b"Camera of somebody"):
        assert trace not in answer.data


def test_who_may_not_run_the_kitchen_adds_none_and_who_may_not_see_it_opens_none(
    browser: Callable[[str], Browser], app: APIFlask, engine: Engine, actor: Actor,
    scale: UUID, terminal: Till, send: Callable[..., TestResponse],
) -> None:  # fmt: skip
    boss, inspector = browser("manager"), browser("inspector")
    before = kept(engine)
    assert send(inspector, paper()).status_code == 403
    assert kept(engine) == before
    with db.writing(engine) as session:
        other = scales.create(session, actor, terminal.id, 1, PLATE).id
    assert "没有这次检定" in send(boss, paper(), of=other).text
    assert kept(engine)[:2] == before[:2]
    send(boss, paper())
    (photo,) = kept(engine)[1]
    path = f"/manage/scales/certificates/{photo}.jpg"
    with db.writing(engine) as session:
        away = sites.ensure_site(session, "别的单位")
        auth.create_user(session, away.id, "stranger", PASSWORD, ["manager"])
        there = pictures.keep(session, Actor(away.id, "stranger", NOON), paper(seed=3))
        here = pictures.keep(session, actor, paper(seed=4))
    stranger, cashier = Browser(app.test_client()), browser("cashier")
    stranger.sign_in("stranger")
    assert [one.get(path).status_code for one in (stranger, cashier)] == [404, 403]
    assert app.test_client().get(path).status_code == 302
    for no_certificate in (there, here, new_id()):
        other_picture = f"/manage/scales/certificates/{no_certificate}.jpg"
        assert boss.get(other_picture).status_code == 404
    assert stranger.get(f"/manage/scales/{scale}").status_code == 404
    assert send(stranger, paper(seed=5)).status_code == 404
    assert kept(engine)[0] == 3


def test_a_form_sent_again_with_another_photograph_keeps_the_first_alone(
    browser: Callable[[str], Browser], engine: Engine, scale: UUID
) -> None:
    boss = browser("manager")
    page = f"/manage/scales/{scale}"
    for seed, said in ((1, "检定已登记"), (1, "检定已登记"), (2, "与之前的内容不同")):
        sent = {**WORDS, "photo": (io.BytesIO(paper(seed=seed)), "j1.jpg")}
        assert said in boss.send(f"{page}/verify", **sent).text
    count, photos, _acts = kept(engine)
    assert (count, len(photos), photos[0]) == (1, 2, "")
    with db.reading(engine) as session:
        row = scale_book.get(session, sites.all_sites(session)[0].id, scale)
        assert [one.photo != "" for one in scale_book.verifications(session, row)] == [True, False]


@pytest.mark.browser
@pytest.mark.process
@pytest.mark.parametrize("width", [1440, 390])
def test_the_certificate_is_added_and_opened_on_a_desk_and_on_a_phone(
    page: Any, address: str, sign_in: Callable[[Any, str], None], make_user: Callable[..., Any],
    scale: UUID, tmp_path: Any, width: int,
) -> None:  # fmt: skip
    make_user("boss", "manager")
    sign_in(page, "boss")
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{address}/manage/scales/{scale}")
    page.get_by_text("补证书照片").click()
    file = tmp_path / "j0.jpg"
    file.write_bytes(paper((400, 300)))
    page.set_input_files("details [name=photo]", file)
    page.get_by_role("button", name="保存照片").click()
    link = page.get_by_role("link", name="看证书")
    link.wait_for()
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert page.evaluate(wide) <= 0
    link.click()
    page.wait_for_url("**/certificates/*.jpg")
    assert page.evaluate("document.images[0].naturalWidth") == 400
