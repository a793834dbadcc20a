"""Pinyin syllables: which exist, and their symbols."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from frontend.symbols import ERHUA

_A = "a ai an ang ao"
_PLAIN = f"{_A} e ei en eng ong ou u ua uai uan uang ui un uo"
#: Spelled finals that each initial takes in standard Mandarin.
_TABLE: Final[dict[str, str]] = {
    "": f"{_A} e ei en eng er o ou",
    "b": f"{_A} ei en eng i ian iao ie in ing o u",
    "p": f"{_A} ei en eng i ian iao ie in ing o ou u ia",
    "m": f"{_A} e ei en eng i ian iao ie in ing iu o ou u",
    "f": "a an ang ei en eng o ou u iao",
    "d": f"{_A} e ei en eng i ia ian iao ie ing iu ong ou u uan ui un uo",
    "t": f"{_A} e ei eng i ian iao ie ing ong ou u uan ui un uo",
    "n": f"{_A} e ei en eng i ia ian iang iao ie in ing iu ong ou u uan un uo v ve",
    "l": f"{_A} e ei eng i ia ian iang iao ie in ing iu o ong ou u uan un uo v van ve vn",
    "g": _PLAIN,
    "h": _PLAIN,
    "k": _PLAIN,
    "j": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "q": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "x": "i ia ian iang iao ie in ing iong iu u uan ue un",
    "zh": f"{_PLAIN} i",
    "ch": f"{_PLAIN} i",
    "sh": f"{_A} e ei en eng i ou u ua uai uan uang ui un uo",
    "r": "an ang ao e en eng i ong ou u ua uan ui un uo",
    "z": f"{_A} e ei en eng i ong ou u uan ui un uo",
    "c": f"{_A} e ei en eng i ong ou u uan ui un uo",
    "s": f"{_A} e ei en eng i ong ou u uan ui un uo",
}
#: Spellings whose final is not the letters after the initial.
_SPECIAL: Final[dict[str, str]] = {
    **{"yi": "i", "ya": "ia", "yan": "ian", "yang": "iang", "yao": "iao", "ye": "ie"},
    **{"yin": "in", "ying": "ing", "yo": "io", "yong": "iong", "you": "iu", "yai": "ia"},
    **{"yu": "v", "yue": "ve", "yuan": "van", "yun": "vn"},
    **{"wu": "u", "wa": "ua", "wai": "uai", "wan": "uan", "wang": "uang", "wei": "ui"},
    **{"wen": "un", "weng": "ueng", "wo": "uo"},
    # Interjections: hums go to the nearest full syllable.
    **{"ê": "eh", "eh": "eh", "n": "en", "ng": "en", "m": "en", "hm": "en", "hng": "eng"},
}


def _final_symbol(initial: str, final: str) -> str:
    if final == "i" and initial in {"z", "c", "s"}:
        return "ii"
    if final == "i" and initial in {"zh", "ch", "sh", "r"}:
        return "iii"
    if initial in {"j", "q", "x"} and final.startswith("u"):
        return "v" + final[1:]
    return final


@lru_cache(maxsize=1)
def syllables() -> dict[str, tuple[str, ...]]:
    """Map each toneless spelling (v for ü) to its symbols without tone."""
    table: dict[str, tuple[str, ...]] = {
        spelling: (f"zh_{final}",) for spelling, final in _SPECIAL.items()
    }
    for initial, finals in _TABLE.items():
        head = (f"zh_{initial}",) if initial else ()
        for final in finals.split():
            table[initial + final] = (*head, f"zh_{_final_symbol(initial, final)}")
    table["lue"], table["nue"] = table["lve"], table["nve"]
    return table


_SPELLING = re.compile(r"([a-zêü:]+?)(r?)([1-5])")


@lru_cache(maxsize=8192)
def syllable_symbols(syllable: str) -> tuple[str, ...] | None:
    """Return the symbols of one syllable with tone number.

    Args:
        syllable: such as "hang2", "lv4" (also "lü4", "lu:4"); 5 is the neutral tone; an r before
            the tone is erhua, as in "huar1".

    Returns:
        Symbols in the order initial, final, tone, erhua; None when no such syllable exists.
    """
    match = _SPELLING.fullmatch(syllable.lower().replace("u:", "v").replace("ü", "v"))
    if match is None:
        return None
    base, erhua, tone = match.groups()
    table = syllables()
    if base + erhua in table:
        base, erhua = base + erhua, ""
    if base not in table:
        return None
    return (*table[base], f"zh_{tone}", *((ERHUA,) if erhua else ()))


@lru_cache(maxsize=1)
def _spellings() -> dict[tuple[str, ...], str]:
    """Symbols without tone to their usual spelling."""
    spellings: dict[tuple[str, ...], str] = {}
    for spelling, symbols in syllables().items():
        # Of several spellings the one of the table of syllables: en, not ng; lve, not lue.
        spellings.setdefault(symbols, spelling)
    for spelling in ("en", "eng", "ei", "yo", "ya", "lve", "nve"):
        spellings[syllables()[spelling]] = spelling
    return spellings


def spell_syllables(symbols: Sequence[str]) -> list[str]:
    """Write symbols as pinyin that `syllable_symbols` reads as the same symbols.

    Args:
        symbols: of whole syllables, as in `Word.symbols` of a Mandarin word.

    Returns:
        One spelling a syllable, such as "dang1", "ran2", "hua1r" as "huar1".
    """
    said: list[str] = []
    base: list[str] = []
    for symbol in symbols:
        if symbol == ERHUA and said:
            said[-1] = f"{said[-1][:-1]}r{said[-1][-1]}"
        elif symbol[-1].isdigit():
            said.append(_spellings().get(tuple(base), "".join(base)) + symbol[-1])
            base = []
        else:
            base.append(symbol)
    return said
