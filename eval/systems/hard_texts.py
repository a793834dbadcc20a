"""Texts that a language model stumbles over: lists, digits, and many words at once."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import islice

from tts.train.texts import Sources, items, length

#: Words (zh: characters) of a long text.
LONG = {"en": (25, 40), "zh": (30, 60)}
_JOINT = {"en": " ", "zh": ""}


def hard_texts(sentences: Sequence[str], language: str, number: int, seed: int) -> list[str]:
    """A third lists, a third numbers, a third long.

    Args:
        sentences: that nothing was trained on; lists and long texts are made of them.
        language: "en" or "zh".
    """
    lines = list(sentences)
    short = items(Sources(lines, lines), language, seed, kinds={"list": 0.5, "number": 0.5})
    long = _long(lines, language, random.Random(f"long {language} {seed}"))
    count = round(number / 3)
    return [*islice(short, number - count), *islice(long, count)]


def _long(sentences: list[str], language: str, rng: random.Random) -> Iterator[str]:
    """One sentence after another, with commas between them, until there are words enough."""
    fewest, most = LONG[language]
    comma, stop = ("，", "。") if language == "zh" else (", ", ".")
    while True:
        parts: list[str] = []
        while length(_JOINT[language].join(parts), language) < fewest:
            parts.append(rng.choice(sentences).rstrip(".!?。！？"))
        text = comma.join(parts) + stop
        if length(text, language) <= most:
            yield text
