"""The frozen inventory of symbols the language model reads.

An id is a position in `SYMBOLS`. Trained weights depend on these positions: never reorder or
remove an entry; new symbols may only be appended (and need new embedding rows).

English uses ARPAbet with stress digits. A Mandarin syllable is `initial? final tone`, followed
by `zh_erhua` when 儿 has merged into it: 花儿 is `zh_h zh_ua zh_1 zh_erhua`. The prefix `zh_`
keeps the two inventories apart. Finals are the phonological ones: y- and w- spellings are
resolved (yi -> i, wu -> u, yu -> v), and the vowel of zi/ci/si (`zh_ii`) and of zhi/chi/shi/ri
(`zh_iii`) are set apart from i.
"""

from typing import Final

from frontend.wordlist import words

EN_TAG: Final = "<en>"
ZH_TAG: Final = "<zh>"
PAUSE: Final = "<pause>"
ERHUA: Final = "zh_erhua"

#: Nominal length of one `<pause>`; a longer pause is a run of them.
PAUSE_UNIT_S: Final = 0.2

LANGUAGE_TAGS: Final = {"en": EN_TAG, "zh": ZH_TAG}

PUNCTUATION: Final[tuple[str, ...]] = (",", ".", "?", "!", ";", ":", "…", "-")

#: Marks that end nearly every sentence. A model stops at these alone: after the last word of 30
#: texts, two voices of weights 2.7, Whisper base hears 12 of 356 words wrong with a full stop, 7
#: with a comma, 333 with no mark and 498 with a semicolon.
COMMON_MARKS: Final[tuple[str, ...]] = (",", ".", "?", "!")

_VOWELS = words("AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW")
_CONSONANTS = words("B CH D DH F G HH JH K L M N NG P R S SH T TH V W Y Z ZH")

#: 45 stressed vowels and 24 consonants.
ARPABET: Final[tuple[str, ...]] = (
    *(f"{vowel}{stress}" for vowel in _VOWELS for stress in "012"),
    *_CONSONANTS,
)

_INITIALS = words("b p m f d t n l g k h j q x zh ch sh r z c s")
_FINALS = words(
    "a ai an ang ao e eh ei en eng er o ong ou i ia ian iang iao ie in ing io iong iu ii "
    "iii u ua uai uan uang ui un uo ueng v van ve vn"
)

ZH_INITIALS: Final[tuple[str, ...]] = tuple(f"zh_{name}" for name in _INITIALS)
ZH_FINALS: Final[tuple[str, ...]] = tuple(f"zh_{name}" for name in _FINALS)
ZH_TONES: Final[tuple[str, ...]] = tuple(f"zh_{tone}" for tone in "12345")

SYMBOLS: Final[tuple[str, ...]] = (
    EN_TAG,
    ZH_TAG,
    PAUSE,
    *PUNCTUATION,
    *ARPABET,
    *ZH_INITIALS,
    *ZH_FINALS,
    *ZH_TONES,
    ERHUA,
)

SYMBOL_TO_ID: Final[dict[str, int]] = {symbol: index for index, symbol in enumerate(SYMBOLS)}


def readable(symbols: tuple[str, ...], final: str = ".") -> tuple[str, ...]:
    """An utterance's symbols as a model reads them well: common marks only, one at the end.

    Args:
        symbols: see `frontend.types.Utterance`, with a word in them.
        final: the mark at the end, where there is none or a rare one; it stands before pauses.

    Returns:
        The symbols; all but the added mark are in their places, a rare one as a comma.
    """
    last = max(i for i, symbol in enumerate(symbols) if symbol != PAUSE)
    rare = set(PUNCTUATION) - set(COMMON_MARKS)
    body = ["," if symbol in rare else symbol for symbol in symbols[: last + 1]]
    if symbols[last] in rare:
        body[-1] = final
    elif symbols[last] not in COMMON_MARKS:
        body.append(final)
    return (*body, *symbols[last + 1 :])


def joined(before: tuple[str, ...], symbols: tuple[str, ...]) -> tuple[str, ...]:
    """Symbols of two utterances as of one: a tag stands where the language changes, not else."""
    tags = [symbol for symbol in before if symbol in LANGUAGE_TAGS.values()]
    same = tags and symbols[0] == tags[-1]
    return before + symbols[1 if same else 0 :]


def to_ids(symbols: tuple[str, ...]) -> list[int]:
    """Return the ids of `symbols`.

    Args:
        symbols: entries of `SYMBOLS`, as in `Utterance.symbols`.

    Returns:
        One int per symbol, in [0, len(SYMBOLS)).

    Raises:
        ValueError: a symbol is not in the inventory.
    """
    try:
        return [SYMBOL_TO_ID[symbol] for symbol in symbols]
    except KeyError as error:
        raise ValueError(
            f"unknown symbol {error.args[0]!r}: use entries of frontend.symbols.SYMBOLS "
            f"({len(SYMBOLS)} symbols)"
        ) from None
