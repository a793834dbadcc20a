"""Text typed in capitals: lower-case it, but leave acronyms alone."""

import re
from typing import Final

#: Words in capitals one after another, with at most marks, spaces and figures between them.
_RUN: Final = re.compile(r"(?<![\w'])[A-Z][A-Z']*(?:[^A-Za-z]+[A-Z][A-Z']*)+(?![\w'])")
_WORD: Final = re.compile(r"[A-Z][A-Z']*")
_LETTER: Final = re.compile(r"[a-z]")
#: These are far more often words than acronyms in shouted text.
_WORDS_TOO: Final = frozenset(
    [
        "IT",
        "US",
        "AM",
        "OK",
        "AD",
        "LA",
        "OS",
        "PR",
        "HR",
        "CT",
        "ER",
        "PE",
        "A",
        "NO",
        "SO",
        "GO",
        "WHO",
        "AIDS",
        "TO",
        "DO",
        "MD",
    ]
)


def normalize_caps(text: str) -> str:
    """Lower-case what is shouted.

    Shouted is a run of at least three words in capitals, or of two that are the whole text, most
    of them ordinary words and not all acronyms.
    """
    if not _RUN.search(text):
        return text
    whole = _LETTER.search(text) is None
    return _RUN.sub(lambda match: _calm_run(match[0], whole), text)


def _calm_run(run: str, whole: bool) -> str:
    from frontend.english.g2p import is_acronym, is_common_word

    words = _WORD.findall(run)
    long = [word for word in words if len(word) > 1]
    if len(words) < (2 if whole else 3) or not long:
        return run
    common = [
        word
        for word in long
        if is_common_word(word.lower()) and (not is_acronym(word) or word in _WORDS_TOO)
    ]
    plain = [word for word in common if word not in _WORDS_TOO or len(word) > 2]
    if 2 * len(common) < len(long) or not plain or 2 * len(long) < len(words):
        return run
    return _WORD.sub(lambda match: _calm(match[0]), run)


def _calm(word: str) -> str:
    from frontend.english.g2p import is_acronym

    if word == "I" or word.startswith("I'"):
        return "I" + word[1:].lower()
    if word in _WORDS_TOO:
        return word.lower()
    return word if is_acronym(word) or len(word) == 1 else word.lower()
