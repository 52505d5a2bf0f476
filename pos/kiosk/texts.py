"""Every sentence of the kiosk page, in Chinese and in English.

A notice says first what is the matter, then what to do now. A name in braces is a parameter; one
that ends in ``_fen`` is shown as money (¥3.20).
"""

from typing import TypedDict

from pos.kiosk.labels import LABELS as LABELS  # noqa: PLC0414 - one table of texts
from pos.view import NoticeCode


class Sentence(TypedDict):
    """A notice: the matter and the advice, each in two languages."""

    zh: tuple[str, str]
    en: tuple[str, str]


def _say(zh: str, zh_do: str, en: str, en_do: str) -> Sentence:
    return {"zh": (zh, zh_do), "en": (en, en_do)}


_N = NoticeCode
NOTICES: dict[NoticeCode, Sentence] = {
    # the scale
    _N.UNSTABLE: _say("餐盘还在晃动", "请稍等", "The tray is still moving", "One moment, please"),
    _N.OVERLOAD: _say(
        "秤上太重了", "请分两次结算", "Too heavy for the scale", "Please pay in two parts"
    ),
    _N.NEGATIVE: _say(
        "秤没有归零",
        "请清空秤盘，等一下再放",
        "The scale is not at zero",
        "Please clear it, wait, then put the tray back",
    ),
    _N.SCALE_ERROR: _say(
        "秤的读数不清楚",
        "请拿起餐盘再放一次",
        "The scale cannot be read",
        "Please lift the tray and put it down again",
    ),
    _N.SCALE_OFF: _say(
        "秤没有连接",
        "请选单份菜品，或找工作人员",
        "The scale is not connected",
        "Please choose single dishes, or ask the staff",
    ),
    _N.SCALE_UNVERIFIED: _say(
        "这台秤还没有检定，不能称重计价",
        "请选单份菜品；工作人员请登记检定证书",
        "This scale is not verified: it may not weigh for money",
        "Please choose single dishes. Staff: enter its certificate",
    ),
    _N.SCALE_EXPIRED: _say(
        "这台秤的检定过期了，不能称重计价",
        "请选单份菜品；工作人员请送检",
        "This scale's verification has expired: it may not weigh for money",
        "Please choose single dishes. Staff: have it verified",
    ),
    _N.SCALE_FAILED: _say(
        "这台秤核查不合格，不能称重计价",
        "请选单份菜品；工作人员请停用送修",
        "This scale failed its check: it may not weigh for money",
        "Please choose single dishes. Staff: have it repaired",
    ),
    _N.SCALE_CHECK_DUE: _say(
        "这台秤今天还没有核查，不能称重计价",
        "请选单份菜品；工作人员请用砝码核查",
        "This scale has not been checked today: it may not weigh for money",
        "Please choose single dishes. Staff: check it with a test weight",
    ),
    _N.BELOW_MINIMUM: _say(
        "少于这台秤的最小称量 {minimum} 克",
        "照重量计价；多盛一点更准",
        "Less than the {minimum} g that this scale is made for",
        "It is charged by weight; a little more is more exact",
    ),
    _N.SMALL_FREE: _say(
        "不到 {minimum} 克，不计价",
        "多盛一点再称，或直接取走",
        "Less than {minimum} g: not charged",
        "Take a little more, or take it as it is",
    ),
    _N.CLEAR_SCALE: _say(
        "请先取走餐盘",
        "秤空了，下一位再放",
        "Please take your tray",
        "The next tray can follow once the scale is empty",
    ),
    _N.TRAY_LIFTED: _say(
        "餐盘拿起来了，没有扣款",
        "要付款请放回餐盘",
        "The tray was lifted: nothing was charged",
        "Put it back to pay",
    ),
    _N.WEIGHT_CHANGED: _say(
        "重量变了",
        "金额已更新，请再看一下",
        "The weight has changed",
        "Please check the new amount",
    ),
    _N.PRICE_MISSING: _say(
        "这个菜还没有定价", "请找工作人员", "This dish has no price yet", "Please ask the staff"
    ),
    # the face
    _N.NO_FACE: _say("请看这里", "脸正对圆圈就好", "Please look here", "Face the circle"),
    _N.TOO_FAR: _say("请再靠近一点", "", "Please come a little closer", ""),
    _N.OFF_CENTRE: _say("请站到中间", "", "Please stand in the middle", ""),
    _N.TURNED_AWAY: _say("请正对屏幕", "", "Please face the screen", ""),
    _N.TOO_DARK: _say(
        "光线不合适",
        "请换个角度，或刷卡",
        "The light is not right",
        "Turn a little, or use your card",
    ),
    _N.BLURRED: _say("请停一下别动", "", "Please hold still", ""),
    _N.TWO_FACES: _say(
        "镜头里有两个人",
        "请后面的人退一步",
        "There are two people here",
        "Please step back, next in line",
    ),
    _N.FACE_COVERED: _say(
        "没认出您",
        "戴着口罩请先摘下，或刷卡",
        "We did not recognise you",
        "Take off a mask, or use a card",
    ),
    _N.FACE_CHANGED: _say(
        "镜头前换了人，没有扣款",
        "请餐盘的主人点“刷脸”再付",
        "Another face: nothing was charged",
        "Whose tray it is: press Face to pay",
    ),
    _N.UNKNOWN_FACE: _say(
        "没认出您",
        "请靠近一点，或刷卡",
        "We did not recognise you",
        "Come closer, or use your card",
    ),
    _N.NOT_LIVE: _say(
        "没有看到真人",
        "请本人正对镜头，或刷卡",
        "This does not look like a live face",
        "Look at the camera yourself, or use your card",
    ),
    _N.LOOKALIKE: _say(
        "有人和您很像",
        "请再刷卡或输入密码",
        "Someone looks very much like you",
        "Please add your card or PIN",
    ),
    _N.SECOND_FACTOR: _say(
        "还差一步", "请输入密码确认是您", "One more step", "Please confirm with your PIN"
    ),
    _N.CAMERA_OFF: _say(
        "摄像头没有连接",
        "请刷卡、扫码或用工号",
        "The camera is not connected",
        "Use a card, QR code or PIN",
    ),
    # the diner
    _N.FROZEN: _say(
        "您的账户已冻结", "请找工作人员", "Your account is frozen", "Please ask the staff"
    ),
    _N.LEFT: _say(
        "您的账户已注销",
        "请找工作人员，或用现金",
        "Your account is closed",
        "Please ask the staff, or pay cash",
    ),
    _N.INSUFFICIENT: _say(
        "余额不足，还差 {short_fen}",
        "请充值或用现金",
        "Balance too low by {short_fen}",
        "Please top up or pay cash",
    ),
    _N.FULL_PRICE: _say(
        "这一餐已经用过补贴",
        "将按全价 {total_fen} 结算",
        "This meal's subsidy is used",
        "The full price is {total_fen}",
    ),
    _N.ALLERGENS: _say(
        "里面有您要避开的：{found_labels}",
        "不想要请点“取消”",
        "This holds what you avoid: {found_labels}",
        "Press Cancel if you do not want it",
    ),
    _N.MEAL_LIMIT: _say(
        "超过每餐限额 {limit_fen}",
        "请减少菜品，或用现金",
        "Over the limit of {limit_fen} a meal",
        "Take less, or pay cash",
    ),
    _N.DAILY_LIMIT: _say(
        "超过每日限额 {limit_fen}",
        "请用现金，或找工作人员",
        "Over the limit of {limit_fen} a day",
        "Pay cash, or ask the staff",
    ),
    _N.OFFLINE_LIMIT: _say(
        "网络恢复前只能付到这里",
        "请用现金，或找工作人员",
        "No more credit until the network is back",
        "Pay cash, or ask the staff",
    ),
    _N.NOT_KNOWN_HERE: _say(
        "这里还没有您的资料",
        "请找工作人员",
        "You are not registered here yet",
        "Please ask the staff",
    ),
    _N.WITHDRAWN: _say(
        "您的刷脸已停用",
        "请刷卡、扫码或用工号",
        "Face payment is switched off for you",
        "Use a card, QR code or PIN",
    ),
    _N.PAID_BEFORE: _say(
        "您刚刚付过一次",
        "再付一份请点“是”",
        "You paid here a moment ago",
        "To pay for another meal, press Yes",
    ),
    # other ways
    _N.CARD_UNKNOWN: _say(
        "这张卡没有登记",
        "请换一张，或找工作人员",
        "This card is not registered",
        "Try another, or ask the staff",
    ),
    _N.CARD_LOST: _say(
        "这张卡已挂失", "请找工作人员", "This card was reported lost", "Please ask the staff"
    ),
    _N.QR_UNKNOWN: _say(
        "二维码没有读懂",
        "请打开付款码再试",
        "This QR code is not a payment code",
        "Open your code and try again",
    ),
    _N.STAFF_NO_UNKNOWN: _say(
        "没有这个工号", "请再输一次", "There is no such staff number", "Please try again"
    ),
    _N.PIN_WRONG: _say("密码不对", "还可以试 {tries} 次", "Wrong PIN", "Tries left: {tries}"),
    _N.PIN_LOCKED: _say(
        "密码错误太多次",
        "请 {minutes} 分钟后再试，或刷卡",
        "Too many wrong PINs",
        "Try again in {minutes} min, or use your card",
    ),
    _N.PIN_NONE: _say(
        "您还没有设密码",
        "请刷卡，或找工作人员设置",
        "You have not set a PIN",
        "Use your card, or ask the staff to set one",
    ),
    _N.HELP: _say(
        "请稍等", "工作人员会来帮您", "One moment, please", "A member of staff will help you"
    ),
    # what was ordered ahead
    _N.PICK_UP_UNKNOWN: _say(
        "没有这份预订",
        "请看取餐地点和取餐码，或找工作人员",
        "No such order waits here",
        "Check place and code, or ask the staff",
    ),
    _N.PICK_UP_SOLD: _say(
        "这份预订已经付过款",
        "请直接取餐，或找工作人员",
        "This order is paid already",
        "Please take it, or ask the staff",
    ),
    _N.PICK_UP_ALONE: _say(
        "请先付完这一单",
        "再扫取餐码",
        "Please pay for this basket first",
        "Then show the code again",
    ),
    # the basket
    _N.EMPTY_BASKET: _say(
        "还没有要付的菜品",
        "请放餐盘，或选菜品",
        "There is nothing to pay yet",
        "Put down a tray, or choose dishes",
    ),
    _N.BASKET_FULL: _say(
        "一次最多这么多",
        "请先付这一单",
        "That is as much as one bill holds",
        "Please pay this first",
    ),
    _N.DISH_GONE: _say(
        "这个菜没有了", "请选别的", "This dish is sold out", "Please choose another"
    ),
    _N.CANCELLED: _say(
        "已取消，没有扣款", "请取走餐盘", "Cancelled: nothing was charged", "Please take your tray"
    ),
    _N.TIMED_OUT: _say(
        "时间到了，没有扣款",
        "要付款请再选一次",
        "Time is up: nothing was charged",
        "Choose again to pay",
    ),
    # the staff's desk
    _N.CLERK_WRONG: _say(
        "编号或密码不对", "还可以试 {tries} 次", "Wrong number or PIN", "Tries left: {tries}"
    ),
    _N.CLERK_LOCKED: _say(
        "输错太多次",
        "工作人员登录已锁定，请 {minutes} 分钟后再试",
        "Too many wrong tries",
        "Staff sign-in is locked for {minutes} min",
    ),
    _N.VOID_BEFORE: _say(
        "这一笔已经撤销过", "请看列表", "This sale was voided before", "See the list"
    ),
    _N.VOID_LATE: _say(
        "不是今天的单，不能撤销",
        "请到管理页面办理退款",
        "Not a sale of today",
        "Refund it on the manager's page",
    ),
    _N.SOLD_MEANWHILE: _say(
        "金额有变化，还没有交班",
        "请再核对一次",
        "The figures have changed: not closed",
        "Please check them again",
    ),
    _N.DESK_FAILED: _say(
        "没有记上，什么都没变",
        "请再试一次，或联系管理员",
        "Not saved: nothing has changed",
        "Try again, or call the administrator",
    ),
    # the till
    _N.WRITE_FAILED: _say(
        "没有记上，没有扣款",
        "请再试一次，或找工作人员",
        "Not saved: nothing was charged",
        "Try again, or ask the staff",
    ),
    _N.NOT_READY: _say(
        "正在准备", "资料下载好就可以用了", "Getting ready", "Opens as soon as the data is here"
    ),
    _N.NOT_ENROLLED: _say(
        "这台结算台还没有登记", "请找工作人员", "This till is not enrolled", "Please ask the staff"
    ),
    _N.REVOKED: _say(
        "这台结算台已停用",
        "请到其他结算台；工作人员请联系管理员",
        "This till is closed",
        "Please use another till. Staff: call the administrator",
    ),
    _N.NO_PAPER: _say(
        "小票纸用完了",
        "已付款，换纸后会补打",
        "Out of receipt paper",
        "You have paid; the receipt prints later",
    ),
    _N.PRINTER_OFF: _say(
        "打印机没有连接",
        "已付款，需要小票请找工作人员",
        "The printer is not connected",
        "You have paid; ask the staff for a receipt",
    ),
}
