"""Inline markup, the lexicon file, and the command line."""

import json
from pathlib import Path

import pytest

from frontend import LexiconError, MarkupError, load_lexicon, phonemize
from frontend.__main__ import main
from frontend.english.ipa import ipa_to_arpabet
from frontend.lexicon import parse_lexicon
from frontend.mandarin.pinyin import syllable_symbols, syllables
from frontend.symbols import SYMBOL_TO_ID


def _word(text: str, name: str) -> str:
    return next(" ".join(word.symbols) for word in phonemize(text).words if word.text == name)


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("去[银行](yin2 hang2)。", "银行", "zh_in zh_2 zh_h zh_ang zh_2"),
        ("a [minute](M AY0 N UW1 T) change", "minute", "M AY0 N UW1 T"),
        ("[OpenMOSS](oʊpən mɔs) is here", "OpenMOSS", "OW1 P AH0 N M AO1 S"),
        ("[绿](lü4)色", "绿", "zh_l zh_v zh_4"),
        ("[绿](lv4)色", "绿", "zh_l zh_v zh_4"),
        ("[花儿](huar1)", "花儿", "zh_h zh_ua zh_1 zh_erhua"),
        ("[5](W AH1 N) apples", "5", "W AH1 N"),
        ("[$5](F AY1 V) [a.b@c.de](EY1 B IY1)", "$5", "F AY1 V"),
    ],
)
def test_overrides_survive_every_step(text: str, name: str, said: str) -> None:
    assert _word(text, name) == said
    assert name in phonemize(text).normalized


def test_override_takes_the_language_of_its_symbols() -> None:
    assert phonemize("[hao](hao3)").symbols[0] == "<zh>"
    assert phonemize("[好](HH AW1)").symbols[0] == "<en>"


@pytest.mark.parametrize(
    ("text", "count"),
    [("a[pause 0.6s]b", 3), ("a [pause] b", 2), ("a [pause 300ms] b", 2), ("a [pause 10 s] b", 50)],
)
def test_pauses(text: str, count: int) -> None:
    assert phonemize(text).symbols.count("<pause>") == count


def test_plain_pinyin_words() -> None:
    symbols = phonemize("ni3 hao3").symbols
    assert symbols == ("<zh>", "zh_n", "zh_i", "zh_3", "zh_h", "zh_ao", "zh_3")


@pytest.mark.parametrize("text", ["an mp3 file", "the A4 page", "version v2", "use h2 tags", "b2b"])
def test_codes_are_no_pinyin(text: str) -> None:
    assert all(word.lang != "zh" for word in phonemize(text).words)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("看\n[银行](yin2 hong9)", "line 2, column 6"),
        ("[x](yin2 qqq3)", "'qqq3' is no pinyin"),
        ("[x](M AY N)", "'AY' is a vowel without stress"),
        ("[x](M AY0 QQ)", "'QQ' is no ARPAbet"),
        ("[x]()", "empty"),
        ("[](AY1)", "no text in the brackets"),
        ("[x](%&)", "'%'"),
        ("hi [pause soon]", "'soon' is no length"),
        ("hi [pause 99s]", "outside"),
        ("hi [pause 0]", "outside"),
    ],
)
def test_wrong_markup_points_at_its_place(text: str, complaint: str) -> None:
    with pytest.raises(MarkupError, match="line") as caught:
        phonemize(text)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_links_and_brackets_are_not_markup() -> None:
    assert phonemize("see [the docs](https://x.org/a) and [1]").normalized == "see the docs and one"


@pytest.mark.parametrize(
    ("ipa", "arpabet"),
    [
        ("həˈloʊ", "HH AH0 L OW1"),
        ("tʃiːz", "CH IY1 Z"),
        ("dʒʌdʒ", "JH AH1 JH"),
        ("ˈbɜːd", "B ER1 D"),
        ("ˌʌndɚˈstænd", "AH2 N D ER0 S T AE1 N D"),
        ("nuː jɔrk", "N UW1 Y AO1 R K"),
    ],
)
def test_ipa(ipa: str, arpabet: str) -> None:
    assert " ".join(ipa_to_arpabet(ipa)) == arpabet


def test_ipa_refuses_unknown_signs() -> None:
    with pytest.raises(ValueError, match="neither pinyin"):
        ipa_to_arpabet("ab%c")


def test_every_syllable_has_known_symbols() -> None:
    assert len(syllables()) > 400
    for spelling in syllables():
        symbols = syllable_symbols(f"{spelling}1")
        assert symbols is not None
        assert all(symbol in SYMBOL_TO_ID for symbol in symbols), spelling


@pytest.mark.parametrize("wrong", ["", "yin", "yin6", "xx1", "bing0", "1", "hang22"])
def test_wrong_syllables(wrong: str) -> None:
    assert syllable_symbols(wrong) is None


def test_lexicon_file(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_text(
        "# names\n\nOpenMOSS\tOW1 P AH0 N M AO1 S\n单田芳  shan4 tian2 fang1\n"
        "New York = nuː jɔrk\n",
        encoding="utf-8",
    )
    lexicon = load_lexicon(path)
    words = phonemize("openmoss 和单田芳 in New York, newYorker", lexicon=lexicon).words
    said = {word.text: word for word in words}
    assert said["openmoss"].symbols == ("OW1", "P", "AH0", "N", "M", "AO1", "S")
    assert said["单田芳"].source == "lexicon"
    assert said["单田芳"].symbols[:3] == ("zh_sh", "zh_an", "zh_4")
    assert "New York" in said


@pytest.mark.parametrize(
    ("line", "complaint"),
    [("OpenMOSS", "line 2: 'OpenMOSS' has no pronunciation"), ("a\tzz9", "line 2: 'zz9'")],
)
def test_wrong_lexicon_lines(line: str, complaint: str) -> None:
    with pytest.raises(LexiconError) as caught:
        parse_lexicon(f"# first\n{line}\n")
    assert complaint in str(caught.value)


def test_missing_lexicon_file(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="cannot read lexicon"):
        load_lexicon(tmp_path / "none.txt")


def test_command_line_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["Dr. Lee paid $5. 你好"]) == 0
    shown = capsys.readouterr().out
    assert "Doctor Lee paid five dollars. 你好" in shown
    assert "zh: 你好" in shown
    assert "D AA1 K T ER0" in shown
    assert "ni2 hao3" in shown


def test_command_line_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json", "--lang", "en", "5 cats"]) == 0
    stages = json.loads(capsys.readouterr().out)
    assert stages["normalized"] == "five cats"
    assert stages["ids"][0] == 0
    assert [word["text"] for word in stages["words"]] == ["five", "cats"]


@pytest.mark.parametrize(
    "arguments", [["..."], ["[x](zz9)"], ["hi", "--lexicon", "/no/such/file"], [""]]
)
def test_command_line_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "the"),
    [("The [bank](B AE1 NG K) is.", "AH0"), ("The [bank](AE1 NG K) was.", "IY0")],
)
def test_the_article_hears_the_override_behind_it(text: str, the: str) -> None:
    assert phonemize(text, "en").symbols[1:3] == ("DH", the)
