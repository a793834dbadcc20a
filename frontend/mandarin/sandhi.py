"""Mandarin tone sandhi. Each rule takes and returns syllables such as "ni3", one per character.

The rules see one breath group: Han characters without punctuation between them. Words are given
by their lengths, which sum to the number of syllables.
"""

from collections.abc import Sequence
from typing import Final

_ONES: Final = frozenset("零〇一二三四五六七八九幺")
_ROUND: Final = frozenset("百千万亿")
#: 一 keeps its tone after these (ordinals, tens, months) ...
_YI_FIXED_AFTER: Final = _ONES | frozenset("第初十周期")
#: ... and before these.
_YI_FIXED_BEFORE: Final = _ONES | frozenset("十月号")
#: Before 一 and the same character again these are no verb: 这个|一个, 每天|一天, 那件|一件 ...
_NEVER_TRIED: Final = frozenset("个些件天年次本杯样种条只张块片师人代月日座棵朵匹间栋瓶碗有是在")
#: ... nor is anything after these.
_BEFORE_MEASURE: Final = frozenset("这那哪每某该几两二三四五六七八九十第")
#: The second of two equal verbs around 一 is light: 看一看.
_NEUTRAL: Final = "5"


def _tone(syllable: str) -> str:
    return syllable[-1]


def _with_tone(syllable: str, tone: str) -> str:
    return syllable[:-1] + tone


def _word_ends(word_lengths: Sequence[int]) -> set[int]:
    """Indices of the last character of each word of two or more characters."""
    ends: set[int] = set()
    position = 0
    for length in word_lengths:
        position += length
        if length > 1:
            ends.add(position - 1)
    return ends


def bu_sandhi(chars: str, syllables: Sequence[str]) -> list[str]:
    """不 is bu2 before a fourth tone and neutral inside A不A (好不好)."""
    result = list(syllables)
    for index, char in enumerate(chars):
        if char != "不" or not syllables[index].startswith("bu"):
            continue
        last = index + 1 >= len(chars)
        if not last and index > 0 and chars[index - 1] == chars[index + 1]:
            result[index] = "bu5"
        elif not last and _tone(syllables[index + 1]) == "4":
            result[index] = "bu2"
        else:
            result[index] = "bu4"
    return result


def _is_tried(chars: str, index: int) -> bool:
    """Whether 一 between two equal characters joins a verb to itself."""
    earlier = chars[index - 2 : index - 1]
    return chars[index - 1] not in _NEVER_TRIED and earlier not in {"一", *_BEFORE_MEASURE}


def yi_sandhi(chars: str, syllables: Sequence[str], word_lengths: Sequence[int]) -> list[str]:
    """一 is yi2 before a fourth tone, yi4 before others; yi1 as ordinal, digit or word end."""
    result = list(syllables)
    ends = _word_ends(word_lengths)
    for index, char in enumerate(chars):
        if char != "一" or not syllables[index].startswith("yi"):
            continue
        before = chars[index - 1] if index else ""
        after = chars[index + 1] if index + 1 < len(chars) else ""
        rounded = after in _ROUND and before not in _ONES | {"十", "第"}
        fixed = before in _YI_FIXED_AFTER or after in _YI_FIXED_BEFORE or index in ends
        if not after or (fixed and not rounded):
            result[index] = "yi1"
        elif before and before == after and _is_tried(chars, index):
            # 看一看; not 一个一个, 这个一个.
            result[index] = "yi5"
        else:
            # A neutral 个 counts as the fourth tone that it has by itself.
            falling = _tone(syllables[index + 1]) == "4" or after == "个"
            result[index] = "yi2" if falling else "yi4"
    return result


def third_tone_sandhi(syllables: Sequence[str], word_lengths: Sequence[int]) -> list[str]:
    """Turn the first of two third tones into a second tone.

    Inside a word the rule runs first, from left to right; between words it applies where a third
    tone still meets one: 展览馆 is 2-2-3, 小|老虎 is 3-2-3, 我|很|好 is 3-2-3.
    """
    result = list(syllables)
    start = 0
    for length in word_lengths:
        for index in range(start, start + length - 1):
            if _tone(syllables[index]) == "3" and _tone(syllables[index + 1]) == "3":
                result[index] = _with_tone(result[index], "2")
        start += length
    # Between words from right to left: a tone already raised no longer triggers.
    for index in range(len(result) - 2, -1, -1):
        if _tone(result[index]) == "3" and _tone(result[index + 1]) == "3":
            result[index] = _with_tone(result[index], "2")
    return result


def reduplication(chars: str, syllables: Sequence[str]) -> list[str]:
    """The second of two equal verbs is light when a pronoun or sentence end follows: 看看."""
    result = list(syllables)
    for index in range(1, len(chars)):
        if (
            chars[index] == chars[index - 1]
            and chars[index] in "看想说听走试坐等聊问谢瞧读写玩找猜尝歇"
        ):
            result[index] = _with_tone(result[index], _NEUTRAL)
        elif chars[index - 1 : index + 1] == "教教" and chars[index + 1 : index + 2] in tuple(
            "我你他她"
        ):
            # 教教我, but 基督教教堂.
            result[index] = _with_tone(result[index], _NEUTRAL)
    return result
