"""What a refused act says to the person, in his language.

Services speak English and name a stable code; here the codes that people meet get their text.
"""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from dafan.errors import DafanError

_TEXTS: dict[str, LazyString] = {
    "unknown_diner": _l("没有这位就餐人，请按姓名或工号查找"),
    "unknown_group": _l("没有这个人员类别，请从列表中选择"),
    "unknown_dish": _l("没有这道菜，请从列表中选择"),
    "unknown_card": _l("没有这张卡，请在就餐人页面查看"),
    "taken": _l("这个工号或名称已被使用，请换一个，或修改原有的那条"),
    "name_taken": _l("已有同名菜品，请修改原有的那道，或换一个名称"),
    "bad_pin": _l("密码应为 6 位数字"),
    "easy_pin": _l("这个密码太容易被猜到，请换一个"),
    "bad_card": _l("这不是卡号：请把卡放到读卡器上，或输入卡面上的 4 到 40 位字母和数字"),
    "card_taken": _l("这张卡属于另一位就餐人：请先收回，或换一张卡"),
    "same_card": _l("新卡就是挂失的那张：请改用“找到了”"),
}


def say(error: DafanError) -> str:
    """The text of an error for the signed-in person."""
    text = _TEXTS.get(error.code)
    return str(error) if text is None else str(text)
