"""Amounts in Chinese capitals (大写金额), as a receipt has to show them.

Source: 支付结算办法 (银发〔1997〕393号), 附一, items 1 to 3: capitals from 壹 to 玖; 整 behind an
amount that ends with yuan; several zeros in a row are one 零; a 零 between yuan and fen where there
are no jiao.
"""

from dafan.money import MAX_FEN, Fen

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ("", "拾", "佰", "仟")


def capitals(amount: Fen) -> str:
    """``1680.32`` → ``人民币壹仟陆佰捌拾元叁角贰分``.

    Args:
        amount: From nothing to :data:`dafan.money.MAX_FEN`.

    Raises:
        ValueError: below zero, or too large.
    """
    if not 0 <= amount <= MAX_FEN:
        raise ValueError("an amount in capitals is neither negative nor above ten million yuan")
    yuan, rest = divmod(amount, 100)
    jiao, fen = divmod(rest, 10)
    text = f"{_whole(yuan)}元" if yuan or not rest else ""
    if jiao:
        text += f"{_DIGITS[jiao]}角"
    elif fen and yuan:
        text += "零"
    text += f"{_DIGITS[fen]}分" if fen else "整"
    return f"人民币{text}"


def _whole(number: int) -> str:
    """Yuan below one hundred million."""
    high, low = divmod(number, 10_000)
    if not high:
        return _four(low) or "零"
    gap = "零" if 0 < low < 1000 else ""
    return f"{_four(high)}万{gap}{_four(low)}"


def _four(number: int) -> str:
    """Up to four digits; one 零 for each gap between two of them."""
    text = ""
    gap = False
    for place in reversed(range(4)):
        digit = number // 10**place % 10
        if not digit:
            gap = bool(text)
            continue
        text += ("零" if gap else "") + _DIGITS[digit] + _UNITS[place]
        gap = False
    return text
