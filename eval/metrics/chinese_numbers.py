"""Chinese numerals written as digits, so that 二十五 and 25 are one spelling of one number."""

from __future__ import annotations

import re

_DIGITS = {char: i for i, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "幺": 1}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_GROUPS = {"万": 10**4, "亿": 10**8}
_RUN = re.compile(f"[{''.join((*_DIGITS, *_UNITS, *_GROUPS))}]+")
_PERCENT = re.compile(r"百分之([0-9]+(?:点[0-9]+)?)")
_POINT = re.compile(r"(?<=[0-9])\.(?=[0-9])")
_COMMA = re.compile(r"(?<=[0-9])[,，](?=[0-9]{3}(?![0-9]))")


def parse_numeral(run: str) -> str:
    """A run of numerals as digits: by place value if it has units, else one by one.

    二零二四 -> 2024, 两千零二十四 -> 2024, 一百二 -> 120, 十五 -> 15, 三万 -> 30000.
    """
    if not any(char in _UNITS or char in _GROUPS for char in run):
        return "".join(str(_DIGITS[char]) for char in run)
    # total: groups of 万 and 亿 done; section: below the next one; digit: waits for its unit.
    total = section = digit = 0
    last_unit = 1
    for char in run:
        if char in _DIGITS:
            digit = _DIGITS[char]
            last_unit = last_unit if digit else 1
        elif char in _UNITS:
            last_unit = _UNITS[char]
            section, digit = section + (digit or 1) * last_unit, 0
        else:
            last_unit = _GROUPS[char]
            # 万 and 亿 multiply all before them that is smaller.
            high, low = total - total % last_unit, total % last_unit + section + digit
            total, section, digit = high + (low or 1) * last_unit, 0, 0
    # 一百二 is short for 一百二十; after 零, or with 十, the last digit is what it says.
    return str(total + section + digit * max(last_unit // 10, 1))


def digits_for_numerals(text: str) -> str:
    """Numerals, percentages, decimal points and grouping commas of a text in one spelling.

    Meant for both sides of a comparison; words that merely hold a numeral (万一, 十分) change
    alike on both.
    """
    text = _POINT.sub("点", _COMMA.sub("", text))
    # 百分之 is no number of hundreds.
    text = _RUN.sub(lambda match: parse_numeral(match[0]), text.replace("百分之", "\0"))
    return _PERCENT.sub(r"\1%", text.replace("\0", "百分之"))
