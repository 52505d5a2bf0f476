"""The one screen in words: of each gauge its title, figure, unit, and why it is not green.

Pages and the daily report say the same. Outside of a request the words are Chinese.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from server.glance_rules import Gauge, Glance, Light, Verdict, Why
from server.reports.frame import DASH, GRAMS_A_COVER, KILOGRAMS, YUAN, permille

LIGHTS: Mapping[Light, LazyString] = {
    Light.OK: _l("良好"),
    Light.WARN: _l("注意"),
    Light.STOP: _l("要处理"),
}
"""The word beside the shape and the colour."""

TITLES: Mapping[Gauge, LazyString] = {
    Gauge.COVERS: _l("就餐人次"),
    Gauge.TAKINGS: _l("今日收入"),
    Gauge.PAYING: _l("付款用时"),
    Gauge.QUEUE: _l("排队"),
    Gauge.TILLS: _l("结算台在线"),
    Gauge.WASTE: _l("人均浪费"),
    Gauge.SAMPLES: _l("留样"),
    Gauge.SUPERVISION: _l("监管清单"),
    Gauge.INCIDENTS: _l("违规待处理"),
    Gauge.STOCK: _l("库存提醒"),
    Gauge.COMPLAINTS: _l("意见待答复"),
    Gauge.EXCEPTIONS: _l("例外待处理"),
}

_WHY: Mapping[Why, LazyString] = {
    Why.MORE_CAME: _l("比预估多来 %(n)s 人次，看看菜够不够"),
    Why.FEWER_CAME: _l("比预估少来 %(n)s 人次，剩菜先处理"),
    Why.SLOW: _l("每二十人有一人超过 %(n)s 秒"),
    Why.QUEUED: _l("%(n)s 台都一位紧接一位，可以再开一台"),
    Why.OFFLINE: _l("%(n)s 台离线，照常收款"),
    Why.BEHIND: _l("最慢的一台落后 %(n)s 条更新"),
    Why.FORKED: _l("%(n)s 台数据分叉，等人判断"),
    Why.SCALE_BARRED: _l("%(n)s 台秤不能计价，请看“秤和检定”"),
    Why.SCALE_SOON: _l("%(n)s 台秤的检定快到期"),
    Why.SCALE_LOOSE: _l("%(n)s 台秤没有检定记录"),
    Why.WASTED: _l("超过每人次 %(n)s 克"),
    Why.MISSING: _l("%(n)s 道菜还没有留样"),
    Why.UNCOLLECTED: _l("%(n)s 份到期没有销毁"),
    Why.LATE: _l("%(n)s 项超时没有做"),
    Why.DONE_LATE: _l("%(n)s 项做晚了"),
    Why.TO_JUDGE: _l("%(n)s 起还没有人看"),
    Why.NOT_PUT_RIGHT: _l("%(n)s 项整改过了期限"),
    Why.EXPIRED: _l("%(n)s 批已过期，不能再用"),
    Why.HELD: _l("%(n)s 批被封存"),
    Why.ENDING: _l("%(n)s 批快到期，先用"),
    Why.BELOW: _l("%(n)s 种低于最低量"),
    Why.UNANSWERED: _l("%(n)s 条过了期限没有答复"),
    Why.DUE_SOON: _l("最近的一条还有 %(n)s 小时到期"),
    Why.TO_SETTLE: _l("%(n)s 条，请今天看完"),
}


@dataclass(frozen=True, slots=True)
class Words:
    """A gauge as people read it.

    Attributes:
        value: The figure.
        unit: Beside it; may be empty.
        foot: What it is compared with.
        why: Why it is not green; else empty.
    """

    title: str
    value: str
    unit: str
    foot: str
    why: str


def say(now: Glance, gauge: Gauge, verdict: Verdict, zone: ZoneInfo) -> Words:
    """A gauge in words; times in the site's zone."""
    value, unit, foot = _SAY[gauge](now, zone)
    why = "" if verdict.why is None else str(_WHY[verdict.why]) % {"n": verdict.number}
    return Words(str(TITLES[gauge]), value, unit, foot, why)


_Said = tuple[str, str, str]


