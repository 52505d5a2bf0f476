"""What a diner lets the tills show and know: by his own word only, and no longer than he wants."""

from typing import Any

from apiflask import APIFlask
from sqlalchemy import Engine, select

from dafan import db
from server import audit, leaving, phone_codes, wishes
from server.actor import Actor
from server.allergies import DinerAllergies
from server.wishes import DinerWish
from tests.server.conftest import Till
from tests.server.pages.test_pages_me import Phone

ALONE = "只有您自己看得到"
DIARY = "/me/records/nutrition"


def test_a_till_knows_what_a_diner_wishes_when_he_says_so_and_forgets_it_with_him(
    app: APIFlask, engine: Engine, actor: Actor, make_diner: Any, terminal: Till
) -> None:
    diner = make_diner(cash=0)
    with db.writing(engine) as session:
        code = phone_codes.hand_out(session, actor, app.secret_key, diner)  # type: ignore[arg-type]
    phone = Phone(app.test_client())
    phone.see("/me/login")
    phone.sign_in("1001", code)

    def known() -> list[Any]:
        """What the tills' feed says of wishes now; ``None``: withdrawn."""
        items = terminal.feed(0, limit=1000)["items"]
        return [item["body"] for item in items if item["kind"] == "wish"]

    page = phone.tap("/me/allergies", allergen=["fish", "milk"]).text
    assert ALONE in page
    assert page.split('id="till"')[0].count(" checked") == 2
    assert known() == []
    page = phone.tap("/me/wish", nutrition="on", warn_at_till="on").text
    assert ALONE not in page
    assert "旁边的人看得到" in page
    plain = {"diner_id": str(diner), "nutrition": True, "allergens": [], "goal_kcal": None}
    told = {**plain, "allergens": ["fish", "milk"]}
    assert known() == [told]
    phone.tap("/me/allergies", allergen=["milk", "egg"])
    assert known() == [{**told, "allergens": ["egg", "milk"]}]
    phone.tap("/me/allergies", allergen=["x"])
    phone.tap("/me/wish", warn_at_till="on")
    assert known() == [{**told, "nutrition": False, "allergens": ["egg", "milk"]}]
    hidden = phone.see(DIARY)
    assert "您关掉了营养显示" in hidden
    assert 'href="/me/mine#till"' in hidden
    phone.tap("/me/wish", nutrition="on", goal="650")
    assert known() == [{**plain, "goal_kcal": 650}]
    for wrong in ("99", "2001", "много", "-650", "６５０", "1e3"):
        assert "每餐目标请填" in phone.tap("/me/wish", nutrition="on", goal=wrong).text
    assert known()[0]["goal_kcal"] == 650
    assert ALONE in phone.tap("/me/wish", nutrition="on").text
    assert known() == [None]
    assert "您关掉了营养显示" not in phone.see(DIARY)
    phone.tap("/me/wish", warn_at_till="on")
    assert known()[0]["allergens"] == ["egg", "milk"]
    with db.writing(engine) as session:
        leaving.leave(session, actor, diner)
        assert wishes.of(session, diner) == wishes.Wish()
        assert session.scalars(select(DinerWish)).all() == []
        assert session.scalars(select(DinerAllergies)).all() == []
        written = [row for row in audit.page(session, actor.site_id) if row.action == "diner.wish"]
    assert known() == [None]
    assert len(written) == 6
    assert not [row for row in written if "milk" in f"{row.before}{row.after}"]
