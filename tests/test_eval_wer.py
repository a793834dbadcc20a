"""The text rules, case by case; every expected number was worked out by hand."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.__main__ import main
from eval.metrics.chinese_numbers import digits_for_numerals
from eval.metrics.wer import (
    REMOVED,
    RULES,
    ZH_PUNCTUATION,
    EmptyReferenceError,
    normalized_text,
    official_percent,
    official_text,
    score_utterance,
    summarize,
)

# reference, hypothesis, (S, D, I), aligned words, pieces between single spaces
ENGLISH = [
    ("hello world", "hello world", (0, 0, 0), 2, 2),
    ("Hello, World!", "hello world", (0, 0, 0), 2, 2),
    ("hello world", "HELLO WORLD", (0, 0, 0), 2, 2),
    ("hello world", " hello world", (0, 0, 0), 2, 2),
    ("hello world", "hello word", (1, 0, 0), 2, 2),
    ("hello world", "hello there world", (0, 0, 1), 2, 2),
    ("hello big world", "hello world", (0, 1, 0), 3, 3),
    ("a b c d", "w x y z", (4, 0, 0), 4, 4),
    ("a b c d e f g", "a x c d f g h", (1, 1, 1), 7, 7),
    ("one two", "", (0, 2, 0), 2, 2),
    ("one two", "...", (0, 2, 0), 2, 2),
    ("one", "one two three four", (0, 0, 3), 1, 1),
    # apostrophes: the straight one stays, the curly ones are punctuation
    ("don't go", "don't go", (0, 0, 0), 2, 2),
    ("don’t go", "don't go", (1, 0, 0), 2, 2),
    ("don’t go", "dont go", (0, 0, 0), 2, 2),
    ("don't go", "dont go", (1, 0, 0), 2, 2),
    ("'quoted' words", "quoted words", (1, 0, 0), 2, 2),
    ("‘quoted’ words", "quoted words", (0, 0, 0), 2, 2),
    # hyphens and dashes vanish without a space
    ("well-known fact", "well known fact", (1, 0, 1), 2, 2),
    ("em—dash", "emdash", (0, 0, 0), 1, 1),
    ("COVID-19", "covid 19", (1, 0, 1), 1, 1),
    # one pass over double spaces
    ("wait - what", "wait what", (0, 0, 0), 2, 2),
    ("wait - - what", "wait what", (0, 0, 0), 2, 3),
    ("wait - - what", "wait", (0, 1, 0), 2, 3),
    ("double  space", "double space", (0, 0, 0), 2, 2),
    ("triple   space", "triple space", (0, 0, 0), 2, 3),
    ("four    spaces here", "four spaces hear", (1, 0, 0), 3, 4),
    ("five     spaces", "five spaces", (0, 0, 0), 2, 4),
    ("a b", "a   b", (0, 0, 0), 2, 2),
    (" leading space", "leading space", (0, 0, 0), 2, 3),
    ("trailing dash -", "trailing dash", (0, 0, 0), 2, 3),
    ("tab\tword", "tab word", (1, 0, 1), 1, 1),
    # numbers and signs
    ("it costs $5", "it costs 5", (0, 0, 0), 3, 3),
    ("it costs $5", "it costs five dollars", (1, 0, 1), 3, 3),
    ("3.5 km", "35 km", (0, 0, 0), 2, 2),
    ("3.5 km", "3 5 km", (1, 0, 1), 2, 2),
    ("1,000 people", "1000 people", (0, 0, 0), 2, 2),
    ("and/or", "andor", (0, 0, 0), 1, 1),
    # letters beyond ASCII are neither folded nor removed
    ("naïve café", "naive cafe", (2, 0, 0), 2, 2),
    ("ÉCOLE", "école", (0, 0, 0), 1, 1),
    # full-width marks are removed; the yuan sign and the low quote are not in the list
    ("yes， no", "yes no", (0, 0, 0), 2, 2),
    ("ellipsis… end", "ellipsis end", (0, 0, 0), 2, 2),
    ("price ￥5", "price 5", (1, 0, 0), 2, 2),
    ("low ‚quote", "low quote", (1, 0, 0), 2, 2),
]
CHINESE = [
    ("你好世界", "你好世界", (0, 0, 0), 4, 4),
    ("你好，世界。", "你好世界", (0, 0, 0), 4, 4),
    ("你好世界", "你好时界", (1, 0, 0), 4, 4),
    ("今天天气很好", "今天天气好", (0, 1, 0), 6, 6),
    ("好的", "好的吗", (0, 0, 1), 2, 2),
    ("你好", "", (0, 2, 0), 2, 2),
    ("你好", "。", (0, 2, 0), 2, 2),
    # Latin letters: one token each, and zh is not lower-cased
    ("我用GPT", "我用GPT", (0, 0, 0), 5, 5),
    ("我爱Python", "我爱python", (1, 0, 0), 8, 8),
    ("it's", "its", (0, 1, 0), 4, 4),
    # a space becomes three, of which only the pieces count
    ("买 5 本", "买5本", (0, 0, 0), 3, 7),
    # digits are not folded
    ("２０２４年", "2024年", (4, 0, 0), 5, 5),
    ("二零年", "20年", (2, 0, 0), 3, 3),
    ("￥5元", "5元", (0, 1, 0), 3, 3),
    ("100%", "100", (0, 0, 0), 3, 3),
    ("《红楼梦》", "红楼梦", (0, 0, 0), 3, 3),
    ("他说：“走吧！”", "他说走吧", (0, 0, 0), 4, 4),
    ("A、B", "AB", (0, 0, 0), 2, 2),
    ("你好　世界", "你好世界", (0, 0, 0), 4, 4),
    ("Ａ．Ｂ", "ＡＢ", (0, 0, 0), 2, 2),
    ("三·五", "三五", (0, 0, 0), 2, 2),
    ("老火锅(沙子堰西巷)", "老火锅沙子堰", (0, 2, 0), 8, 8),
]
CASES = [(*case, "en") for case in ENGLISH] + [(*case, "zh") for case in CHINESE]


@pytest.mark.parametrize(("reference", "hypothesis", "counts", "words", "tokens", "lang"), CASES)
def test_hand_worked_cases(reference, hypothesis, counts, words, tokens, lang):
    errors = score_utterance(reference, hypothesis, lang)
    assert (errors.substitutions, errors.deletions, errors.insertions) == counts
    assert (errors.num_words, errors.num_tokens) == (words, tokens)
    assert errors.wer == sum(counts) / words


@pytest.mark.parametrize("reference", ["", " ", "!", "- -", "。，", "　"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_empty_reference_is_an_error(reference, lang):
    with pytest.raises(EmptyReferenceError, match="no word left"):
        score_utterance(reference, "anything", lang)


def test_unknown_language():
    with pytest.raises(ValueError, match="must be one of"):
        official_text("hello", "fr")


def test_removed_set():
    # 31 of ASCII's 32 marks, and the 82 of zhon 2, none of which is ASCII.
    assert len(ZH_PUNCTUATION) == 82
    assert len(REMOVED) == 31 + 82
    assert "'" not in REMOVED
    assert not REMOVED & set("￥‚ ")


def _edit_distance(a: list[str], b: list[str]) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


WORDS = st.lists(st.sampled_from(["a", "b", "c", "don't"]), max_size=6)


@given(WORDS.filter(bool), WORDS)
def test_errors_are_the_edit_distance(reference, hypothesis):
    errors = score_utterance(" ".join(reference), " ".join(hypothesis))
    assert errors.num_errors == _edit_distance(reference, hypothesis)
    assert errors.num_words == len(reference)


def test_summary_mean_and_corpus_differ():
    errors = [score_utterance("a b c d", "a b c x"), score_utterance("one", "two three")]
    summary = summarize(errors)
    assert summary.mean_wer == (0.25 + 2.0) / 2
    assert summary.corpus_wer == 3 / 5
    assert (summary.substitutions, summary.deletions, summary.insertions) == (2, 0, 1)
    assert summary.substitution_rate == (1 / 4 + 1) / 2
    assert summary.insertion_rate == 0.5
    assert (summary.num_above_half, summary.mean_wer_below_half) == (1, 0.25)
    assert summary.mean_wer_low == 0.25
    assert summary.mean_wer_high == 2.0


def test_summary_of_nothing():
    with pytest.raises(ValueError, match="at least one"):
        summarize([])


def test_official_percent_rounds_to_three_decimals():
    assert official_percent(1 / 3) == 33.333


def test_parts_use_the_official_denominator():
    summary = summarize([score_utterance("wait - - what", "wait")])
    assert summary.mean_wer == 1 / 2
    assert summary.deletion_rate == 1 / 3


def test_normalized_text_forgives_spelling():
    assert normalized_text("It costs twenty five dollars, don't you think?", "en") == (
        normalized_text("it costs $25 do not you think", "en")
    )
    assert normalized_text("Ｇ３，好！", "zh") == "g 3 好"
    assert normalized_text("二〇二四年涨了百分之五十", "zh") == normalized_text(
        "2024年，涨了50%。", "zh"
    )


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("二零二四年", "2024年"),
        ("两千零二十四年", "2024年"),
        ("十", "10"),
        ("二十五", "25"),
        ("一百二", "120"),
        ("一百零二", "102"),
        ("三万五", "35000"),
        ("十万零三", "100003"),
        ("一亿二千万", "120000000"),
        ("一百二十三万四千五百六十七", "1234567"),
        ("百分之五十", "50%"),
        ("百分之三点五", "3点5%"),
        ("3.5公里", "3点5公里"),
        ("1,250元，三元", "1250元，3元"),
        ("没有数", "没有数"),
    ],
)
def test_chinese_numerals(text: str, digits: str):
    assert digits_for_numerals(text) == digits


@given(st.integers(0, 10**9 - 1))
def test_a_number_and_its_reading_become_one(number: int):
    assert digits_for_numerals(_reading(number)) == digits_for_numerals(str(number))


def _reading(number: int) -> str:
    """The plain Chinese reading of 0 <= number < 10^9."""
    digits, units = "零一二三四五六七八九", ("", "十", "百", "千")

    def below_ten_thousand(value: int) -> str:
        text = ""
        for place in (3, 2, 1, 0):
            figure = value // 10**place % 10
            if figure:
                text += digits[figure] + units[place]
            elif text and value % 10**place and not text.endswith("零"):
                text += "零"
        return text

    text = ""
    for size, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        part = number // size % 10**4
        if part:
            text += "零" if text and part < 1000 else ""
            text += below_ten_thousand(part) + name
    return text or "零"


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    references, hypotheses = tmp_path / "ref.txt", tmp_path / "hyp.txt"
    references.write_text("Hello world.\nOne two.\n", encoding="utf-8")
    hypotheses.write_text("hello word\n\n", encoding="utf-8")
    out = tmp_path / "items.jsonl"
    assert main(["wer", str(references), str(hypotheses), "--out", str(out)]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["official_wer_percent"] == 75.0
    assert [json.loads(line)["wer"] for line in out.read_text().splitlines()] == [0.5, 1.0]


def test_command_line_refuses_unequal_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    references, hypotheses = tmp_path / "ref.txt", tmp_path / "hyp.txt"
    references.write_text("one\ntwo\n", encoding="utf-8")
    hypotheses.write_text("one\n", encoding="utf-8")
    assert main(["wer", str(references), str(hypotheses)]) == 2
    assert "2 lines" in capsys.readouterr().err


def wer_of(tmp_path: Path, references: str, hypotheses: str, *options: str) -> int:
    files = [tmp_path / "ref.txt", tmp_path / "hyp.txt"]
    for file, text in zip(files, (references, hypotheses), strict=True):
        file.write_text(text, encoding="utf-8")
    return main(["wer", *map(str, files), *options])


def test_a_byte_order_mark_is_no_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert wer_of(tmp_path, "\ufeffHello world.\n", "hello world\n") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["corpus_wer"] == 0


def test_an_empty_reference_is_named_by_its_line(tmp_path: Path, capsys):
    assert wer_of(tmp_path, "One.\n...\n", "one\ntwo\n") == 2
    assert "ref.txt, line 2: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("lang", "reference", "hypothesis", "warned"),
    [("en", "Don’t go.", "don't go", False), ("zh", "他们学习汉语", "他們學習漢語", True)],
)
def test_the_normalized_mode_folds_what_the_official_one_counts(
    lang: str, reference: str, hypothesis: str, warned: bool, tmp_path: Path, capsys
):
    rates = {}
    for rules in RULES:
        assert wer_of(tmp_path, reference, hypothesis, "--lang", lang, "--rules", rules) == 0
        out, err = capsys.readouterr()
        rates[rules] = json.loads(out.splitlines()[-1])["mean_wer"]
        assert ("warning: 1 transcripts are in another script" in err) == warned
        assert f"{rules} rules, 1 utterances: mean" in out
    assert rates["normalized"] == 0 < rates["official"]
