"""Whatever a scoop station or a gate may show has words, in both languages."""

from dataclasses import replace
from typing import get_args

from dafan.line import ALARMS, PanChange
from dafan.money import Fen
from dafan.units import Grams
from pos.kiosk import gate_texts, scoop_texts
from pos.kiosk.scoop_page import wire
from pos.scoop_state import Shut
from pos.scoop_view import ScoopView, Screen

BASE = ScoopView("ready", dish="番茄炒蛋", price=Fen(280), energy=116, allergens=("egg",))


def test_every_state_of_a_station_has_its_own_words_and_no_text_lacks_a_language():
    closed = [*get_args(Shut), "scale", "disk"]
    shown = [wire(replace(BASE, screen="shut", code=code))["title"] for code in closed if code]
    assert len({title.zh for title in shown}) == len(shown)
    told = ALARMS - {PanChange.OUTAGE}  # nobody stands there to read it
    alarms = {wire(replace(BASE, screen="alarm", code=kind.value))["title"].zh for kind in told}
    assert len(alarms) == len(told)
    for screen in set(get_args(Screen)) - {"shut", "alarm"}:
        assert wire(replace(BASE, screen=screen))["title"] != shown[closed.index("setup") - 1]
    for table in (scoop_texts.TEXTS, gate_texts.TEXTS):
        for matter, advice in table.values():
            assert matter.zh
            assert matter.en
            assert bool(advice.zh) == bool(advice.en)


def test_the_display_says_what_is_taken_put_back_charged_and_to_be_avoided():
    tray = replace(BASE, screen="tray", name="张*", grams=Grams(152), fen=Fen(426),
                   tray_grams=Grams(152), tray_fen=Fen(426), spent=Fen(1260))  # fmt: skip
    said = wire(tray)
    assert (said["price"], said["per"].zh, said["fen"]) == ("2.80", "100 克", "4.26")
    assert [one.zh for one in said["sums"]] == ["这道菜共 152 克 ¥4.26", "全盘 ¥12.60"]
    back = wire(replace(tray, grams=Grams(-52), fen=Fen(-146)))
    assert (back["figure"].zh, back["fen"]) == ("放回", "-1.46")
    assert wire(replace(tray, warned=("egg",)))["band"]["title"].zh == "您要避开：蛋"
    assert wire(replace(tray, unbound=True))["band"]["title"].zh == "这个餐盘没有登记"
    for gone, title in (("lost", "这个餐盘已挂失"), ("retired", "这个餐盘已停用")):
        assert wire(replace(tray, gone=gone, unbound=True))["band"]["title"].zh == title
    assert wire(replace(tray, over_cap=True))["band"]["title"].zh == "已到本餐上限"
    told = replace(BASE, screen="told", grams=Grams(152), fen=Fen(426))
    for grams, fen, title in ((152, 426, "已计费"), (-52, -146, "已退回"), (3, 0, "这一点不收费")):
        assert wire(replace(told, grams=Grams(grams), fen=Fen(fen)))["title"].zh == title
    away = wire(replace(BASE, offline=True, waiting=3))
    assert away["line"].zh == "离线，照常计费，3 条待上传"
