"""设置 → 密钥与保存期限: which key seals what, who has it, and what is erased when."""

from dataclasses import dataclass

from flask import render_template
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from server import keys, retention, rotation
from server.access import needs
from server.pages.manage.blueprint import manage
from server.pages.shared import actor, reading, site_id
from server.services import services

_KINDS: dict[str, LazyString] = {
    "template": _l("人脸特征"),
    "photo": _l("登记照片"),
    "evidence": _l("争议画面"),
    "incident": _l("违规画面"),
    "example": _l("示教图片"),
}
_RULES: dict[str, tuple[LazyString, LazyString]] = {
    "evidence": (_l("争议画面"), _l("天数在规则里设定；期满或争议了结即删除")),
    "incidents": (_l("违规画面"), _l("误报当场删除；其余期满删除，记录保留")),
    "plates": (_l("还盘记录里的姓名"), _l("在“光盘”页设定；期满只留重量和结果")),
    "faces": (_l("照片和人脸特征"), _l("撤回同意或离开单位后立即删除")),
    "consents": (_l("已结束的同意记录"), _l("个人信息保护法第五十六条：处理记录至少保存三年")),
    "receipts": (_l("消除回执"), _l("与同意记录相同")),
    "attempts": (_l("登录失败记录"), _l("只用来防止猜密码")),
    "bookings": (_l("谁订了哪一餐、谁读了通知"), _l("只回看一年")),
    "drafts": (_l("未完成的导入表格"), _l("没有确认的上传")),
    "examples": (_l("示教图片"), _l("教摄像头认对错用的裁剪图")),
    "codes": (_l("过期的登记码"), _l("谁生成的在审计里")),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table of what is kept how long."""

    what: LazyString
    why: LazyString
    days: int
    due: int


@manage.get("/keys", endpoint="keys")
@needs("see_keys")
def keys_page() -> str:
    """Keys and terms; both are changed by commands, which this page names."""
    with reading() as session:
        due = retention.due(session, actor().at, site_id())
        return render_template(
            "manage/keys.html",
            current=keys.current(session),
            epochs=rotation.epochs(session, services().ring, site_id()),
            holders=rotation.holders(session, site_id()),
            kinds=_KINDS,
            now=actor().at,
            lines=[
                Line(*_RULES[rule.code], retention.days_of(session, site_id(), rule.code),
                     due.counts[rule.code])
                for rule in retention.RULES
            ],
        )  # fmt: skip
