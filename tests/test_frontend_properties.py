"""What must hold for any text: no exception, no digit left, only known symbols, idempotence."""

import random
import socket
import subprocess
import sys
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from frontend import SYMBOLS, EmptyTextError, MarkupError, phonemize, split_sentences
from frontend.normalize import normalize
from frontend.symbols import LANGUAGE_TAGS, PUNCTUATION, to_ids

_SNIPPETS = st.sampled_from(
    [
        *("$5", "3.14", "50%", "2024-05-01", "3:30", "Dr.", "U.S.", "GPT-4", "A4", "#1", "@x"),
        *("http://a.b/c", "x@y.com", "你好", "银行", "2个", "￥5", "一", "不", "儿", "…", "——"),
        *("😀", "½", "Ⅲ", "-5°C", "1/2", "5-3", "'s", "**b**", "[a]", "(b)", "~", "&", "  ", "\n"),
        *(
            "\u200b",
            "\u0301",
            "\ufe0f",
            "\ud7ff",
            "é",
            "ﬁ",
            "①",
            "Ａ",
            "IV",
            "no.",
            "5.",
            ".5",
            "1,2",
        ),
    ]
)
_TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(_SNIPPETS, max_size=8).map("".join),
    st.lists(_SNIPPETS, max_size=8).map(" ".join),
)


def _has_digit(text: str) -> bool:
    return any(char in "0123456789" for char in text)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(_TEXTS)
@example("1.2.3.4.5")
@example("$$$5--3//2")
@example("5'5''5\"")
def test_normalize_is_idempotent_and_leaves_no_digit(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
    assert not _has_digit(once)
    assert once == once.strip()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(_TEXTS)
def test_phonemize_gives_known_symbols_or_a_clear_error(text: str) -> None:
    try:
        utterance = phonemize(text)
    except (EmptyTextError, MarkupError):
        return
    assert set(utterance.symbols) <= set(SYMBOLS)
    assert utterance.symbols[0] in LANGUAGE_TAGS.values()
    assert len(to_ids(utterance.symbols)) == len(utterance.symbols)
    spoken = [symbol for word in utterance.words for symbol in word.symbols]
    tagless = [item for item in utterance.symbols if item not in LANGUAGE_TAGS.values()]
    assert tagless == spoken


def test_many_random_strings() -> None:
    """Whole strings from one script each, longer than hypothesis likes to make them."""
    generator = random.Random(7)
    pools = [range(0x20, 0x7F), range(0x4E00, 0x9FFF), range(0x80, 0x3000), range(0xFF00, 0xFFF0)]
    for _ in range(300):
        pool = generator.choice(pools)
        text = "".join(chr(generator.choice(pool)) for _ in range(generator.randrange(40)))
        assert not _has_digit(normalize(text))


@pytest.mark.parametrize(
    "unit",
    ["word ", "字", "1", "1.", "$5 ", "a.b@", "[", "'", "第1", "-", "(1", "A1", "１", "é", "#a/"],
)
def test_ten_thousand_characters_take_bounded_time(unit: str) -> None:
    text = unit * (10_000 // len(unit))
    start = time.process_time()
    normalize(text)
    assert time.process_time() - start < 2.0


@pytest.mark.parametrize("text", ["", " ", "\n", "...", "?!", "——", "😀", "()[]", "\u200b"])
def test_nothing_to_speak_is_an_error(text: str) -> None:
    with pytest.raises(EmptyTextError, match="nothing to speak"):
        phonemize(text)


@pytest.mark.parametrize("lang", ["", "de", "EN"])
def test_unknown_language_is_an_error(lang: str) -> None:
    with pytest.raises(ValueError, match="auto, en, zh"):
        phonemize("hello", lang)


def test_language_decides_how_digits_are_read() -> None:
    assert phonemize("5", "en").normalized == "five"
    assert phonemize("5", "zh").normalized == "五"


def test_language_tags_mark_each_change() -> None:
    symbols = phonemize("你好 hello 你好").symbols
    assert [item for item in symbols if item.startswith("<")] == ["<zh>", "<en>", "<zh>"]


def test_symbols_are_frozen() -> None:
    """Trained weights depend on these positions."""
    assert len(SYMBOLS) == len(set(SYMBOLS)) == 147
    expected = {"<en>": 0, "<zh>": 1, "<pause>": 2, ",": 3, "-": 10, "AA0": 11, "ZH": 79}
    expected |= {"zh_b": 80, "zh_s": 100, "zh_a": 101, "zh_vn": 140, "zh_1": 141, "zh_erhua": 146}
    assert {symbol: SYMBOLS.index(symbol) for symbol in expected} == expected
    assert all(mark in SYMBOLS for mark in PUNCTUATION)


def test_unknown_signs_are_noted() -> None:
    notes = phonemize("hello ☃ world").notes
    assert any("☃" in note for note in notes)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(_TEXTS, st.integers(8, 60))
def test_split_loses_nothing_and_keeps_the_limit(text: str, max_chars: int) -> None:
    pieces = split_sentences(text, max_chars)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(piece == piece.strip() and piece for piece in pieces)
    if "[" not in text:
        assert all(len(piece) <= max_chars for piece in pieces)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Smith paid $3.50 to J. K. Rowling. Really? Yes!", 3),
        ("He lives in the U.S. now. It is e.g. nice.", 2),
        ("今天天气好。我们去公园吧！好不好？", 3),
        ("Version 3.5.1 is out at example.com today.", 1),
        ("他说：“好的。”然后走了", 2),
        ("One.\n\nTwo", 2),
    ],
)
def test_sentence_ends(text: str, count: int) -> None:
    assert len(split_sentences(text, 200)) == count


def test_split_never_cuts_markup() -> None:
    text = "看[银行](yin2 hang2)和[minute](M AY0 N UW1 T)吧[pause 0.6s]" * 4
    pieces = split_sentences(text, 24)
    assert all(piece.count("[") == piece.count("]") for piece in pieces)
    assert all(piece.count("(") == piece.count(")") for piece in pieces)


def test_split_refuses_a_tiny_limit() -> None:
    with pytest.raises(ValueError, match="least is 8"):
        split_sentences("hello", 3)


def test_import_is_light_and_needs_no_network() -> None:
    """In a fresh interpreter with sockets blocked; neither torch nor g2p-en is imported."""
    script = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise OSError('network use')\n"
        "class Socket:\n"
        "    def __init__(self, *args, **kwargs): refuse()\n"
        "socket.socket = Socket\n"
        "socket.create_connection = socket.getaddrinfo = refuse\n"
        "import frontend\n"
        "light = set(sys.modules)\n"
        "assert not light & {'numpy', 'pypinyin', 'frontend.pipeline'}, 'import is heavy'\n"
        "frontend.phonemize('Hello zxqv, 你好 银行 5 元')\n"
        "assert not {'torch', 'nltk', 'g2p_en'} & set(sys.modules), 'heavy import'\n"
    )
    root = Path(__file__).parent.parent
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_blocked_sockets_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("network use")

    monkeypatch.setattr(socket, "socket", refuse)
    assert phonemize("A zyzzyva costs $5 — 单于的银行。").symbols


def test_combining_marks_are_folded() -> None:
    decomposed = unicodedata.normalize("NFD", "café")
    assert phonemize(decomposed).symbols == phonemize("café").symbols
