"""Mandarin characters to symbols.

Stages, each a function of its own: words, dictionary, polyphones, common words, fixed phrases,
surnames, neutral tones, erhua, tone sandhi.
"""

import re
from functools import lru_cache
from pathlib import Path

from frontend.mandarin import polyphone_features, polyphones
from frontend.mandarin.common_words import common_readings
from frontend.mandarin.pinyin import syllable_symbols
from frontend.mandarin.rules import rule_readings
from frontend.mandarin.sandhi import bu_sandhi, reduplication, third_tone_sandhi, yi_sandhi
from frontend.mandarin.word_data import (
    ER_MERGES_AFTER,
    ER_OWN_AFTER,
    ER_OWN_BEFORE,
    NEUTRAL_SECOND,
    PHRASES,
    SURNAMES,
    TITLES,
)
from frontend.types import Word

_UNKNOWN = "?0"
_DATA = Path(__file__).parents[1] / "data"
_PERSON = re.compile(
    rf"(?<=姓)[{''.join(SURNAMES)}](?!氏?名)|(?<![一-鿿])[{''.join(SURNAMES)}](?=(?:{TITLES}))|"
    rf"(?<=[是叫和与给跟对找请向])[{''.join(SURNAMES)}](?=(?:先生|女士|小姐|老师|教授|医生|博士|经理|某))"
)
_DEGREE = re.compile(
    "(?<=[跑走说写做唱跳长飞吃喝看听睡起来想过变显玩学读打开坐站穿画笑哭讲干])得"
    "(?=[很太真更最多好快慢高低早晚远近漂清不比像这那])"
)
#: 似的 is shi4 de5 as a particle, but si4 at the end of 类似, 相似 and such.
_PARTICLE_SI = re.compile("(?<=[^类相近酷疑貌形神恰胜])似(?=的)")
_MAX_PHRASE = max(map(len, PHRASES))


@lru_cache(maxsize=4096)
def segment(text: str) -> tuple[str, ...]:
    """Cut a run of characters into dictionary words, longest first."""
    from pypinyin.seg.mmseg import seg

    return tuple(seg.cut(text))


@lru_cache(maxsize=16384)
def look_up(word: str) -> tuple[str, ...]:
    """Dictionary syllables of one word, one per character; "?0" where there is none."""
    phrase = polyphone_features.pypinyin_phrase(word)
    if phrase is not None:
        return tuple(phrase[index] for index in range(len(word)))
    return tuple(_look_up_char(char) for char in word)


@lru_cache(maxsize=16384)
def _look_up_char(char: str) -> str:
    from pypinyin.constants import PINYIN_DICT

    sounds = PINYIN_DICT.get(ord(char), "")
    return polyphone_features.plain_syllable(sounds.split(",")[0]) if sounds else _UNKNOWN


def apply_phrases(text: str, syllables: list[str]) -> tuple[list[str], set[int]]:
    """Read fixed phrases from the list; return the syllables and the positions that are settled."""
    result = list(syllables)
    settled: set[int] = set()
    for length in range(min(_MAX_PHRASE, len(text)), 1, -1):
        for start in range(len(text) - length + 1):
            said = PHRASES.get(text[start : start + length])
            if said is None or any(index in settled for index in range(start, start + length)):
                continue
            for offset, syllable in enumerate(said.split()):
                result[start + offset] = syllable
                settled.add(start + offset)
    return result, settled


def apply_de(text: str, syllables: list[str]) -> list[str]:
    """得 between a verb and its degree is light: 跑得快, 说得很好."""
    result = list(syllables)
    for match in _DEGREE.finditer(text):
        result[match.start()] = "de5"
    return result


def apply_shide(text: str, syllables: list[str]) -> list[str]:
    """Read the particle 似的, not the end of 类似的."""
    result = list(syllables)
    for match in _PARTICLE_SI.finditer(text):
        result[match.start()] = "shi4"
    return result


def apply_surnames(text: str, syllables: list[str]) -> list[str]:
    """Read surnames as such after 姓 and before titles."""
    result = list(syllables)
    for match in _PERSON.finditer(text):
        result[match.start()] = SURNAMES[match[0][0]]
    return result


def apply_neutral_tones(text: str, syllables: list[str]) -> list[str]:
    """Make the second syllable of the listed words neutral."""
    result = list(syllables)
    for index in range(len(text) - 1):
        if text[index : index + 2] in NEUTRAL_SECOND:
            result[index + 1] = result[index + 1][:-1] + "5"
    return result


