"""What a normalisation rule is, and how a list of them is applied."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

#: Digits as they are written in either language, with commas and a fraction.
NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,]\d)|\d+(?:\.\d+)?|(?<![\d.])\.\d+)"


@dataclass(frozen=True)
class Rule:
    """One rewriting step.

    Attributes:
        name: shown when stages are inspected.
        source: the pattern of what it rewrites; compiled when first needed, as there are hundreds.
        replace: the words for one match.
        needs: the rule is skipped unless one of these characters is in the text ("" is never
            skipped); "0" stands for any digit.
    """

    name: str
    source: str
    replace: Callable[[re.Match[str]], str]
    needs: str = "0"

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self.source)


def rule(
    name: str, pattern: str, replace: Callable[[re.Match[str]], str], needs: str = "0"
) -> Rule:
    """Build a rule from an unanchored pattern, as written."""
    return Rule(name, pattern, replace, needs)


def alternatives(words: Iterable[str]) -> str:
    """A pattern that matches any of these, the longest first."""
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


_DIGIT = re.compile(r"[0-9]")


def apply_rules(text: str, rules: Sequence[Rule]) -> str:
    """Apply rules in order; those whose needed characters are absent are skipped."""
    has_digit = _DIGIT.search(text) is not None
    for item in rules:
        if item.needs == "0":
            if not has_digit:
                continue
        elif item.needs and not _any_of(text, item.needs):
            continue
        text, changes = item.pattern.subn(item.replace, text)
        if changes and has_digit:
            has_digit = _DIGIT.search(text) is not None
    return text


@lru_cache(maxsize=256)
def _class_of(chars: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(chars)}]")


def _any_of(text: str, chars: str) -> bool:
    return _class_of(chars).search(text) is not None
