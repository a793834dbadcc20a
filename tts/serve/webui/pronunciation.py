"""What will be said, word by word, and how to change it: overrides become markup in the text."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache

import frontend
from frontend.clean import HAN
from frontend.mandarin.hanzi import simplify
from frontend.mandarin.pinyin import syllable_symbols, syllables
from frontend.markup import parse_pronunciation
from frontend.split import split_sentences
from tts.inference.prompt_builders import MAX_CHARS

# As the text is written: markup as one, words, single Chinese characters, anything else.
_TOKEN = re.compile(
    r"\[(?P<pause>\s*pause\b[^\]\n]*)\]|\[(?P<shown>[^\[\]\n]*)\]\([^()\n]*\)"
    r"|[a-zü]+:?[a-z]*[1-5]\b|[A-Za-z\u00c0-\u024f]+(?:['’][A-Za-z]+)*|[" + HAN + "]"
    r"|[$€£¥￥#]?\d+(?:[.,:/-]\d+)*%?|\S",
    re.IGNORECASE,
)
_HAN = re.compile(f"[{HAN}]+")
_MAX_CANDIDATES = 8
_ERHUA = "zh_erhua"


class OverrideError(ValueError):
    """A pronunciation that cannot be put into the text; the message says why."""


@dataclass(frozen=True)
class SpokenWord:
    """One word as it will be said.

    Attributes:
        text: the word in the normalised text.
        said: pinyin or ARPAbet that the markup takes; empty for marks and pauses.
        lang: 'en', 'zh', or '' for marks and pauses.
        source: where the pronunciation comes from; see `frontend.types.Word`.
        start, end: what it stands for in the text as written; both 0 where that is not known.
        candidates: other ways in which it is often said.
    """

    text: str
    said: str
    lang: str
    source: str
    start: int = 0
    end: int = 0
    candidates: tuple[str, ...] = ()

    @property
    def is_editable(self) -> bool:
        return bool(self.said) and self.end > self.start


def spoken_words(text: str, lang: str = "auto", max_chars: int = MAX_CHARS) -> list[SpokenWord]:
    """The words of a text as the model will say them, piece by piece as it splits them.

    Raises:
        MarkupError: wrong markup; the message points at its place.
    """
    words: list[SpokenWord] = []
    cursor = 0
    for piece in split_sentences(text, max_chars):
        cursor = text.index(piece, cursor)
        words += _piece_words(piece, cursor, lang)
        cursor += len(piece)
    return words


def override(text: str, index: int, said: str, lang: str = "auto") -> str:
    """Write down how word number `index` of `spoken_words` is to be said.

    Words that come from one written form, such as the two of "3:30", are written down together.

    Args:
        text: as written.
        index: of the word in `spoken_words(text, lang)`.
        said: pinyin, ARPAbet or IPA; empty takes an override back.
        lang: as for `spoken_words`.

    Returns:
        The text with markup.

    Raises:
        OverrideError: `said` cannot be read, or that word cannot be overridden.
    """
    words = spoken_words(text, lang)
    if not 0 <= index < len(words) or not words[index].is_editable:
        raise OverrideError("this word cannot be overridden; click another one")
    word = words[index]
    shown = _surface(text[word.start : word.end])
    if not said.strip():
        return text[: word.start] + shown + text[word.end :]
    try:
        symbols, _ = parse_pronunciation(said.strip())
    except ValueError as error:
        raise OverrideError(str(error)) from error
    together = [
        i for i, w in enumerate(words) if (w.start, w.end) == (word.start, word.end) and w.said
    ]
    parts = [said.strip() if i == index else words[i].said for i in together]
    if len(parts) > 1:
        parts[together.index(index)] = said_of(symbols)
    new = text[: word.start] + f"[{shown}]({' '.join(parts)})" + text[word.end :]
    try:
        spoken_words(new, lang)
    except ValueError as error:
        raise OverrideError(f"this word cannot be written down together ({error})") from error
    return new


def said_of(symbols: tuple[str, ...]) -> str:
    """Symbols -> the pinyin or ARPAbet that `frontend.markup` reads as the same symbols."""
    if not symbols or not symbols[0].startswith("zh_"):
        return " ".join(symbols)
    spelled: list[str] = []
    base: list[str] = []
    for symbol in symbols:
        if symbol.removeprefix("zh_") in "12345":
            spelling = _spellings().get(tuple(base), "")
            spelled.append(spelling + symbol.removeprefix("zh_"))
            base = []
        elif symbol == _ERHUA:
            spelled[-1] = f"{spelled[-1][:-1]}r{spelled[-1][-1]}"
        else:
            base.append(symbol)
    return " ".join(spelled)


@lru_cache(maxsize=1)
def _spellings() -> dict[tuple[str, ...], str]:
    """Symbols of a syllable without tone -> its usual spelling (y and w before bare finals)."""
    table: dict[tuple[str, ...], str] = {}
    for spelling, symbols in syllables().items():
        known = table.get(symbols)
        if known is None or _usual(spelling) > _usual(known):
            table[symbols] = spelling
    return table


def _usual(spelling: str) -> tuple[bool, bool, bool]:
    """Of two spellings the larger one is the usual: no hums and signs, y and w written."""
    return spelling.isascii(), bool(re.search("[aeiouv]", spelling)), spelling[0] in "yw"


@dataclass(frozen=True)
class _Unit:
    """Part of a word that may be found in the text: a word, or a Chinese character of one."""

    word: int
    key: str


def _piece_words(piece: str, offset: int, lang: str) -> list[SpokenWord]:
    try:
        utterance = frontend.phonemize(piece, lang)
    except frontend.EmptyTextError:
        return []
    words = [
        SpokenWord(w.text, said_of(w.symbols) if w.lang else "", w.lang, w.source)
        for w in utterance.words
    ]
    spans = _spans(piece, words)
    return [
        replace(
            word,
            start=offset + spans[i][0] if i in spans else 0,
            end=offset + spans[i][1] if i in spans else 0,
            candidates=_candidates(word),
        )
        for i, word in enumerate(words)
    ]


def _spans(piece: str, words: list[SpokenWord]) -> dict[int, tuple[int, int]]:
    """Where each word stands in the piece; words from one written form share a span."""
    tokens = list(_TOKEN.finditer(piece))
    units = [unit for i, word in enumerate(words) for unit in _units(i, word)]
    keys = [_key(_surface(token[0])) for token in tokens]
    pairs: list[tuple[int, int, int]] = []
    for tag, a, b, c, d in SequenceMatcher(
        None, keys, [unit.key for unit in units], autojunk=False
    ).get_opcodes():
        if tag == "equal" or (tag == "replace" and _one_to_one(keys[a:b], units[c:d])):
            pairs += [(units[c + i].word, *tokens[a + i].span()) for i in range(b - a)]
        elif tag == "replace":
            pairs += [(unit.word, tokens[a].start(), tokens[b - 1].end()) for unit in units[c:d]]
    spans: dict[int, tuple[int, int]] = {}
    for word, start, end in pairs:
        first, last = spans.get(word, (start, end))
        spans[word] = (min(first, start), max(last, end))
    return _merged(spans)


def _units(index: int, word: SpokenWord) -> list[_Unit]:
    if word.source != "override" and _HAN.fullmatch(word.text):
        return [_Unit(index, char) for char in word.text]
    return [_Unit(index, _key(word.text))]


def _key(text: str) -> str:
    return simplify(text.lower().replace("’", "'"))


def _one_to_one(keys: list[str], units: list[_Unit]) -> bool:
    """Runs of Chinese characters of the same length, written in another way."""
    return len(keys) == len(units) and all(
        _HAN.fullmatch(text) and len(text) == 1 for text in (*keys, *(u.key for u in units))
    )


def _merged(spans: dict[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Give words whose spans overlap the span of them all."""
    result: dict[int, tuple[int, int]] = {}
    group: list[int] = []
    first = last = 0
    for word, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        if group and start < last:
            last = max(last, end)
        else:
            group, first, last = [], start, end
        group.append(word)
        result.update(dict.fromkeys(group, (first, last)))
    return result


