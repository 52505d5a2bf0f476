"""Every text of the return station's page, in Chinese and in English."""

from collections.abc import Mapping
from typing import NamedTuple


class Text(NamedTuple):
    """One text in two languages; the page shows both, Chinese first."""

    zh: str
    en: str


def fill(text: Text, numbers: Mapping[str, int]) -> Text:
    """The text with its numbers."""
    return Text(text.zh.format(**numbers), text.en.format(**numbers))


NONE = Text("", "")

TEXTS: dict[str, tuple[Text, Text]] = {
    # what the station waits for: the matter, the advice
    "ready": (
        Text("光盘请还到这里", "Return your tray here"),
        Text("刷卡或扫手机付款码，再放餐盘", "Card or phone code first, then the tray"),
    ),
    "card": (
        Text("请刷卡或扫码", "Card or phone code, please"),
        Text("让我们知道是谁的餐盘", "So that we know whose tray it is"),
    ),
    "tray": (
        Text("请放上餐盘", "Put your tray on the scale"),
        Text("碗筷一起，放稳就好", "With bowls and chopsticks; then let go"),
    ),
    "clear": (
        Text("请先拿走上一个餐盘", "Take the last tray away first"),
        Text("秤空了再放您的", "Yours comes when the scale is empty"),
    ),
    "sent": (Text("正在看…", "One moment …"), Text("请稍等", "We are looking")),
    "setup": (
        Text("正在准备", "Getting ready"),
        Text("等待服务器的数据", "Waiting for the server"),
    ),
    "revoked": (
        Text("回收台已停用", "This station is closed"),
        Text("请找工作人员", "Please ask the staff"),
    ),
    # what became of a tray: values of kitchen.clean_plate.Verdict, and two of the station's own
    "clean": (
        Text("光盘，真棒！", "Clean plate, well done!"),
        Text("您共有 {balance} 分，餐盘可以拿走了", "Your points: {balance}. Take the tray away"),
    ),
    "left_over": (
        Text("剩了一些", "Something is left"),
        Text("下次吃多少取多少，餐盘可以拿走了", "Take what you can eat; this one has no points"),
    ),
    "too_light": (
        Text("餐盘不全", "The tray is not complete"),
        Text("请拿起来，碗和餐盘一起放，再刷一次", "Put tray and bowls on together, and try again"),
    ),
    "no_meal": (
        Text("没有查到这一餐", "No paid meal found"),
        Text("刚付过款的，积分稍后补上", "If you have paid, your points will follow"),
    ),
    "too_soon": (
        Text("刚刚才付款", "You have only just paid"),
        Text("吃完再来，不着急", "Come back when you have eaten"),
    ),
    "too_late": (
        Text("这一餐已经过了时间", "Too late for this meal"),
        Text("下一餐吃完就来", "Next time come right after the meal"),
    ),
    "again": (
        Text("这一餐已经记过", "This meal has its points"),
        Text("您共有 {balance} 分", "Your points: {balance}"),
    ),
    "no_tray": (
        Text("还不能判断", "Cannot be judged yet"),
        Text("请告诉工作人员：没有设空盘重量", "Staff: set the weight of an empty tray"),
    ),
    "later": (
        Text("已记下", "Noted"),
        Text("积分稍后到账，手机上可以看", "Points follow; your phone will show them"),
    ),
    "failed": (
        Text("没有记下", "Not recorded"),
        Text("请找工作人员", "Please ask the staff"),
    ),
    # lines above all else
    "unknown": (
        Text("不认识这张卡或这个码，请换一种方式", "Unknown card or code: try the other"),
        NONE,
    ),
    "lost": (
        Text("这张卡已挂失，请找工作人员", "This card is reported lost: ask the staff"),
        NONE,
    ),
    "timed_out": (
        Text("没有等到餐盘，请重新刷卡", "No tray came: show your card again"),
        NONE,
    ),
    "scale_off": (
        Text("秤没有反应，请告诉工作人员", "The scale does not answer: tell the staff"),
        NONE,
    ),
    "grams": (Text("克", "grams"), NONE),
    "points": (Text("分", "points"), NONE),
    "offline": (
        Text("离线，照常记录", "Offline, recording as usual"),
        Text("{waiting} 条待上传", "{waiting} waiting"),
    ),
}
