"""Pages that the documents show and that need more than one canteen."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from dafan import db
from server import auth, sites
from server.history.canteen import SITE
from server.history.fill import Wanted, fill
from server.sites import Site
from tests.pictures import WANTED, shot

pytestmark = [
    pytest.mark.browser,
    pytest.mark.process,
    pytest.mark.skipif(not WANTED, reason="makes canteens for one picture: make pictures"),
]
FIRST, DAYS = date(2026, 2, 1), 28
CANTEENS = {"城南食堂": 9_000, "城北食堂": 5_500, "高新区食堂": 3_000}
"""Sales of the month before the clock of the tests."""


def test_several_canteens_stand_beside_each_other(
    address: str, page: Any, sign_in: Callable[[Any, str], None], engine: Engine,
    make_user: Callable[..., auth.User],
) -> None:  # fmt: skip
    user = make_user("bureau", "bureau")
    for seed, (name, sales) in enumerate(CANTEENS.items(), start=1):
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
