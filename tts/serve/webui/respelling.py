"""How a word is said, for people: ARPAbet as a respelling (KET-uhl), numbered pinyin as marked."""

from __future__ import annotations

import itertools

_VOWELS = {
    "AA": "ah", "AE": "a", "AH": "uh", "AO": "aw", "AW": "ow", "AY": "y", "EH": "e", "ER": "ur",
    "EY": "ay", "IH": "i", "IY": "ee", "OW": "oh", "OY": "oy", "UH": "uu", "UW": "oo",
}  # fmt: skip
# At the end of a syllable, or alone, where the short spelling would be read in another way.
_OPEN = {"AE": "aa", "EH": "eh", "IH": "ih"}
_CONSONANTS = {"DH": "th", "HH": "h", "JH": "j", "NG": "ng"}
# Short under stress, these keep a consonant: KET-uhl, not KEH-tuhl.
_LAX = frozenset({"AE", "EH", "IH", "UH"})
# What may follow a consonant at the beginning of a syllable.
_FOLLOWERS = {
    "B": "RLY",
    "D": "RW",
    "F": "RLY",
    "G": "RL",
    "HH": "Y",
    "K": "RLWY",
    "M": "Y",
    "N": "Y",
}
_FOLLOWERS |= {"P": "RLY", "S": "PTKMNLW", "SH": "R", "T": "RW", "TH": "R", "V": "Y"}


def respelled(said: str, lang: str) -> str:
    """What markup takes -> what a reader can say at sight.

    Args:
        said: ARPAbet or pinyin with tone numbers, as `said_of` gives it.
        lang: 'en' or 'zh'; anything else comes back as it is.
    """
    if lang == "zh":
        from pypinyin.contrib.tone_convert import to_tone

        return " ".join(to_tone(syllable) for syllable in said.split())
    return _english(said.split()) if lang == "en" else said


def _english(phones: list[str]) -> str:
    syllables = _syllables(phones)
    spelled = []
    for onset, vowel, coda in syllables:
        kind = vowel.rstrip("012")
        sound = _VOWELS.get(kind, "")
        if not coda:
            sound = _OPEN.get(kind, sound)
        if kind == "AY" and not onset:
            sound = "eye"
        text = _letters(onset) + sound + _letters(coda)
        spelled.append(text.upper() if vowel.endswith("1") and len(syllables) > 1 else text)
    return "-".join(spelled)


def _letters(phones: list[str]) -> str:
    return "".join(_CONSONANTS.get(phone, phone.lower()) for phone in phones)


def _syllables(phones: list[str]) -> list[tuple[list[str], str, list[str]]]:
    """(onset, vowel, coda) of each syllable; of consonants between vowels the most go right."""
    vowels = [i for i, phone in enumerate(phones) if phone.rstrip("012") in _VOWELS]
    if not vowels:
        return [(phones, "", [])]
    starts = [0]
    for left, right in itertools.pairwise(vowels):
        start = right
        while start - 1 > left and _is_onset(phones[start - 1 : right]):
            start -= 1
        stressed = phones[left].endswith("1") and phones[left].rstrip("012") in _LAX
        starts.append(start + (stressed and start == left + 1 and start < right))
    ends = [*starts[1:], len(phones)]
    return [
        (phones[start:vowel], phones[vowel], phones[vowel + 1 : end])
        for start, vowel, end in zip(starts, vowels, ends, strict=True)
    ]


def _is_onset(phones: list[str]) -> bool:
    """Whether English words begin so."""
    if len(phones) == 1:
        return phones != ["NG"]
    return all(after in _FOLLOWERS.get(before, "") for before, after in itertools.pairwise(phones))
