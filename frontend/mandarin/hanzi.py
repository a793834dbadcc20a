"""Traditional characters to simplified ones, which the Mandarin dictionaries are keyed by.

`data/traditional.txt` holds pairs of characters (traditional, simplified) from the OpenCC data
files, Apache-2.0.
"""

import re
from functools import lru_cache
from pathlib import Path

_TABLE_FILE = Path(__file__).parents[1] / "data" / "traditional.txt"
# One simplified character stands for two words here; these keep the traditional form.
_KEPT = re.compile("乾(?=[隆坤县安陵卦])|(?<=[康])乾")
#: The table's simplified form is another word: 哪吒 is no 咤, 閤 is not always 合.
_NOT_SIMPLIFIED = "吒閤"
#: 著 is a simplified character as well, read zhu4; in traditional text it mostly writes 着.
_ZHU = re.compile("(?<![名显卓昭土原巨专论译合编遗])著(?![名作称者述文书录])")


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    pairs = _TABLE_FILE.read_text(encoding="utf-8").strip()
    table = {ord(pairs[index]): pairs[index + 1] for index in range(0, len(pairs), 2)}
    return {code: char for code, char in table.items() if chr(code) not in _NOT_SIMPLIFIED}


@lru_cache(maxsize=1)
def _traditional() -> re.Pattern[str]:
    return re.compile("[" + "".join(map(chr, _table())) + "]")


def simplify(text: str) -> str:
    """Return `text` with traditional characters simplified, one for one.

    Args:
        text: any string; simplified text comes back unchanged.
    """
    if text.isascii() or _traditional().search(text) is None:
        return text
    text = _ZHU.sub("着", text)
    kept = {match.start() for match in _KEPT.finditer(text)}
    table = _table()
    return "".join(
        char if index in kept else table.get(ord(char), char) for index, char in enumerate(text)
    )
