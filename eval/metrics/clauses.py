"""Words left out or said twice, as far as a transcript tells."""

from __future__ import annotations

from eval.metrics.wer import WordErrors
from tts.listen.check import differ

#: From how many words (zh: characters) on a stretch is a clause; single words are misheard.
CLAUSE = {"en": 3, "zh": 4}


def clause_slip(errors: WordErrors, lang: str) -> str | None:
    """What the worst stretch of an utterance looks like.

    A stretch that was heard as other words is neither.

    Args:
        lang: "en" or "zh".

    Returns:
        "lost" where a clause of the reference was not heard, "added" where one was heard that the
        reference has not, or once only; None otherwise.
    """
    found = differ(errors.reference.split(), errors.hypothesis.split())
    score, slip = max((found.missing.score, "lost"), (found.inserted.score, "added"))
    return slip if score >= CLAUSE[lang] else None
