"""What a refused act says to the person, in his language.

Services speak English and name a stable code; here the codes that people meet get their text.
"""

from flask_babel import LazyString, get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from dafan.errors import DafanError
from kitchen import workbook
from kitchen.catalogue import Fault
from server.importing import RowError

_TEXTS: dict[str, LazyString] = {
    "unknown_diner": _l("没有这位就餐人，请按姓名或工号查找"),
    "unknown_group": _l("没有这个人员类别，请从列表中选择"),
    "unknown_dish": _l("没有这道菜，请从列表中选择"),
    "unknown_ingredient": _l("没有这种食材，请从列表中选择"),
    "bad_recipe": _l("这份配方不能保存：请检查份数、出成和每种食材的用量"),
    "recipe_cycle": _l("一道菜不能成为自己的一部分：请检查配方里的半成品"),
    "no_recipe": _l("这道菜或它的半成品还没有配方：请先写配方"),
    "bad_catalogue": _l("这不是可用的食材、菜品和配方文件：请使用导出的 JSON 或 .xlsx"),
    "supplier_blocked": _l("这家供应商现在不能供货：请查看它的证照和状态"),
    "wrong_step": _l("现在不能做这一步：请先查看它的状态"),
    "approval_refused": _l("金额超出您的审批权限，或没有人可以审批：请查看审批权限"),
    "already_decided": _l("这件事已经审批过了"),
    "incompatible_duties": _l("不相容岗位：这件事的另一步是您做的，要由另一个人来做"),
    "unknown_menu": _l("这一餐还没有食谱：请先编制"),
    "planned_meanwhile": _l("这一餐刚刚有人编制了食谱：请先查看"),
    "key_reused": _l("这次提交与之前的内容不同：请重新填写一张"),
    "unknown_row": _l("没有这一项，请从列表中选择"),
    "collector_expired": _l("收运单位的许可证或合同已过期：请换一家或先续期"),
    "confirm_reading": _l("这个读数和平时差得很多：请再看一眼表，确认后再提交"),
    "core_too_cold": _l("中心温度不够：请继续加热，再测一次"),
    "corrected": _l("这条记录已经更正过：请更正最新的那条"),
    "dose_too_high": _l("添加剂超过限量：请减少用量"),
    "lot_held": _l("这个批次已冻结，不能领用"),
    "meter_backwards": _l("表读数不会倒退：请再看一眼；换了表请登记换表"),
    "no_nutrition": _l("营养数据不全，算不出来"),
    "not_enough_stock": _l("库存不够：请少领一些，或先入库"),
    "not_signed": _l("还缺签字：厨师、仓管、供货方三人都要签"),
    "not_signed_in_kitchen": _l("还没有签字，或签字已过期：请用工号加密码，或刷脸"),
    "unknown_signer": _l("工号或密码不对：请再试一次，或请管理员重设密码"),
    "unknown_face": _l("没认出您，请靠近一点，或用工号"),
    "no_kitchen_faces": _l("还没有人同意在平板上刷脸：请用工号和密码"),
    "blocked": _l("有必须先解决的问题：请看标红的那几项"),
    "cabinet_in_use": _l("柜里还有留样：请先移走，再停用或减少格数"),
    "sample_held": _l("这一餐的留样已封存，不能销毁"),
    "sample_too_early": _l("留样要满 48 小时才能销毁"),
    "sample_too_small": _l("留样不够量：请再加一些"),
    "sampled_already": _l("这道菜这一餐已经留过样"),
    "meal_over": _l("这一餐已经过去，不能再改人数"),
    "nothing_picked": _l("没有选中要采购的食材：请在左边打勾"),
    "slot_taken": _l("这个格子里有留样：请换一个格子"),
    "stale_template": _l("清单模板刚被别人改过：请重新打开再改"),
    "no_code": _l("照片里没有看到码：请靠近、拍清楚，或输入批次号"),
    "not_issued": _l("领出的没有这么多，不能退回这么多"),
    "stocktake": _l("盘点状态不对：请重新打开盘点单"),
    "unknown_lot": _l("没有这个批次，请扫标签或从列表中选择"),
    "unknown_receiving": _l("没有这张验收单，请从列表中选择"),
    "receiving": _l("验收单状态不对：请重新打开"),
    "posted": _l("这张验收单已经入库，不能再改：有问题的请办退货"),
    "not_ordered": _l("订单里没有这一项：请按没有订单的来货另开一张"),
    "rejected_more": _l("拒收的比剩下的还多：请先改拒收数量"),
    "rejects_too_much": _l("拒收的不能比送来的多"),
    "other_record": _l("这台检测仪的这条记录已经用过，结果不同：请核对记录号"),
    "tested_already": _l("已经检测过：只有阳性才复检，而且只复检一次"),
    "nothing_to_sign": _l("还没有称重，没有可签的"),
    "three_people": _l("这个人已经替另一方签过：厨师、仓管、送货人要三个人签"),
    "no_name": _l("请写下签字人的姓名"),
    "no_packs": _l("整件数请填整数"),
    "absurd_weight": _l("一次称不了这么重：请核对数字和单位"),
    "no_net_weight": _l("毛重要大于筐的重量：请核对筐数和每筐重"),
    "bad_dates": _l("保质期不能早于生产日期"),
    "wrong_batch_step": _l("生产批次现在不能做这一步：请重新打开"),
    "wrong_stage": _l("维修单现在不能做这一步：请重新打开"),
    "row_taken": _l("已有同名的一条，或账号、工号已属于别人：请换一个"),
    "worker_left": _l("这个人已离岗：请换一个人"),
    "certificate_dates": _l("证书的有效期早于发证日期：请看清两个日期"),
    "certificate_year": _l("健康证最长一年有效：请看清两个日期"),
    "nothing_said": _l("请写一句说明"),
    "said_too_much": _l("写得太长了：请缩短到 200 个字以内"),
    "here_already": _l("已经签到了，不用再签"),
    "not_here": _l("今天还没有签到，不能签退"),
    "too_soon": _l("结束时间还没有到：做完再登记"),
    "past_due": _l("期限不能早于今天"),
    "cleared_already": _l("已经有人放行了"),
    "wrong_zone": _l("生熟或荤素不能放在一起：请换库区"),
    "bad_number": _l("这不是数字，或小数太多：请像 4.1 这样输入"),
    "not_open": _l("这件事已经做过、免做，或还没到时间"),
    "missing_proof": _l("还缺证明：请拍照、输入数字或签字"),
    "unknown_card": _l("没有这张卡，请在就餐人页面查看"),
    "taken": _l("这个工号或名称已被使用，请换一个，或修改原有的那条"),
    "name_taken": _l("已有同名菜品，请修改原有的那道，或换一个名称"),
    "bad_pin": _l("密码应为 6 位数字"),
    "easy_pin": _l("这个密码太容易被猜到，请换一个"),
    "bad_card": _l("这不是卡号：请把卡放到读卡器上，或输入卡面上的 4 到 40 位字母和数字"),
    "card_taken": _l("这张卡属于另一位就餐人：请先收回，或换一张卡"),
    "same_card": _l("新卡就是挂失的那张：请改用“找到了”"),
    "login": _l("账号或密码不对"),
    "too_many_attempts": _l("失败次数太多：请等 15 分钟再试"),
    "wrong_password": _l("现在的密码不对"),
    "bad_password": _l("密码至少 10 个字符"),
    "same_password": _l("新密码和现在的一样，请换一个"),
    "sign_on": _l("单点登录没有成功：请再试一次，或用密码登录"),
    "sign_on_unknown": _l("单点登录的这个人在这里还没有账号：请管理员先建账号"),
    "wrong_code": _l("验证码不对、已用过或已过期：请输入手机上现在显示的 6 位数字"),
    "second_factor_on": _l("两步验证已经开启"),
    "unknown_session": _l("没有这个登录，可能已经退出"),
    "unknown_token": _l("没有这个令牌，可能已经吊销"),
    "bad_token_name": _l("请填写程序名称，最多 40 个字"),
    "bad_token_days": _l("请选择有效期"),
    "many_tokens": _l("令牌太多：请先吊销不用的"),
    "login_taken": _l("这个账号已被使用，请换一个"),
    "bad_login": _l("账号应为 2 到 40 个字母、数字或 . _ @ -"),
    "bad_roles": _l("请至少选一个角色"),
    "unknown_user": _l("没有这个账号"),
    "protected_account": _l(
        "不能停用自己、取消自己的管理员角色，或去掉最后一位管理员：请另一位管理员来改"
    ),
    "bad_venue": _l("请填写场所名称，最多 80 个字"),
    "venue_taken": _l("已有同名场所，请换一个名称"),
    "key_used": _l("这一笔已经用别的金额记过账：请刷新页面，重新填写"),
    "unknown_sale": _l("没有这笔销售，请在销售列表中查找"),
    "unknown_refund": _l("没有这笔退款申请，请刷新列表"),
    "over_line": _l("这道菜可退的份数没有这么多：请刷新页面，少选一些"),
    "nothing_left": _l("没有选菜，或选中的已经没有可退的金额"),
    "not_today": _l("不是今天的销售，不能撤销：请改为申请退款"),
    "day_closed": _l("这一天已经关账，不能撤销：请改为申请退款"),
    "refunded_before": _l("这笔销售已经退过，或正在等待审批：请看它的退款记录"),
    "judged_before": _l("已经有人处理过：请刷新页面"),
    "own_refund": _l("您自己申请的退款要由另一个人审批"),
    "no_face": _l("这笔销售不是刷脸付款：需要时请申请退款"),
    "unknown_dispute": _l("没有这条争议，请刷新列表"),
    "left": _l("这位就餐人已离开，不能再充值"),
    "old_text": _l("同意书已更新：请刷新页面，阅读新的文本"),
    "no_consent": _l("还没有同意：请就餐人先阅读并同意"),
    "draft_gone": _l("上传的表格已过期：请重新上传"),
    "faulty_table": _l("表格里还有错误：请改好后重新上传"),
    "unknown_terminal": _l("没有这台结算台"),
    "unknown_site": _l("没有这个场所"),
    "unknown_exception": _l("没有这条例外"),
    "fork_reason": _l("请写明为什么搁置"),
    "judged": _l("这个分叉已经处理过了"),
    "fork_changed": _l("这台结算台又传来了新的记录：请重新查看后再决定"),
    "no_till_right": _l("这个账号已停用，或没有撤销销售的权限，不能用于结算台"),
    "evidence_erased": _l("这笔的画面已经删除，不能再调取"),
    "seal": _l("加密数据打不开：密钥不在这台服务器上，或数据已损坏"),
    "closing_ahead": _l("这一天还没有到"),
    "closed_before": _l("这一天已经关账"),
    "closing_many": _l("未关账的日子太多：请先关到较早的一天"),
    "no_explanation": _l("请写说明，最多 400 个字"),
    "unknown_difference": _l("这条差异已经没有了：请刷新页面"),
    "unknown_shift": _l("没有这次交班：请刷新页面"),
    "no_cash_diff": _l("现金与应有的一致，不用入账"),
    "bad_body": _l("请填写主体名称，最多 80 个字"),
    "unknown_body": _l("没有这个核算主体：请刷新页面"),
    "settle_reference": _l("请填写付款凭证号，最多 120 个字"),
    "month_open": _l("这个月还有未关账的日子：请先全部关账"),
    "photo_no_face": _l("照片里没有看到人脸：请正对镜头，再拍一张"),
    "photo_too_small": _l("脸太小：请靠近一些，再拍一张"),
    "photo_outside": _l("脸不在画面中间：请正对镜头，再拍一张"),
    "photo_cut_off": _l("脸没有拍全：请往后一点，再拍一张"),
    "photo_turned": _l("脸没有朝前：请看着镜头，再拍一张"),
    "photo_tilted": _l("头歪了：请把头摆正，再拍一张"),
    "photo_dark": _l("太暗：请换个亮一些的地方，再拍一张"),
    "photo_bright": _l("太亮：请避开强光，再拍一张"),
    "photo_blurred": _l("照片模糊：请拿稳，再拍一张"),
    "photo_two_faces": _l("照片里有两个人：请只拍一个人"),
    "bad_image": _l("这不是可用的照片：请用 JPEG 或 PNG，不要太大"),
    "model": _l("人脸模型不可用：请管理员检查模型文件"),
    "not_enough": _l("账户里的钱不够：请刷新页面，核对余额"),
    "bad_amount": _l("金额应大于零，不超过一千万元"),
    "same_person": _l("自己做的或申请的，要由另一个人审批或签字"),
    "decided": _l("已经有人处理过：请刷新页面"),
    "unknown_receipt": _l("没有这张收据，请在充值列表中查看"),
    "reversed": _l("这笔充值已经冲正，或正在等待复核：请刷新页面"),
    "no_reason": _l("请填写原因，审计时要看"),
    "same_account": _l("转出和转入是同一个账户：请换一个工号"),
    "other_person": _l("两个账户的姓名不同：只能在同一个人的账户之间转，请先核对姓名"),
    "past_day": _l("到期日已经过去：请选今天或以后的一天"),
    "unknown_pay_out": _l("没有这笔结清，请在列表中查看"),
    "balance_changed": _l("余额已经变化：请核对新的金额，再提交"),
    "not_left": _l("这位就餐人还没有离开：请先办理离开"),
    "bad_way": _l("请选择现金或银行转账"),
    "waiting": _l("已有一笔结清在等复核：请先处理那一笔"),
    "settled": _l("账户已经为零，不用结清"),
    "gateway_refused": _l("支付平台拒绝了这一笔：请稍后再试，仍不行时请管理员看日志"),
    "gateway_unreachable": _l("支付平台没有回答：请稍后再试，已付的款不会丢"),
    "unknown_order": _l("没有这笔订单，请在列表中查看"),
    "not_paid": _l("只有已付款的订单可以退回：请刷新页面"),
    "bad_table": _l("这不是可用的表格：请另存为 CSV 或 .xlsx，再上传"),
}
_ROW_TEXTS: dict[str, LazyString] = {
    "column_missing": _l("请加上这一列"),
    "repeated": _l("和前面的行重复，请只留一行"),
    "unknown_group": _l("没有这个类别：请改成已有的类别，或先新建"),
    "blank": _l("请填写"),
    "bad_number": _l("只用字母、数字和 . _ -"),
    "too_long": _l("太长了，请缩短"),
    "shortened": _l("Excel 把长数字缩写了：请把这一列设为文本格式，重新填写"),
    "bad_card": _l("不是卡号：请填卡面上的 4 到 40 位字母和数字"),
    "card_taken": _l("这张卡属于别人：请先收回"),
    "bad_status": _l("请写 在职、冻结 或 离职"),
    "bad_amount": _l("请写金额，例如 12.80"),
    "bad_input": _l("请写金额，例如 12.80"),
    "bad_word": _l("请用表格说明里的词"),
    "bad_value": _l("这个值不合适"),
    "unknown_number": _l("没有这个工号：请查对"),
    "other_name": _l("姓名和工号对不上：请查对是谁付的"),
    "not_positive": _l("只入账收到的钱：金额要大于零"),
    "bad_date": _l("请写日期，例如 2026-03-02"),
    "reference_used": _l("这个流水号已经按别人或别的金额入账：请与银行核对"),
    "has_left": _l("这位就餐人已离开：请把钱退回"),
}


