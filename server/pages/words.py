"""Codes that the books and the tills write, in the words of the pages."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

_EXCEPTIONS: dict[str, tuple[str, LazyString, LazyString]] = {
    "parked": ("stop", _l("无法入账"), _l("原样保留，其余照常入账。查明原因后人工更正。")),
    "fork": (
        "stop",
        _l("结算台数据分叉"),
        _l("可能用旧磁盘恢复过：整批保留，请停用并重新登记这台。"),
    ),
    "overdraft": ("warn", _l("余额透支"), _l("就餐人看到多少就付多少；请提醒充值。")),
    "over_limit": ("warn", _l("超过限额"), _l("离线时超限，已按所见金额入账。")),
    "subsidised_twice": ("warn", _l("补贴用了两次"), _l("两台离线结算台各用了一次，请核对。")),
    "not_active": ("warn", _l("已冻结或已离开仍付款"), _l("结算台当时还不知道，请核对。")),
    "wrong_date": ("warn", _l("日期不对"), _l("请检查结算台的时钟。")),
    "unpublished": ("warn", _l("结算台数据过旧"), _l("请检查结算台的网络。")),
    "notice": ("info", _l("结算台提醒"), _l("请到现场看一看。")),
}


def exception_text(code: str) -> tuple[str, str, str]:
    """Light, title and advice of an exception's code."""
    light, title, advice = _EXCEPTIONS.get(code, ("warn", code, ""))
    return light, str(title), str(advice)
