"""What people paste, kind by kind: `frontend_pasted.txt`.

A heading names a kind; above "## ours" stand the inputs that were reported, below it further ones.
`input => pieces` compares the normalised text of each piece the text is cut
into, joined by " // ". `input ~> item:said; …` looks for words (English, ARPAbet) or characters
(Chinese, pinyin before the third-tone rule) in this order. "\\n" is a line break.
"""

from pathlib import Path

import pytest

from frontend import phonemize, split_sentences
from frontend.build.score_polyphones import is_right, spoken_syllables
from frontend.mandarin.pinyin import syllable_symbols
from frontend.symbols import PUNCTUATION, readable

_TABLE = Path(__file__).with_name("frontend_pasted.txt")


_REPORTED = 105


def _rows() -> list[tuple[str, str, str, str]]:
    """(kind, input, operator, expected) of each line; the kind of a further input ends with "+"."""
    rows: list[tuple[str, str, str, str]] = []
    kind = ""
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            kind = line[2:]
            continue
        if line == "## ours":
            kind += "+"
            continue
        operator = " ~> " if " ~> " in line else " => "
        written, _, expected = line.partition(operator)
        rows.append((kind, written.replace("\\n", "\n"), operator.strip(), expected))
    return rows


ROWS = _rows()


def _said(text: str) -> list[tuple[str, str]]:
    """Every English word and Chinese character of a text with what is said, in order."""
    said: list[tuple[str, str]] = []
    for piece in split_sentences(text, 160):
        utterance = phonemize(piece)
        syllables = spoken_syllables(utterance)
        position = 0
        for word in utterance.words:
            start = utterance.normalized.find(word.text, position)
            position = max(position, start + len(word.text))
            if word.lang == "zh":
                places = range(start, start + len(word.text))
                said += [
                    (utterance.normalized[at], " ".join(syllables.get(at, ()))) for at in places
                ]
                continue
            said.append((word.text, " ".join(word.symbols)))
    return said


def _matches(said: str, after: str, expected: str) -> bool:
    if said == expected:
        return True
    wanted = syllable_symbols(expected)
    return wanted is not None and is_right(tuple(said.split()), tuple(after.split()), expected)


def test_every_kind_has_three_more_inputs() -> None:
    inputs: dict[str, set[str]] = {}
    for kind, written, _, _ in ROWS:
        inputs.setdefault(kind, set()).add(written)
    kinds = {kind.removesuffix("+") for kind in inputs}
    assert [kind for kind in sorted(kinds) if len(inputs.get(f"{kind}+", ())) < 3] == []
    reported = set().union(*(found for kind, found in inputs.items() if not kind.endswith("+")))
    assert len(reported) == _REPORTED
    assert len({(written, operator) for _, written, operator, _ in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    ("kind", "written", "expected"), [row[:2] + row[3:] for row in ROWS if row[2] == "=>"]
)
def test_pieces(kind: str, written: str, expected: str) -> None:
    pieces = [phonemize(piece).normalized for piece in split_sentences(written, 160)]
    assert " // ".join(pieces) == expected, kind


@pytest.mark.parametrize(
    ("kind", "written", "expected"), [row[:2] + row[3:] for row in ROWS if row[2] == "~>"]
)
def test_said(kind: str, written: str, expected: str) -> None:
    said = _said(written)
    at = 0
    for item in expected.split("; "):
        wanted, _, reading = item.partition(":")
        while at < len(said) and said[at][0] != wanted:
            at += 1
        assert at < len(said), f"{kind}: {wanted} is not in {said}"
        after = said[at + 1][1] if at + 1 < len(said) else ""
        assert _matches(said[at][1], after, reading), f"{kind}: {said[at]}, not {reading}"
        at += 1


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        (r"Hello there.\nHow are you?", ["Hello there.", "How are you?"]),
        (r"Dear all\n\nThe shop is closed\r\nBye", ["Dear all", "The shop is closed", "Bye"]),
        (r"第一行\n第二行", ["第一行", "第二行"]),
        (r"one\ttwo", ["one two"]),
        (r"see C:\new\table and C:\Users\nora", ["see C: new table and C: Users nora"]),
        (r"\nu and \theta", ["nu and theta"]),
    ],
)
def test_breaks_of_json(text: str, pieces: list[str]) -> None:
    assert [phonemize(piece).normalized for piece in split_sentences(text, 160)] == pieces


@pytest.mark.parametrize(
    ("text", "spoken", "named"),
    [
        ("Hello Привет, мир goodbye", "Hello goodbye", ["Привет, мир"]),
        ("शांति ok", "ok", ["शांति"]),
        ("こんにちは世界", "世界", ["こんにちは"]),
        ("α and β particles", "alpha and beta particles", []),
    ],
)
def test_other_scripts_are_named(text: str, spoken: str, named: list[str]) -> None:
    utterance = phonemize(text)
    assert utterance.normalized == spoken
    notes = [f"not spoken: {words!r}; English and Chinese are" for words in named]
    assert list(utterance.notes) == notes


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("Good morning", "."),
        ("Good morning?", "?"),
        ("It is late; go home:", ",."),
        ("Wait... no — yes!", ",,!"),
        ("Well, so [pause 1s]", ",."),
        ("你好", "."),
    ],
)
def test_a_model_reads_common_marks_and_one_at_the_end(text: str, marks: str) -> None:
    given = phonemize(text).symbols
    symbols = readable(given)
    assert "".join(s for s in symbols if s in PUNCTUATION) == marks
    assert len(symbols) - len(given) in (0, 1)
    assert readable(symbols) == symbols
