"""Store the frequent Mandarin words: `data/zh_words.txt.gz`.

    python -m frontend.build_words JIEBA_DICT

JIEBA_DICT is `dict.txt` of the package jieba 0.42.1 (MIT): word, frequency and part of speech a
line. Kept are words of two to four characters with a frequency of at least 100.
"""

import argparse
import gzip
from pathlib import Path

_LEAST = 100
_OUTPUT = Path(__file__).with_name("data") / "zh_words.txt.gz"


def frequent_words(lines: list[str]) -> list[str]:
    """Return the words to keep, sorted."""
    cells = [line.split(" ") for line in lines]
    return sorted(word for word, count, _ in cells if 2 <= len(word) <= 4 and int(count) >= _LEAST)


def main(argv: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("jieba", type=Path)
    options = parser.parse_args(argv)
    words = frequent_words(options.jieba.read_text(encoding="utf-8").splitlines())
    _OUTPUT.write_bytes(gzip.compress("\n".join(words).encode(), 9, mtime=0))
    print(f"{len(words)} words")


if __name__ == "__main__":
    main()
