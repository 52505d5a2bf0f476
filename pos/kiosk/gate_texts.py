"""Every text of a gate's page, in Chinese and in English."""

from pos.kiosk.plate_texts import NONE, Text

TEXTS: dict[str, tuple[Text, Text]] = {
    # what the gate waits for: the matter, the advice
    "ready_entrance": (
        Text("取餐从这里开始", "Begin here"),
        Text("拿一个餐盘，放在感应区，再刷卡或扫付款码", "Put a tray here, then card or code"),
    ),
    "ready_both": (
        Text("取餐 · 还盘", "Take or return a tray"),
        Text("取餐：刷卡或扫码，再放餐盘。还盘：直接放上", "New: card, then tray. Return: tray"),
    ),
    "ready_exit": (
        Text("请把餐盘放在这里", "Put your tray here"),
        Text("放好就结算，不用刷卡", "No card needed: it settles by itself"),
    ),
    "who": (
        Text("这是谁的餐盘？", "Whose tray is it?"),
        Text("请刷卡或扫付款码", "Card or phone code, please"),
    ),
    "who_face": (
        Text("请看镜头", "Look at the camera"),
        Text("也可以刷卡或扫付款码", "Card or phone code works as well"),
    ),
    "tray": (
        Text("请放上餐盘", "Put a tray on the reader"),
        Text("放好就可以去取餐", "Then go and help yourself"),
    ),
    "pin": (
        Text("请输入支付密码", "Your PIN, please"),
        Text("或者刷本人的卡", "Or show your own card"),
    ),
    "pin_none": (
        Text("请刷本人的卡", "Show your own card"),
        Text("您还没有设置支付密码", "You have no PIN yet"),
    ),
    "lookalike": (
        Text("请再确认是您本人", "Please confirm that it is you"),
        Text("刷卡，或输入支付密码", "Show your card, or type your PIN"),
    ),
    "writing": (Text("请稍等", "One moment"), Text("正在记录", "Writing it down")),
    "setup": (
        Text("正在准备", "Getting ready"),
        Text("等待服务器的数据", "Waiting for the server"),
    ),
    "revoked": (
        Text("闸口已停用", "This gate is closed"),
        Text("请找工作人员", "Please ask the staff"),
    ),
    # what became of it
    "go": (
        Text("可以取餐了", "Go ahead"),
        Text("吃多少取多少，按取走的重量计费", "You pay for what you take, by weight"),
    ),
    "again": (
        Text("这个餐盘还是您的", "This tray is still yours"),
        Text("{since} 起，接着用就好", "Since {since}: just go on"),
    ),
    "others": (
        Text("这个餐盘有人在用", "This tray is in use"),
        Text("{since} 起。请换一个，或找工作人员", "Since {since}. Take another, or ask the staff"),
    ),
    "has_tray": (
        Text("您已经有一个餐盘", "You have a tray already"),
        Text(
            "{since} 起。先还那个，两个都没有改动",
            "Since {since}. Return it first; nothing changed",
        ),
    ),
    "tray_lost": (
        Text("这个餐盘已挂失", "This tray is reported lost"),
        Text("请交给工作人员，换一个餐盘", "Hand it to the staff and take another"),
    ),
    "tray_retired": (
        Text("这个餐盘已停用", "This tray is out of use"),
        Text("请换一个餐盘", "Please take another"),
    ),
    "ended": (
        Text("已记下", "Noted"),
        Text("账单稍后发到手机", "The bill comes to your phone"),
    ),
    "bill": (
        Text("本餐已结算", "Your meal"),
        Text("明细在手机上：记录", "The lines are on your phone"),
    ),
    "frozen": (
        Text("账户已冻结", "The account is frozen"),
        Text("请找工作人员", "Please ask the staff"),
    ),
    "left": (
        Text("账户已停用", "The account is closed"),
        Text("请找工作人员", "Please ask the staff"),
    ),
    "not_known_here": (
        Text("这里不能取餐", "Not served here"),
        Text("请找工作人员", "Please ask the staff"),
    ),
    "withdrawn": (
        Text("人脸已停用", "Face recognition is off for you"),
        Text("请刷卡或扫码", "Card or phone code, please"),
    ),
    "poor": (
        Text("余额不足", "Too little money"),
        Text("还差 ¥{short}：请先充值", "¥{short} missing: top up first"),
    ),
    "pin_locked": (
        Text("密码输错太多次", "Too many wrong PINs"),
        Text("请刷卡，或找工作人员", "Show your card, or ask the staff"),
    ),
    "failed": (
        Text("没有记下", "Not recorded"),
        Text("请找工作人员", "Please ask the staff"),
    ),
    # lines above all else
    "found_lost": (
        Text(
            "这个餐盘登记为遗失，请单独交给工作人员",
            "This tray was reported lost: hand it to the staff",
        ),
        NONE,
    ),
    "found_retired": (
        Text("这个餐盘已停用，请单独交给工作人员", "This tray is out of use: hand it to the staff"),
        NONE,
    ),
    "unknown": (
        Text("不认识这张卡或这个码，请换一种方式", "Unknown card or code: try another"),
        NONE,
    ),
    "card_lost": (
        Text("这张卡已挂失，请找工作人员", "This card is reported lost: ask the staff"),
        NONE,
    ),
    "two_trays": (Text("一次只放一个餐盘", "One tray at a time, please"), NONE),
    "foreign": (
        Text("感应到的不是本单位的餐盘，请换一个", "That is no tray of ours: take another"),
        NONE,
    ),
    "timed_out": (Text("没有等到餐盘，请重新来", "No tray came: begin again"), NONE),
    "pin_wrong": (Text("密码不对，请再试", "Wrong PIN: try again"), NONE),
    "reader_off": (
        Text("餐盘感应器没有反应，请告诉工作人员", "The tray reader is silent: tell the staff"),
        NONE,
    ),
    # buttons
    "cancel": (Text("取消", "Cancel"), NONE),
    "return": (Text("我是来还盘的", "I return this tray"), NONE),
    "offline": (
        Text("离线，照常使用", "Offline, working as usual"),
        Text("{waiting} 条待上传", "{waiting} waiting"),
    ),
    # the face, as at the till
    "no_face": (Text("看不到脸，请站到镜头前", "No face: stand before the camera"), NONE),
    "too_far": (Text("请靠近一点", "Come closer"), NONE),
    "off_centre": (Text("请站到中间", "Move to the middle"), NONE),
    "turned_away": (Text("请正对镜头", "Face the camera"), NONE),
    "too_dark": (Text("光线不好，可以刷卡", "Bad light: use your card"), NONE),
    "blurred": (Text("请站稳一点", "Hold still"), NONE),
    "face_covered": (Text("请露出整张脸，或刷卡", "Show your whole face, or your card"), NONE),
    "two_faces": (Text("请一个人站在镜头前", "One person at a time"), NONE),
    "unknown_face": (Text("没认出您，请刷卡或扫码", "Not recognised: card or code"), NONE),
    "not_live": (Text("请让真人对着镜头，或刷卡", "A live face, please, or your card"), NONE),
}
