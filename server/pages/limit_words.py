"""The kitchen's limits in the words of the pages: label, unit, range, and where each comes from."""

from dataclasses import MISSING, dataclass, fields
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from kitchen.cabinet import ChilledRules, FrozenRules
from kitchen.clean_plate import PlateRules
from kitchen.incidents import IncidentRules
from kitchen.limits import LAW, Law, subject_of
from kitchen.menu_checks import MenuRules
from kitchen.plan import Rules as PlanRules
from kitchen.production import ProductionRules
from kitchen.receiving_rules import Rules as ReceivingRules
from kitchen.sample_rules import SampleRules
from kitchen.staff import StaffRules
from kitchen.stock_view import StockRules
from server.face_care import FaceCareRules
from server.feedback import FeedbackRules
from server.glance_rules import GlanceRules

_TENTH = 10


@dataclass(frozen=True, slots=True)
class Limit:
    """One field of a subject's rules.

    Attributes:
        scale: So many stored units are one shown unit: tenths of a degree, per mille as percent.
        low: The least that makes sense, stored.
        high: The most that makes sense, stored.
    """

    name: str
    label: LazyString
    unit: LazyString | str
    why: LazyString | str
    high: int
    low: int = 0
    scale: int = 1
    switch: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The rules of one subject; ``right`` is needed besides that of the kitchen's limits."""

    kind: type[Any]
    title: LazyString
    limits: tuple[Limit, ...]
    right: str = "run_kitchen"

    @property
    def name(self) -> str:
        """As it is kept, and as the address says it."""
        return subject_of(self.kind)

    def usual(self, limit: Limit) -> Any:
        """The default of a field."""
        found = {field.name: field.default for field in fields(self.kind)}[limit.name]
        if found is MISSING:
            raise TypeError(f"{limit.name} of {self.name} has no default")
        return found

    def law(self, limit: Limit) -> Law | None:
        """What is laid down for a field."""
        return LAW.get(self.name, {}).get(limit.name)


_GRAMS, _HOURS, _MINUTES, _DAYS = _l("克"), _l("小时"), _l("分钟"), _l("天")
_DEGREES, _PERCENT = "℃", "%"
_GUIDE = _l("餐饮服务食品安全操作规范（2018）")
_DOOR = _l("餐饮服务食品安全操作规范（2018）6.2")
_SAMPLES = _l("教育部令第45号第40条；操作规范 7.9")
_HABIT = _l("常用值，不是法规")
_DAY, _YEAR, _MOST_GRAMS = 24 * 60, 366, 50_000
_COLD = _l("餐饮服务食品安全操作规范（2018）术语：冷藏 0～8 ℃")
_ALARMS: tuple[Limit, ...] = (
    Limit("minutes", _l("超出温度多久才报警（开门不算）"), _MINUTES, _HABIT, _DAY, low=1),
    Limit("silent_minutes", _l("探头多久没有读数就报警"), _MINUTES, _HABIT, _DAY, low=1),
    Limit("by_hand_minutes", _l("人工记录多久没有读数就报警"), _HOURS, _HABIT, 7 * _DAY, low=60,
          scale=60),
)  # fmt: skip

