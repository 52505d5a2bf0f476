"""The cook changes the dish of a scoop station at the tablet, signed, at once or not at all."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from dafan.money import Fen
from dafan.records import Unit
from kitchen import dishes, menus, staff
from kitchen.meals import Meal
from kitchen.staff import WorkerValues
from server import line_setup, people, sites
from server.actor import Actor
from server.audit import Audit
from server.line_book import LineStationRow
from tests.pictures import shot
from tests.server.conftest import PASSWORD
from tests.server.pages.conftest import Browser
from tests.server.pages.hands import hire
from tests.server.pages.tablet import refused

PIN = "305172"
LINE = "/kitchen/line"


class Counter:
    """A line with two stations; greens stand on the first, and pork is on the menu of the day."""

    def __init__(self, engine: Engine, actor: Actor, box: Any) -> None:
        self.engine, self.actor, self.box = engine, actor, box
        with db.writing(engine) as session:
            self.greens, self.pork, self.tofu = (
                self._dish(session, name, price).id
                for name, price in (("青菜", 3000), ("红烧肉", 4785), ("豆腐", 2000))
            )
            self._dish(session, "炒饭", 900, Unit.PIECE)
            self._dish(session, "时价鱼", None)
            line_setup.set_station(
                session, actor, box.id, 1, label="热菜 1 位", dish_id=self.greens
            )
            line_setup.set_station(session, actor, box.id, 2, label="热菜 2 位", dish_id=None)
            venue = sites.venues(session, actor.site_id)[0].id
            meal = Meal(sites.business_date(session, actor.site_id, actor.at), "lunch", venue)
            menus.save(session, actor, meal, [menus.ItemValues(dish_id=self.pork)])
            menus.publish(session, actor, meal)

    def _dish(self, session: Any, name: str, price: int | None, unit: Unit = Unit.KG) -> Any:
        values = dishes.DishValues(
            name=name, unit=unit, price=None if price is None else Fen(price)
        )
        return dishes.create(session, self.actor.site_id, values, by="test", at=self.actor.at)

    def page(self, station: int = 1) -> str:
        """Where the dish of a station is chosen."""
        return f"{LINE}/{self.box.id}/{station}"

    def row(self, station: int = 1) -> LineStationRow:
        """What stands there."""
        with db.reading(self.engine) as session:
            return session.get_one(LineStationRow, (self.box.id, station))

    def acts(self) -> list[tuple[str, Any]]:
        """Who changed what, since the line was set up."""
        query = select(Audit).where(Audit.action == "line.station").order_by(Audit.id)
        with db.reading(self.engine) as session:
            acts = session.scalars(query).all()
        assert [row.before for row in acts[:2]] == [None, None], "both stations were set up"
        return [(row.who, row.after) for row in acts[2:]]


@pytest.fixture
def counter(make_till: Callable[..., Any], engine: Engine, actor: Actor) -> Counter:
    return Counter(engine, actor, make_till())


def test_the_cook_changes_the_dish_and_the_box_hears_it_at_once(
    app: APIFlask, counter: Counter, make_user: Callable[..., Any]
) -> None:
    cook = hire(app, counter.engine, counter.actor, make_user, "cook", "cook")
    assert LINE in cook.see("/kitchen/more")
    seen = cook.see(LINE)
    assert "¥3.00 / 100 克" in seen
    assert "秤没有登记，不能计价" in seen
    choose = cook.see(counter.page())
    assert choose.index("今天的菜") < choose.index("红烧肉") < choose.index("其他按重量卖的菜")
    assert choose.index("其他按重量卖的菜") < choose.index("豆腐")
    assert "炒饭" not in choose
    assert "时价鱼" not in choose
    assert "豆腐" not in cook.see(f"{counter.page()}?search=红烧")
    assert "没有找到" in cook.see(f"{counter.page()}?search=%25")
    was = counter.row().pan_id
    confirm = cook.see(f"{counter.page()}/dish?dish={counter.pork}")
    assert "¥4.79 / 100 克" in confirm
    assert 'name="key"' not in confirm, "such a form is never kept for later"
    fields = {"dish": str(counter.pork), "seen": str(was)}
    assert not refused(cook.send(f"{counter.page()}/dish", **fields))
    row = counter.row()
    assert (row.dish_id, row.pan_id != was, row.label) == (counter.pork, True, "热菜 1 位")
    told = [one["body"] for one in counter.box.feed()["items"] if one["kind"] == "line_station"]
    assert {one["station"]: one["dish_id"] for one in told}[1] == str(counter.pork)
    ((who, after),) = counter.acts()
    assert (who, after["dish"]) == ("cook", str(counter.pork))


def test_a_change_that_was_sent_twice_is_one_and_an_old_page_undoes_nobodys_work(
    app: APIFlask, counter: Counter, make_user: Callable[..., Any]
) -> None:
    cook = hire(app, counter.engine, counter.actor, make_user, "cook", "cook")
    was, post = str(counter.row().pan_id), f"{counter.page()}/dish"
    for _turn in range(2):
        assert not refused(cook.send(post, dish=str(counter.pork), seen=was))
    assert len(counter.acts()) == 1
    late = cook.send(post, dish=str(counter.tofu), seen=was)
    assert "刚刚有人改过" in late
    assert refused(cook.send(post, dish=str(counter.pork), seen=was, other_pan="1"))
    assert counter.row().dish_id == counter.pork
    pan = counter.row().pan_id
    assert "价格不变" in cook.see(f"{post}?other_pan=1")
    fresh = cook.send(post, dish=str(counter.pork), seen=str(pan), other_pan="1")
    assert "已换一盆" in fresh
    assert (counter.row().dish_id, counter.row().pan_id != pan) == (counter.pork, True)
    assert not refused(cook.send(post, dish="", seen=str(counter.row().pan_id)))
    assert (counter.row().dish_id, counter.row().pan_id) == (None, None)
    assert not refused(cook.send(f"{counter.page(2)}/dish", dish=str(counter.tofu), seen=""))
    assert counter.row(2).dish_id == counter.tofu


def test_what_cannot_stand_there_is_refused_in_words(
    app: APIFlask, counter: Counter, make_user: Callable[..., Any], actor: Actor
) -> None:
    cook = hire(app, counter.engine, actor, make_user, "cook", "cook")
    with db.reading(counter.engine) as session:
        rice = dishes.find_by_name(session, actor.site_id, "炒饭")
    assert rice is not None
    seen = str(counter.row().pan_id)
    for wanted in (rice.id, actor.site_id):
        assert "不能这样设置" in cook.send(f"{counter.page()}/dish", dish=str(wanted), seen=seen)
        path = f"{counter.page()}/dish?dish={wanted}"
        assert cook.browser.get(path).status_code == 400
    assert cook.browser.get(counter.page(7)).status_code == 400
    lost = cook.browser.client.post(
        f"{counter.page(7)}/dish",
        data={"csrf_token": cook.browser.token(), "dish": str(counter.pork), "seen": seen},
    )
    assert lost.status_code == 302
    assert "没有这一项" in cook.see(LINE)
    assert counter.acts() == []


def test_who_has_not_signed_or_only_looks_on_changes_nothing(
    app: APIFlask, counter: Counter, make_user: Callable[..., Any], actor: Actor
) -> None:  # fmt: skip
    hire(app, counter.engine, actor, make_user, "cook", "cook")
    fields = {"dish": str(counter.pork), "seen": str(counter.row().pan_id)}
    statuses = {}
    for role in ("kitchen_manager", "storekeeper", "auditor", "inspector", "finance"):
        make_user(role, role)
        one = Browser(app.test_client())
        one.send("/login", login=role, password=PASSWORD)
        statuses[role] = one.get(LINE).status_code, one.get(counter.page()).status_code
        answer = one.send(f"{counter.page()}/dish", **fields)
        assert ("还没有签字" in answer.text) == (statuses[role][1] == 200), role
    assert statuses == {
        "kitchen_manager": (200, 200), "storekeeper": (200, 200), "auditor": (200, 403),
        "inspector": (200, 403), "finance": (403, 403),
    }  # fmt: skip
    assert counter.acts() == []


@pytest.fixture
def tablet(
    address: str, page: Any, sign_in: Callable[[Any, str], None], make_user: Callable[..., Any],
    counter: Counter, actor: Actor, make_diner: Callable[..., UUID],
) -> Iterator[Any]:  # fmt: skip
    """A shared tablet; 王一 is known by his number; no script of the page fails."""
    make_user("km", "kitchen_manager")
    diner = make_diner(cash=0)
    with db.writing(counter.engine) as session:
        people.set_pin(session, actor, diner, PIN)
        staff.create(session, actor, WorkerValues(name="王一", post="厨师", diner_id=diner))
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.set_viewport_size({"width": 1280, "height": 800})
    sign_in(page, "km")
    page.goto(f"{address}/kitchen/")
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    yield page
    assert faults == []


def fits(page: Any) -> None:
    """Nothing is wider than the screen, and a wet finger hits whatever can be touched."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
    small = page.evaluate(
        """() => [...document.querySelectorAll(":is(main, header) :is(a, button, input)")]
            .filter((one) => one.checkVisibility() && one.id !== "queue-badge")
            .filter((one) => one.getBoundingClientRect().height < 64)
            .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert small == [], page.url


@pytest.mark.browser
@pytest.mark.process
def test_a_wet_hand_changes_the_dish_and_without_a_network_it_is_refused_not_kept(
    tablet: Any, address: str, counter: Counter
) -> None:
    for language in ("en", "zh"):
        tablet.context.add_cookies([{"name": "dafan_language", "value": language, "url": address}])
        for width in (800, 1280):
            tablet.set_viewport_size({"width": width, "height": 800})
            for path in (LINE, counter.page(), f"{counter.page()}/dish?dish={counter.pork}"):
                tablet.goto(address + path)
                fits(tablet)
                shot(tablet, f"kitchen-line-{language}-{width}-{path.count('/')}")
    tablet.goto(f"{address}{LINE}")
    tablet.click(".station:has-text('热菜 1 位')")
    tablet.click(".pick-card:has-text('红烧肉')")
    swap = "button:has-text('换成 红烧肉')"
    tablet.wait_for_selector(swap)
    tablet.context.set_offline(True)
    tablet.click(swap)
    tablet.wait_for_selector("dialog.who .told:has-text('换菜要马上生效')")
    assert not tablet.is_visible("dialog.who [data-part=later]")
    shot(tablet, "kitchen-line-offline")
    tablet.click("dialog.who [data-part=cancel]")
    tablet.context.set_offline(False)
    tablet.click(swap)
    tablet.fill("dialog.who input >> nth=0", "1001")
    tablet.fill("dialog.who input >> nth=1", PIN)
    tablet.wait_for_url(f"**{LINE}")
    tablet.wait_for_selector(".note.ok:has-text('已换')")
    tablet.wait_for_selector(".station:has-text('热菜 1 位'):has-text('红烧肉')")
    assert counter.row().dish_id == counter.pork
    assert tablet.is_hidden("#queue-badge")
    shot(tablet, "kitchen-line-done")


@pytest.mark.browser
@pytest.mark.process
def test_a_network_that_goes_between_signature_and_answer_leaves_nothing_to_be_sent_later(
    tablet: Any, address: str, counter: Counter
) -> None:
    tablet.goto(f"{address}{counter.page()}/dish?dish={counter.pork}")
    tablet.click(".sign button")
    tablet.fill("dialog.who input >> nth=0", "1001")
    tablet.fill("dialog.who input >> nth=1", PIN)
    tablet.wait_for_selector(".sign.signed")
    path = f"**{counter.page()}/dish"
    tablet.route(path, lambda route: route.abort())
    tablet.click("button:has-text('换成 红烧肉')")
    tablet.wait_for_selector(".note.stop:has-text('不知道换成了没有')")
    tablet.unroute(path)
    tablet.context.set_offline(True)
    tablet.click("button:has-text('换成 红烧肉')")
    tablet.wait_for_selector(".note.stop:has-text('换菜要马上生效')")
    assert tablet.is_hidden("#queue-badge")
    tablet.context.set_offline(False)
    tablet.goto(f"{address}{LINE}")
    tablet.wait_for_selector(".station:has-text('热菜 1 位'):has-text('青菜')")
    assert (counter.row().dish_id, counter.acts()) == (counter.greens, [])
