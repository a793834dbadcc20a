"""English words to ARPAbet: dictionary, everyday corrections, neural fallback."""

import gzip
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from frontend.homographs import choose, is_homograph
from frontend.oov import predict_phonemes
from frontend.types import Word

_DICTIONARY = Path(__file__).with_name("data") / "cmudict.txt.gz"

#: Where the dictionary's first entry is not how Americans say the word in a sentence.
_EVERYDAY = {
    "a": "AH0",
    "our": "AW1 R",
    "was": "W AH1 Z",
    "because": "B IH0 K AH1 Z",
}
_LETTERS = {
    "a": "EY1", "b": "B IY1", "c": "S IY1", "d": "D IY1", "e": "IY1", "f": "EH1 F",
    "g": "JH IY1", "h": "EY1 CH", "i": "AY1", "j": "JH EY1", "k": "K EY1", "l": "EH1 L",
    "m": "EH1 M", "n": "EH1 N", "o": "OW1", "p": "P IY1", "q": "K Y UW1", "r": "AA1 R",
    "s": "EH1 S", "t": "T IY1", "u": "Y UW1", "v": "V IY1", "w": "D AH1 B AH0 L Y UW0",
    "x": "EH1 K S", "y": "W AY1", "z": "Z IY1",
}  # fmt: skip
_SIBILANTS = frozenset("S Z SH ZH CH JH".split())
_VOICELESS = frozenset("P T K F TH".split())
_VOWEL_INITIAL = re.compile(r"[AEIOU]")


@lru_cache(maxsize=1)
def dictionary() -> dict[str, str]:
    """The CMU dictionary: lower-case word to phonemes joined by spaces."""
    with gzip.open(_DICTIONARY, "rt", encoding="ascii") as lines:
        entries = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    entries.update(_EVERYDAY)
    return entries


@lru_cache(maxsize=1)
def _acronyms() -> frozenset[str]:
    return frozenset(
        "AM PM US IT AI TV PC CD DVD UK EU UN UFO FBI CIA IRS NBA NFL NHL MLB USA GPU CPU "
        "USB PDF HTML CSS URL API SQL XML JSON HTTP HTTPS IP ID IQ EQ CEO CFO CTO COO HR PR IPO "
        "GDP ATM DNA RNA HIV MRI CT ER ICU BBC CNN NBC ABC CBS ESPN MTV PBS BMW IBM HP AMD VIP FAQ "
        "DIY ETA RSVP PS BC AD BCE CE MIT UCLA NYU LA NY DC SUV GPS LED LCD SMS MMS VPN "
        "TTS ASR LLM NLP OCR UI UX OS IOS SDK IDE AWS GCP CSV MP PHP KFC NGO NYC OK PhD MD DJ "
        "MC TA RA PE CV QA KPI ROI AC DC EV RV AV VR AR XR GM VP MVP JFK LGBT PTSD ADHD BMI".split()
    )


def is_acronym(word: str) -> bool:
    """Say whether a word in capitals is known to be said letter by letter."""
    return word in _acronyms()


def is_common_word(word: str) -> bool:
    """Say whether a lower-case word is in the dictionary."""
    return word in dictionary()


def spell(letters: str) -> tuple[str, ...]:
    """Pronounce letters by their names; other characters are skipped."""
    return tuple(
        phoneme for char in letters.lower() if char in _LETTERS for phoneme in _LETTERS[char].split()
    )


def add_s(phonemes: tuple[str, ...]) -> tuple[str, ...]:
    """Append the plural or possessive ending that the last sound asks for."""
    if not phonemes:
        return phonemes
    last = phonemes[-1]
    if last in _SIBILANTS:
        return (*phonemes, "IH0", "Z")
    return (*phonemes, "S" if last in _VOICELESS else "Z")


def _fold(word: str) -> str:
    """Lower-case and strip accents."""
    decomposed = unicodedata.normalize("NFKD", word.lower())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


@lru_cache(maxsize=65536)
def pronounce_word(word: str) -> tuple[tuple[str, ...], str]:
    """Pronounce one word out of context.

    Args:
        word: letters and apostrophes in their original case.

    Returns:
        ARPAbet symbols and the source ("dictionary", "derived", "spelled" or "neural").
    """
    entries = dictionary()
    key = _fold(word).replace("’", "'").strip("-")
    if key in entries:
        return tuple(entries[key].split()), "dictionary"
    if key.endswith(("'s", "s'")) and key[:-2]:
        stem = key[:-2] if key.endswith("'s") else key[:-1]
        phonemes, source = pronounce_word(stem)
        ending = add_s(phonemes) if key.endswith("'s") else phonemes
        return ending, "derived" if source == "dictionary" else source
    letters = "".join(char for char in key if "a" <= char <= "z")
    if letters in entries:
        return tuple(entries[letters].split()), "dictionary"
    if len(letters) > 1 and (word.isupper() or not re.search("[aeiouy]", letters)):
        return spell(letters), "spelled"
    return predict_phonemes(letters), "neural"


def _in_context(words: tuple[str, ...], index: int) -> tuple[tuple[str, ...], str]:
    """Pronounce `words[index]` with its neighbours in view."""
    word = words[index]
    lower = word.lower()
    if lower == "the" and index + 1 < len(words):
        following = pronounce_word(words[index + 1])[0]
        if following and _VOWEL_INITIAL.match(following[0]):
            return ("DH", "IY0"), "dictionary"
    if word == "A" and index and not words[index - 1].endswith("."):
        return ("EY1",), "spelled"
    if is_homograph(lower) and not (word.isupper() and is_acronym(word)):
        context = tuple(item.lower() for item in words)
        return tuple(choose(context, index).split()), "homograph"
    return pronounce_word(word)


def pronounce(words: tuple[str, ...]) -> tuple[Word, ...]:
    """Pronounce a run of English words, a sentence or a piece of one.

    Args:
        words: in their original case, without punctuation.

    Returns:
        One `Word` each, in order.
    """
    result: list[Word] = []
    for index, word in enumerate(words):
        phonemes, source = _in_context(words, index)
        result.append(Word(word, "en", phonemes, source))
    return tuple(result)
