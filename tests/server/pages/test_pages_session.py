import re

import pytest

PASSWORD = "a good password"


def test_who_is_not_signed_in_is_led_to_the_login_and_back(app, make_user):
    make_user("manager", "manager")
    client = app.test_client()
    answer = client.get("/manage/sales?tender=face")
    assert answer.status_code == 302
    login = client.get(answer.location)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', login.text).group(1)
    data = {"login": "manager", "password": PASSWORD, "csrf_token": token}
    answer = client.post(answer.location, data=data)
    assert answer.location == "/manage/sales?tender=face"


@pytest.mark.parametrize("away", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_crafted_link_leads_nobody_to_another_server(browser, away):
    answer = browser("auditor").client.get("/login", query_string={"next": away})
    assert answer.location == "/manage/"


def test_a_wrong_password_says_so_without_saying_which_part_is_wrong(app, make_user):
    from tests.server.pages.conftest import Browser

    make_user("manager", "manager")
    for login in ("manager", "nobody"):
        answer = Browser(app.test_client()).send("/login", login=login, password="wrong password")
        assert "账号或密码不对" in answer.text


def test_a_form_without_the_token_changes_nothing(browser, make_diner):
    person = browser("admin")
    diner = make_diner()
    for path, fields in (
        (f"/manage/people/{diner}/status", {"status": "frozen"}),
        (f"/manage/people/{diner}/top-up", {"amount": "10", "key": "k"}),
        ("/manage/terminals/code", {"name": "x"}),
        ("/logout", {}),
        ("/language", {"language": "en"}),
    ):
        assert person.client.post(path, data=fields).status_code == 400
    assert "已冻结" not in person.see(f"/manage/people/{diner}")


def test_a_new_password_needs_the_old_one(browser):
    person = browser("cashier")
    new = {"new": "another good one", "again": "another good one"}
    page = "/account/password"
    assert "现在的密码不对" in person.send(page, page, old="not this one", **new).text
    short = person.send(page, page, old=PASSWORD, new="short", again="short")
    assert "至少 10 个字符" in short.text
    assert "密码已更新" in person.send(page, page, old=PASSWORD, **new).text
    person.send("/logout", page)
    assert person.get("/manage/").status_code == 302


def test_the_language_switch_turns_every_page_english(browser):
    person = browser("admin")
    page = person.send("/language", "/manage/", language="en", next="/manage/people").text
    assert '<html lang="en">' in page
    assert "Add diner" in page
    for path in ("/manage/", "/manage/sales", "/manage/settings", "/manage/terminals"):
        shown = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", person.see(path), flags=re.DOTALL)
        rest = re.findall(r"[\u4e00-\u9fff]+", shown)
        assert set(rest) <= {"示范单位", "第一食堂", "早餐", "午餐", "晚餐", "中文"}, path


def test_pages_load_nothing_from_elsewhere_and_run_no_inline_script(browser):
    answer = browser("admin").get("/manage/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.search(r'(src|href)="(https?:)?//', answer.text)
    assert not re.search(r"<script(?![^>]*src=)|<style| style=| on\w+=", answer.text)


def test_every_style_sheet_and_script_of_a_page_is_served_from_here(browser):
    person = browser("admin")
    page = person.see("/manage/")
    for address in re.findall(r'<(?:link|script)[^>]+(?:href|src)="([^"]+)"', page):
        assert person.get(address).status_code == 200, address
    assert person.get("/tokens/../records.py").status_code == 404


def test_an_unknown_page_and_a_forbidden_one_say_what_to_do(browser):
    person = browser("cashier")
    assert "没有这个页面" in person.get("/manage/nothing").text
    answer = person.get("/manage/audit")
    assert answer.status_code == 403
    assert "没有权限" in answer.text
