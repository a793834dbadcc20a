"""From text to an utterance: markup, normalisation, tokens, pronunciation, symbols."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from frontend.clean import HAN, PLACEHOLDER
from frontend.english import g2p as english
from frontend.language import Span
from frontend.lexicon import Lexicon
from frontend.loading import load_english, load_mandarin
from frontend.markup import extract, restore
from frontend.normalize import normalize_stages
from frontend.symbols import LANGUAGE_TAGS
from frontend.types import EmptyTextError, Utterance, Word

_LETTER = r"A-Za-z\u00c0-\u024f"
_TOKEN = re.compile(
    rf"(?P<zh>[{HAN}]+)|(?P<en>'?[{_LETTER}]+(?:'[{_LETTER}]+)*'?)"
    rf"|(?P<mark>[,.?!;:…]|(?<=\s)-(?=\s))|(?P<override>[{PLACEHOLDER}])"
)
#: Marks that end the context in which homographs are told apart.
_ENDS = frozenset(".?!;:…")
_WIDE = str.maketrans(",.?!;:", "，。？！；：")


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of normalised text: kind is zh, en, mark or override; start is its index."""

    kind: str
    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Stages:
    """What `phonemize` did, stage by stage."""

    utterance: Utterance
    spans: tuple[Span, ...]


def tokenize(text: str) -> list[Token]:
    """Cut normalised text into tokens."""
    return [
        Token(match.lastgroup or "", match[0], match.start()) for match in _TOKEN.finditer(text)
    ]


def _chinese_readings(text: str) -> tuple[dict[int, str], dict[int, str]]:
    """Read the polyphones of a text in its whole context: by the scorer, and by sure rules.

    Indices are those of `text`.
    """
    from frontend.mandarin import polyphones
    from frontend.mandarin.rules import rule_readings

    kept = [index for index, char in enumerate(text) if char != " "]
    context = "".join(text[index] for index in kept).translate(_WIDE)
    scored, ruled = polyphones.readings(context), rule_readings(context)
    return (
        {kept[index]: reading for index, reading in scored.items()},
        {kept[index]: reading for index, reading in ruled.items()},
    )


def _within(readings: dict[int, str], token: Token) -> dict[int, str]:
    """The readings inside a token, by index in it."""
    return {
        offset: readings[token.start + offset]
        for offset in range(len(token.text))
        if token.start + offset in readings
    }


def _pronounce_english(tokens: list[Token], overrides: dict[str, Word]) -> dict[int, Word]:
    """Pronounce English tokens with their sentences as context; keys are token starts."""
    result: dict[int, Word] = {}
    sentence: list[Token] = []
    marks: list[str] = []

    def finish() -> None:
        words = english.pronounce(tuple(token.text for token in sentence), tuple(marks))
        result.update(zip((token.start for token in sentence), words, strict=True))
        sentence.clear()
        marks.clear()

    for token in tokens:
        if token.kind == "en":
            sentence.append(token)
            marks.append("")
        elif token.kind == "mark" and sentence:
            marks[-1] = marks[-1] or token.text
            if token.text in _ENDS:
                finish()
    if sentence:
        finish()
    for index, token in enumerate(tokens):
        around = {item.kind for item in tokens[max(0, index - 1) : index + 2]}
        following = tokens[index + 1].kind if index + 1 < len(tokens) else ""
        if token.text == "A" and "zh" in around and following != "en":
            # 选了A, A座: a letter, not the article.
            result[token.start] = Word("A", "en", english.spell("A"), "spelled")
        elif token.text.lower() == "the" and following == "override":
            symbols = overrides[tokens[index + 1].text].symbols
            result[token.start] = Word(token.text, "en", english.the_before(symbols), "dictionary")
    return result


