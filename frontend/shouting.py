"""Text typed in capitals: lower-case it, but leave acronyms alone."""

import re

_WORD = re.compile(r"[A-Za-z][A-Za-z']+")


def calm_capitals(text: str) -> str:
    """Lower-case a text that is all capitals.

    A text counts as shouted when it has at least three words of two letters or more, all of them
    in capitals, and most of them are longer than acronyms usually are or ordinary words.
    """
    words = _WORD.findall(text)
    if len(words) < 3 or any(not word.isupper() for word in words):
        return text
    from frontend.english import is_common_word

    common = sum(is_common_word(word.lower()) for word in words)
    if 2 * common < len(words):
        return text
    return _WORD.sub(lambda match: _calm(match[0]), text)


def _calm(word: str) -> str:
    from frontend.english import is_acronym

    # These are far more often words than acronyms in shouted text.
    if word in {"IT", "US", "AM", "OK", "AD", "LA", "OS", "PR", "HR", "CT", "ER", "PE"}:
        return word.lower()
    return word if is_acronym(word) else word.lower()
