"""What people type and how it is to be read: one case a line, `input => expected`.

The tables are `frontend_cases_en.txt`, `frontend_cases_zh.txt` and `frontend_cases_said.txt`.
Sections named `normalize …` compare the normalised text, `pinyin …` the Mandarin syllables as
spoken (after sandhi), `arpabet …` the English phonemes.
"""

import re
from pathlib import Path

import pytest

from frontend import phonemize
from frontend.normalize import normalize

_TABLES = ("frontend_cases_en.txt", "frontend_cases_zh.txt", "frontend_cases_said.txt")


def _sections() -> list[tuple[str, str, str]]:
    rows: list[tuple[str, str, str]] = []
    section = ""
    folder = Path(__file__).parent
    lines = [line for name in _TABLES for line in (folder / name).read_text("utf-8").splitlines()]
    for line in lines:
        heading = re.fullmatch(r"# ((?:normalize|pinyin|arpabet) [a-z ]+)", line)
        if heading:
            section = heading[1]
        else:
            written, _, expected = line.partition(" => ")
            rows.append((section, written, expected))
    return rows


ROWS = _sections()
_TEXT_ROWS = [row for row in ROWS if row[0].startswith("normalize")]
_PINYIN_ROWS = [row for row in ROWS if row[0].startswith("pinyin")]
_ARPABET_ROWS = [row for row in ROWS if row[0].startswith("arpabet")]


def _spelled(symbols: tuple[str, ...]) -> list[str]:
    """Undo the symbols of one utterance to (initial + final + tone) strings."""
    syllables: list[str] = []
    current = ""
    for symbol in symbols:
        name = symbol.removeprefix("zh_")
        if name == "erhua":
            syllables[-1] = f"{syllables[-1][:-1]}r{syllables[-1][-1]}"
        elif symbol.startswith("zh_"):
            current += name
            if name in "12345":
                syllables.append(current)
                current = ""
    return syllables


def _expected_pinyin(text: str) -> list[str]:
    """Bring expected pinyin to the spelling of `_spelled` through the public syllable table."""
    from frontend.mandarin.pinyin import syllable_symbols

    syllables: list[str] = []
    for syllable in text.split():
        symbols = syllable_symbols(syllable)
        assert symbols is not None, syllable
        syllables += _spelled(symbols)
    return syllables


def test_table_is_large_enough() -> None:
    assert len(ROWS) >= 400
    assert len({(section, written) for section, written, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(("section", "written", "expected"), _TEXT_ROWS)
def test_normalized(section: str, written: str, expected: str) -> None:
    assert normalize(written) == expected
    assert normalize(expected) == expected, "not idempotent"


@pytest.mark.parametrize(("section", "written", "expected"), _PINYIN_ROWS)
def test_pinyin(section: str, written: str, expected: str) -> None:
    assert _spelled(phonemize(written).symbols) == _expected_pinyin(expected)


@pytest.mark.parametrize(("section", "written", "expected"), _ARPABET_ROWS)
def test_arpabet(section: str, written: str, expected: str) -> None:
    symbols = [symbol for symbol in phonemize(written).symbols if symbol != "<en>"]
    assert " ".join(symbols) == expected
