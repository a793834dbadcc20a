"""Store the Mandarin words: `data/zh_words.txt.gz`.

    python -m frontend.build.words JIEBA_DICT

JIEBA_DICT is `dict.txt` of the package jieba 0.42.1 (MIT): word, frequency and part of speech a
line. Kept are words of up to five characters with a frequency of at least 30. A line holds words of
one class (one letter, see `_CLASSES`) and frequency: class, ten times the natural logarithm of the
frequency, the words; so they load fast.
"""

import argparse
import gzip
from collections import defaultdict
from math import log
from pathlib import Path
from typing import Final

_LEAST: Final = 30
_LONGEST: Final = 5
_OUTPUT = Path(__file__).parents[1] / "data" / "zh_words.txt.gz"
#: First letters of jieba's tags that stand for another class: set phrases act like adjectives,
#: fixed expressions like verbs, time and place words like nouns.
_CLASSES: Final = {"i": "i", "l": "l", "t": "t", "s": "n", "j": "n", "g": "x", "z": "z", "h": "x"}
#: Where the tag of the whole says more than its first letter.
_TAGS: Final = {"nr": "N", "nrfg": "N", "nrt": "N", "ns": "P", "ad": "d", "an": "a", "zg": "x"}


def class_of(tag: str) -> str:
    """Return the class of a word by jieba's tag, such as "v" for "vn"."""
    return _TAGS.get(tag) or _CLASSES.get(tag[0], tag[0])


def word_lines(lines: list[str]) -> list[str]:
    """Return the lines to store."""
    kept: dict[tuple[str, int], list[str]] = defaultdict(list)
    for line in lines:
        word, count, tag = line.split(" ")
        if len(word) <= _LONGEST and int(count) >= _LEAST:
            kept[class_of(tag), round(10 * log(int(count)))].append(word)
    return [
        f"{kind} {weight} {' '.join(sorted(words))}"
        for (kind, weight), words in sorted(kept.items())
    ]


def main(argv: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jieba", type=Path)
    options = parser.parse_args(argv)
    lines = word_lines(options.jieba.read_text(encoding="utf-8").splitlines())
    _OUTPUT.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))
    print(f"{sum(line.count(chr(32)) - 1 for line in lines)} words")


if __name__ == "__main__":
    main()
