"""厨余 and 收运 on the tablet: weighed, summed, handed over, and put right by a second row."""

import io
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import Engine, select

from dafan import db
from dafan.ids import new_id
from kitchen.collectors import Handover
from kitchen.supervision import SupervisionItem
from kitchen.waste import WasteRecord
from tests.server.conftest import TestSite, Till
from tests.server.pages.conftest import Browser
from tests.server.pages.tablet import refused

PAGE = "/kitchen/waste"
FORM = "/kitchen/waste/trim"
COLLECTOR = {
    "name": "清源收运", "streams": "food", "licence": "餐厨-017", "licence_until": "2026-12-31",
    "contract_until": "2026-12-31", "plant": "城南处理厂",
}  # fmt: skip


@pytest.fixture
def cook(browser: Callable[[str], Browser], site: TestSite) -> Browser:
    assert site
    return browser("kitchen_manager")


def records(engine: Engine) -> Sequence[WasteRecord]:
    with db.reading(engine) as session:
        return session.scalars(select(WasteRecord).order_by(WasteRecord.id)).all()


def handovers(engine: Engine) -> Sequence[Handover]:
    with db.reading(engine) as session:
        return session.scalars(select(Handover).order_by(Handover.id)).all()


def weigh(cook: Browser, category: str, **fields: str) -> str:
    return cook.send(f"{PAGE}/{category}", FORM, **{"key": str(new_id()), **fields}).text


def picture() -> tuple[Any, str]:
    drawn = cv2.imencode(".png", np.full((60, 80, 3), 90, np.uint8))[1].tobytes()
    return io.BytesIO(drawn), "a.png"


def test_a_category_and_a_weight_are_enough_and_the_sums_are_of_the_day(
    cook: Browser,
    engine: Engine,
    terminal: Till,
    make_diner: Callable[..., Any],
    make_sale: Callable[..., Any],
) -> None:
    terminal.sell(make_sale(make_diner()))
    terminal.push()
    assert "已登记" in weigh(cook, "plate", grams="0.186")
    assert "已登记" in weigh(cook, "trim", grams="12.5")
    text = cook.see(PAGE)
    assert "今天一共 12.7 kg" in text
    assert "每人 186.0 g" in text
    assert "200%" in text  # of what others throw away
    assert [row.grams for row in records(engine)] == [186, 12_500]


def test_one_slip_sent_twice_is_one_row_and_another_weight_under_its_key_is_refused(
    cook: Browser, engine: Engine
) -> None:
    for _ in range(2):
        assert "已登记" in weigh(cook, "trim", key="k", grams="3")
    assert "与之前的内容不同" in weigh(cook, "trim", key="k", grams="4")
    assert len(records(engine)) == 1


def test_absurd_weights_and_spoilage_without_a_reason_are_refused(
    cook: Browser, engine: Engine
) -> None:
    for grams in ("", "0", "-2", "501", "1e3", "一斤"):
        assert refused(weigh(cook, "trim", grams=grams)), grams
    assert "说明原因" in weigh(cook, "spoilage", grams="2")
    assert records(engine) == []
    assert "已登记" in weigh(cook, "spoilage", grams="2", reason="过期")


def test_a_slip_is_taken_off_once_by_a_second_row(cook: Browser, engine: Engine) -> None:
    weigh(cook, "trim", grams="30")
    (row,) = records(engine)
    path = f"{PAGE}/{row.id}/void"
    for _ in range(2):
        assert "已作废" in cook.send(path, FORM, key="v", reason="重量不对").text
    assert refused(cook.send(path, FORM, key="w", reason="再来一次").text)
    assert [one.grams for one in records(engine)] == [30_000, -30_000]
    assert "今天一共 0.0 kg" in cook.see(PAGE)


def test_a_collector_signs_for_what_he_takes_and_the_act_of_the_day_is_closed(
    cook: Browser, engine: Engine
) -> None:
    cook.see("/kitchen/")
    weigh(cook, "plate", grams="8")
    assert "已登记" in cook.send("/kitchen/collectors/new", FORM, **COLLECTOR).text
    page = cook.see("/kitchen/collectors/hand-over/food")
    collector = page.partition('name="collector" value="')[2].partition('"')[0]
    path = "/kitchen/collectors/hand-over/food"
    given = {"key": "h", "grams": "8", "collector": collector, "receiver": "李师傅"}
    assert refused(cook.send(path, FORM, **given).text)  # nobody signed
    for _ in range(2):
        assert "已登记收运" in cook.send(path, FORM, **given, photo=picture()).text
    (row,) = handovers(engine)
    assert (row.grams, row.plant, row.collector) == (8_000, "城南处理厂", "清源收运")
    assert "城南处理厂" in cook.see("/kitchen/collectors")
    oil = given | {"key": "o"}
    answer = cook.send("/kitchen/collectors/hand-over/oil", FORM, **oil, photo=picture())
    assert refused(answer.text)  # he has no contract for oil
    with db.reading(engine) as session:
        act = session.scalars(select(SupervisionItem).where(SupervisionItem.code == "waste")).one()
    assert act.done_at is None  # its window begins in the evening
    void = f"/kitchen/collectors/handovers/{row.id}/void"
    assert "已作废" in cook.send(void, FORM, key="v", reason="重量不对").text
    assert sum(one.grams for one in handovers(engine)) == 0


def test_an_expired_collector_takes_nothing_until_its_licence_is_renewed(
    cook: Browser, engine: Engine
) -> None:
    old = COLLECTOR | {"licence_until": "2026-03-01"}
    cook.send("/kitchen/collectors/new", FORM, **old)
    page = cook.see("/kitchen/collectors")
    assert "许可证 2026-03-01 到期" in page
    collector = page.partition('href="/kitchen/collectors/01')[2].partition('"')[0]
    given = {"grams": "8", "collector": f"01{collector}", "receiver": "李师傅"}
    path = "/kitchen/collectors/hand-over/food"
    answer = cook.send(path, FORM, key="h", **given, photo=picture()).text
    assert "已过期" in answer
    renewed = COLLECTOR | {"active": "1"}
    assert "已保存" in cook.send(f"/kitchen/collectors/01{collector}", FORM, **renewed).text
    assert "已登记收运" in cook.send(path, FORM, key="h", **given, photo=picture()).text
    assert len(handovers(engine)) == 1


def test_food_may_be_composted_here_and_oil_never(cook: Browser, engine: Engine) -> None:
    given = {"grams": "5", "collector": "compost"}
    path = "/kitchen/collectors/hand-over/{}"
    assert "已登记收运" in cook.send(path.format("food"), FORM, key="c", **given).text
    assert refused(cook.send(path.format("oil"), FORM, key="d", **given).text)
    assert refused(cook.send(path.format("food"), FORM, key="e", grams="5").text)
    assert [row.destination for row in handovers(engine)] == ["compost"]
