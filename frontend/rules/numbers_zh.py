"""Chinese numbers in characters. Pure functions, digits in, characters out."""

from typing import Final

DIGITS: Final = "零一二三四五六七八九"
_SMALL_UNITS: Final = ("", "十", "百", "千")
_BIG_UNITS: Final = ("", "万", "亿", "万亿")
#: Longer digit strings are read digit by digit.
MAX_CARDINAL_DIGITS: Final = 16


def by_digit(digits: str, yao: bool = False) -> str:
    """Read digits one by one; with `yao` 1 is 幺, as in telephone numbers."""
    text = "".join(DIGITS[int(char)] for char in digits if "0" <= char <= "9")
    return text.replace("一", "幺") if yao else text


def _group(digits: str, leading: bool) -> str:
    """Read up to four digits; `leading` marks the highest group (10 is 十, not 一十)."""
    value = int(digits)
    text = ""
    pending_zero = False
    for index, char in enumerate(digits):
        unit = _SMALL_UNITS[len(digits) - 1 - index]
        if char == "0":
            pending_zero = bool(text) or not leading
            continue
        if pending_zero:
            text += "零"
            pending_zero = False
        text += DIGITS[int(char)] + unit
    if leading and 10 <= value < 20:
        text = text[1:]
    return text


def cardinal(digits: str) -> str:
    """Read a whole number: "1205" is 一千二百零五, "200" is 两百, "2" is 二.

    Args:
        digits: ASCII digits; commas are ignored. More than `MAX_CARDINAL_DIGITS` of them, or a
            leading zero before others, are read one by one.
    """
    digits = digits.replace(",", "")
    if len(digits) > MAX_CARDINAL_DIGITS or (len(digits) > 1 and digits[0] == "0"):
        return by_digit(digits)
    if int(digits) == 0:
        return "零"
    width = -len(digits) % 4
    padded = "0" * width + digits
    groups = [padded[start : start + 4] for start in range(0, len(padded), 4)]
    text = ""
    skipped = False
    for index, group in enumerate(groups):
        unit = _BIG_UNITS[len(groups) - 1 - index]
        if int(group) == 0:
            skipped = True
            continue
        leading = not text
        part = _group(group.lstrip("0") if leading else group, leading)
        if skipped and text and not part.startswith("零"):
            part = "零" + part
        # 万亿 followed by 亿 says 亿 once: 一万二千亿.
        if unit == "万亿" and int(groups[index + 1]) > 0:
            unit = "万"
        text += part + unit
        skipped = False
    return _liang(text)


def _liang(text: str) -> str:
    """Use 两 for a leading 二 before 百, 千, 万, 亿."""
    for unit in "百千万亿":
        if text.startswith("二" + unit):
            return "两" + text[1:]
    return text


def decimal(number: str) -> str:
    """Read a number with an optional fraction: "3.14" is 三点一四."""
    whole, point, fraction = number.partition(".")
    text = cardinal(whole) if whole.replace(",", "") else "零"
    return f"{text}点{by_digit(fraction)}" if point and fraction else text


def counted(number: str) -> str:
    """Read a number before a measure word: "2" is 两, the rest as `decimal`."""
    return "两" if number == "2" else decimal(number)


def year(digits: str) -> str:
    """Read a year digit by digit."""
    return by_digit(digits)
