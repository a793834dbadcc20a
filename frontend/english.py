"""English words to ARPAbet: dictionary, everyday corrections, neural fallback."""

import gzip
import re
import unicodedata
from functools import lru_cache
from pathlib import Path

from frontend.homographs import choose_by_rule as choose, is_ruled as is_homograph
from frontend.oov import predict_phonemes
from frontend.types import Word
from frontend.wordlist import words

_DICTIONARY = Path(__file__).with_name("data") / "cmudict.txt.gz"

#: Where the dictionary's first entry is not how Americans say the word in a sentence.
_EVERYDAY = {
    "a": "AH0",
    "our": "AW1 R",
    "was": "W AH1 Z",
    "because": "B IH0 K AH1 Z",
}
#: Words that came after the dictionary.
_MODERN = {
    "covid": "K OW1 V IH0 D", "tiktok": "T IH1 K T AA2 K", "emoji": "IH0 M OW1 JH IY0",
    "emojis": "IH0 M OW1 JH IY0 Z", "chatbot": "CH AE1 T B AA2 T", "vlog": "V L AO1 G",
    "wechat": "W IY1 CH AE2 T", "weibo": "W EY1 B OW2", "huawei": "W AA1 W EY2",
    "xiaomi": "SH AW1 M IY2", "taobao": "T AW1 B AW2", "alibaba": "AA2 L IY0 B AA1 B AA0",
    "baidu": "B AY1 D UW2", "tencent": "T EH1 N S EH2 N T", "openai": "OW1 P AH0 N EY1 AY1",
    "json": "JH EY1 S AH0 N", "jpeg": "JH EY1 P EH2 G", "gif": "G IH1 F",
    "pytorch": "P AY1 T AO2 R CH", "async": "EY1 S IH2 NG K", "pinyin": "P IH1 N Y IH2 N",
    "zelensky": "Z AH0 L EH1 N S K IY0", "hangzhou": "HH AA1 NG JH OW1", "miz": "M IH1 Z",
    "kilohertz": "K IH1 L AH0 HH ER2 T S", "megapixel": "M EH1 G AH0 P IH2 K S AH0 L",
    "tokenizer": "T OW1 K AH0 N AY2 Z ER0", "ramen": "R AA1 M AH0 N",
    "coronavirus": "K ER0 OW1 N AH0 V AY2 R AH0 S", "autocorrect": "AO1 T OW0 K ER0 EH2 K T",
    "cybersecurity": "S AY1 B ER0 S AH0 K Y UH2 R AH0 T IY0", "ai": "EY1 AY1",
    "cetera": "S EH1 T ER0 AH0", "readme": "R IY1 D M IY1", "wifi": "W AY1 F AY2",
    "unicode": "Y UW1 N AH0 K OW2 D", "hertz": "HH ER1 T S", "hashtag": "HH AE1 SH T AE2 G",
}  # fmt: skip
_LETTERS = {
    "a": "EY1", "b": "B IY1", "c": "S IY1", "d": "D IY1", "e": "IY1", "f": "EH1 F",
    "g": "JH IY1", "h": "EY1 CH", "i": "AY1", "j": "JH EY1", "k": "K EY1", "l": "EH1 L",
    "m": "EH1 M", "n": "EH1 N", "o": "OW1", "p": "P IY1", "q": "K Y UW1", "r": "AA1 R",
    "s": "EH1 S", "t": "T IY1", "u": "Y UW1", "v": "V IY1", "w": "D AH1 B AH0 L Y UW0",
    "x": "EH1 K S", "y": "W AY1", "z": "Z IY1",
}  # fmt: skip
_SIBILANTS = frozenset(["S", "Z", "SH", "ZH", "CH", "JH"])
_VOICELESS = frozenset(["P", "T", "K", "F", "TH"])
_VOWEL_INITIAL = re.compile(r"[AEIOU]")


@lru_cache(maxsize=1)
def dictionary() -> dict[str, str]:
    """The CMU dictionary: lower-case word to phonemes joined by spaces."""
    with gzip.open(_DICTIONARY, "rt", encoding="ascii") as lines:
        entries = dict(line.rstrip("\n").split(" ", 1) for line in lines)
    entries.update(_EVERYDAY)
    entries.update(_MODERN)
    return entries


@lru_cache(maxsize=1)
def _acronyms() -> frozenset[str]:
    return frozenset(
        words(
            "AM PM US IT AI TV PC CD DVD UK EU UN UFO FBI CIA IRS NBA NFL NHL MLB USA GPU CPU "
            "USB PDF HTML CSS URL API SQL XML HTTP HTTPS IP ID IQ EQ CEO CFO CTO COO HR PR "
            "IPO GDP ATM DNA RNA HIV MRI CT ER ICU BBC CNN NBC ABC CBS ESPN MTV PBS BMW IBM "
            "HP AMD VIP FAQ DIY ETA RSVP PS BC AD BCE CE MIT UCLA NYU LA NY DC SUV GPS LED "
            "LCD SMS MMS VPN TTS ASR LLM NLP OCR UI UX OS IOS SDK IDE AWS GCP CSV MP PHP KFC "
            "NGO NYC OK PhD MD DJ MC TA RA PE CV QA KPI ROI AC DC EV RV AV VR AR XR GM VP MVP "
            "JFK LGBT PTSD ADHD BMI"
        )
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
        phoneme
        for char in letters.lower()
        if char in _LETTERS
        for phoneme in _LETTERS[char].split()
    )


