from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dafan.config_voice import VoiceHours, VoiceSettings
from dafan.money import Fen
from dafan.units import Grams
from pos.speech import Spoken, amount_en, amount_zh, counted_zh, spoken, volume
from pos.view import Ask, AskWhat, DeskView, Level, Notice, NoticeCode, Screen, View, Who

PLACE = View(Screen.PLACE)
LOOK = View(Screen.LOOK, grams=Grams(412), total=Fen(1280))
CONFIRM = View(
    Screen.CONFIRM, total=Fen(1280), who=Who("欧阳**"), countdown_ms=2000, countdown_of_ms=2000
)
PAID = View(Screen.PAID, total=Fen(1280), who=Who("欧阳**"))
PRIVATE = ("欧阳", "三元二角", "3 yuan", "花生", "peanut", "冻结", "frozen", "不足", "Balance")
PARAMS: dict[str, int | str] = {
    "short_fen": 320, "total_fen": 1800, "limit_fen": 3000, "tries": 2, "minutes": 10,
    "found_labels": "allergen_peanut",
}  # fmt: skip


def _told(before: View, now: View) -> Spoken:
    said = spoken(before, now)
    assert said is not None
    return said


@pytest.mark.parametrize(
    ("fen", "zh", "en"),
    [
        (0, "零元", "0 yuan"), (5, "五分", "5 fen"), (20, "两角", "20 fen"),
        (53, "五角三分", "53 fen"), (200, "两元", "2 yuan"), (1200, "十二元", "12 yuan"),
        (2000, "二十元", "20 yuan"), (2350, "二十三元五角", "23 yuan 50 fen"),
        (2305, "二十三元零五分", "23 yuan 5 fen"), (10_200, "一百零二元", "102 yuan"),
        (22_222, "两百二十二元二角二分", "222 yuan 22 fen"),
        (1_000_500, "一万零五元", "10005 yuan"), (100_100, "一千零一元", "1001 yuan"),
    ],
)  # fmt: skip
def test_an_amount_is_said_as_a_cashier_says_it(fen: int, zh: str, en: str) -> None:
    assert (amount_zh(Fen(fen)), amount_en(Fen(fen))) == (zh, en)


def _heard(words: str) -> int:
    """What a listener understands: units back into a number."""
    value = part = digit = 0
    for word in words:
        if word in "零一二三四五六七八九两":
            digit = 2 if word == "两" else "零一二三四五六七八九".index(word)
        elif word == "万":
            value, part, digit = (part + digit) * 10_000, 0, 0
        else:
            part += (digit or 1) * {"十": 10, "百": 100, "千": 1000}[word]
            digit = 0
    return value + part + digit


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 9_999_999))
def test_whoever_hears_a_number_can_write_it_down(number: int) -> None:
    words = counted_zh(number)
    assert _heard(words) == number
    assert "零零" not in words


def test_a_payment_is_heard_from_the_tray_to_the_end() -> None:
    assert spoken(None, PLACE) is None
    assert spoken(PLACE, replace(LOOK, total=None)) is None
    look = _told(replace(LOOK, total=None), LOOK)
    assert (look.zh, look.en) == ("十二元八角，请看这里", "12 yuan 80 fen. Please look here")
    assert spoken(LOOK, replace(LOOK, progress=500)) is None
    confirm = _told(LOOK, CONFIRM)
    assert confirm.zh == "十二元八角，不是您请点取消"
    assert spoken(CONFIRM, replace(CONFIRM, countdown_ms=900)) is None
    assert spoken(CONFIRM, replace(CONFIRM, countdown_ms=0)) is None
    paid = _told(CONFIRM, PAID)
    assert (paid.zh, paid.en) == ("支付成功，十二元八角", "Paid, 12 yuan 80 fen")
    assert confirm.urgent
    assert paid.urgent
    assert spoken(PAID, PLACE) is None


def test_a_hint_waits_for_its_turn_and_a_problem_does_not() -> None:
    hint = _told(LOOK, replace(LOOK, notice=Notice(NoticeCode.TOO_FAR)))
    assert (hint.zh, hint.urgent) == ("请再靠近一点", False)
    problem = View(Screen.PROBLEM, notice=Notice(NoticeCode.CARD_UNKNOWN))
    assert _told(LOOK, problem).urgent
    offered = View(Screen.PROBLEM, notice=Notice(NoticeCode.TURNED_AWAY))
    assert not _told(LOOK, offered).urgent
    assert spoken(problem, replace(problem, clock="11:43")) is None


def test_a_question_is_said_with_what_went_wrong_before_it() -> None:
    ask = replace(LOOK, screen=Screen.ASK, ask=Ask(AskWhat.PIN, 6))
    assert _told(LOOK, ask).zh == "请输入密码"
    wrong = replace(ask, notice=Notice(NoticeCode.PIN_WRONG, Level.WARN, {"tries": 2}))
    assert _told(ask, wrong).zh == "密码不对，还可以试两次"
    assert _told(LOOK, wrong).en == "Wrong PIN. Tries left: 2. Enter your PIN"
    again = Notice(NoticeCode.PAID_BEFORE)
    second = replace(LOOK, screen=Screen.ASK, ask=Ask(AskWhat.AGAIN), notice=again)
    assert _told(LOOK, second).zh == "您刚刚付过一次，再付一份请点是"


@pytest.mark.parametrize("code", NoticeCode)
def test_nobody_else_hears_who_it_is_or_what_is_his_own_affair(code: NoticeCode) -> None:
    now = replace(CONFIRM, screen=Screen.PROBLEM, notice=Notice(code, Level.STOP, PARAMS))
    said = spoken(LOOK, now)
    texts = f"{said.zh} {said.en}" if said else ""
    for private in PRIVATE:
        assert private not in texts
    assert "{" not in texts
    assert not said or (said.zh and said.en)


def test_the_desk_of_the_staff_is_silent() -> None:
    desk = View(Screen.DESK, desk=DeskView("甲"), notice=Notice(NoticeCode.DESK_FAILED))
    assert spoken(PLACE, desk) is None
    asked = replace(PLACE, screen=Screen.ASK, ask=Ask(AskWhat.DESK_PIN, 6))
    assert spoken(PLACE, asked) is None
    locked = replace(PLACE, notice=Notice(NoticeCode.CLERK_LOCKED, Level.STOP, {"minutes": 10}))
    assert spoken(PLACE, locked) is None


def test_the_volume_goes_by_the_hour_also_over_midnight() -> None:
    quiet = VoiceHours(begin="21:00", end="06:30", volume=20)
    noon = VoiceHours(begin="11:30", end="12:30", volume=100)
    rules = VoiceSettings(volume=60, hours=(quiet, noon))
    clocks = ("20:59", "21:00", "23:59", "00:00", "06:29", "06:30", "11:30", "12:30", "")
    assert [volume(rules, clock) for clock in clocks] == [60, 20, 20, 20, 20, 60, 100, 60, 60]
