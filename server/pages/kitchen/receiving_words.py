"""What receiving says in the language of the person at the tablet."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from kitchen.receiving_rules import Certificate, Finding

PAPERS: dict[str, LazyString] = {
    Certificate.QUARANTINE.value: _l("动物检疫合格证明"),
    Certificate.MEAT.value: _l("肉品品质检验合格证"),
    Certificate.PRODUCE.value: _l("承诺达标合格证"),
    Certificate.CONFORMITY.value: _l("产品合格证或检验报告"),
    Certificate.CUSTOMS.value: _l("入境检验检疫证明"),
    Certificate.GOODS.value: _l("来货照片"),
}
REASONS: tuple[LazyString, ...] = (
    _l("变质或有异味"), _l("温度超标"), _l("农残阳性"), _l("缺票证"), _l("过期或临期"),
    _l("包装破损"), _l("与订单不符"), _l("数量超出"),
)  # fmt: skip
"""Why something goes back, for a finger."""
_FINDINGS: dict[str, LazyString] = {
    "produced_tomorrow": _l("生产日期在今天以后：请核对标签"),
    "no_date": _l("没有生产日期、批号或保质期"),
    "expired": _l("已过保质期"),
    "short_life": _l("保质期所剩不多"),
    "no_temperature": _l("还没有测表面温度"),
    "too_warm": _l("表面温度太高"),
    "no_certificate": _l("缺票证"),
    "no_pesticide_test": _l("还没有做农残快检"),
    "retested": _l("首次阳性，复检阴性"),
    "pesticide_retest": _l("农残阳性：单独存放，复检一次"),
    "pesticide": _l("农残两次阳性：必须拒收"),
    "wrong_unit": _l("计量单位不对"),
    "looks_bad": _l("感官不合格"),
    "not_looked": _l("还没有看感官"),
    "more_than_ordered": _l("比订单多"),
    "less_than_ordered": _l("比订单少"),
    "other_price": _l("单价与订单不同"),
    "no_price": _l("还没有单价"),
}
_LIMITS: dict[str, LazyString] = {
    "expired": _l("到 %(limit)s"),
    "short_life": _l("到 %(limit)s"),
    "too_warm": _l("最高 %(limit)s"),
    "pesticide_retest": _l("%(limit)s 起为阳性"),
    "pesticide": _l("%(limit)s 起为阳性"),
    "more_than_ordered": _l("订 %(limit)s"),
    "less_than_ordered": _l("订 %(limit)s"),
    "other_price": _l("订单 %(limit)s"),
}


def finding(one: Finding) -> str:
    """What is wrong or odd with a line, and what it should be."""
    text = str(_FINDINGS[one.code])
    if one.code == "no_certificate":
        return f"{text} · {PAPERS[one.limit]}"
    if not one.limit:
        return text
    return f"{text} · {_LIMITS[one.code] % {'limit': one.limit}}"