def _covers(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    meal = now.meal
    if meal is None or meal.expected is None:
        return f"{now.covers:,}", _("人"), _("还没有可比的日子，没有预估")
    told = _("本餐 %(n)s，预估 %(expected)s", n=f"{meal.covers:,}", expected=f"{meal.expected:,}")
    return f"{now.covers:,}", _("人"), told


def _takings(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    share = permille(now.money.subsidy, now.money.income)
    foot = _("还没有收款") if share is None else _("补贴占 %(n)s%%", n=(share + 5) // 10)
    return YUAN.told(now.money.net), "", foot


def _paying(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    if now.paying.median is None or now.paying.p95 is None:
        return DASH, "", _("这一餐还没有人付款")
    told = _("一半人在此以内，95%% 在 %(slow)s 秒内", slow=f"{now.paying.p95:.1f}")
    return f"{now.paying.median:.1f}", _("秒"), told


def _queue(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    queue = now.queue
    if queue.permille is None:
        return DASH, "", _("最近 10 分钟没有人排队付款")
    told = _("紧接前一位；10 分钟 %(sales)s 笔，%(tills)s 台", sales=queue.sales, tills=queue.tills)
    return f"{(queue.permille + 5) // 10}", "%", told


def _tills(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    tills = now.tills
    if not tills.all:
        foot = _("还没有结算台")
    elif tills.behind:
        foot = _("最多落后 %(n)s 条更新", n=tills.behind)
    else:
        foot = _("全部同步") if tills.online else _("等结算台连上")
    return f"{tills.online} / {tills.all}", _("台"), foot


def _waste(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    waste = now.waste
    if waste.tenths is None or not waste.grams:
        return DASH, "", _("今天还没有称过餐厨垃圾")
    foot = _("共 %(much)s", much=KILOGRAMS.told(waste.grams))
    if waste.tenths_then is not None:
        foot += _("，上周 %(n)s 克", n=GRAMS_A_COVER.text(waste.tenths_then))
    return GRAMS_A_COVER.text(waste.tenths), _("克"), foot


def _samples(now: Glance, zone: ZoneInfo) -> _Said:
    samples = now.samples
    if not samples.of:
        return DASH, "", _("这一餐没有要留样的菜")
    ends = f"{now.meal.ends.astimezone(zone):%H:%M}" if now.meal else ""
    return f"{samples.taken} / {samples.of}", _("道"), _("%(at)s 前留完", at=ends)


def _acts(now: Glance, zone: ZoneInfo) -> _Said:
    acts = now.acts
    if not acts.of:
        return DASH, "", _("今天还没有清单")
    if acts.next_due is None:
        foot = _("今天的都到了时间")
    else:
        foot = _("下一项 %(at)s 前", at=f"{acts.next_due.astimezone(zone):%H:%M}")
    return f"{acts.done} / {acts.of}", _("项"), foot


def _incidents(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    found = now.incidents
    foot = _("%(n)s 起等人看", n=found.to_judge) if found.to_judge else _("没有等人看的")
    if found.oldest is not None:
        minutes = max(int((now.at - found.oldest).total_seconds() // 60), 0)
        foot += (
            _("，最久 %(n)s 分钟", n=minutes)
            if minutes < _HOURS
            else _("，最久 %(n)s 小时", n=minutes // 60)
        )
    return f"{found.open}", _("起"), foot


_HOURS = 180
"""From so many minutes on they are told as hours."""


def _stock(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    stock = now.stock
    if not stock.all:
        return "0", _("项"), _("没有过期、临期和不足的")
    told = _(
        "过期 %(expired)s，临期 %(ending)s，不足 %(below)s", expired=stock.expired,
        ending=stock.ending, below=stock.below,
    )  # fmt: skip
    return f"{stock.all}", _("项"), told


def _complaints(now: Glance, zone: ZoneInfo) -> _Said:
    said = now.complaints
    if not said.open:
        return "0", _("条"), _("都答复了")
    if said.first_due is None:
        return f"{said.open}", _("条"), _("都过了期限")
    return (
        f"{said.open}",
        _("条"),
        _("最近 %(at)s 到期", at=f"{said.first_due.astimezone(zone):%m-%d %H:%M}"),
    )


def _exceptions(now: Glance, zone: ZoneInfo) -> _Said:
    del zone
    return (
        f"{now.exceptions}",
        _("条"),
        _("入账、结算台和证照") if now.exceptions else _("没有要处理的"),
    )


_SAY: Mapping[Gauge, Callable[[Glance, ZoneInfo], _Said]] = {
    Gauge.COVERS: _covers,
    Gauge.TAKINGS: _takings,
    Gauge.PAYING: _paying,
    Gauge.QUEUE: _queue,
    Gauge.TILLS: _tills,
    Gauge.WASTE: _waste,
    Gauge.SAMPLES: _samples,
    Gauge.SUPERVISION: _acts,
    Gauge.INCIDENTS: _incidents,
    Gauge.STOCK: _stock,
    Gauge.COMPLAINTS: _complaints,
    Gauge.EXCEPTIONS: _exceptions,
}