def add_s(phonemes: tuple[str, ...]) -> tuple[str, ...]:
    """Append the plural or possessive ending that the last sound asks for."""
    if not phonemes:
        return phonemes
    last = phonemes[-1]
    if last in _SIBILANTS:
        return (*phonemes, "IH0", "Z")
    return (*phonemes, "S" if last in _VOICELESS else "Z")


def add_ed(phonemes: tuple[str, ...]) -> tuple[str, ...]:
    """Append the past ending that the last sound asks for."""
    last = phonemes[-1]
    if last in {"T", "D"}:
        return (*phonemes, "IH0", "D")
    return (*phonemes, "T" if last in _VOICELESS | {"S", "SH", "CH"} else "D")


#: Longer words are noise; only their beginning is guessed.
_LONGEST_WORD = 60
_CAMEL = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z]?[a-z\u00df-\u024f']+|[A-Z]")


_ENDINGS = {
    "s": "", "ed": "", "ing": "IH0 NG", "er": "ER0", "ers": "ER0 Z", "ly": "L IY0",
    "ness": "N AH0 S", "less": "L AH0 S", "able": "AH0 B AH0 L", "ful": "F AH0 L",
}  # fmt: skip


def _weaken(phoneme: str) -> str:
    """Second halves of compounds carry secondary stress."""
    return f"{phoneme[:-1]}2" if phoneme.endswith("1") else phoneme


def _regular_suffix(letters: str) -> tuple[str, ...]:
    """Pronounce an unknown word as a known one with a regular ending; empty when it is none."""
    entries = dictionary()
    for ending, sounds in _ENDINGS.items():
        stem = letters.removesuffix(ending)
        if len(stem) < 3 or stem == letters:
            continue
        known = next((form for form in (stem, f"{stem}e") if form in entries), "")
        if not known or (known != stem and ending in {"s", "ly", "ness", "less", "ful"}):
            continue
        phonemes = tuple(entries[known].split())
        if ending == "s":
            return add_s(phonemes)
        if ending == "ed":
            return add_ed(phonemes)
        return (*phonemes, *sounds.split())
    return ()


@lru_cache(maxsize=8192)
def _split_compound(letters: str) -> tuple[str, str] | None:
    """Cut an unknown word into two known ones of four letters or more, the most even cut."""
    if len(letters) > _LONGEST_WORD:
        return None
    entries = dictionary()
    cuts = sorted(range(4, len(letters) - 3), key=lambda cut: abs(2 * cut - len(letters)))
    for cut in cuts:
        if letters[:cut] in entries and letters[cut:] in entries:
            return letters[:cut], letters[cut:]
    return None


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
    if is_acronym(word):
        return spell(word), "spelled"
    if len(word) > 2 and word[-1] == "s" and is_acronym(word[:-1].removesuffix("'")):
        return add_s(spell(word[:-1])), "spelled"
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
    parts = _CAMEL.findall(word)
    if len(parts) > 1 and not word.isupper():
        said = [pronounce_word(part)[0] for part in parts]
        return tuple(phoneme for part in said for phoneme in part), "derived"
    suffixed = _regular_suffix(letters)
    if suffixed:
        return suffixed, "derived"
    compound = _split_compound(letters)
    if compound:
        said = [tuple(entries[part].split()) for part in compound]
        return said[0] + tuple(_weaken(phoneme) for phoneme in said[1]), "derived"
    if word.isupper() and len(letters) > 4 and re.search("[aeiouy]", letters):
        return predict_phonemes(letters[:_LONGEST_WORD]), "neural"
    if len(letters) > 1 and (word.isupper() or not re.search("[aeiouy]", letters)):
        return spell(letters), "spelled"
    return predict_phonemes(letters[:_LONGEST_WORD]), "neural"


def the_before(following: tuple[str, ...]) -> tuple[str, ...]:
    """Pronounce the article before phonemes: as "thee" before a vowel."""
    vowel = bool(following and _VOWEL_INITIAL.match(following[0]))
    return ("DH", "IY0") if vowel else ("DH", "AH0")


def _in_context(words: tuple[str, ...], index: int) -> tuple[tuple[str, ...], str]:
    """Pronounce `words[index]` with its neighbours in view."""
    word = words[index]
    lower = word.lower()
    if lower == "the" and index + 1 < len(words):
        return the_before(pronounce_word(words[index + 1])[0]), "dictionary"
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
