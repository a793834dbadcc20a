"""International Phonetic Alphabet to ARPAbet, for pronunciations given by hand."""

import re
from typing import Final

_VOWELS: Final = {
    **{"aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY", "ɑ": "AA"},
    **{"æ": "AE", "ʌ": "AH", "ə": "AH", "ɔ": "AO", "ɒ": "AA", "ɛ": "EH", "e": "EH", "ɝ": "ER"},
    **{"ɚ": "ER", "ɜ": "ER", "ɜr": "ER", "ɜɹ": "ER", "ər": "ER", "əɹ": "ER", "ɪ": "IH", "i": "IY"},
    **{"ʊ": "UH", "u": "UW", "o": "OW", "a": "AA", "ɐ": "AH", "ɨ": "IH", "ʉ": "UW", "y": "UW"},
    **{"ø": "ER", "œ": "ER", "ai": "AY", "au": "AW", "ei": "EY", "ou": "OW", "ɔi": "OY"},
    **{"ɪə": "IH", "ʊə": "UH", "eə": "EH"},
}  # fmt: skip
_CONSONANTS: Final = {
    **{"tʃ": "CH", "ʧ": "CH", "dʒ": "JH", "ʤ": "JH", "b": "B", "d": "D", "ð": "DH", "f": "F"},
    **{"g": "G", "ɡ": "G", "h": "HH", "k": "K", "l": "L", "ɫ": "L", "m": "M", "n": "N", "ŋ": "NG"},
    **{"p": "P", "ɹ": "R", "r": "R", "ɾ": "T", "ʀ": "R", "ʁ": "R", "s": "S", "ʃ": "SH", "t": "T"},
    **{"θ": "TH", "v": "V", "w": "W", "ʍ": "W", "j": "Y", "z": "Z", "ʒ": "ZH", "x": "K", "ç": "HH"},
    **{"ɲ": "N Y", "ʔ": "", "c": "K", "q": "K", "β": "V", "ɣ": "G", "ʎ": "L Y"},
}  # fmt: skip
_IGNORED: Final = "ːˑ.‿/[]͡ʰ̩̯̃ˠ ̥"
_NAMES: Final = sorted({**_VOWELS, **_CONSONANTS}, key=len, reverse=True)
_TOKEN: Final = re.compile("|".join(map(re.escape, _NAMES)) + "|ˈ|ˌ|'|.", re.DOTALL)


def ipa_to_arpabet(text: str) -> tuple[str, ...]:
    """Convert IPA to ARPAbet.

    Stress marks ˈ and ˌ give stress 1 and 2 to the next vowel. A word without any mark gets its
    primary stress on its first full vowel.

    Args:
        text: IPA, words apart by spaces.

    Raises:
        ValueError: a sign is not known.
    """
    symbols: list[str] = []
    for word in text.replace("͡", "").split():
        symbols.extend(_word(word))
    if not symbols:
        raise ValueError(f"{text!r} holds no IPA sound")
    return tuple(symbols)


def _word(word: str) -> list[str]:
    result: list[str] = []
    stress = "0"
    marked = False
    schwas: set[int] = set()
    for match in _TOKEN.finditer(word):
        sign = match[0]
        if sign in "ˈ'":
            stress, marked = "1", True
        elif sign == "ˌ":
            stress = "2"
        elif sign in _VOWELS:
            if sign in {"ə", "ɚ", "ər", "əɹ", "ɐ"}:
                schwas.add(len(result))
            result.append(_VOWELS[sign] + stress)
            stress = "0"
        elif sign in _CONSONANTS:
            result.extend(_CONSONANTS[sign].split())
        elif sign not in _IGNORED:
            raise ValueError(
                f"{sign!r} in {word!r} is neither pinyin, ARPAbet nor a known IPA sign"
            )
    if not marked:
        vowels = [index for index, symbol in enumerate(result) if symbol[-1] == "0"]
        full = [index for index in vowels if index not in schwas] or vowels
        if full:
            result[full[0]] = f"{result[full[0]][:-1]}1"
    return result