def _surface(written: str) -> str:
    """Markup -> the text that it shows; other text with markup in it loses the markup only."""
    return re.sub(r"\[([^\[\]\n]*)\]\([^()\n]*\)", r"\1", written)


def _candidates(word: SpokenWord) -> tuple[str, ...]:
    if word.lang == "zh" and _HAN.fullmatch(word.text):
        found = _chinese_candidates(word)
    elif word.lang == "en":
        found = _english_candidates(word.text.lower())
    else:
        found = []
    return tuple(c for c in dict.fromkeys(found) if c != word.said)[:_MAX_CANDIDATES]


def _english_candidates(word: str) -> list[str]:
    from frontend.english.homograph_data import SENSES, VERB_NOUN

    found = list(VERB_NOUN.get(word, ()))
    if word in SENSES:
        usual, senses = SENSES[word]
        found += [usual, *(sense.phonemes for sense in senses)]
    return found


def _chinese_candidates(word: SpokenWord) -> list[str]:
    """The word with one of its characters read in another way."""
    from pypinyin import Style, pinyin

    said = word.said.split()
    if len(said) != len(word.text):
        return []
    found = []
    for place, char in enumerate(word.text):
        style = {"style": Style.TONE3, "neutral_tone_with_five": True, "v_to_u": False}
        for reading in pinyin(char, heteronym=True, **style)[0]:
            if syllable_symbols(reading) is not None:
                found.append(" ".join([*said[:place], reading, *said[place + 1 :]]))
    return found
