"""Score the Mandarin pipeline on sentences with one marked polyphone each.

    python -m frontend.build.score_polyphones CPP.tsv [--folds DIR] [--top N]

CPP.tsv has the columns sentence, index, pinyin. Every sentence goes through `phonemize` as a user
would give it, and the reading of the marked character is taken from the spoken symbols, after all
rules and tone sandhi. It counts as right when it is the marked reading, or that reading changed by
the third-tone rule: the third tone said as the second before a character that is said in the
third or second tone. No other change counts; a character that the normaliser turned into
something else counts as wrong. A second figure also takes the light second syllable of the words
in `NEUTRAL_SECOND` (弟弟, 衣服, 知识), which CPP mostly marks with its full tone.

The shipped weights have seen CPP's development part. With --folds each sentence is read by the
model that has not seen it, as stored by `python -m frontend.build.polyphones --folds DIR`.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from unittest.mock import patch

from frontend.mandarin import polyphones
from frontend.mandarin.hanzi import simplify
from frontend.mandarin.pinyin import syllable_symbols
from frontend.mandarin.word_data import NEUTRAL_SECOND
from frontend.pipeline import phonemize_stages
from frontend.symbols import ERHUA
from frontend.types import Utterance

_ERHUA = (ERHUA,)


def spoken_syllables(utterance: Utterance) -> dict[int, tuple[str, ...]]:
    """Symbols of each Chinese character, by its index in the normalised text.

    A merged 儿 has the erhua symbol alone.
    """
    said: dict[int, tuple[str, ...]] = {}
    position = 0
    for word in utterance.words:
        start = utterance.normalized.find(word.text, position)
        if start < 0:
            continue
        position = start + len(word.text)
        if word.lang != "zh":
            continue
        at, current = start, ()
        for symbol in word.symbols:
            current += (symbol,)
            if symbol == ERHUA or symbol[-1].isdigit():
                said[at] = current
                at, current = at + 1, ()
    return said


def _place(text: str, index: int, normalized: str) -> int:
    """Index of a character of `text` in its normalised form, -1 when it is not there."""
    matcher = SequenceMatcher(None, simplify(text), normalized, autojunk=False)
    for start, other, size in matcher.get_matching_blocks():
        if start <= index < start + size:
            return other + index - start
    return -1


def spoken_reading(text: str, index: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read a sentence; return the symbols of one character and of the one right after it.

    Args:
        text: the sentence as given.
        index: of the character in it.

    Returns:
        Two tuples, empty where there is no such character in the normalised text.
    """
    utterance = phonemize_stages(text).utterance
    place = _place(text, index, utterance.normalized)
    said = spoken_syllables(utterance)
    return said.get(place, ()), said.get(place + 1, ())


def is_right(said: tuple[str, ...], after: tuple[str, ...], reading: str) -> bool:
    """Whether spoken symbols are a reading such as "hang2", up to the third-tone rule."""
    expected = _ERHUA if reading == "r5" else syllable_symbols(reading)
    if said == expected or not said or not expected:
        return said == expected
    raised = said[:-1] == expected[:-1] and (expected[-1], said[-1]) == ("zh_3", "zh_2")
    return raised and any(tone in after for tone in ("zh_3", "zh_2"))


def is_light(text: str, index: int, said: tuple[str, ...], reading: str) -> bool:
    """Whether a reading differs only by the light tone of a listed word."""
    expected = syllable_symbols(reading)
    listed = simplify(text)[max(0, index - 1) : index + 1] in NEUTRAL_SECOND
    return bool(listed and expected and said[:-1] == expected[:-1] and said[-1] == "zh_5")


@dataclass(frozen=True)
class Miss:
    """A character read otherwise than marked; `light` when only its light tone differs."""

    char: str
    reading: str
    said: str
    light: bool


def score(rows: list[tuple[str, int, str]]) -> list[Miss]:
    """Read all (sentence, index, reading) rows with the loaded model; return the misses."""
    wrong: list[Miss] = []
    for text, index, reading in rows:
        said, after = spoken_reading(text, index)
        if not is_right(said, after, reading):
            spelled = "".join(symbol.removeprefix("zh_") for symbol in said) or "nothing"
            light = is_light(text, index, said, reading)
            wrong.append(Miss(text[index], reading, spelled, light))
    return wrong


def _score_folds(rows: list[tuple[str, int, str]], folder: Path) -> list[Miss]:
    from frontend.build.polyphones import held_out_parts

    wrong: list[Miss] = []
    for fold, numbers in enumerate(held_out_parts(len(rows))):
        model = polyphones.load_model(folder / f"fold{fold}.npz")
        with patch.object(polyphones, "load_model", lambda model=model: model):
            wrong += score([rows[number] for number in numbers])
    return wrong


def main(argv: list[str] | None = None) -> int:
    """Run from the command line; return the exit code, 2 for bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m frontend.build.score_polyphones",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cpp", type=Path)
    parser.add_argument("--folds", type=Path, metavar="DIR", help="models that held the rows out")
    parser.add_argument("--top", type=int, default=20, help="how many errors to list")
    options = parser.parse_args(argv)
    try:
        lines = options.cpp.read_text(encoding="utf-8").splitlines()[1:]
        cells = [line.split("\t") for line in lines]
        rows = [(text, int(index), reading) for text, index, reading in cells]
        wrong = _score_folds(rows, options.folds) if options.folds else score(rows)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    light = sum(miss.light for miss in wrong)
    for name, misses in (
        ("pipeline", len(wrong)),
        ("light tones taken", len(wrong) - light),
    ):
        right = len(rows) - misses
        print(f"{name}: {right} of {len(rows)} right, {right / max(1, len(rows)):.4f}")
    counts = Counter(f"{miss.char} {miss.reading} as {miss.said}" for miss in wrong)
    for name, count in counts.most_common(options.top):
        print(f"  {name} x{count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
