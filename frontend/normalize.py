"""Normalisation: from what people type to words and canonical punctuation.

Stages: `clean` (characters), `split_languages` (who reads what), then each span's rules, then
`finish` (only letters, characters, apostrophes and canonical punctuation are left).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from frontend.clean import HAN, PLACEHOLDER, clean
from frontend.language import Span, split_languages
from frontend.mandarin.hanzi import simplify
from frontend.rules import english as rules_en
from frontend.rules import english_forms as rules_en_forms
from frontend.rules import english_words as rules_en_words
from frontend.rules import numbers_en
from frontend.rules.capitals import normalize_caps
from frontend.rules.core import Rule, apply_rules, rule
from frontend.rules.web import web_rules

# Digit strings beyond any number come first: other rules would try each of their parts.
_LONG_DIGITS = r"(?<!\d)\d{25,}(?!\d)"
_EN_RULES: tuple[Rule, ...] = (
    rule("long digits", _LONG_DIGITS, lambda match: f" {numbers_en.by_digit(match[0])} "),
    *web_rules("en"),
    *rules_en_forms.FORM_RULES,
    *rules_en_words.EARLY_RULES,
    *rules_en.NUMBER_RULES,
    *rules_en_words.WORD_RULES,
)


@lru_cache(maxsize=1)
def _zh_rules() -> tuple[tuple[Rule, ...], tuple[Rule, ...]]:
    """Rules before a mixed text is cut by language, and those of Chinese spans."""
    # Imported when Chinese is met: English alone shall load fast.
    from frontend.rules import mandarin as rules_zh
    from frontend.rules import mandarin_forms as rules_zh_forms
    from frontend.rules import numbers_zh

    before = (*web_rules("zh"), *rules_zh_forms.LABEL_RULES)
    inside = (
        rule("long digits", _LONG_DIGITS, lambda match: numbers_zh.by_digit(match[0])),
        *web_rules("zh"),
        *rules_zh_forms.FORM_RULES,
        *rules_zh.EARLY_RULES,
        *rules_zh.NUMBER_RULES,
        *rules_zh.WORD_RULES,
    )
    return before, inside


_LETTERS = r"A-Za-z\u00c0-\u024f"
_UNKNOWN = re.compile(rf"[^{HAN}{PLACEHOLDER}{_LETTERS}0-9 ',.?!;:…—\-]")
_QUIETLY_DROPPED = frozenset('"()[]{}<>|\\^_*`~#/–')
# Words of scripts that nobody here reads.
_FOREIGN_LETTER = rf"(?![{HAN}{PLACEHOLDER}{_LETTERS}])[^\W\d_]"
_FOREIGN = re.compile(
    rf"{_FOREIGN_LETTER}(?:[^{HAN}{PLACEHOLDER}{_LETTERS}0-9]*{_FOREIGN_LETTER})?"
    # with signs of its script that are no letters
    rf"[^\s\x00-\x7f…—{HAN}{PLACEHOLDER}{_LETTERS}]*"
)
_FINISH: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"(?<![{_LETTERS}])'(?!(?:[Ee]m|[Tt]is|[Tt]was|[Cc]ause|[Bb]out|[Tt]il)\b)"), " "),
    (re.compile(rf"'(?![{_LETTERS}])(?<!s')(?<!in')"), " "),
    (re.compile(r"\s*—[—\s]*"), " - "),
    (re.compile(r"(?<!\s)-+|-+(?!\s)|--+"), " "),
    (re.compile(r"\s+"), " "),
    (re.compile(r"(?:- )+"), "- "),
    (re.compile(rf"(?<=[{HAN}]) (?=[{HAN}])"), ""),
)


@dataclass(frozen=True, slots=True)
class Normalized:
    """A normalised text, the spans its rules saw, and notes on what was dropped."""

    text: str
    spans: tuple[Span, ...]
    notes: tuple[str, ...]


_MAX_PASSES = 4
_MARK_RUN = re.compile(r"(?: -)?\s*[,.?!;:…](?:[\s,.?!;:…]|-(?=[\s,.?!;:…]|$))*")
# A comma at the end stays: a piece of a longer text is not read as if the sentence ended.
_EDGES = re.compile(r"^[\s,.?!;:…-]+|[\s-]+$")


def _strongest(match: re.Match[str]) -> str:
    """Of a run of marks the strongest speaks."""
    run = match[0]
    return next((mark for mark in "?!…." if mark in run), run.strip(" -")[:1]) + " "


def _finish(text: str) -> str:
    for pattern, replacement in _FINISH:
        text = pattern.sub(replacement, text)
    return _EDGES.sub("", _MARK_RUN.sub(_strongest, text)).strip()


def _read_span(span: Span) -> str:
    if span.lang == "en":
        return apply_rules(span.text, _EN_RULES)
    return apply_rules(simplify(span.text), _zh_rules()[1])


def _sweep(text: str) -> tuple[str, tuple[str, ...]]:
    """Drop what no rule has read; return the text and notes of what is worth one."""
    noted: dict[str, None] = {}

    def skip(match: re.Match[str]) -> str:
        noted[f"not spoken: {match[0]!r}; English and Chinese are"] = None
        return " "

    def drop(match: re.Match[str]) -> str:
        if match[0] not in _QUIETLY_DROPPED:
            noted[_dropped(match[0])] = None
        return " "

    return _UNKNOWN.sub(drop, _FOREIGN.sub(skip, text)), tuple(noted)


def _dropped(char: str) -> str:
    return f"dropped {char!r} (U+{ord(char):04X})"


def _pass(text: str, lang: str) -> Normalized:
    """Run all stages once."""
    cleaned, dropped = clean(text)
    spans = tuple(split_languages(cleaned, lang))
    if len({span.lang for span in spans}) > 1:
        # Addresses hold both letters and signs, so they are read before the text is cut.
        cleaned = apply_rules(cleaned, _zh_rules()[0])
        spans = tuple(split_languages(cleaned, lang))
    read = "".join(_read_span(span) for span in spans)
    read, unknown = _sweep(read)
    notes = (*map(_dropped, dropped), *unknown)
    return Normalized(normalize_caps(_finish(read)), spans, notes)


@lru_cache(maxsize=1024)
def normalize_stages(text: str, lang: str = "auto") -> Normalized:
    """Normalise and keep the stages.

    Signs that are glued together can free a word for a rule that has already run, so the stages
    are repeated until nothing changes; nearly always the second pass changes nothing.

    Args:
        text: any string; placeholders of inline markup pass through.
        lang: "auto", "en" or "zh".

    Returns:
        The text in canonical form, the spans and notes of the first pass.
    """
    first = _pass(text, lang)
    given, current = text, first.text
    for _ in range(_MAX_PASSES):
        if current == given:
            # Already seen: plain sentences come out as they went in.
            break
        given, current = current, _pass(current, lang).text
    return Normalized(current, first.spans, first.notes)


def normalize(text: str, lang: str = "auto") -> str:
    """Return `text` in words and canonical punctuation; see `normalize_stages`."""
    return normalize_stages(text, lang).text
