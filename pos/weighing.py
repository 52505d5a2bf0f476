"""The till's scale before the law (计量): whether it may bill, what is too little for it. Pure."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from dafan.metrology import Barred, barred
from dafan.units import Grams
from pos.basket import net_grams
from pos.snapshot import Catalogue
from pos.view import NoticeCode

WORDS: Mapping[Barred, NoticeCode] = {
    Barred.UNVERIFIED: NoticeCode.SCALE_UNVERIFIED,
    Barred.EXPIRED: NoticeCode.SCALE_EXPIRED,
    Barred.FAILED: NoticeCode.SCALE_FAILED,
    Barred.CHECK_DUE: NoticeCode.SCALE_CHECK_DUE,
}


def barred_now(catalogue: Catalogue, now: datetime) -> Barred | None:
    """Why the till's scale may not bill at a moment; ``None``: it may, or nothing is weighed."""
    policy = catalogue.policy
    if policy is None or not catalogue.weighs:
        return None
    today = now.astimezone(ZoneInfo(policy.time_zone)).date()
    return barred(catalogue.scale, today, now, required=catalogue.scale_rules.required)


def is_small(catalogue: Catalogue, grams: Grams | None) -> bool:
    """Whether food weighs less than the scale's minimum: what it shows may be further off."""
    scale = catalogue.scale
    return scale is not None and grams is not None and grams < scale.minimum


def food(catalogue: Catalogue, gross: Grams) -> Grams | None:
    """The food in a steady reading; ``None`` where that is nothing to sell by the site's rules."""
    if catalogue.policy is None:
        return None
    net = net_grams(gross, catalogue.policy)
    free = catalogue.scale_rules.small_free and is_small(catalogue, net)
    return None if free else net
