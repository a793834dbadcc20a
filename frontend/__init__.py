"""Text to normalised text to phonemes to ids, for English and Mandarin, offline.

The heavy parts (dictionaries, rules, models) load on first use, not on import.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frontend.lexicon import Lexicon, load_lexicon
    from frontend.pipeline import phonemize
    from frontend.split import split_sentences
    from frontend.symbols import SYMBOLS
    from frontend.types import EmptyTextError, LexiconError, MarkupError, Utterance, Word

__all__ = [
    "SYMBOLS",
    "EmptyTextError",
    "Lexicon",
    "LexiconError",
    "MarkupError",
    "Utterance",
    "Word",
    "load_lexicon",
    "phonemize",
    "split_sentences",
]

_HOMES = {
    "SYMBOLS": "symbols",
    "EmptyTextError": "types",
    "Lexicon": "lexicon",
    "LexiconError": "types",
    "MarkupError": "types",
    "Utterance": "types",
    "Word": "types",
    "load_lexicon": "lexicon",
    "phonemize": "pipeline",
    "split_sentences": "split",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"frontend.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'frontend' has no attribute {name!r}")
