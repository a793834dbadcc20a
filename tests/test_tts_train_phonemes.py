"""Our readings in the teachers' alphabet: what they are told, and which of theirs are ours."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from frontend import phonemize
from frontend.mandarin.pinyin import syllable_symbols, syllables
from frontend.symbols import ARPABET, SYMBOLS
from tts.train.kokoro_phonemes import (
    english_phonemes,
    mandarin_phonemes,
    said_alike,
    utterance_phonemes,
)

TEACHERS = os.environ.get("CAT_TTS_TEACHERS", "")

WORDS = {
    "W AO1 T ER0": "wˈɔtəɹ",
    "CH ER1 CH": "ʧˈɜɹʧ",
    "HH AH0 L OW1": "həlˈO",
    "Y EH1 L OW0": "jˈɛlO",
    "S IH1 NG IH0 NG": "sˈɪŋɪŋ",
    "B OY1": "bˈY",
    "HH AW1 S": "hˈWs",
    "DH AH0": "ðə",
    "JH AH1 JH": "ʤˈʌʤ",
    "M EH1 ZH ER0": "mˈɛʒəɹ",
    "TH IH1 NG K": "θˈɪŋk",
    "G UH1 D B AY1": "ɡˈʊdbˈI",
    "EH2 JH AH0 K EY1 SH AH0 N": "ˌɛʤəkˈAʃən",
    "F AA1 DH ER0": "fˈɑðəɹ",
    "SH UW1": "ʃˈu",
    "AE1 P AH0 L": "ˈæpəl",
}
SYLLABLES = {
    "hao3": "xau↓", "ma1": "ma→", "zhi1": "ꭧɨ→", "zi4": "ʦɨ↘", "shi2": "ʂɨ↗", "xue2": "ɕɥe↗",
    "nv3": "ny↓", "lve4": "lɥe↘", "yuan2": "ɥɛ↗n", "jun1": "ʨy→n", "qiong2": "ʨʰjʊ↗ŋ",
    "wei4": "wei↘", "wu3": "u↓", "yi1": "i→", "er2": "ɚ↗", "ma5": "ma", "guang1": "kwa→ŋ",
    "dui4": "twei↘", "liu2": "ljou↗", "ren2": "ɻə↗n", "weng1": "wə→ŋ", "huar1": "xwa→ɚ",
}  # fmt: skip


@pytest.mark.parametrize(("symbols", "expected"), WORDS.items())
def test_english_words(symbols: str, expected: str) -> None:
    assert english_phonemes(symbols.split()) == expected


@pytest.mark.parametrize(("pinyin", "expected"), SYLLABLES.items())
def test_mandarin_syllables(pinyin: str, expected: str) -> None:
    symbols = syllable_symbols(pinyin)
    assert symbols is not None
    assert mandarin_phonemes(symbols) == expected


def test_every_english_symbol_has_a_sound() -> None:
    for symbol in ARPABET:
        assert english_phonemes([symbol])


def test_every_syllable_has_a_sound_in_every_tone_and_no_two_have_the_same() -> None:
    said: dict[str, set[tuple[str, ...]]] = {}
    for spelling in syllables():
        for tone in "12345":
            symbols = syllable_symbols(f"{spelling}{tone}")
            assert symbols is not None
            line = mandarin_phonemes(symbols)
            assert line, spelling
            arrow = {"1": "→", "2": "↗", "3": "↓", "4": "↘", "5": ""}[tone]
            assert line.count(arrow) == 1 if arrow else not set(line) & set("→↗↓↘"), spelling
            assert "|" not in line
            said.setdefault(line, set()).add(symbols)
    # finals that are one sound in two spellings of ours: yo and wo, weng and the -eng of others
    alike = [s for s in said.values() if len({tuple(x) for x in s}) > 1]
    allowed = {"zh_io", "zh_uo", "zh_o", "zh_ueng", "zh_ii", "zh_iii"}
    for group in alike:
        assert all(set(symbols) & allowed for symbols in group), group


@pytest.mark.parametrize(
    ("symbols", "phonemes"),
    [
        ("W AO1 T ER0", "wˈɔTəɹ"),  # flap
        ("B EH1 T ER0", "bˈɛɾɚ".replace("ɚ", "əɹ")),
        ("L AE1 D ER0", "lˈæTəɹ"),
        ("AE1 N D", "ænd"),  # without its stress
        ("AE1 N D", "ənd"),
        ("T UW1", "tə"),
        ("F AO1 R", "fɚ".replace("ɚ", "əɹ")),
        ("P AH0 L IY1 S", "pəlˈis"),
        ("D IH1 F ER0 AH0 N T", "dˈɪfəɹənt"),
        ("AE1 K CH AH0 W AH0 L IY0", "ˈækʧəwəli"),
        ("N UW1 Z", "njˈuz"),
        ("K AO1 T", "kˈɑt"),  # cot and caught
        ("L IY1 D", "lˈid"),
        ("L EH1 D", "lˈɛd"),
    ],
)
def test_ways_of_saying_a_word_are_accepted(symbols: str, phonemes: str) -> None:
    assert said_alike(symbols.split(), phonemes)


@pytest.mark.parametrize(
    ("symbols", "phonemes"),
    [
        ("L EH1 D", "lˈid"),  # lead
        ("R EH1 D", "ɹˈid"),  # read
        ("R IY1 D", "ɹˈɛd"),
        ("L IH1 V", "lˈIv"),  # live
        ("W IH1 N D", "wˈInd"),
        ("T IH1 R", "tˈɛɹ"),
        ("B OW1", "bˈW"),
        ("K L OW1 S", "klˈOz"),
        ("Y UW1 S", "jˈuz"),
        ("R EH1 K ER0 D", "ɹəkˈɔɹd"),
        ("D EH1 Z ER0 T", "dəzˈɜɹt"),
        ("M IH1 N AH0 T", "mInjˈut"),
        ("K AE1 T", "kˈæts"),
        ("K AE1 T", "kˈæ"),
        ("S AH1 N", ""),
    ],
)
def test_another_word_is_refused(symbols: str, phonemes: str) -> None:
    assert not said_alike(symbols.split(), phonemes)


@pytest.mark.parametrize(
    ("symbols", "phonemes"),
    [
        ("W AO1 T ER0", "wˈɔːtə"),  # no r at the end
        ("B AE1 TH", "bˈɑːθ"),
        ("L AA1 T", "lˈɒt"),
        ("G OW1", "ɡˈQ"),
        ("T UW1 N", "tjˈuːn"),
        ("K AA1 R", "kˈɑː"),
    ],
)
def test_british_ways_are_british(symbols: str, phonemes: str) -> None:
    assert said_alike(symbols.split(), phonemes, british=True)


@pytest.mark.parametrize(
    ("symbols", "phonemes"), [("K L OW1 S", "klˈQz"), ("Y UW1 S", "jˈuːz"), ("K AE1 T", "kˈæ")]
)
def test_british_consonants_must_agree_too(symbols: str, phonemes: str) -> None:
    assert not said_alike(symbols.split(), phonemes, british=True)


def test_a_line_has_words_marks_and_both_languages() -> None:
    words = phonemize("Well, I like 北京 - a lot!", "en").words
    own = [w for w in words if w.lang == "en"]
    line = utterance_phonemes(words, [f"w{i}" for i in range(len(own))])
    assert line == "w0, w1 w2 pei↓ʨi→ŋ — w3 w4!"
    assert utterance_phonemes(phonemize("你好。", "zh").words, []) == "ni↗ xau↓.".replace(
        "ni↗ xau↓", mandarin_phonemes(phonemize("你好", "zh").symbols[1:])
    )


def test_one_reading_is_needed_for_every_english_word() -> None:
    words = phonemize("Good tea.", "en").words
    with pytest.raises(StopIteration):
        utterance_phonemes(words, ["ɡˈʊd"])


@pytest.mark.skipif(not TEACHERS, reason="CAT_TTS_TEACHERS names no folder of teachers")
def test_the_teachers_know_every_sign() -> None:
    table = json.loads((Path(TEACHERS) / "hibari/assets/vocab.json").read_text("utf-8"))
    lines = [english_phonemes([s]) for s in ARPABET]
    lines += [
        mandarin_phonemes(symbols)
        for spelling in syllables()
        for tone in "12345"
        if (symbols := syllable_symbols(spelling + tone))
    ]
    assert {c for line in lines for c in line} - set(table) == set()
    assert SYMBOLS
