"""Staff accounts and venues: who may sign in, with which roles, and how a first password ends."""

import re

import pytest
from sqlalchemy import select

from dafan import db
from dafan.ids import new_id
from server import audit, auth, sites
from tests.server.pages.conftest import PASSWORD, Browser

ACCOUNTS = "/manage/settings/accounts"
NEW = f"{ACCOUNTS}/new"
VENUES = "/manage/settings/venues"


def add(person, login="yimao", name="乙卯", roles=("cashier", "finance")):
    return person.send(NEW, NEW, login=login, name=name, roles=list(roles)).text


def first_password(page):
    return re.search(r'id="password">([^<]+)<', page).group(1)


def account(engine, login):
    with db.reading(engine) as session:
        return auth.find_user(session, login)


def acts(engine, site):
    with db.reading(engine) as session:
        return [
            (row.action, row.subject, row.before, row.after)
            for row in reversed(audit.page(session, site.id))
        ]


@pytest.fixture
def admin(browser):
    return browser("admin")


@pytest.fixture
def other(app):
    """The browser of the person whose account is at stake."""
    return Browser(app.test_client())


def test_a_new_account_begins_with_a_password_shown_once_that_must_be_changed(
    admin, other, engine, site
):
    page = add(admin)
    password = first_password(page)
    assert "乙卯 的初始密码" in page
    assert password not in admin.see(ACCOUNTS)
    assert password not in admin.see("/manage/audit")
    landed = other.send("/login", login="YiMao", password=password)
    assert landed.request.path == "/account/password"
    for path in ("/manage/", "/manage/sales", "/manage/live"):
        assert other.get(path).location == "/account/password"
    own = "/account/password"
    same = {"old": password, "new": password, "again": password}
    assert "新密码和现在的一样" in other.send(own, own, **same).text
    new = {"old": password, "new": "only I know this", "again": "only I know this"}
    assert "密码已更新" in other.send(own, own, **new).text
    assert other.get("/manage/").status_code == 200
    told = {"name": "乙卯", "roles": ["finance", "cashier"]}
    assert ("user.create", "yimao", None, told) in acts(engine, site)


def test_a_first_password_opens_no_api(admin, app):
    password = first_password(add(admin, roles=["admin"]))
    answer = app.test_client().get("/api/v1/diners", auth=("yimao", password))
    assert answer.status_code == 401
    assert "choose your own password" in answer.json["message"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"login": "x"}, "2 到 40 个"), ({"login": "a b"}, "2 到 40 个"),
        ({"login": "Admin"}, "已被使用"), ({"roles": []}, "至少选一个角色"),
        ({"roles": ["king"]}, "invalid-feedback"), ({"name": " "}, "请填写姓名"),
    ],
)  # fmt: skip
def test_an_account_that_makes_no_sense_is_not_made(admin, engine, site, fields, text):
    page = add(admin, **fields)
    assert text in page
    assert "初始密码，只显示一次" in page
    with db.reading(engine) as session:
        assert [user.login for user in auth.users(session, site.id)] == ["admin"]


def test_new_roles_hold_from_the_next_request_on(admin, other, make_user, engine, site):
    user = make_user("clerk", "cashier")
    other.send("/login", login="clerk", password=PASSWORD)
    assert other.get("/manage/audit").status_code == 403
    edit = f"{ACCOUNTS}/{user.id}"
    page = admin.see(edit)
    assert re.findall(r'value="(\w+)" checked', page) == ["cashier"]
    admin.send(edit, edit, name="丁巳", roles=["auditor", "cashier"])
    assert other.get("/manage/audit").status_code == 200
    assert acts(engine, site)[-1] == (
        "user.update", "clerk", {"name": "clerk", "roles": ["cashier"]},
        {"name": "丁巳", "roles": ["cashier", "auditor"]},
    )  # fmt: skip


def test_a_closed_account_is_out_at_once_and_can_be_opened_again(
    admin, other, make_user, engine, site
):
    user = make_user("clerk", "cashier")
    other.send("/login", login="clerk", password=PASSWORD)
    edit = f"{ACCOUNTS}/{user.id}"
    assert "已停用" in admin.send(f"{edit}/active", edit, active="no").text
    assert other.get("/manage/").location.startswith("/login")
    assert "账号或密码不对" in other.send("/login", login="clerk", password=PASSWORD).text
    assert "已恢复" in admin.send(f"{edit}/active", edit, active="yes").text
    assert other.send("/login", login="clerk", password=PASSWORD).request.path == "/manage/"
    changes = [one for one in acts(engine, site) if one[0] == "user.active"]
    assert [(before["active"], after["active"]) for _, _, before, after in changes] == [
        (True, False), (False, True),
    ]  # fmt: skip