_CATALOGUE_TEXTS: dict[str, LazyString] = {
    "not_object": _l("这一项不是“名称: 值”的对象"),
    "repeated": _l("和第 %(about)s 行重名，请只留一行"),
    "hidden_sign": _l("“%(about)s”里有看不见的字符，请重新输入"),
    "bad_value": _l("“%(about)s”的值不合适：请对照导出的文件填写"),
    "no_nutrient": _l("没有叫“%(about)s”的营养成分"),
    "other_measure": _l("“%(about)s”在这里按别的单位计量：请换一个名称"),
    "no_dish": _l("没有叫“%(about)s”的菜品：请先加到“菜品”表"),
    "unknown_part": _l("没有叫“%(about)s”的食材或半成品：请先加到表里"),
    "bad_quantity": _l("“%(about)s”的用量或单位看不懂，或与它的计量不同"),
    "cycle": _l("一道菜不能成为自己的一部分：%(about)s"),
    "part_without_recipe": _l("半成品“%(about)s”还没有配方"),
    "formula": _l("有一格是公式：请复制整张表，选择性粘贴为数值"),
    "error_cell": _l("有一格是错误值：请改成应有的内容"),
    "too_long": _l("太长了，请缩短"),
}


def say(error: DafanError) -> str:
    """The text of an error for the signed-in person.

    A code without a text here keeps the service's English, behind a sentence that all understand;
    errors that a page raised itself are in the person's language already.
    """
    text = _TEXTS.get(error.code)
    if text is not None:
        return str(text)
    if str(get_locale()).startswith("en") or not str(error).isascii():
        return str(error)
    return str(_("请检查填写的内容：%(detail)s", detail=str(error)))


def advice(error: RowError) -> str:
    """What to do about a fault in a table."""
    text = _ROW_TEXTS.get(error.code)
    return error.advice if text is None else str(text)


def catalogue_advice(fault: Fault) -> str:
    """What to do about a fault in a catalogue of another canteen."""
    text = _CATALOGUE_TEXTS.get(fault.code)
    if text is None or str(get_locale()).startswith("en"):
        return fault.advice
    about = workbook.heading(fault.about.rpartition(".")[2]) or fault.sheet
    return str(text) % {"about": about}
