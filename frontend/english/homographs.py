"""Choose between two pronunciations of an English word by the words around it.

A tagger of a few dozen hints: each neighbouring word votes for "verb" or for "noun or adjective";
meanings are told by key words. `explain` shows the votes.
"""

from collections.abc import Sequence
from typing import Final

from frontend.english import homograph_model
from frontend.english.homograph_data import (
    LIVE_LONG_AFTER,
    LIVE_LONG_BEFORE,
    MOSTLY_VERBS,
    PAST_TIME,
    PAST_VERBS,
    SENSES,
    VERB_NOUN,
)
from frontend.wordlist import words

_MODALS: Final = frozenset(
    words(
        "will would can could should shall may might must cannot can't won't wouldn't couldn't "
        "shouldn't mustn't do don't does doesn't did didn't i'll you'll he'll she'll we'll "
        "they'll it'll let's i'd you'd we'd they'd gonna"
    )
)
_DETERMINERS: Final = frozenset(
    words(
        "a an the my your his its our their this that these those some any no every each "
        "another either neither which what whose both all many few several much more most fewer"
    )
)
_PREPOSITIONS: Final = frozenset(
    words(
        "of in on with for from by at into about without under over after before between "
        "through during against within behind as than per"
    )
)
_SUBJECTS: Final = frozenset(words("i you we they who he she it people experts everyone"))
_OBJECTS: Final = frozenset(words("me him them us it her myself himself itself themselves"))
_BE: Final = frozenset(words("is are was were be been being am isn't wasn't aren't weren't"))
_HAVE: Final = frozenset(
    words("have has had having haven't hasn't hadn't i've you've we've they've")
)
_ADVERBS: Final = frozenset(
    words(
        "not never always often also usually sometimes really even just still soon now then "
        "please rarely seldom hardly only"
    )
)
_NOUN_FOLLOWERS: Final = frozenset(
    words("of is was are were has had will would can could for from in by that which who")
)
_WINDOW: Final = 8

#: Forms in -s of verb and noun pairs: both add the same ending.
_PLURALS: Final = {f"{word}s": word for word in VERB_NOUN if not word.endswith("s")}


def is_ruled(word: str) -> bool:
    """Say whether the rules know a lower-case word."""
    return word in VERB_NOUN or word in SENSES or word in _PLURALS or word in {"read", "live"}


def _looks_plural(word: str) -> bool:
    return len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is", "'s"))


def verb_votes(words: Sequence[str], index: int) -> list[tuple[str, float]]:
    """List the hints about the part of speech of `words[index]`.

    Args:
        words: the sentence in lower case.
        index: position of the word in question.

    Returns:
        (hint, vote) pairs; positive votes speak for a verb, negative ones for a noun.
    """
    before = words[index - 1] if index else ""
    before_2 = words[index - 2] if index > 1 else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    after_2 = words[index + 2] if index + 2 < len(words) else ""
    votes: list[tuple[str, float]] = []
    if before in _MODALS:
        votes.append(("after a modal", 4.0))
    if before == "to":
        noun_to = after in {"of", "is", "was", ""} and before_2 in {"due", "according", "subject"}
        votes.append(("after to", -2.0 if noun_to else 3.0))
    if before in _SUBJECTS:
        votes.append(("after a subject", 2.5))
    if before in _ADVERBS or (before.endswith("ly") and before not in {"early", "only"}):
        subject = before_2 in _SUBJECTS or before_2 in _MODALS or before_2 == "to" or not before_2
        votes.append(("after an adverb", 2.0 if subject else 0.5))
    if before_2 in _MODALS and before in _SUBJECTS | {"anyone", "someone", "everyone", "not"}:
        votes.append(("inverted question", 2.0))
    if not before:
        votes.append(("first, before its object", 3.0 if after in _DETERMINERS | _OBJECTS else 0.3))
    if before in _DETERMINERS:
        votes.append(("after a determiner", -1.5 if before in {"that", "which", "all"} else -4.0))
    if before in _PREPOSITIONS:
        votes.append(("after a preposition", -3.0))
    if before.endswith("'s") and before not in _MODALS:
        votes.append(("after a possessive", -3.0))
    if before in _BE or before in _HAVE:
        votes.append(("after be or have", -2.0))
    if _looks_plural(before):
        votes.append(("after a plural", 1.5))
    if before_2 in _DETERMINERS and before not in _SUBJECTS | _MODALS and not _looks_plural(before):
        votes.append(("determiner two before", -1.5))
    if after in _DETERMINERS | _OBJECTS:
        votes.append(("before its object", 2.0 if after not in {"that", "her"} else 1.0))
    if after == "that" and before in _SUBJECTS:
        votes.append(("before a clause", 1.0))
    if after in _NOUN_FOLLOWERS:
        votes.append(("before what follows a noun", -1.0))
    if after in {"to", "at", "up", "down", "over"} and before not in _BE:
        votes.append(("before a particle", 0.5))
    if not after and before not in _SUBJECTS | _MODALS | {"to"}:
        votes.append(("last", -0.7))
    if after_2 in {"is", "was", "are", "were", "will"} and after not in _DETERMINERS:
        votes.append(("before a noun and its verb", -0.5))
    return votes


