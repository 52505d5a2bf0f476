"""The left navigation of the manager's pages."""

from dataclasses import dataclass

from flask import url_for
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from server.access import may


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the left navigation."""

    endpoint: str
    label: LazyString
    right: str
    also: str = ""
    """Another right that shows it as well."""
    several: bool = False
    """Only for who has roles at several sites."""


_MENU: tuple[tuple[LazyString | str, tuple[Item, ...]], ...] = (
    ("", (
        Item("manage.overview", _l("总览"), "see_overview"),
        Item("manage.reports", _l("报表"), "see_overview"),
        Item("manage.across_page", _l("各食堂对比"), "see_overview", several=True),
        Item("manage.approvals_inbox", _l("审批"), "approve_buying", also="approve_stock"),
        Item("manage.exceptions_list", _l("例外"), "see_exceptions"),
    )),
    (_l("账目"), (
        Item("manage.sales", _l("销售"), "see_sales"),
        Item("manage.line_sessions", _l("托盘记录"), "see_sales"),
        Item("manage.refunds_list", _l("退款"), "see_sales"),
        Item("manage.closing", _l("日结"), "see_closing"),
        Item("manage.settlement", _l("清算"), "see_settlement"),
    )),
    (_l("就餐人"), (
        Item("manage.people_list", _l("人员"), "see_people"),
        Item("manage.faces_care", _l("刷脸情况"), "see_faces"),
        Item("manage.top_ups", _l("充值"), "top_up"),
        Item("manage.online_orders", _l("线上充值"), "see_gateway"),
        Item("manage.subsidies", _l("补贴"), "run_subsidies"),
        Item("manage.bookings_list", _l("订餐"), "plan_meals"),
        Item("manage.plates_list", _l("光盘"), "see_sales"),
        Item("manage.feedback_list", _l("意见"), "run_kitchen"),
        Item("manage.notices_list", _l("通知和测评"), "run_kitchen"),
    )),
    (_l("厨房"), (
        Item("kitchen.today", _l("后厨"), "see_kitchen"),
        Item("manage.menus", _l("食谱"), "see_dishes"),
        Item("manage.dishes_list", _l("菜品"), "see_dishes"),
        Item("manage.line_page", _l("自选称重线"), "see_kitchen"),
        Item("manage.orders_list", _l("采购"), "see_buying"),
        Item("manage.incidents_list", _l("违规"), "see_incidents"),
        Item("manage.inspections_list", _l("现场巡查"), "see_incidents"),
        Item("manage.limits", _l("后厨限值"), "run_kitchen"),
    )),
    (_l("系统"), (
        Item("manage.terminals_list", _l("结算台"), "see_terminals"),
        Item("manage.scales_list", _l("秤和检定"), "see_kitchen"),
        Item("manage.settings", _l("设置"), "see_settings"),
        Item("manage.keys", _l("密钥"), "see_keys"),
        Item("manage.audit", _l("审计"), "see_audit"),
    )),
)  # fmt: skip
"""Headings, and the lines under them."""


def menu() -> list[tuple[LazyString | str, list[Item]]]:
    """What the signed-in person finds in the left navigation, under its headings."""
    several = current_user.is_authenticated and len(current_user.site_ids) > 1
    mine = [
        (heading, [item for item in items if _shown(item) and (several or not item.several)])
        for heading, items in _MENU
    ]
    return [(heading, items) for heading, items in mine if items]


def _shown(item: Item) -> bool:
    return may(item.right) or bool(item.also and may(item.also))


def first_page() -> str:
    """Where the signed-in person begins: his work, or his own account where there is none."""
    for _heading, items in menu():
        return url_for(items[0].endpoint)
    return url_for("session.password")