def _pronounce(text: str, overrides: dict[str, Word]) -> list[Word]:
    tokens = tokenize(text)
    english_words = _pronounce_english(tokens, overrides)
    scored: dict[int, str] = {}
    ruled: dict[int, str] = {}
    if any(token.kind == "zh" for token in tokens):
        load_mandarin()
        scored, ruled = _chinese_readings(text)
    words: list[Word] = []
    for kind, group in groupby(tokens, key=lambda token: token.kind):
        if kind == "mark":
            # A run of marks says no more than its first.
            mark = next(group).text
            words.append(Word(mark, "", (mark,), "punctuation"))
            continue
        for token in group:
            if kind == "zh":
                from frontend.mandarin import g2p as mandarin

                said = mandarin.pronounce(token.text, _within(scored, token), _within(ruled, token))
                words.extend(said)
            elif kind == "en":
                words.append(english_words[token.start])
            else:
                words.append(overrides[token.text])
    return words


def flatten(words: tuple[Word, ...]) -> tuple[str, ...]:
    """Join the words' symbols, with a language tag first and at each change of language."""
    return lay_out(words)[0]


def lay_out(words: tuple[Word, ...]) -> tuple[tuple[str, ...], tuple[range, ...]]:
    """The symbols that `flatten` gives, and which of them are each word's."""
    language = next((word.lang for word in words if word.lang and word.symbols), "")
    if not language:
        return (), tuple(range(0) for _ in words)
    symbols: list[str] = [LANGUAGE_TAGS[language]]
    places = []
    for word in words:
        if word.lang and word.symbols and word.lang != language:
            language = word.lang
            symbols.append(LANGUAGE_TAGS[language])
        places.append(range(len(symbols), len(symbols) + len(word.symbols)))
        symbols.extend(word.symbols)
    return tuple(symbols), tuple(places)


def _apply_lexicon(text: str, lexicon: Lexicon, overrides: dict[str, Word]) -> str:
    """Replace lexicon entries by placeholders beyond those that are taken."""
    parts: list[str] = []
    position = 0
    free = iter(chr(code) for code in range(0xF8FF, 0xE000, -1))
    for start, end, word in lexicon.find(text):
        placeholder = next((char for char in free if char not in overrides), "")
        if not placeholder:
            break
        overrides[placeholder] = Word(text[start:end], word.lang, word.symbols, word.source)
        parts += [text[position:start], placeholder]
        position = end
    return "".join([*parts, text[position:]])


def phonemize_stages(text: str, lang: str = "auto", lexicon: Lexicon | None = None) -> Stages:
    """Do what `phonemize` does and keep the spans of the normaliser."""
    if lang not in ("auto", "en", "zh"):
        raise ValueError(f"lang is {lang!r}: use one of auto, en, zh")
    load_english()
    marked = extract(text)
    overrides = dict(marked.overrides)
    source = _apply_lexicon(marked.text, lexicon, overrides) if lexicon else marked.text
    normalized = normalize_stages(source, lang)
    words = tuple(_pronounce(normalized.text, overrides))
    if not any(word.lang and word.symbols for word in words):
        raise EmptyTextError(
            f"nothing to speak in {text[:40]!r}: give text with at least one letter, digit or "
            "Chinese character",
            normalized.notes,
        )
    surface = restore(normalized.text, overrides)
    utterance = Utterance(text, surface, words, flatten(words), normalized.notes)
    spans = tuple(Span(span.lang, restore(span.text, overrides)) for span in normalized.spans)
    return Stages(utterance, spans)


@lru_cache(maxsize=256)
def _phonemize_cached(text: str, lang: str) -> Utterance:
    return phonemize_stages(text, lang).utterance


def phonemize(text: str, lang: str = "auto", lexicon: Lexicon | None = None) -> Utterance:
    """Turn text into the symbols that the language model reads.

    Args:
        text: English, Mandarin or both; inline markup (see `frontend.markup`) is obeyed.
        lang: "en" or "zh" decides how digits and signs are read; "auto" goes by the script.
        lexicon: the user's own pronunciations, from `load_lexicon`.

    Returns:
        The utterance: normalised text, words, symbols, notes.

    Raises:
        EmptyTextError: nothing in the text can be spoken.
        MarkupError: wrong inline markup; the message points at its place.
        ValueError: `lang` is not one of auto, en, zh.
    """
    if lexicon is None:
        return _phonemize_cached(text, lang)
    return phonemize_stages(text, lang, lexicon).utterance
