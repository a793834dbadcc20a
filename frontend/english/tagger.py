"""A small part-of-speech tagger for English, for telling homographs apart.

Linear: each word's class is chosen by itself from its letters and the words around it, so that a
few words of a sentence can be tagged alone. Trained by `build_homographs.py`.
"""

import gzip
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

_DATA = Path(__file__).parents[1] / "data"
NUM_BUCKETS: Final = 1 << 15
#: n noun, s plural, p name, v base or present, d past, e participle, g -ing, z third person,
#: a adjective, r adverb, then function words: D determiner, I preposition, P pronoun, M modal,
#: T to, C conjunction, # number, W question word, x the rest.
CLASSES: Final = "nspvdegzarDIPMTC#Wx"
BEGIN: Final = "<s>"
END: Final = "</s>"
_EDGES: Final = {BEGIN: "<", END: ">", ",": ",", "-": "-"}


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, str]:
    """Word to its usual class; only those whose class its ending does not tell."""
    classes: dict[str, str] = {}
    for line in gzip.decompress((_DATA / "en_tags.txt.gz").read_bytes()).decode().split("\n"):
        kind, _, words = line.partition(" ")
        classes.update(dict.fromkeys(words.split(" "), kind))
    return classes


def guess_class(word: str) -> str:
    """Class of a word by its ending: r adverb, g -ing, d -ed, s plural, a adjective, n noun."""
    if word.endswith("ly"):
        return "r"
    if word.endswith("ing"):
        return "g"
    if word.endswith("ed"):
        return "d"
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return "$" if word.endswith("'s") else "s"
    return "a" if word.endswith(("ous", "ful", "ive", "able", "ible", "ical", "less")) else "n"


@lru_cache(maxsize=16384)
def usual_class(word: str) -> str:
    """Usual class of a lower-case word, or of a mark or edge."""
    return _EDGES.get(word) or _lexicon().get(word) or guess_class(word)


@lru_cache(maxsize=65536)
def hash_name(text: str) -> int:
    """Hash a feature's name to 32 bits."""
    return zlib.crc32(text.encode())


@lru_cache(maxsize=16384)
def _own(word: str) -> tuple[int, ...]:
    """Buckets of what a word tells about itself; `word` in its own case."""
    lower = word.lower()
    shape = "A" if len(word) > 1 and word.isupper() else "C" if word[:1].isupper() else "c"
    names = (
        f"w{lower}", f"s{lower[-3:]}", f"t{lower[-2:]}", f"h{shape}{lower[-1:]}", f"f{lower[:3]}",
        f"u{usual_class(lower)}{shape}",
    )  # fmt: skip
    return tuple(hash_name(name) % NUM_BUCKETS for name in names)


def tag_buckets(words: Sequence[str], index: int) -> list[int]:
    """Buckets of everything that speaks for the class of `words[index]`."""
    size = len(words)
    around = [
        words[place].lower() if 0 <= place < size else (BEGIN if place < 0 else END)
        for place in range(index - 2, index + 3)
    ]
    l2, l1, own, r1, r2 = around
    k2, k1, kind, m1, m2 = map(usual_class, around)
    first = "<" if index == 0 else ""
    shape = "C" if words[index][:1].isupper() else "c"
    names = (
        f"-{l1}", f"+{r1}", f"={l2}", f"#{r2}", f"a{k1}{kind}", f"b{kind}{m1}", f"c{k1}{m1}",
        f"d{k2}{k1}", f"e{m1}{m2}", f"g{k1}{kind}{m1}", f"i{l1} {own}", f"j{own} {r1}",
        f"k{k2}{k1}{kind}", f"l{kind}{m1}{m2}", f"m{l1[-2:]}{kind}", f"n{first}{shape}{kind}",
        f"o{k1}{own}", f"q{own}{m1}", f"y{l1}{m1}",
    )  # fmt: skip
    return [*_own(words[index]), *(hash_name(name) % NUM_BUCKETS for name in names)]


@lru_cache(maxsize=1)
def load_weights(path: Path = _DATA / "homographs.bin.gz") -> Sequence[int]:
    """Load the tagger's weights: 8-bit integers, len(CLASSES) in a row for each bucket."""
    data = memoryview(gzip.decompress(path.read_bytes())).cast("b")
    return data[: NUM_BUCKETS * len(CLASSES)]


def tag_scores(weights: Sequence[int], words: Sequence[str], index: int) -> list[int]:
    """Score the classes of one word, in the order of CLASSES and the unit of the weights."""
    size = len(CLASSES)
    rows = [weights[row * size : (row + 1) * size] for row in tag_buckets(words, index)]
    return [sum(column) for column in zip(*rows, strict=True)]
