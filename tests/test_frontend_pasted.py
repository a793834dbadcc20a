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
