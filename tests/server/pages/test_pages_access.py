import pytest

from tests.server.conftest import PASSWORD
from tests.server.pages.conftest import Browser

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
    "/manage/settings/till-staff": {"admin"},
    "/manage/audit": {"admin", "auditor"},
    "/manage/keys": {"admin", "auditor"},
    "/account/password": ALL,
    "/manage/line": {"admin", "manager", "auditor"},
    "/manage/line/set-up": {"admin", "manager"},
    "/manage/line/sessions": ALL,
    "/manage/line/unclaimed": ALL,
    "/manage/scales": {"admin", "manager", "auditor"},
    "/manage/faces": {"admin", "manager"},
}
LOOK = frozenset({"manager", "finance", "auditor", "kitchen_manager", "storekeeper", "inspector"})
BUY = frozenset({"manager", "kitchen_manager", "storekeeper"})
RUN = frozenset({"manager", "kitchen_manager"})
OF_THE_KITCHEN = {
    "/manage/approvals": LOOK,
    "/manage/approvals/rules": LOOK,
    "/manage/boards": RUN,
    "/manage/cameras": {"manager", "auditor", "kitchen_manager", "inspector"},
    "/manage/catalogue": LOOK | {"cook"},
    "/manage/forecast": LOOK,
    "/manage/forecast/check": LOOK,
    "/manage/incidents": {"manager", "auditor", "kitchen_manager", "inspector"},
    "/manage/ingredients": LOOK | {"cook"},
    "/manage/ingredients/new": RUN,
    "/manage/inquiries": LOOK,
    "/manage/inquiries/new": BUY,
    "/manage/kitchen-limits": RUN,
    "/manage/menus": LOOK | {"cook"},
    "/manage/menus/print": LOOK | {"cook"},
    "/manage/orders": LOOK,
    "/manage/orders/new": BUY,
    "/manage/plan": LOOK,
    "/manage/suppliers": LOOK,
    "/manage/suppliers/new": BUY,
}


@pytest.mark.parametrize("role", ["admin", "manager", "finance", "cashier", "auditor"])
def test_each_role_sees_its_pages_and_no_others(browser, role):
    person = browser(role)
    seen = {path: person.get(path).status_code for path in PAGES}
    assert seen == {path: 200 if role in roles else 403 for path, roles in PAGES.items()}


@pytest.mark.parametrize("role", sorted(LOOK | {"cook"}))
def test_each_role_sees_its_pages_of_the_kitchen_and_no_others(app, make_user, role):
    make_user("somebody", role)
    person = Browser(app.test_client())
    person.send("/login", login="somebody", password=PASSWORD)
    seen = {path: person.get(path).status_code for path in OF_THE_KITCHEN}
    assert seen == {path: 200 if role in roles else 403 for path, roles in OF_THE_KITCHEN.items()}