SUBJECTS: tuple[Subject, ...] = (
    Subject(SampleRules, _l("留样"), (
        Limit("grams", _l("每样至少"), _GRAMS, _SAMPLES, _MOST_GRAMS),
        Limit("most_grams", _l("每样最多"), _GRAMS, _l("再多就是放错了东西"), _MOST_GRAMS),
        Limit("hours", _l("至少保存"), _HOURS, _SAMPLES, 24 * 30),
        Limit("red_minutes", _l("餐次结束前多久还没留就亮红灯"), _MINUTES, _HABIT, _DAY),
        Limit("overdue_hours", _l("到期多久没销就亮黄灯"), _HOURS, _HABIT, 24 * 30),
        Limit("cooked_hours", _l("出锅多久以内的才能留"), _HOURS, _HABIT, 48),
    )),
    Subject(ReceivingRules, _l("验收"), (
        Limit("chilled_over_label", _l("冷藏品最多比标签高"), _DEGREES,
              _DOOR, 100, scale=_TENTH),
        Limit("chilled_most", _l("标签没写时冷藏品最高"), _DEGREES, _GUIDE, 150, scale=_TENTH),
        Limit("frozen_most", _l("冷冻品表面最高"), _DEGREES,
              _l("餐饮服务食品安全操作规范（2018）6.2：不宜高于 −9 ℃"), 0, low=-400, scale=_TENTH),
        Limit("positive", _l("农残抑制率达到即阳性"), _PERCENT, "GB/T 5009.199-2003", 1000,
              low=10, scale=_TENTH),
        Limit("over_ordered", _l("比订单多多少以内不提醒"), _PERCENT, _HABIT, 1000, scale=_TENTH),
        Limit("life_left", _l("到货时剩余保质期至少"), _PERCENT, _HABIT, 1000, scale=_TENTH),
    )),
    Subject(ChilledRules, _l("冷藏柜"), (
        Limit("lowest", _l("最低"), _DEGREES, _COLD, 30, scale=_TENTH),
        Limit("highest", _l("最高"), _DEGREES, _COLD, 150, low=40, scale=_TENTH),
        *_ALARMS,
    )),
    Subject(FrozenRules, _l("冷冻柜"), (
        Limit("highest", _l("最高"), _DEGREES,
              _l("餐饮服务食品安全操作规范（2018）术语：冷冻宜低于 −12 ℃"), 0, low=-400,
              scale=_TENTH),
        *_ALARMS,
    )),
    Subject(ProductionRules, _l("烹饪"), (
        Limit("core_tenths", _l("中心温度至少"), _DEGREES, _GUIDE, 1200, scale=_TENTH),
        Limit("hot_tenths", _l("热藏至少"), _DEGREES, _GUIDE, 1200, scale=_TENTH),
        Limit("warm_minutes", _l("8 至 60 ℃ 之间最多放"), _MINUTES, _GUIDE, _DAY),
        Limit("chilled_hours", _l("剩余菜冷藏最多放"), _HOURS, _HABIT, 24 * 7),
    )),
    Subject(StaffRules, _l("人员"), (
        Limit("check_required", _l("没有晨检不能接触食品"), "", _GUIDE,
              1, switch=True),
        Limit("warn_days", _l("健康证到期前多少天提醒"), _DAYS, _HABIT, _YEAR),
    )),
    Subject(StockRules, _l("库存"), (
        Limit("maximum_times", _l("库存超过最低量的多少倍就提醒"), _l("倍"), _HABIT, 1000, low=1),
    )),
    Subject(PlanRules, _l("采购计划"), (
        Limit("safety_permille", _l("比预估多备"), _PERCENT, _HABIT, 1000, scale=_TENTH),
        Limit("ahead_days", _l("一次最多买几天的量"), _DAYS, _HABIT, 60, low=1),
    )),
    Subject(IncidentRules, _l("违规"), (
        Limit("evidence_days", _l("证据画面保存"), _DAYS,
              _l("DB53/T 1173-2023 要求有记录；常用 90 天"), 3660, low=1),
        Limit("due_days", _l("确认后多少天内整改"), _DAYS, _HABIT, _YEAR),
    )),
    Subject(MenuRules, _l("食谱"), (
        Limit("repeat_within", _l("相邻多少餐内主料不重复"), _l("餐"), _HABIT, 50, low=1),
        Limit("vegetables_low", _l("每人每餐蔬菜至少"), _GRAMS,
              _l("中国居民膳食指南 2022：一天 300 克的三分之一"), 2000),
        Limit("cost_tolerance_permille", _l("超出成本目标多少以内不提醒"), _PERCENT, _HABIT, 1000,
              scale=_TENTH),
    )),
    Subject(PlateRules, _l("光盘"), (
        Limit("tray_grams", _l("还回来的空盘连碗筷多重；0：和结算台的空盘一样"), _GRAMS,
              _HABIT, 5000),
        Limit("left_grams", _l("剩下多少以内算光盘"), _GRAMS, _l("骨头、汤汁、纸巾"), 1000),
        Limit("left_permille", _l("……并且不超过称重的"), _PERCENT, _HABIT, 1000, scale=_TENTH),
        Limit("light_grams", _l("空盘之间最多轻多少"), _GRAMS, _HABIT, 1000),
        Limit("soonest_minutes", _l("付款后最早多久能还"), _MINUTES, _HABIT, 60),
        Limit("latest_minutes", _l("付款后最晚多久能还"), _MINUTES, _HABIT, _DAY, low=1),
        Limit("points", _l("一次光盘得几分"), _l("分"), _HABIT, 10),
    )),
    Subject(FeedbackRules, _l("意见"), (
        Limit("complaint_days", _l("投诉多少天内答复"), _DAYS, _HABIT, _YEAR, low=1),
        Limit("idea_days", _l("金点子多少天内答复"), _DAYS, _HABIT, _YEAR, low=1),
    )),
    Subject(GlanceRules, _l("总览亮灯"), (
        Limit("covers_permille", _l("就餐人次和预估差多少亮黄灯，差两倍亮红灯"), _PERCENT, _HABIT,
              1000, low=10, scale=_TENTH),
        Limit("slow_seconds", _l("最慢的二十分之一付款多久亮黄灯，再慢一倍亮红灯"), _l("秒"),
              _HABIT, 600, low=1),
        Limit("queue_permille", _l("紧接前一位付款的占多少亮黄灯"), _PERCENT, _HABIT, 1000, low=10,
              scale=_TENTH),
        Limit("behind", _l("结算台落后多少条更新亮黄灯"), _l("条"), _HABIT, 100_000, low=1),
        Limit("waste_grams", _l("人均浪费多少亮黄灯，多一半亮红灯"), _GRAMS,
              _l("常用值；城市餐饮业平均每餐 93 克"), 1000, low=1),
        Limit("judge_minutes", _l("违规多久没人看亮黄灯"), _MINUTES, _HABIT, 7 * _DAY, low=1),
        Limit("complaint_hours", _l("意见到期前多久亮黄灯"), _HOURS, _HABIT, 24 * 30, low=1),
    )),
    Subject(FaceCareRules, _l("人脸照片"), (
        Limit("months", _l("照片拍了多久建议重拍"), _l("个月"),
              _l("常用值；孩子的脸变得快，可以短些"), 120, low=1),
        Limit("fall", _l("近来刷脸的相似度降了多少建议重拍（满分 1）"), _l("分"), _HABIT, 500,
              low=10, scale=1000),
        Limit("recent_days", _l("多少天以内算近来"), _DAYS, _HABIT, _YEAR, low=1),
        Limit("payments", _l("近来和以前各要有多少次刷脸才比"), _l("次"),
              _l("常用值；太少就看不准"), 100, low=3),
    ), right="see_faces"),
)  # fmt: skip