def _is_verb(word: str, words: Sequence[str], index: int) -> bool:
    score = sum(vote for _, vote in verb_votes(words, index))
    before = words[index - 1] if index else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    if word in PAST_VERBS:
        # A past verb follows its subject, a noun phrase included, and never "to" or a modal.
        particle = after in {"into", "off", "under", "through", "around", "up"}
        return before not in _DETERMINERS and (before in _SUBJECTS or particle or score > 1)
    if word == "lives":
        place = after in {"in", "at", "on", "near", "with", "alone", "here", "there", "by", "next"}
        return before in _SUBJECTS or (place and before not in _DETERMINERS)
    if word in MOSTLY_VERBS:
        score += 0.6
    if word == "close":
        score += -2.0 if after in {"to", "by", "friend", "friends", "together", "enough"} else 0.0
        score += (
            -2.5 if before in {"stay", "stand", "too", "so", "very", "get", "come", "keep"} else 0.0
        )
        return score > 0 or (not _has_noun_sign(words, index) and score > -0.5)
    return score > 0


def _has_noun_sign(words: Sequence[str], index: int) -> bool:
    before = words[index - 1] if index else ""
    return before in _DETERMINERS | _PREPOSITIONS | _BE


def _sense(word: str, words: tuple[str, ...], index: int) -> str:
    """Phonemes of the best supported sense, the default when nothing is found."""
    default, senses = SENSES[word]
    near = set(
        words[max(0, index - _WINDOW) : index] + tuple(words[index + 1 : index + 1 + _WINDOW])
    )
    before = words[index - 1] if index else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    best, best_score = default, 0
    for sense in senses:
        score = len(near & sense.near) + 2 * (before in sense.before) + 2 * (after in sense.after)
        if score > best_score:
            best, best_score = sense.phonemes, score
    return best


def _read(words: Sequence[str], index: int) -> str:
    before = words[index - 1] if index else ""
    earlier = set(words[max(0, index - 4) : index])
    around = set(words)
    past, present = "R EH1 D", "R IY1 D"
    if before in _MODALS or before == "to" or earlier & {"did", "didn't", "do", "don't", "does"}:
        return present
    if earlier & (_HAVE | _BE) and before not in _DETERMINERS:
        return past
    if before in {"he", "she", "it"} or (before and around & PAST_TIME and before in _SUBJECTS):
        return past
    if around & {"yesterday", "ago"} or ("last" in around and before):
        return past
    return present


def _live(words: Sequence[str], index: int) -> str:
    before = words[index - 1] if index else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    long_vowel = after in LIVE_LONG_AFTER and before not in _SUBJECTS | _MODALS | {"to"}
    return "L AY1 V" if long_vowel or before in LIVE_LONG_BEFORE else "L IH1 V"


def choose_by_rule(words: Sequence[str], index: int) -> str:
    """Pronounce a homograph in its sentence by the rules alone.

    Args:
        words: the sentence in lower case, without punctuation.
        index: position of a word for which `is_ruled` holds.

    Returns:
        Phonemes joined by spaces.
    """
    words = tuple(words)
    word = words[index]
    if word == "read":
        return _read(words, index)
    if word == "live":
        return _live(words, index)
    if word in SENSES:
        phonemes = _sense(word, words, index)
        if phonemes:
            return phonemes
    base = _PLURALS.get(word, word) if word not in VERB_NOUN else word
    verb, noun = VERB_NOUN[base]
    chosen = verb if _is_verb(base, words, index) else noun
    if base == word:
        return chosen
    last = chosen.split()[-1]
    sibilant = last in {"S", "Z", "SH", "CH", "JH"}
    return chosen + (" IH0 Z" if sibilant else " S" if last in {"T", "K", "P", "F"} else " Z")


def is_homograph(word: str) -> bool:
    """Say whether a lower-case word needs its context."""
    return is_ruled(word) or word in homograph_model.load_readings()


#: From this sum of votes on a word that the data set knows only as a noun is a verb.
_PLAINLY_VERB: Final = 2.5