def test_a_reset_password_ends_the_session_and_must_be_changed(admin, other, make_user):
    user = make_user("clerk", "cashier")
    other.send("/login", login="clerk", password=PASSWORD)
    page = admin.send(f"{ACCOUNTS}/{user.id}/password", ACCOUNTS).text
    assert other.get("/manage/").location.startswith("/login")
    assert "账号或密码不对" in other.send("/login", login="clerk", password=PASSWORD).text
    landed = other.send("/login", login="clerk", password=first_password(page))
    assert landed.request.path == "/account/password"


def test_an_administrator_can_neither_close_nor_demote_nor_reset_himself(admin, engine, make_user):
    make_user("second", "admin")
    own = f"{ACCOUNTS}/{account(engine, 'admin').id}"
    for answer in (
        admin.send(own, own, name="admin", roles=["manager"]),
        admin.send(f"{own}/active", own, active="no"),
        admin.send(f"{own}/password", own),
    ):
        assert "不能停用自己" in answer.text
    kept = account(engine, "admin")
    assert kept.roles == ["admin"]
    assert kept.active
    assert "停用账号" not in admin.see(own)


def test_the_last_administrator_stays_even_against_a_stale_one(engine, make_user, site):
    """Two administrators close each other at the same moment: the second one is refused."""
    from server import staff
    from server.actor import Actor
    from tests.server.conftest import NOON

    first, second = make_user("first", "admin"), make_user("second", "admin")
    with db.writing(engine) as session:
        staff.set_active(session, Actor(site.id, "first", NOON), second.id, active=False)
    for act in (
        lambda session, actor: staff.set_active(session, actor, first.id, active=False),
        lambda session, actor: staff.update(session, actor, first.id, "x", ["manager"]),
    ):
        with pytest.raises(staff.ProtectedError), db.writing(engine) as session:
            act(session, Actor(site.id, "second", NOON))


def test_accounts_and_venues_of_another_site_do_not_exist_here(admin, engine):
    with db.writing(engine) as session:
        away = sites.ensure_site(session, "别的单位")
        user = auth.create_user(session, away.id, "stranger", PASSWORD, ["admin"])
        venue = sites.ensure_venue(session, away.id, "别的食堂")
    assert admin.get(f"{ACCOUNTS}/{user.id}").status_code == 404
    admin.send(f"{ACCOUNTS}/{user.id}/active", ACCOUNTS, active="no")
    assert "没有这个账号" in admin.send(f"{ACCOUNTS}/{user.id}/password", ACCOUNTS).text
    assert "没有这个场所" in admin.send(f"{VENUES}/{venue.id}", VENUES, name="占用").text
    assert "stranger" not in admin.see(ACCOUNTS)
    assert "别的食堂" not in admin.see(VENUES)
    with db.reading(engine) as session:
        kept = session.scalar(select(auth.User).where(auth.User.id == user.id))
    assert kept.active
    assert kept.password_hash == user.password_hash


def test_a_manager_can_add_no_account_by_post_either(browser, make_user, engine):
    person, user = browser("manager"), make_user("clerk", "cashier")
    for path in (NEW, f"{ACCOUNTS}/{user.id}", f"{ACCOUNTS}/{user.id}/password"):
        assert person.send(path, "/manage/", login="x1", name="x", roles="admin").status_code == 403
    assert account(engine, "x1") is None


def test_a_venue_is_added_and_renamed_and_its_tills_hear_of_it(browser, terminal, engine, site):
    person = browser("manager")
    assert "第二食堂" in person.send(VENUES, VENUES, name=" 第二食堂 ").text
    assert "已有同名场所" in person.send(VENUES, VENUES, name="第二食堂").text
    assert "请填写场所名称" in person.send(VENUES, VENUES, name=" ").text
    path = f"{VENUES}/{site.venue_id}"
    assert "已有同名场所" in person.send(path, VENUES, name="第二食堂").text
    assert "已改名" in person.send(path, VENUES, name="中心食堂").text
    told = [item["body"] for item in terminal.feed()["items"] if item["kind"] == "terminal"]
    assert [body["venue_name"] for body in told] == ["中心食堂"]
    changes = [one for one in acts(engine, site) if one[0].startswith("venue.")]
    assert changes == [
        ("venue.create", "第二食堂", None, None),
        ("venue.update", str(site.venue_id), "第一食堂", "中心食堂"),
    ]
    assert "没有这个场所" in person.send(f"{VENUES}/{new_id()}", VENUES, name="x").text
