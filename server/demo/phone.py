"""What the demo's diners find on their phones: a notice, questions, dishes to order, bookings."""

from datetime import datetime, time, timedelta
from uuid import UUID, uuid5

from sqlalchemy.orm import Session

from kitchen.meals import Meal
from server import bookings, notices, people, preorder_rounds, surveys
from server.actor import Actor
from server.demo.scene import Scene
from server.notices import NoticeValues
from server.preorder_rounds import ItemValues, RoundKind, RoundValues
from server.surveys import Question, QuestionKind, SurveyValues

_ROUND = {"红烧肉": 30, "清蒸鲈鱼": 20, "番茄炒蛋": 40}
"""Dish → portions that can be taken home tomorrow."""
_QUESTIONS = (
    Question(kind=QuestionKind.STARS, text="饭菜味道"),
    Question(kind=QuestionKind.STARS, text="卫生"),
    Question(kind=QuestionKind.CHOICE, text="您最常吃哪一餐", choices=("早餐", "午餐", "晚餐")),
    Question(kind=QuestionKind.TEXT, text="您有什么建议"),
)
_WORDS = ("少放点油", "粗粮可以多一些", "汤很好", "希望晚餐多两个素菜")
_VOICES, _BOOKED = range(1007, 1025), range(1001, 1025)
"""Staff numbers of who answered, and of who will come tomorrow."""


def fill(session: Session, actor: Actor, scene: Scene) -> None:
    """Tell and ask the diners something; ``scene`` is today's."""
    day = scene.day
    notices.write(session, actor, _id(scene, "notice"), NoticeValues(
        title="周三起晚餐推迟到 17:30", text="厨房检修燃气，周三到周五的晚餐 17:30 开餐。",
        shown_from=day, shown_until=day + timedelta(days=7),
    ))  # fmt: skip
    _survey(session, actor, scene)
    sold = scene.known.dish_ids
    preorder_rounds.offer(session, actor, _id(scene, "round"), RoundValues(
        venue_id=scene.venue_id, kind=RoundKind.TAKE_AWAY, title="明天晚餐外带", place="东门取餐处",
        closes_at=scene.at(time(14), ahead=1), pick_from=scene.at(time(17), ahead=1),
        pick_until=scene.at(time(18, 30), ahead=1),
        items=tuple(ItemValues(dish_id=sold[name], portions=n) for name, n in _ROUND.items()),
    ))  # fmt: skip
    lunch = Meal(day + timedelta(days=1), "lunch", scene.venue_id)
    for number in _BOOKED:
        diner = people.find_diner(session, scene.site_id, str(number))
        if diner is not None:
            bookings.book(session, _diner(scene, number, actor.at), diner.id, lunch, 1)


def _survey(session: Session, actor: Actor, scene: Scene) -> None:
    survey_id = _id(scene, "survey")
    surveys.ask(session, actor, survey_id, SurveyValues(
        title=f"{scene.day.month} 月满意度测评", opens_on=scene.day,
        closes_on=scene.day + timedelta(days=10), questions=_QUESTIONS,
    ))  # fmt: skip
    for place, number in enumerate(_VOICES):
        diner = people.find_diner(session, scene.site_id, str(number))
        if diner is None:
            continue
        given = {
            0: str(scene.rng.choice((3, 4, 4, 5, 5))),
            1: str(scene.rng.choice((4, 5, 5))),
            2: str(scene.rng.choice((0, 1, 1, 2))),
            3: _WORDS[place] if place < len(_WORDS) else "",
        }
        surveys.answer(session, scene.site_id, diner.id, survey_id, given, scene.day)


def _diner(scene: Scene, number: int, at: datetime) -> Actor:
    return Actor(scene.site_id, f"diner:{number}", at)


def _id(scene: Scene, what: str) -> UUID:
    return uuid5(scene.site_id, f"demo {what}")
