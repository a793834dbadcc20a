"""Our readings in the alphabet that Kokoro and hibari read.

Their alphabet is IPA with capitals for English diphthongs (A of "day", I of "eye", O of "go", W of
"now", Y of "boy", T for the flap of "water"), a stress mark before the vowel, and arrows after the
vowel for Mandarin tones. The teachers must say what our front end says, or the language model
learns a reading that was never spoken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from frontend.types import Word

_CONSONANTS = {
    **{"B": "b", "CH": "ʧ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h", "JH": "ʤ"},
    **{"K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s", "SH": "ʃ"},
    **{"T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ"},
}
_VOWELS = {
    **{"AA": "ɑ", "AE": "æ", "AH": "ʌ", "AO": "ɔ", "AW": "W", "AY": "I", "EH": "ɛ", "ER": "ɜɹ"},
    **{"EY": "A", "IH": "ɪ", "IY": "i", "OW": "O", "OY": "Y", "UH": "ʊ", "UW": "u"},
}
_REDUCED = {"AH0": "ə", "ER0": "əɹ"}
_STRESS = {"0": "", "1": "ˈ", "2": "ˌ"}

_INITIALS = {
    **{"b": "p", "p": "pʰ", "m": "m", "f": "f", "d": "t", "t": "tʰ", "n": "n", "l": "l", "g": "k"},
    **{"k": "kʰ", "h": "x", "j": "ʨ", "q": "ʨʰ", "x": "ɕ", "zh": "ꭧ", "ch": "ꭧʰ", "sh": "ʂ"},
    **{"r": "ɻ", "z": "ʦ", "c": "ʦʰ", "s": "s"},
}
# A bar where the tone goes.
_FINALS = {
    **{"a": "a|", "ai": "ai|", "an": "a|n", "ang": "a|ŋ", "ao": "au|", "e": "ɤ|", "eh": "ɛ|"},
    **{"ei": "ei|", "en": "ə|n", "eng": "ə|ŋ", "er": "ɚ|", "o": "ɔ|", "ong": "ʊ|ŋ", "ou": "ou|"},
    **{"i": "i|", "ia": "ja|", "ian": "jɛ|n", "iang": "ja|ŋ", "iao": "jau|", "ie": "je|"},
    **{"in": "i|n", "ing": "i|ŋ", "io": "wo|", "iong": "jʊ|ŋ", "iu": "jou|", "ii": "ɨ|"},
    **{"iii": "ɨ|", "u": "u|", "ua": "wa|", "uai": "wai|", "uan": "wa|n", "uang": "wa|ŋ"},
    **{"ui": "wei|", "un": "wə|n", "uo": "wo|", "ueng": "wə|ŋ", "v": "y|", "van": "ɥɛ|n"},
    **{"ve": "ɥe|", "vn": "y|n"},
}
_TONES = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}
_MARKS = {"-": "—", "<pause>": ","}

_KOKORO_CONSONANTS = {v: k for k, v in _CONSONANTS.items()} | {"g": "G", "ɾ": "T", "r": "R"}
_KOKORO_VOWELS = {
    **{"ɑ": "AA", "ɒ": "AA", "a": "AE", "æ": "AE", "ʌ": "AH", "ə": "AH", "ɐ": "AH", "ᵊ": "AH"},
    **{"ɔ": "AO", "W": "AW", "I": "AY", "ɛ": "EH", "e": "EH", "ɜ": "ER", "A": "EY", "ɪ": "IH"},
    **{"ᵻ": "IH", "i": "IY", "O": "OW", "Q": "OW", "Y": "OY", "ʊ": "UH", "u": "UW"},
}
# What speakers of American English, or dictionaries, do not tell apart reliably.
_MERGED = {"AO": "AA", "UH": "UW", "IH": "IY", "ER": "AH", "D": "T", "DH": "TH"}


def english_phonemes(symbols: Sequence[str]) -> str:
    """ARPAbet with stress digits in the teachers' alphabet: `W AO1 T ER0` -> `wˈɔtəɹ`."""
    out = []
    for symbol in symbols:
        if symbol in _CONSONANTS:
            out.append(_CONSONANTS[symbol])
        else:
            out.append(_STRESS[symbol[-1]] + _REDUCED.get(symbol, _VOWELS[symbol[:-1]]))
    return "".join(out)


def mandarin_phonemes(symbols: Sequence[str]) -> str:
    """Initials, finals and tones (`zh_h zh_ao zh_3`) in the teachers' alphabet: `xau↓`."""
    out, final = "", ""
    for symbol in symbols:
        name = symbol.removeprefix("zh_")
        if name in _INITIALS:
            out += _INITIALS[name]
        elif name in _FINALS:
            final = _FINALS[name]
        elif name in _TONES:
            out += final.replace("|", _TONES[name])
        else:  # erhua
            out += "ɚ"
    return out


def said_alike(symbols: Sequence[str], phonemes: str, british: bool = False) -> bool:
    """Whether a teacher's reading of a word is a way of saying ours.

    Consonants must agree, save for the flap and, in British English, r; so must stressed vowels
    in American English, up to mergers. Unstressed vowels may be reduced further.

    Args:
        symbols: ARPAbet of one word. phonemes: the teacher's.
    """
    ours, theirs = _skeleton(symbols, british), _skeleton(_arpabet(phonemes), british)
    if [s for s in ours if s[0] == "c"] != [s for s in theirs if s[0] == "c"]:
        return False
    if british:
        return True
    ours, theirs = ([s for s in x if s[0] == "v"] for x in (ours, theirs))
    return not ours or not theirs or ours == theirs


def _arpabet(phonemes: str) -> list[str]:
    """The teachers' alphabet back to ARPAbet, flaps as T, reduced vowels as AH0."""
    out, stress = [], "0"
    for char in phonemes:
        if char in "ˈˌ":
            stress = "1" if char == "ˈ" else "2"
        elif char in _KOKORO_VOWELS:
            out.append(_KOKORO_VOWELS[char] + stress)
            stress = "0"
        elif char in _KOKORO_CONSONANTS or char == "T":
            out.append("T" if char == "T" else _KOKORO_CONSONANTS[char])
    return out


def _skeleton(symbols: Sequence[str], british: bool) -> list[tuple[str, str]]:
    """Consonants and vowels of primary stress, with what may differ folded together."""
    out: list[tuple[str, str]] = []
    for symbol, following in pairwise([*symbols, ""]):
        if symbol[-1].isdigit():
            vowel = symbol[:-1]
            if symbol[-1] == "1":
                out.append(("v", _MERGED.get(vowel, vowel)))
            if vowel == "ER" and not british and following != "R":
                out.append(("c", "R"))
        elif symbol == "Y" and (british or following[:2] == "UW"):
            continue
        elif not (british and symbol == "R"):
            out.append(("c", _MERGED.get(symbol, symbol)))
    return out


def utterance_phonemes(words: Sequence[Word], english: Sequence[str]) -> str:
    """One line for a teacher, from our words.

    Args:
        words: of one utterance, marks included.
        english: what to say for each word that is English, in order; see `said_alike`.
    """
    readings, out = iter(english), ""
    for word in words:
        if not word.lang:
            out = out.rstrip() + "".join(_MARKS.get(s, s) for s in word.symbols[:1])
        elif word.lang == "en":
            out += " " + next(readings)
        else:
            out += " " + mandarin_phonemes(word.symbols)
    return re.sub(r" +", " ", re.sub(r"([^\s])—", r"\1 —", out)).strip()
