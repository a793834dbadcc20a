"""Words left out or said twice, as far as a transcript tells."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence

from eval.metrics.wer import WordErrors
from frontend import EmptyTextError
from tts.listen.check import differ
from tts.listen.reading import read_text
from tts.listen.sounds import plain, sounds_of

#: From how many words (zh: characters) on a stretch is a clause; single words are misheard.
CLAUSE = {"en": 3, "zh": 4}
#: And from how many sounds on: "five to 7" for "five two seven" is said right.
SOUNDS = {"en": 6, "zh": 9}
#: Words (zh: characters) a second that nobody says.
TOO_FAST = {"en": 8.0, "zh": 12.0}


def clause_slip(text: str, transcript: str, errors: WordErrors, lang: str) -> str | None:
    """What the worst stretch of an utterance looks like, by words and by sounds.

    A stretch that was heard as other words is neither; numbers are read digit by digit too.

    Args:
        text, transcript: as they are written.
        errors: how they compare by words.
        lang: "en" or "zh".

    Returns:
        "lost" where a clause of the reference was not heard, "added" where one was heard that the
        reference has not, or once only; None otherwise.
    """
    by_words = _stretches(errors.reference.split(), errors.hypothesis.split())
    slip = max(by_words, key=by_words.__getitem__)
    if by_words[slip] < CLAUSE[lang]:
        return None
    meant = _sounds(text, lang)
    # "9413" for "nine four one three".
    ways = {transcript, re.sub(r"\d", r" \g<0> ", transcript)}
    by_sounds = (_stretches(meant, _sounds(heard, lang))[slip] for heard in ways)
    return slip if all(score >= SOUNDS[lang] for score in by_sounds) else None


def goes_round(errors: WordErrors, seconds: float, lang: str) -> bool:
    """Whether a recogniser wrote the same again and again, as none can say it in that time."""
    return len(errors.hypothesis.split()) > TOO_FAST[lang] * (seconds + 1)


def _stretches(meant: Sequence[Hashable], heard: Sequence[Hashable]) -> dict[str, float]:
    """Scores of the worst stretches, by what they would be."""
    found = differ(meant, heard)
    return {"lost": found.missing.score, "added": found.inserted.score}


def _sounds(text: str, lang: str) -> list[int]:
    try:
        symbols = read_text(text, lang)[0]
    except EmptyTextError:
        return []
    return plain(sounds_of(symbols)[0]).tolist()
