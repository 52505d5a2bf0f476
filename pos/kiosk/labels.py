"""Every short text of the kiosk page, in Chinese and in English."""

from typing import TypedDict


class Label(TypedDict):
    """A short text in two languages."""

    zh: str
    en: str


def _label(zh: str, en: str) -> Label:
    return {"zh": zh, "en": en}


LABELS: dict[str, Label] = {
    "place": _label("请放餐盘", "Place your tray"),
    "place_hint": _label("放稳以后看一下镜头", "Then look at the camera"),
    "place_hint_no_face": _label("放稳以后刷卡、扫码或用工号", "Then use a card, QR code or PIN"),
    "place_picks": _label("请选菜品", "Choose your dishes"),
    "prices": _label("今日价格", "Today's prices"),
    "no_prices": _label("今天还没有菜单", "No menu yet today"),
    "more_dishes": _label("还有 {count} 种，点“选菜品”看全部", "{count} more under Choose dishes"),
    "look": _label("请看这里", "Please look here"),
    "other_ways": _label("请刷卡、扫码或输入工号", "Card, QR code or staff number"),
    "seen": _label("正在认您", "Recognising you"),
    "countdown": _label(
        "{seconds} 秒后付款，不是您请点取消", "Paying in {seconds} s. Not you? Cancel"
    ),
    "committing": _label("正在付款", "Paying"),
    "paid": _label("已支付", "Paid"),
    "enjoy": _label("{name}，请慢用", "{name}, enjoy your meal"),
    "enjoy_all": _label("请慢用", "Enjoy your meal"),
    "balance": _label("余额", "Balance"),
    "split": _label(
        "补贴\u00a0{subsidy_fen} · 现金\u00a0{cash_fen}",
        "Subsidy\u00a0{subsidy_fen} · cash\u00a0{cash_fen}",
    ),
    "today": _label("今天第 {count} 餐", "Meal {count} today"),
    "today_spent": _label("今天共花费", "spent today"),
    "paid_split": _label(
        "补贴 {subsidy_fen} · 自付 {rest_fen}", "Subsidy {subsidy_fen}, you {rest_fen}"
    ),
    "month": _label("本月", "This month"),
    "month_meals": _label("{count} 餐", "{count} meals"),
    "month_spent": _label("共 {spent_fen}", "{spent_fen} in all"),
    "points": _label("光盘积分", "Clean-plate points"),
    "points_hint": _label("吃光有奖", "For empty plates"),
    "energy": _label("本餐约 {kcal} kcal", "About {kcal} kcal"),
    "energy_at_least": _label("本餐至少 {kcal} kcal", "At least {kcal} kcal"),
    "energy_share": _label(
        "约为每餐参考量的 {percent}% · 估算", "About {percent}% of a meal's reference · estimate"
    ),
    "energy_goal": _label("您的目标：每餐 {goal} kcal · 估算", "Your goal: {goal} kcal · estimate"),
    "energy_over": _label(
        "超过您每餐 {goal} kcal 的目标 · 估算", "Over your goal of {goal} kcal · estimate"
    ),
    "energy_partly": _label(
        "有的菜没有配方，没算在内 · 估算", "Dishes without recipe are not counted · estimate"
    ),
    "cash_paid": _label("现金", "Cash"),
    "cash_paid_hint": _label("已收款", "Received"),
    "cancel": _label("取消", "Cancel"),
    "back": _label("返回", "Back"),
    "yes": _label("是，再付一份", "Yes, pay again"),
    "retry": _label("再试一次", "Try again"),
    "way_face": _label("刷脸", "Face"),
    "way_card": _label("刷卡", "Card"),
    "way_qr": _label("扫码", "QR code"),
    "way_staff_no": _label("工号+密码", "No. + PIN"),
    "way_cash": _label("现金", "Cash"),
    "way_help": _label("找工作人员", "Ask staff"),
    "pick": _label("选菜品", "Choose dishes"),
    "pick_title": _label("选单份菜品", "Choose single dishes"),
    "picked": _label("选好了", "Done"),
    "pick_or_order": _label("选菜品 · 取预订", "Dishes · Pick up an order"),
    "basket_or_order": _label(
        "点菜品就加上；订过餐的，把取餐码对准镜头",
        "Touch a dish to add it, or hold the code of your order to the camera",
    ),
    "basket_empty": _label("点菜品就加上", "Touch a dish to add it"),
    "remove": _label("去掉 {name}", "Remove {name}"),
    "all": _label("全部", "All"),
    "full": _label("整份", "Full"),
    "half": _label("半份", "Half"),
    "small": _label("小碗", "Small"),
    "no_price": _label("未定价", "No price"),
    "discount": _label("优惠", "Discount"),
    "total": _label("合计", "Total"),
    "more_lines": _label("另有 {count} 项", "{count} more"),
    "enter_pin": _label("请输入密码", "Enter your PIN"),
    "enter_staff_no": _label("请输入工号", "Enter your staff number"),
    "show_card": _label("请把卡贴近读卡器", "Hold your card to the reader"),
    "show_qr": _label("请把付款码对准镜头", "Hold your code to the camera"),
    "pay_cash": _label("请向收银员付现金", "Please pay the cashier"),
    "cash_received": _label("已收现金", "Cash received"),
    "again": _label("再付一份吗？", "Pay for another meal?"),
    "erase": _label("删除", "Delete"),
    "ok": _label("确定", "OK"),
    "digit": _label("已输入 {count} 位", "{count} digits entered"),
    "setup": _label("结算台准备中", "The till is getting ready"),
    "problem": _label("请看一下", "One moment"),
    "language": _label("English", "中文"),
    "large": _label("大字", "Large"),
    "contrast": _label("高对比", "Contrast"),
    "low": _label("低位", "Lower"),
    "mute": _label("静音", "Mute"),
    "unmute": _label("开声音", "Sound"),
    "reprint": _label("补打小票", "Reprint receipt"),
    "offline": _label("离线，照常结算", "Offline, selling as usual"),
    "offline_waiting": _label("离线，{count} 条待上传", "Offline, {count} waiting"),
    "printer": _label("打印机要看一下", "Printer needs a look"),
    "recovering": _label("正在恢复", "Reconnecting"),
    "recovering_hint": _label("请稍等，不用重新刷", "One moment, no need to start again"),
    # the staff's desk
    "staff": _label("工作人员", "Staff"),
    "enter_desk_no": _label("请输入工作人员编号", "Enter your till number"),
    "enter_desk_pin": _label("请输入六位密码", "Enter your six-digit PIN"),
    "enter_counted": _label("请清点抽屉里的现金", "Count the money in the drawer"),
    "desk_title": _label("今日结算", "Today's sales"),
    "desk_empty": _label("今天这台还没有结算", "Nothing sold here today"),
    "desk_hint": _label("点一笔可以撤销", "Touch a sale to void it"),
    "voided": _label("已撤销", "Voided"),
    "void_title": _label("撤销这一笔？", "Void this sale?"),
    "void_why": _label("原因", "Reason"),
    "void_yes": _label("确认撤销", "Void it"),
    "void_back": _label("整笔退回就餐人的账户", "All of it goes back to the diner's account"),
    "void_back_cash": _label("请当面退还现金", "Hand the money back to the diner"),
    "void_done": _label("已撤销", "Voided"),
    "void_done_hint": _label("已退回就餐人的账户", "The money is back in the diner's account"),
    "reason_amount": _label("金额有误", "Wrong amount"),
    "reason_person": _label("认错了人", "Wrong person"),
    "reason_twice": _label("重复结算", "Charged twice"),
    "reason_dish": _label("菜品有误", "Wrong dish"),
    "reason_returned": _label("就餐人退餐", "Food returned"),
    "reason_other": _label("其他原因", "Another reason"),
    "shift": _label("交班", "Close shift"),
    "shift_title": _label("交班", "Close the shift"),
    "shift_since": _label("{clock} 起", "since {clock}"),
    "shift_sales": _label("结算", "Sales"),
    "shift_voids": _label("撤销", "Voids"),
    "shift_count": _label("{count} 笔", "{count}"),
    "shift_subsidy": _label("补贴", "Subsidy"),
    "shift_cash": _label("充值账户", "Own account"),
    "shift_drawer": _label("现金", "Cash"),
    "shift_counted": _label("实点现金", "Counted"),
    "shift_differs": _label("差额", "Difference"),
    "shift_yes": _label("确认交班", "Close it"),
    "shift_done": _label("已交班", "Shift closed"),
    "leave": _label("退出", "Leave"),
    # the camera and the payment zone
    "aim_title": _label("镜头与付款区", "Camera and payment zone"),
    "aim_soon": _label(
        "画面不保存，{seconds} 秒后自动关闭", "nothing is kept; closes in {seconds} s"
    ),
    "aim_zone": _label("付款区：左、上、右、下", "Zone: left, top, right, bottom"),
    "aim_least": _label("脸至少宽", "Least width of a face"),
    "aim_where": _label(
        "写在 dafan.toml 的 [till.place]；画面没有镜像，左边就是设置里的左",
        "Set in dafan.toml under [till.place]; not mirrored: left is left",
    ),
    "aim_ok": _label("可以付款：前面正好一个人", "May pay: exactly one person in front"),
    "aim_no_face": _label("没有看到脸", "No face is seen"),
    "aim_outside": _label(
        "脸都在付款区外，不能付款", "Every face is outside the zone: nobody pays"
    ),
    "aim_small": _label(
        "脸不到 {least} 像素，离镜头太远，不能付款", "Under {least} px: too far away, nobody pays"
    ),
    "aim_several": _label(
        "付款区里不止一个人，不能付款", "More than one person in the zone: nobody pays"
    ),
    "aim_poor": _label("脸看不清（{what}），不能付款", "Not clear ({what}): nobody pays"),
    "aim_lost": _label("没有画面，请检查摄像头", "No picture: look at the camera's cable"),
    "aim_no_models": _label(
        "没有刷脸模型，请在结算台上运行 dafan models check",
        "No face models: run dafan models check on the till",
    ),
    "face_px": _label("{pixels} 像素", "{pixels} px"),
    "face_ok": _label("可以付款", "may pay"),
    "face_several": _label("不止一人", "several"),
    "face_small": _label("太小", "too small"),
    "face_outside": _label("在区外", "outside"),
    "face_behind": _label("在后面", "behind"),
    "face_cut_off": _label("没拍全", "cut off"),
    "face_turned": _label("没正对", "turned away"),
    "face_tilted": _label("头歪了", "tilted"),
    "face_dark": _label("太暗", "too dark"),
    "face_bright": _label("太亮", "too bright"),
    "face_blurred": _label("不清楚", "blurred"),
    # what a diner avoids: the groups of GB 7718
    "allergen_gluten": _label("麸质（小麦等）", "gluten"),
    "allergen_crustaceans": _label("虾蟹", "crustaceans"),
    "allergen_fish": _label("鱼", "fish"),
    "allergen_egg": _label("蛋", "egg"),
    "allergen_peanut": _label("花生", "peanut"),
    "allergen_soy": _label("大豆", "soy"),
    "allergen_milk": _label("奶", "milk"),
    "allergen_nuts": _label("坚果", "nuts"),
}
