"""What a diner reads before his face is stored; a version once published is never edited.

The text answers what the Personal Information Protection Law asks for: purpose and way (art. 17),
necessity and effect (art. 30), separate consent (art. 29), guardian of a child under 14 (art. 31),
withdrawal (art. 15), no refusal of service (art. 16), storage for the shortest time (art. 19).
"""

from dataclasses import dataclass, replace

from dafan.errors import BadInputError

ADULT_AGE = 14
"""Younger than this, a guardian consents (PIPL art. 31)."""


@dataclass(frozen=True, slots=True)
class ConsentText:
    """One version of the text.

    Attributes:
        version: Stored with each consent and each template.
        title: Heading.
        paragraphs: (heading, text) in the order of reading.
    """

    version: str
    title: str
    paragraphs: tuple[tuple[str, str], ...]


_FIRST = ConsentText(
    version="2026-01",
    title="人脸信息单独同意书",
    paragraphs=(
        (
            "用来做什么",
            "只用于您在本单位食堂刷脸结算时认出您本人。不用于考勤、监控或其他用途，不提供给任何第三方。",
        ),
        (
            "保存什么",
            (
                "一张登记照片，和由它计算出的一组数字（人脸特征）。"
                "刷脸时的画面只在结算台内存中处理，不保存。"
            ),
        ),
        (
            "保存在哪里",
            "登记照片只加密保存在本单位的服务器上；人脸特征加密保存在本单位的服务器和结算台上。不上传互联网。",
        ),
        (
            "保存多久",
            (
                "保存到您撤回同意或离开本单位为止，届时立即从服务器删除，"
                "各结算台联网后随即删除，并留下删除记录。"
            ),
        ),
        (
            "对您的影响",
            (
                "人脸属于敏感个人信息，泄露后无法像密码一样更换，因此照片和特征都加密保存，"
                "查看和更改均留有记录。长相相近的人会被要求再输入密码或刷卡。"
            ),
        ),
        (
            "您可以不同意",
            "不同意或撤回同意，不影响您用餐：刷卡、扫码、工号加密码与刷脸价格相同、补贴相同。",
        ),
        (
            "怎样撤回",
            "随时向食堂管理员提出即可撤回，无需说明理由，当场生效。您也可以要求查阅、更正您的信息。",
        ),
        (
            "未成年人",
            "未满14周岁的，由父母或其他监护人阅读并同意，并登记监护人姓名。",
        ),
    ),
)

_SECOND = replace(
    _FIRST,
    version="2026-02",
    paragraphs=tuple(
        {
            "保存什么": (
                "保存什么",
                (
                    "一张登记照片，和由它计算出的一组数字（人脸特征）。每次刷脸付款时的一帧画面"
                    "加密留在那台结算台上，只在您对这笔付款提出争议时才调取。"
                ),
            ),
            "保存多久": (
                "保存多久",
                (
                    "照片和人脸特征保存到您撤回同意或离开本单位为止，届时立即从服务器删除，"
                    "各结算台联网后随即删除，您可以要一份删除回执。付款画面最多保存 90 天，"
                    "通常 30 天，到期自动删除；争议了结时立即删除。"
                ),
            ),
        }.get(heading, (heading, text))
        for heading, text in _FIRST.paragraphs
    ),
)
"""With the picture that tills keep for a dispute (:attr:`dafan.records.Policy.evidence_days`)."""

_KITCHEN = replace(
    _SECOND,
    version="2026-02-kitchen",
    paragraphs=tuple(
        {
            "用来做什么": (
                "用来做什么",
                (
                    "用于您在本单位食堂刷脸结算时，以及作为厨房工作人员在厨房平板上签字、晨检、签到时"
                    "认出您本人。不用于监控或其他用途，不提供给任何第三方。"
                ),
            ),
            "保存什么": (
                "保存什么",
                (
                    "一张登记照片，和由它计算出的一组数字（人脸特征）。每次刷脸付款时的一帧画面"
                    "加密留在那台结算台上，只在您对这笔付款提出争议时才调取。"
                    "在厨房平板上刷脸的画面只在内存中比对，不保存。"
                ),
            ),
            "您可以不同意": (
                "您可以不同意",
                (
                    "不同意或撤回同意，不影响您用餐和工作：结算时刷卡、扫码、工号加密码价格相同、"
                    "补贴相同；签字时工号加密码效力相同。"
                ),
            ),
        }.get(heading, (heading, text))
        for heading, text in _SECOND.paragraphs
    ),
)
"""For people who work in the kitchen: a face may sign there as well. The text of diners does not
allow that."""

TEXTS: dict[str, ConsentText] = {text.version: text for text in (_FIRST, _SECOND, _KITCHEN)}
CURRENT = _SECOND.version
KITCHEN = _KITCHEN.version


def text_of(version: str = CURRENT) -> ConsentText:
    """A version of the text.

    Raises:
        BadInputError: there is no such version.
    """
    if version not in TEXTS:
        raise BadInputError("there is no such consent text: reload the page and read it again")
    return TEXTS[version]
