import pytest

ALL = frozenset({"admin", "manager", "finance", "cashier", "auditor"})
PAGES = {
    "/manage/": ALL,
    "/manage/live": ALL,
    "/manage/sales": ALL,
    "/manage/refunds": ALL,
    "/manage/refunds?done=1": ALL,
    "/manage/disputes": {"admin", "manager", "finance", "auditor"},
    "/manage/disputes?ended=1": {"admin", "manager", "finance", "auditor"},
    "/manage/closing": ALL,
    "/manage/closing/days": ALL,
    "/manage/settlement": {"admin", "manager", "finance", "auditor"},
    "/manage/settings/bodies": {"admin", "manager"},
    "/manage/people": ALL,
    "/manage/groups": ALL,
    "/manage/people/new": {"admin", "manager"},
    "/manage/people/import": {"admin", "manager"},
    "/manage/people/import/template.csv": {"admin", "manager"},
    "/manage/groups/new": {"admin", "manager"},
    "/manage/subsidies": {"admin", "finance"},
    "/manage/top-ups": {"admin", "finance", "cashier"},
    "/manage/bank": {"admin", "finance"},
    "/manage/bank/import": {"admin", "finance"},
    "/manage/online-orders": {"admin", "finance", "auditor"},
    "/manage/pay-outs": {"admin", "finance"},
    "/manage/dishes": {"admin", "manager", "finance", "auditor"},
    "/manage/dishes/new": {"admin", "manager"},
    "/manage/dishes/import": {"admin", "manager"},
    "/manage/terminals": {"admin", "manager", "auditor"},
    "/manage/exceptions": {"admin", "manager", "finance", "auditor"},
    "/manage/exceptions?done=1": {"admin", "manager", "finance", "auditor"},
    "/manage/settings": {"admin", "manager"},
    "/manage/settings/venues": {"admin", "manager"},
    "/manage/settings/accounts": {"admin"},
    "/manage/settings/accounts/new": {"admin"},
    "/manage/audit": {"admin", "auditor"},
    "/account/password": ALL,
}


@pytest.mark.parametrize("role", ["admin", "manager", "finance", "cashier", "auditor"])
def test_each_role_sees_its_pages_and_no_others(browser, role):
    person = browser(role)
    seen = {path: person.get(path).status_code for path in PAGES}
    assert seen == {path: 200 if role in roles else 403 for path, roles in PAGES.items()}
