"""A user's own pronunciations: a text file with one entry a line.

    # name            pronunciation in pinyin, ARPAbet or IPA
    OpenMOSS          OW1 P AH0 N M AO1 S
    单田芳            shan4 tian2 fang1
    New York          nuː jɔrk

Fields are apart by a tab, by two or more spaces, or by " = ".
"""

import re
from dataclasses import dataclass
from pathlib import Path

from frontend.clean import HAN
from frontend.markup import parse_pronunciation
from frontend.types import LexiconError, Word

_SEPARATOR = re.compile(r"\t+|\s{2,}|\s+=\s+")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Entries by their lower-case text, and a pattern that finds them, longest first."""

    entries: dict[str, Word]
    pattern: re.Pattern[str] | None

    def find(self, text: str) -> "list[tuple[int, int, Word]]":
        """List (start, end, word) of the entries in a text, without overlaps."""
        if self.pattern is None:
            return []
        return [
            (match.start(), match.end(), self.entries[match[0].lower()])
            for match in self.pattern.finditer(text)
        ]


def parse_lexicon(text: str, name: str = "lexicon") -> Lexicon:
    """Read lexicon lines.

    Args:
        text: the lines; empty ones and those that start with # are skipped.
        name: for error messages.

    Raises:
        LexiconError: a line has no pronunciation or a wrong one; the message has its number.
    """
    entries: dict[str, Word] = {}
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        written, *said = _SEPARATOR.split(line.strip(), maxsplit=1)
        if not said:
            raise LexiconError(
                f"{name}, line {number}: {line.strip()!r} has no pronunciation; put a tab between "
                "the text and its pronunciation"
            )
        try:
            symbols, language = parse_pronunciation(said[0].strip())
        except ValueError as error:
            raise LexiconError(f"{name}, line {number}: {error}") from None
        entries[written.lower()] = Word(written, language, symbols, "lexicon")
    return Lexicon(entries, _pattern(entries))


def _pattern(entries: dict[str, Word]) -> re.Pattern[str] | None:
    if not entries:
        return None
    alternatives = []
    for written in sorted(entries, key=len, reverse=True):
        escaped = re.escape(written)
        # Latin entries are whole words; Chinese ones may stand anywhere.
        if not re.search(f"[{HAN}]", written):
            escaped = rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"
        alternatives.append(escaped)
    return re.compile("|".join(alternatives), re.IGNORECASE)


def load_lexicon(path: str | Path) -> Lexicon:
    """Read a lexicon file in UTF-8.

    Raises:
        LexiconError: the file cannot be read or a line is wrong.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise LexiconError(f"cannot read lexicon {str(path)!r}: {reason}") from None
    return parse_lexicon(text, str(path))
