"""Polyphones in context: the list of certain words, common words, and the scoring command."""

from pathlib import Path

import pytest

from frontend import phonemize
from frontend.build.score_polyphones import is_right, main, spoken_reading
from frontend.mandarin import polyphones
from frontend.mandarin.common_words import common_readings
from frontend.mandarin.hanzi import simplify
from frontend.mandarin.pinyin import syllable_symbols


def test_list_of_certain_words_is_sound() -> None:
    """Every word holds its character; no character of a word has two readings."""
    path = Path(polyphones.__file__).parents[1] / "data" / "zh_readings.txt"
    seen: dict[tuple[str, str], str] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        char, reading, *words = line.split()
        assert syllable_symbols(reading), line[:20]
        for word in words:
            assert char in word, (char, word)
            assert seen.setdefault((char, word), reading) == reading, (char, word)


@pytest.mark.parametrize(
    ("text", "word", "said"),
    [
        ("我想了解你", "了解", ["liao3", "jie3"]),
        ("他着手写书", "着手", ["zhuo2", "shou3"]),
        ("这个人参很贵", "人参", ["ren2", "shen1"]),
    ],
)
def test_common_words_come_from_the_dictionary(text: str, word: str, said: list[str]) -> None:
    start = text.index(word)
    found = common_readings(text)
    assert [found[index] for index in range(start, start + len(word))] == said


@pytest.mark.parametrize(("text", "char"), [("拿着手机", "着"), ("为了解决", "了")])
def test_a_word_cut_by_another_decides_nothing(text: str, char: str) -> None:
    assert common_readings(text).get(text.index(char), "") not in {"zhuo2", "liao3"}


def test_long_runs_are_read_in_windows_like_short_ones() -> None:
    unit = "银行行长说音乐很快乐，"
    once = polyphones.readings(unit)
    many = polyphones.readings(unit * 60)
    middle = len(unit) * 30
    assert {index: many[middle + index] for index in once} == once


def test_spoken_reading_finds_the_character_behind_numbers() -> None:
    text = "2024年5月1日，《银行》的行长來了。"
    for char, reading in (("长", "zhang3"), ("了", "le5")):
        said, after = spoken_reading(text, text.index(char))
        assert is_right(said, after, reading), said


@pytest.mark.parametrize(
    ("said", "after", "reading", "right"),
    [
        (("zh_h", "zh_ao", "zh_3"), (), "hao3", True),
        (("zh_h", "zh_ao", "zh_2"), ("zh_m", "zh_a", "zh_3"), "hao3", True),
        (("zh_h", "zh_ao", "zh_2"), ("zh_m", "zh_a", "zh_1"), "hao3", False),
        (("zh_h", "zh_ao", "zh_4"), ("zh_m", "zh_a", "zh_3"), "hao3", False),
        (("zh_erhua",), (), "r5", True),
        ((), (), "hao3", False),
    ],
)
def test_what_counts_as_right(
    said: tuple[str, ...], after: tuple[str, ...], reading: str, right: bool
) -> None:
    assert is_right(said, after, reading) is right


def test_scoring_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "cpp.tsv"
    rows = ["sentence\tindex\tpinyin", "我在银行工作。\t3\thang2", "他行走如飞。\t1\thang2"]
    table.write_text("\n".join(rows), encoding="utf-8")
    assert main([str(table)]) == 0
    out = capsys.readouterr().out
    assert "pipeline: 1 of 2 right, 0.5000" in out
    assert "行 hang2 as xing2 x1" in out


def test_scoring_command_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["nowhere.tsv"]) == 2
    assert "nowhere.tsv" in capsys.readouterr().err


def test_some_characters_are_no_variants() -> None:
    assert simplify("哪吒鬧海") == "哪吒闹海"


def test_notes_of_dropped_signs_reach_the_caller() -> None:
    notes = phonemize("价格☃很好 ♞").notes
    assert [note for note in notes if "☃" in note]
    assert [note for note in notes if "♞" in note]
