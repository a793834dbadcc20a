"""The values that the front end hands out and the errors that it raises."""

from dataclasses import dataclass


class EmptyTextError(ValueError):
    """The text holds nothing that can be spoken; notes: what was dropped of it."""

    def __init__(self, message: str, notes: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.notes = notes


class MarkupError(ValueError):
    """Inline markup is wrong; the message points at its place."""


class LexiconError(ValueError):
    """A lexicon file is missing or has a wrong line."""


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken token.

    Attributes:
        text: as it stands in the normalised text.
        lang: "en", "zh", or "" for punctuation and pauses.
        symbols: entries of `frontend.symbols.SYMBOLS`.
        source: where the pronunciation comes from: "dictionary", "derived", "spelled",
            "homograph", "neural", "pinyin", "polyphone", "override", "lexicon",
            "punctuation" or "pause".
    """

    text: str
    lang: str
    symbols: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class Utterance:
    """A text and its pronunciation.

    Attributes:
        text: the text as given.
        normalized: after normalisation, overrides replaced by their surface text.
        words: the tokens in order, punctuation included.
        symbols: the flat list for the model: a language tag first and again whenever the
            language changes, then symbols of words and punctuation, no word boundaries.
        notes: what was dropped or guessed on the way, for the user to read.
    """

    text: str
    normalized: str
    words: tuple[Word, ...]
    symbols: tuple[str, ...]
    notes: tuple[str, ...] = ()