def apply_erhua(text: str, syllables: list[str]) -> list[str]:
    """Write a merged 儿 as "r5" and a separate one as "er2"."""
    result = list(syllables)
    for index, char in enumerate(text):
        if char != "儿":
            continue
        before = text[index - 1] if index else ""
        after = text[index + 1] if index + 1 < len(text) else ""
        if not before or before in ER_OWN_AFTER or (after and after in ER_OWN_BEFORE):
            result[index] = "er2"
        elif before in ER_MERGES_AFTER or result[index].startswith("r"):
            result[index] = "r5"
    return result


def read_characters(
    text: str, words: tuple[str, ...], context: dict[int, str], ruled: dict[int, str]
) -> list[str]:
    """Choose a syllable for each character, before tone sandhi.

    Args:
        text: Han characters, simplified.
        words: their segmentation.
        context: readings of polyphones by index, from `polyphones.readings`.
        ruled: readings by index that come before all others, from `rule_readings`.
    """
    syllables = [syllable for word in words for syllable in look_up(word)]
    for index, reading in context.items():
        syllables[index] = reading
    for index, reading in common_readings(text).items():
        # The dictionary does not write every light tone: 东西 stays as the rules below make it.
        syllables[index] = reading
    syllables, _ = apply_phrases(text, syllables)
    syllables = apply_shide(text, apply_de(text, syllables))
    for index, reading in ruled.items():
        syllables[index] = reading
    syllables = apply_surnames(text, syllables)
    syllables = apply_neutral_tones(text, syllables)
    for index, reading in ruled.items():
        # 受得了 is no 得了.
        if text[index] in "了得着":
            syllables[index] = reading
    return apply_erhua(text, syllables)


@lru_cache(maxsize=1)
def _third_tone_words() -> frozenset[str]:
    lines = (_DATA / "third_tone_words.txt").read_text(encoding="utf-8")
    return frozenset(lines.split())


def third_tone_groups(text: str, syllables: list[str], lengths: list[int]) -> list[int]:
    """Refine word lengths where third tones meet, with a list of words made of such.

    The general dictionary knows few regular words, so 展览馆 comes in single characters; the
    list has 展览.
    """
    tones = "".join(syllable[-1] for syllable in syllables)
    if "333" not in tones:
        return lengths
    groups: list[int] = []
    index = 0
    starts = {sum(lengths[:number]): length for number, length in enumerate(lengths)}
    while index < len(text):
        length = starts.get(index, 1)
        if length == 1 and text[index : index + 2] in _third_tone_words():
            length = 2
        length = min(length, len(text) - index)
        groups.append(length)
        index += length
    return groups


def apply_sandhi(text: str, syllables: list[str], words: tuple[str, ...]) -> list[str]:
    """Apply the sandhi of 不, 一, reduplication and third tones, in this order."""
    lengths = [len(word) for word in words]
    syllables = reduplication(text, syllables)
    syllables = yi_sandhi(text, bu_sandhi(text, syllables), lengths)
    return third_tone_sandhi(syllables, third_tone_groups(text, syllables, lengths))


def _merge_erhua(syllables: list[str]) -> list[str]:
    """Attach each r5 to the syllable before it."""
    merged: list[str] = []
    for syllable in syllables:
        if syllable == "r5" and merged and merged[-1][-1:].isdigit():
            merged[-1] = f"{merged[-1][:-1]}r{merged[-1][-1]}"
        else:
            merged.append("er5" if syllable == "r5" else syllable)
    return merged


def pronounce(
    text: str, context: dict[int, str] | None = None, ruled: dict[int, str] | None = None
) -> tuple[Word, ...]:
    """Pronounce a run of Chinese characters without punctuation.

    Args:
        text: Han characters only, simplified.
        context: readings of polyphones by index when the caller has read the whole sentence;
            by default the run is read alone.
        ruled: readings by index about which a rule is sure; likewise.

    Returns:
        One word per segment; characters without a known reading have no symbols.
    """
    words = segment(text)
    if context is None:
        context = polyphones.readings(text)
    if ruled is None:
        ruled = rule_readings(text)
    syllables = apply_sandhi(text, read_characters(text, words, context, ruled), words)
    result: list[Word] = []
    start = 0
    for word in words:
        said = syllables[start : start + len(word)]
        if said[0] == "r5" and result:
            # The word before takes the r.
            last = result[-1]
            if last.symbols and last.symbols[-1][-1].isdigit():
                result[-1] = Word(
                    last.text + word[0], "zh", (*last.symbols, "zh_erhua"), last.source
                )
                start += 1
                word, said = word[1:], said[1:]
        if word:
            symbols: tuple[str, ...] = ()
            for syllable in _merge_erhua(said):
                symbols += syllable_symbols(syllable) or ()
            polyphone = any(index in context for index in range(start, start + len(word)))
            source = "polyphone" if polyphone else "pinyin"
            result.append(Word(word, "zh", symbols, source))
        start += len(word)
    return tuple(result)
