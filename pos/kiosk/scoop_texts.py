"""Every text of a scoop station's display, in Chinese and in English."""

from pos.kiosk.labels import LABELS
from pos.kiosk.plate_texts import NONE, Text

TEXTS: dict[str, tuple[Text, Text]] = {
    "ready": (
        Text("请把餐盘放到感应区", "Put your tray on the mark"),
        Text("想吃多少取多少，按取走的重量计费", "Take what you like: you pay by weight"),
    ),
    "tray": (Text("请取菜", "Help yourself"), Text("取完拿走餐盘就好", "Then take your tray away")),
    "tray_quiet": (
        Text("请取菜", "Help yourself"),
        Text("放回去的会退给您", "What you put back is given back"),
    ),
    "crowd": (
        Text("一次只放一个餐盘", "One tray at a time"),
        Text(
            "请另一位稍等，现在取菜会告诉工作人员", "The other one waits: nobody can be charged now"
        ),
    ),
    "wait": (Text("请稍等", "One moment"), Text("正在等秤停稳", "The scale is coming to rest")),
    "wait_place": (
        Text("请放上菜盆", "Put the pan on"),
        Text("工作人员：放稳后自动开始", "Staff: it begins when the pan rests"),
    ),
    "told": (Text("已计费", "Charged"), Text("请慢用", "Enjoy your meal")),
    "told_back": (
        Text("已退回", "Given back"),
        Text("放回的菜不收费", "What came back costs nothing"),
    ),
    "told_free": (Text("这一点不收费", "Free of charge"), Text("请慢用", "Enjoy your meal")),
    "refill": (
        Text("正在加菜", "Being filled"),
        Text("加好后再刷一次工作卡", "Staff: show your card again when done"),
    ),
    "lifted": (
        Text("菜盆动过了", "The pan was moved"),
        Text("放稳以后再取菜", "Wait until it rests"),
    ),
    # an alarm: values of dafan.line.PanChange
    "alarm_unpaid": (
        Text("没有看到餐盘", "No tray was seen"),
        Text("取菜前请先放餐盘，已告诉工作人员", "Tray first, please. The staff has been told"),
    ),
    "alarm_two_trays": (
        Text("有两个餐盘", "Two trays were here"),
        Text("不知道该算给谁，已告诉工作人员", "Nobody was charged. The staff has been told"),
    ),
    "alarm_brought": (
        Text("菜盆里多了东西", "Something was put in"),
        Text("别处的菜不能放进来，已告诉工作人员", "Not from here. The staff has been told"),
    ),
    "alarm_lifted": (
        Text("菜盆动过了", "The pan was moved"),
        Text("没有计费，已告诉工作人员", "Nobody was charged. The staff has been told"),
    ),
    # closed: pos.scoop_state.Shut, the silent scale, the full disk
    "shut_revoked": (
        Text("本窗口已停用", "This station is closed"),
        Text("请找工作人员", "Please ask the staff"),
    ),
    "shut_setup": (
        Text("正在准备", "Getting ready"),
        Text("等待服务器的数据", "Waiting for the server"),
    ),
    "shut_no_dish": (
        Text("这里还没有菜", "No dish here yet"),
        Text("请到别的窗口", "Please go to another station"),
    ),
    "shut_no_price": (
        Text("这道菜还没有定价", "This dish has no price"),
        Text("请到别的窗口", "Please go to another station"),
    ),
    "shut_reader": (
        Text("餐盘感应器没有反应", "The tray reader is silent"),
        Text("现在不要取菜，请告诉工作人员", "Do not take food; tell the staff"),
    ),
    "shut_scale": (
        Text("秤没有反应", "The scale is silent"),
        Text("现在不要取菜，请告诉工作人员", "Do not take food; tell the staff"),
    ),
    "shut_disk": (
        Text("暂时不能记账", "Nothing can be written down"),
        Text("现在不要取菜，请告诉工作人员", "Do not take food; tell the staff"),
    ),
    "shut_unverified": (
        Text("这台秤还没有检定", "This scale was never verified"),
        Text("检定以前不能计费", "It may not bill before that"),
    ),
    "shut_expired": (
        Text("这台秤检定已过期", "This scale's verification has expired"),
        Text("重新检定以前不能计费", "It may not bill before the next one"),
    ),
    "shut_failed": (
        Text("这台秤不准", "This scale was found wrong"),
        Text("重新检定以前不能计费", "It may not bill before it is verified"),
    ),
    "shut_check_due": (
        Text("这台秤今天还没有校验", "This scale awaits its daily check"),
        Text("工作人员：请放砝码校验", "Staff: check it with the test weight"),
    ),
    # lines and labels
    "unbound": (
        Text("这个餐盘没有登记", "Nobody has taken this tray"),
        Text("请先到入口刷卡", "Go to the entrance first"),
    ),
    "gone_lost": (
        Text("这个餐盘已挂失", "This tray is reported lost"),
        Text("请换一个餐盘，把它交给工作人员", "Hand it to the staff, take another"),
    ),
    "gone_retired": (
        Text("这个餐盘已停用", "This tray is out of use"),
        Text("请换一个餐盘", "Please take another"),
    ),
    "over_cap": (
        Text("已到本餐上限", "That is enough for one meal"),
        Text("请先去结算", "Please go and pay"),
    ),
    "this": (Text("本次", "This time"), NONE),
    "here": (Text("这道菜共 {grams} 克 ¥{fen}", "Of this dish: {grams} g ¥{fen}"), NONE),
    "whole": (Text("全盘 ¥{fen}", "Tray ¥{fen}"), NONE),
    "back": (Text("放回", "Put back"), NONE),
    "moving": (Text("称重中", "weighing"), NONE),
    "charged": (Text("刚才已计 {grams} 克 ¥{fen}", "Charged: {grams} g ¥{fen}"), NONE),
    "per": (Text("{per} 克", "{per} g"), NONE),
    "energy": (Text("{energy} 千卡 / 100 克", "{energy} kcal / 100 g"), NONE),
    "contains": (Text("含", "contains"), NONE),
    "warned": (Text("您要避开：{what}", "You avoid: {what}"), NONE),
    "offline": (
        Text("离线，照常计费", "Offline, weighing as usual"),
        Text("{waiting} 条待上传", "{waiting} waiting"),
    ),
}
"""By what is said: the matter, the advice."""


def allergen(code: str) -> Text:
    """The name of an allergen group; a code without one shows itself."""
    label = LABELS.get(f"allergen_{code}")
    return Text(label["zh"], label["en"]) if label else Text(code, code)
