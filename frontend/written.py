"""Which symbols say which written word: "$5" is said as two words and stays one.

What is written is cut at spaces (Chinese at each character), each part is read alone, and the
words of that are laid beside those that the whole text was read as.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

from frontend.clean import HAN
from frontend.mandarin.hanzi import simplify
from frontend.normalize import normalize
from frontend.pipeline import lay_out, tokenize
from frontend.types import Utterance

_TOKEN = re.compile(
    rf"\[(?P<said>[^\[\]\n]*)\]\([^()\n]*\)|[{HAN}]|(?:(?!\[[^\[\]\n]*\]\()[^\s{HAN}—–…])+"
)
_PLAIN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
# Signs that are said with the word that they stand before or behind.
_HEAD = frozenset("$€£¥￥₩₹§&@+#")
_TAIL = frozenset("%‰°℃℉$€£¥&+")


def _bounds(text: str) -> tuple[int, int]:
    """Where a word begins and ends without the marks around it; all of it where it is all marks."""

    def opens(index: int) -> bool:
        char, following = text[index], text[index + 1 : index + 2]
        return char.isalnum() or char in _HEAD or (char in "-−." and following.isdigit())

    kept = [i for i, char in enumerate(text) if char.isalnum() or char in _TAIL or opens(i)]
    first = next((i for i in kept if opens(i)), 0)
    last = next((i for i in reversed(kept) if text[i].isalnum() or text[i] in _TAIL), len(text) - 1)
    return first, max(first, last) + 1


@dataclass(frozen=True, slots=True)
class WrittenWord:
    """A word as it is written.

    Attributes:
        text: without marks around it.
        at: its place in the text, `text[at.start:at.stop]`.
        symbols: those of the utterance that say it.
    """

    text: str
    at: range
    symbols: range


class _Token(NamedTuple):
    at: range
    keys: tuple[str, ...]


def _tokens(text: str, lang: str, given: frozenset[str]) -> list[_Token]:
    """What is written, and how each part alone would be read: keys of words and characters.

    given: keys of words whose pronunciation is given, and that are not normalised.
    """
    tokens = []
    for match in _TOKEN.finditer(text):
        if match["said"] is not None:
            at, keys = range(*match.span("said")), (match["said"].strip().casefold(),)
        else:
            word = match[0][slice(*_bounds(match[0]))]
            at = range(*match.span())
            if _key(word) in given:
                keys = (_key(word),)
            elif _PLAIN.fullmatch(word) and not match[0].endswith("."):
                keys = tuple(simplify(word)) if re.match(f"[{HAN}]", word) else (_key(word),)
            else:
                keys = tuple(_keys_of(normalize(match[0], lang)))
        if keys or any(char.isalnum() for char in text[at.start : at.stop]):
            tokens.append(_Token(at, keys))
    return tokens


def _key(word: str) -> str:
    return word.replace("’", "'").casefold()


def _keys_of(normalized: str) -> list[str]:
    keys: list[str] = []
    for token in tokenize(normalized):
        if token.kind == "zh":
            keys.extend(token.text)
        elif token.kind == "en":
            keys.append(token.text.casefold())
    return keys


def _owners(tokens: Sequence[_Token], spoken: Sequence[str]) -> list[int]:
    """The token that each spoken key belongs to, not decreasing."""
    expected = [key for token in tokens for key in token.keys]
    whose = [number for number, token in enumerate(tokens) for _ in token.keys]
    owners = [-1] * len(spoken)
    matcher = SequenceMatcher(None, expected, spoken, autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        for index in range(begin, end):
            if kind == "insert":
                at = max(first - 1, 0)
            else:
                at = first + (index - begin) * (last - first) // (end - begin)
            owners[index] = whose[at] if whose else 0
    return owners


def written_words(utterance: Utterance, lang: str = "auto") -> tuple[WrittenWord, ...]:
    """The written words of an utterance, in order.

    Parts that are said together are one word (东西); what is written and not said goes with the
    word before it.

    Args:
        utterance: from `frontend.phonemize`.
        lang: that it was read with.
    """
    text = utterance.text
    by_hand = ("override", "lexicon")
    given = frozenset(_key(word.text) for word in utterance.words if word.source in by_hand)
    tokens = _tokens(text, lang, given)
    _, places = lay_out(utterance.words)
    keys: list[str] = []
    said: list[range] = []
    for word, place in zip(utterance.words, places, strict=True):
        if word.lang and len(place):
            whole = word.lang == "en" or word.source in by_hand
            own = [_key(word.text)] if whole else list(word.text)
            keys += own
            said += [place] * len(own)
    if not tokens or not keys:
        return ()
    owners = _owners(tokens, keys)
    # 1. Keys of one spoken word tie their tokens together.
    groups: list[list[int]] = []  # first and last token, first and last symbol
    for owner, place in zip(owners, said, strict=True):
        if groups and (owner <= groups[-1][1] or place.start < groups[-1][3]):
            last = groups[-1]
            last[1], last[3] = max(last[1], owner), max(last[3], place.stop)
        else:
            groups.append([owner, owner, place.start, place.stop])
    # 2. Tokens that nothing says go with the word before.
    firsts = [group[0] for group in groups]
    for number in range(len(tokens)):
        group = groups[max(0, bisect_right(firsts, number) - 1)]
        group[0], group[1] = min(group[0], number), max(group[1], number)
    return tuple(_word(text, tokens, group) for group in groups)


def _word(text: str, tokens: Sequence[_Token], group: Sequence[int]) -> WrittenWord:
    start, stop = tokens[group[0]].at.start, tokens[group[1]].at.stop
    first, last = _bounds(text[start:stop])
    start, stop = start + first, start + last
    if "." in text[start:stop] and text[stop : stop + 1] == ".":
        stop += 1  # U.S., not U.S
    return WrittenWord(text[start:stop], range(start, stop), range(group[2], group[3]))