def choose(words: Sequence[str], marks: Sequence[str], index: int) -> str:
    """Pronounce a homograph in its sentence: by the classifier if it knows the word, else by rule.

    Args:
        words: the sentence in its own case, without punctuation.
        marks: the punctuation after each word, "" for none.
        index: position of a word for which `is_homograph` holds.

    Returns:
        Phonemes joined by spaces.
    """
    word = words[index].lower()
    lower = [item.lower() for item in words]
    known = homograph_model.load_readings().get(word)
    if known is None:
        return choose_by_rule(lower, index)
    if len(known) == 1 and is_ruled(word):
        plainly = sum(vote for _, vote in verb_votes(lower, index)) > _PLAINLY_VERB
        if plainly or word not in VERB_NOUN:
            return choose_by_rule(lower, index)
    ruled = sure_reading(lower, index)
    if ruled:
        return ruled
    context: list[str] = []
    place = 0
    for number, (item, mark) in enumerate(zip(words, marks, strict=True)):
        if number == index:
            place = len(context)
        context += [item, ","] if mark == "," else [item]
    return homograph_model.choose(context, place)


def sure_reading(words: Sequence[str], index: int) -> str:
    """What grammar decides whatever else is near; "" where it does not."""
    word = words[index]
    before = words[index - 1] if index else ""
    after = words[index + 1] if index + 1 < len(words) else ""
    if word == "read":
        return _read_fixed(words, index, before)
    if word == "live":
        return _live_fixed(words, index, before, after)
    if word == "content" and after in {"with", "to"}:
        return "K AH0 N T EH1 N T" if before in {"", *_BE, *_DEGREES} else ""
    if word == "lead":
        found = before == "the" and after == "out" and {"get", "got"} & set(words[:index])
        metal = any(after in sense.after for sense in SENSES["lead"][1])
        return "L EH1 D" if found or metal else ""
    if word == "minute":
        return "M AY0 N UW1 T" if _is_tiny(before, after) else ""
    if word == "tear":
        return "T EH1 R" if after == "in" and set(words[index + 2 : index + 5]) & _TEARABLE else ""
    return ""


def _live_fixed(words: Sequence[str], index: int, before: str, after: str) -> str:
    """Join us live, watch it live: an adverb after an object."""
    adverb = before in {"us", "me", "him", "it", "them"} and set(
        words[max(0, index - 4) : index]
    ) & {
        *("join", "watch", "see", "hear", "catch", "stream", "streaming", "watched", "saw", "seen"),
        *("watching", "broadcast", "show", "shown", "cover", "play", "played", "follow", "air"),
    }
    if adverb and after in {"", "from", "on", "at", "in", "with", "now", "today", "tonight", "and"}:
        return "L AY1 V"
    return ""


_DEGREES: Final = frozenset(
    words("quite very perfectly fully well not more so too entirely seem seems")
)
_TEARABLE: Final = frozenset(
    words(
        "shirt dress coat jacket pants jeans trousers sleeve fabric cloth curtain sail net page "
        "paper tent muscle ligament knee seam stocking tights sheet bag skirt sweater canvas"
    )
)
#: What a small thing is not: the noun after "a minute" in "a minute walk".
_OF_TIME: Final = frozenset(
    words(
        "hand hands book books mark walk walks drive ride rides steak man men silence video "
        "episode speech break breaks film song call interview show miles mile waltz repeater"
    )
)
_SMALL: Final = frozenset(
    words(
        "details detail amounts traces quantities particles differences changes variations grains"
    )
)


def _is_tiny(before: str, after: str) -> bool:
    """Whether "minute" between two words means very small."""
    if after in _SMALL:
        return before not in {"last", "five", "ten", "one"}
    article = before in {"a", "very", "these", "those", "most", "such"}
    kind = homograph_model.usual_class(after) if after else ""
    return article and kind in {"n", "s"} and after not in _OF_TIME


#: What stands between the parts of a verb: have never read, did you ever read.
_BETWEEN_PARTS: Final = _ADVERBS | _SUBJECTS | {"ever", "already", "be", "been", "yet", "better"}


def _read_fixed(words: Sequence[str], index: int, before: str) -> str:
    if before == "to" or before in _MODALS:
        return "R IY1 D"
    last = [item for item in words[max(0, index - 4) : index] if item in _MODALS or item in _HAVE]
    between = words[max(0, index - 4) : index]
    if before == "is" and last and last[-1] == "do":
        # All you have to do is read.
        return "R IY1 D"
    if not last:
        dated = {"yesterday", "ago"} & set(words) or any(
            f"last {time}" in " ".join(words) for time in ("week", "night", "month", "year")
        )
        return "R EH1 D" if dated and before in _SUBJECTS else ""
    rest = between[len(between) - between[::-1].index(last[-1]) :]
    if not all(item in _BETWEEN_PARTS or item.endswith("ly") for item in rest):
        return ""
    # Have read and can be read, but can read.
    past = last[-1] in _HAVE or "be" in rest
    return "R EH1 D" if past else "R IY1 D"
