"""Codes that the books and the tills write, in the words of the pages."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

_EXCEPTIONS: dict[str, tuple[str, LazyString, LazyString]] = {
    "parked": ("stop", _l("无法入账"), _l("原样保留，其余照常入账。查明原因后人工更正。")),
    "fork": (
        "stop",
        _l("结算台数据分叉"),
        _l("可能用旧磁盘恢复过：整批保留，请并排查看后决定入账还是搁置。"),
    ),
    "overdraft": ("warn", _l("余额透支"), _l("就餐人看到多少就付多少；请提醒充值。")),
    "over_limit": ("warn", _l("超过限额"), _l("离线时超限，已按所见金额入账。")),
    "subsidised_twice": ("warn", _l("补贴用了两次"), _l("两台离线结算台各用了一次，请核对。")),
    "not_active": ("warn", _l("已冻结或已离开仍付款"), _l("结算台当时还不知道，请核对。")),
    "wrong_date": ("warn", _l("日期不对"), _l("请检查结算台的时钟。")),
    "unknown_staff": ("warn", _l("撤销人不明"), _l("撤销用的人员不在这里的账号中，请核对。")),
    "unpublished": ("warn", _l("结算台数据过旧"), _l("请检查结算台的网络。")),
    "gateway_amount": (
        "stop",
        _l("线上付款金额不符"),
        _l("没有入账：请到支付平台核对这笔订单，再人工处理。"),
    ),
    "gateway_twice": (
        "stop",
        _l("同一订单付了两次"),
        _l("第二笔没有入账：请在支付平台把它退回。"),
    ),
    "gateway_refund": (
        "stop",
        _l("线上退款被拒"),
        _l("钱已从账户退出，还没有回到手机：请到支付平台处理。"),
    ),
    "paid_after_leaving": ("warn", _l("离开后收到线上充值"), _l("已入账，请再办一次结清。")),
    "late_sale": ("info", _l("关账后补录"), _l("日期不变，金额记在收到那天；请看当天的日结。")),
    "erased_again": (
        "info",
        _l("人脸已再次删除"),
        _l("服务器从备份恢复前已撤回同意：人脸数据已再次删除。"),
    ),
    "notice": ("info", _l("结算台提醒"), _l("请到现场看一看。")),
}

_ACTIONS: dict[str, LazyString] = {
    "login": _l("登录"),
    "user.create": _l("新建管理账号"),
    "user.password": _l("改密码"),
    "user.update": _l("修改管理账号"),
    "user.active": _l("停用或恢复管理账号"),
    "user.reset": _l("重设管理账号的密码"),
    "second_factor.on": _l("开启两步验证"),
    "second_factor.codes": _l("换恢复码"),
    "second_factor.reset": _l("重设两步验证"),
    "session.end": _l("结束登录"),
    "token.make": _l("生成接口令牌"),
    "token.revoke": _l("吊销接口令牌"),
    "venue.create": _l("添加场所"),
    "venue.update": _l("场所改名"),
    "policy.update": _l("改设置"),
    "diner.create": _l("添加就餐人"),
    "diner.update": _l("修改就餐人"),
    "diner.status": _l("冻结或恢复"),
    "diner.pin": _l("改付款密码"),
    "diner.lookalike": _l("标记长相相近"),
    "group.create": _l("新建类别"),
    "group.update": _l("修改类别"),
    "card.assign": _l("发卡"),
    "card.status": _l("挂失或解挂"),
    "card.take_back": _l("收回饭卡"),
    "consent.give": _l("同意人脸"),
    "consent.withdraw": _l("撤回同意"),
    "face.enrol": _l("登记人脸"),
    "face.look": _l("查看登记照片"),
    "sale.void": _l("撤销销售"),
    "refund.ask": _l("申请退款"),
    "refund.approve": _l("批准退款"),
    "refund.refuse": _l("拒绝退款"),
    "dispute.open": _l("登记争议"),
    "dispute.judge": _l("判定争议"),
    "dispute.follow": _l("退款审批后更新争议"),
    "evidence.look": _l("查看付款时的照片"),
    "wallet.top_up": _l("充值"),
    "wallet.reversal_ask": _l("申请冲正充值"),
    "wallet.reversal": _l("冲正充值"),
    "wallet.reversal_refuse": _l("驳回冲正"),
    "wallet.move_out": _l("卡间转出"),
    "wallet.move_in": _l("卡间转入"),
    "wallet.bank": _l("银行转账入账"),
    "wallet.online": _l("线上充值"),
    "wallet.online_refund": _l("线上充值退回"),
    "wallet.pay_out_ask": _l("申请离开结清"),
    "wallet.pay_out": _l("离开结清"),
    "wallet.pay_out_refuse": _l("驳回结清"),
    "receipt.copy": _l("补打充值收据"),
    "bank.import": _l("导入银行转账"),
    "online.create": _l("生成线上充值订单"),
    "subsidy.expire": _l("补贴到期收回"),
    "wallet.open": _l("期初余额"),
    "subsidy.run": _l("发放补贴"),
    "people.import": _l("导入就餐人"),
    "dish.create": _l("添加菜品"),
    "dish.update": _l("修改菜品"),
    "ingredient.create": _l("添加食材"),
    "ingredient.update": _l("修改食材"),
    "recipe.save": _l("保存配方"),
    "catalogue.import": _l("导入食材、菜品和配方"),
    "supplier.create": _l("添加供应商"),
    "supplier.update": _l("修改供应商"),
    "supplier.standing": _l("暂停、拉黑或恢复供应商"),
    "supplier.licence": _l("登记供应商证照"),
    "supplier.licence_withdrawn": _l("作废供应商证照"),
    "inquiry.open": _l("发起询价"),
    "inquiry.quote": _l("登记报价"),
    "inquiry.close": _l("结束询价"),
    "purchase.draft": _l("起草采购单"),
    "purchase.revise": _l("改写采购单"),
    "purchase.ask": _l("提交采购单审批"),
    "purchase.approve": _l("批准采购单"),
    "purchase.refuse": _l("驳回采购单"),
    "purchase.send": _l("下达采购单"),
    "purchase.receive_part": _l("采购单部分到货"),
    "purchase.receive_all": _l("采购单全部到货"),
    "purchase.close": _l("结清采购单"),
    "purchase.cancel": _l("取消采购单"),
    "approval.rule": _l("设置审批权限"),
    "approval.ask": _l("提交审批"),
    "approval.decide": _l("审批"),
    "menu.save": _l("编制食谱"),
    "menu.publish": _l("发布食谱"),
    "menu.withdraw": _l("撤回食谱"),
    "terminal.code": _l("生成登记码"),
    "terminal.enrol": _l("登记结算台"),
    "terminal.revoke": _l("吊销结算台"),
    "terminal.dish": _l("改称重菜品"),
    "exception.resolve": _l("处理例外"),
    "supervision.generate": _l("生成监管清单"),
    "supervision.done": _l("完成监管事项"),
    "supervision.escalate": _l("监管事项超时上报"),
    "supervision.ask_waiver": _l("申请免做监管事项"),
    "supervision.waive": _l("同意免做监管事项"),
    "evidence.erase": _l("删除争议画面"),
    "fork.taken_in": _l("分叉入账"),
    "fork.set_aside": _l("搁置分叉"),
    "journal.import": _l("导入未上传的记录"),
    "key.rotate": _l("更换站点密钥"),
    "key.retire": _l("销毁旧密钥"),
    "till_staff.update": _l("设置结算台人员"),
    "till_staff.off": _l("取消结算台人员"),
    "face.reindex": _l("重算人脸特征"),
    "closing.explain": _l("说明差异"),
    "closing.close": _l("关账"),
    "shift.cash": _l("长短款入账"),
    "settlement.settle": _l("记为已清算"),
    "body.create": _l("添加核算主体"),
    "body.update": _l("核算主体改名"),
    "venue.body": _l("改场所的核算主体"),
    "group.body": _l("改人员类别的核算主体"),
}

_ROLES: tuple[tuple[str, LazyString, LazyString], ...] = (
    ("admin", _l("管理员"), _l("全部功能，包括账号和结算台")),
    ("manager", _l("食堂经理"), _l("人员、人脸、菜品、例外和设置；不能充值")),
    ("finance", _l("财务"), _l("看账、充值、发放补贴")),
    ("cashier", _l("收银"), _l("看销售、充值；姓名只显示一部分")),
    ("auditor", _l("审计"), _l("只看不改；姓名只显示一部分")),
    ("kitchen_manager", _l("厨房主管"), _l("看总览、销售和菜品")),
    ("cook", _l("厨师"), _l("看菜品")),
    ("storekeeper", _l("库管"), _l("看菜品")),
    ("inspector", _l("监管"), _l("看总览、菜品和例外；姓名只显示一部分")),
    ("bureau", _l("主管单位"), _l("看汇总、日结和结算；姓名只显示一部分")),
    ("diner", _l("就餐人"), _l("只看自己的账号")),
)


def role_choices() -> list[tuple[str, str, str]]:
    """Each role with its name and what it may do."""
    return [(role, str(name), str(may)) for role, name, may in _ROLES]


def action_text(action: str) -> str:
    """An act of the audit log; acts that have no words yet show their code."""
    return str(_ACTIONS.get(action, action))


def action_choices() -> list[tuple[str, str]]:
    """Each act of the audit log with its words."""
    return [(code, str(text)) for code, text in _ACTIONS.items()]


def exception_text(code: str) -> tuple[str, str, str]:
    """Light, title and advice of an exception's code."""
    light, title, advice = _EXCEPTIONS.get(code, ("warn", code, ""))
    return light, str(title), str(advice)
