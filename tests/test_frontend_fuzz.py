"""Random and nasty strings: no exception but the documented ones, no unbounded time."""

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontend import SYMBOLS, EmptyTextError, MarkupError, phonemize
from frontend.normalize import normalize

PIECES = [
    *("[", "]", "(", ")", "[pause 0.6s]", "[pause", "[a](", "](", "[银行](yin2 hang2)", "[x](X1)"),
    *("ni3 hao3", "$5", "3.14", "50%", "2024-05-01", "3:30", "Dr.", "U.S.", "GPT-4", "#1", "@x"),
    *("http://a.b/c", "x@y.com", "你好", "银行", "2个", "￥5", "一", "不", "儿", "…", "——", "😀"),
    *("👨‍👩‍👧", "½", "Ⅲ", "-5°C", "1/2", "5-3", "'s", "**", "`", "~~", "&", "  ", "\n", "\t"),
    *("\u200b", "\u0301", "\ufe0f", "é", "ﬁ", "①", "Ａ", "\x00", "\ud800", "\ue000", "\uf8ff"),
    *("𠮷", "〇", "零", "第", "年", "月", "了", "得", "地", "长", "行", "重", "word", "THE", "kg"),
    *("iPhone", "km/h", "№", "™", "->", "==", "+", "×", "÷", "<b>", "</b>", "&amp;", "，", "。"),
    *("？", "！", "、", "：", "“", "”", "《", "》", "1,000", "1e5", "0x1F", "v1.2.3", "C++", "IV"),
    *("No.", "...", ".5", "5.", "007", "1990s", "'90s", "192.168.0.1", "+86 138 0013 8000"),
]
_SIGNS = "0123456789.,-/:%$¥€+*()[]年月日点个第 "
_KNOWN = frozenset(SYMBOLS)


def _code_point(generator: random.Random) -> str:
    ranges = ((0, 0x80), (0, 0x3000), (0, 0x110000), (0x4E00, 0xA000))
    return chr(generator.randrange(*generator.choice(ranges)))


def random_text(generator: random.Random) -> str:
    """One string from one of five generators."""
    kind = generator.randrange(5)
    if kind == 0:
        return "".join(_code_point(generator) for _ in range(generator.randrange(40)))
    if kind in (1, 2):
        joint = " " if kind == 1 else ""
        return joint.join(generator.choice(PIECES) for _ in range(generator.randrange(12)))
    if kind == 3:
        return "".join(generator.choice(_SIGNS) for _ in range(generator.randrange(30)))
    parts = [
        generator.choice(PIECES) if generator.random() < 0.3 else _code_point(generator)
        for _ in range(generator.randrange(25))
    ]
    return "".join(parts)


def check(text: str) -> None:
    """What must hold for any text at all."""
    written = normalize(text)
    assert not any(char in "0123456789" for char in written), ascii(text)
    try:
        symbols = phonemize(text).symbols
    except (EmptyTextError, MarkupError):
        return
    assert symbols, ascii(text)
    assert set(symbols) <= _KNOWN, ascii(text)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_random_texts(seed: int) -> None:
    check(random_text(random.Random(seed)))


@pytest.mark.slow
def test_hundred_thousand_random_texts() -> None:
    generator = random.Random(20260101)
    for _ in range(100_000):
        text = random_text(generator)
        start = time.process_time()
        check(text)
        assert time.process_time() - start < 2.0, ascii(text)


NASTY = {
    "digits": "7",
    "open brackets": "[",
    "round brackets": "(",
    "closing": "]",
    "quotes": '"',
    "apostrophes": "'",
    "one word": "a",
    "capitals": "A",
    "pause openers": "[pause ",
    "markup openers": "[a](",
    "stars": "*",
    "underscores": "_x",
    "tags": "<b ",
    "spaces": " ",
    "ideographs": "长行重得",
    "ones": "一",
    "erhua": "花儿",
    "third tones": "我很好",
    "Zalgo": "a\u0301\u0302\u0303\u0304",
    "numbers": "1,234.5 ",
    "dots": "1.",
    "dates": "2024-05-01 ",
    "slashes": "a/b/",
    "mixed": "a字",
    "addresses": "a@b.",
    "dashes": "—",
    "emoji": "😀",
    "points": ".",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", NASTY)
def test_nothing_is_worse_than_quadratic(name: str) -> None:
    unit = NASTY[name]

    def spent(size: int) -> float:
        start = time.process_time()
        check((unit * (size // len(unit) + 1))[:size])
        return time.process_time() - start

    check("字 word")  # the dictionaries load here
    # A rule that backtracks takes a thousand times as long; a tenth of a second is noise.
    assert spent(10_000) < 100 * spent(1_000) + 0.1
