"""The daily report goes once to each person, whoever sends it and whatever fails on the way."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from dafan import db
from dafan.errors import BadInputError
from server import daily_report, delivery
from server.daily_report import DailyReport, DailyReportTo, State
from server.delivery import DeliveryError

ADDRESS = "https://canteen.example.cn"


@dataclass
class Post:
    """A way that keeps what it took, or is down."""

    got: list = field(default_factory=list)
    down: bool = False
    dies: bool = False

    def send(self, message):
        if self.down:
            raise DeliveryError("the mail did not go out: ConnectionRefusedError")
        self.got.append(message)
        if self.dies:
            raise MemoryError("the process died before it wrote that down")


@pytest.fixture
def post(monkeypatch):
    made = Post()
    monkeypatch.setattr(delivery, "ways", lambda _: [made])
    return made


@pytest.fixture
def wanted(engine, actor, make_user, clock):
    """Two people want it at half past eight in the evening; it is noon of a Monday."""
    make_user("boss", "manager")
    make_user("money", "finance")
    with db.writing(engine) as session:
        daily_report.decide(session, actor, "20:30", ["boss", "money"], ADDRESS)
    return clock.now().date()


def rows(engine, site):
    with db.reading(engine) as session:
        query = session.query(DailyReportTo).filter_by(site_id=site.id)
        return {row.person: (row.state, row.tries) for row in query}


def test_it_says_what_the_books_say_and_goes_to_each_once(
    engine, settings, site, clock, wanted, post, terminal, make_diner, make_sale
):
    terminal.sell(make_sale(make_diner(), total=1250))
    terminal.push()
    assert daily_report.drive(engine, settings, clock.now()) == "0 reports made, 0 sent, 0 not"
    evening = clock.now() + timedelta(hours=8, minutes=31)
    assert daily_report.drive(engine, settings, evening) == "1 reports made, 2 sent, 0 not"
    assert daily_report.drive(engine, settings, evening) == "0 reports made, 0 sent, 0 not"
    assert {message.staff_no for message in post.got} == {"boss", "money"}
    text = post.got[0].text
    assert "就餐 1 人次" in text
    assert "收入 ¥12.50" in text
    assert f"{ADDRESS}/manage/reports/sales?since={wanted}&until={wanted}" in text
    assert len({message.ref for message in post.got}) == 2
    tomorrow = evening + timedelta(days=1)
    assert daily_report.drive(engine, settings, tomorrow).startswith("1 reports made, 2 sent")
    with db.reading(engine) as session:
        days = [report.business_date for report, _ in daily_report.latest(session, site.id)]
    assert days == [wanted + timedelta(days=1), wanted]


@pytest.mark.usefixtures("wanted")
def test_a_way_that_fails_is_tried_again_until_it_takes_it(engine, settings, site, clock, post):
    post.down = True
    at = clock.now() + timedelta(hours=9)
    assert daily_report.drive(engine, settings, at) == "1 reports made, 0 sent, 2 not"
    assert daily_report.drive(engine, settings, at) == "0 reports made, 0 sent, 0 not"
    post.down = False
    at += timedelta(minutes=6)
    assert daily_report.drive(engine, settings, at) == "0 reports made, 2 sent, 0 not"
    assert rows(engine, site) == {"boss": ("sent", 2), "money": ("sent", 2)}
    post.down = True
    at += timedelta(days=1)
    for _ in range(40):
        daily_report.drive(engine, settings, at)
        at += timedelta(minutes=40)
    with db.reading(engine) as session:
        last = daily_report.latest(session, site.id)
    states = {row.state for _, people in last[1:] for row in people}
    assert states <= {State.SENT.value, State.FAILED.value}
    assert any(row.state == State.FAILED.value for _, people in last for row in people)
    assert "ConnectionRefusedError" in last[0][1][0].said


@pytest.mark.usefixtures("wanted")
def test_of_two_workers_one_sends_and_after_a_crash_another_takes_over(
    engine, settings, site, clock, post
):
    at = clock.now() + timedelta(hours=9)
    assert daily_report._make(engine, site.id, at)
    assert not daily_report._make(engine, site.id, at)
    seen = daily_report._waiting(engine, at)
    assert [daily_report._claim(engine, row, at) for row in seen] == [True, True]
    assert [daily_report._claim(engine, row, at) for row in seen] == [False, False]
    assert daily_report.drive(engine, settings, at) == "0 reports made, 0 sent, 0 not"
    at += daily_report.STALE
    post.dies = True
    with pytest.raises(MemoryError):
        daily_report.drive(engine, settings, at)
    post.dies = False
    assert daily_report.drive(engine, settings, at) == "0 reports made, 1 sent, 0 not"
    at += daily_report.STALE
    assert daily_report.drive(engine, settings, at) == "0 reports made, 1 sent, 0 not"
    assert [message.staff_no for message in post.got].count("boss") == 2
    assert len({message.ref for message in post.got}) == 2
    with db.reading(engine) as session:
        assert session.query(DailyReport).count() == 1


@pytest.mark.parametrize(
    ("at", "to", "address", "code"),
    [
        ("25:00", ["boss"], "", "bad_time"),
        ("20:30", [], "", "bad_daily"),
        ("", ["boss"], "", "bad_daily"),
        ("20:30", ["nobody"], "", "unknown_person"),
        ("20:30", ["boss"], "javascript:x", "bad_address"),
    ],
)
def test_what_does_not_fit_is_refused(engine, actor, make_user, at, to, address, code):
    make_user("boss", "manager")
    with pytest.raises(BadInputError) as refused, db.writing(engine) as session:
        daily_report.decide(session, actor, at, to, address)
    assert refused.value.code == code
