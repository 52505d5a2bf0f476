"""Pages that the documents show and that need more than one canteen."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine, text

from dafan import db
from server import auth, sites
from server.history.canteen import SITE
from server.history.fill import Wanted, fill
from server.sites import Site
from tests.pictures import WANTED, shot
from tests.server.conftest import TestSite

pytestmark = [
    pytest.mark.browser,
    pytest.mark.process,
    pytest.mark.skipif(not WANTED, reason="makes canteens for one picture: make pictures"),
]
FIRST, DAYS = date(2026, 2, 1), 28
CANTEENS = {"城南食堂": 4_500, "城北食堂": 2_800, "高新区食堂": 1_500}
"""Sales of the month before the clock of the tests."""


def test_several_canteens_stand_beside_each_other(
    address: str, page: Any, sign_in: Callable[[Any, str], None], engine: Engine,
    site: TestSite, make_user: Callable[..., auth.User],
) -> None:  # fmt: skip
    user = make_user("bureau", "bureau")
    with db.writing(engine) as session:  # the canteens are made under this name, one by one
        session.get_one(Site, site.id).name = "机关事务管理局"
        auth.grant(session.get_one(auth.User, user.id), site.id, [])
    for seed, (name, sales) in enumerate(CANTEENS.items(), start=1):
        with db.writing(engine) as session:  # a history counts the changes of all sales anew
            session.execute(text("DELETE FROM day_change"))
        made = fill(engine, Wanted(DAYS, sales, FIRST, seed, bare=True))
        with db.writing(engine) as session:
            session.get_one(Site, made).name = name
            auth.grant(session.get_one(auth.User, user.id), made, ["bureau"])
    with db.reading(engine) as session:
        assert SITE not in {one.name for one in sites.all_sites(session)}
    sign_in(page, "bureau")
    page.goto(f"{address}/manage/across?since={FIRST}&until=2026-02-28")
    for name in CANTEENS:
        page.wait_for_selector(f".across :text('{name}')")
    shot(page, "manager-across")
    for kind in ("waste", "cost"):
        page.goto(f"{address}/manage/reports/{kind}?since={FIRST}&until=2026-02-28")
        page.wait_for_selector(".js-plotly-plot")
        page.wait_for_timeout(1000)
        shot(page, f"manager-{kind}")
