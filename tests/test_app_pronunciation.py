"""The pronunciation view: what is shown is what is said, and an override is written correctly."""

from __future__ import annotations

import pytest

import frontend
from frontend.mandarin.pinyin import syllables
from frontend.markup import parse_pronunciation
from tts.serve.webui.pronunciation import OverrideError, override, said_of, spoken_words

TEXTS = [
    "The kettle is on, isn't it?",
    "Dr. Smith paid $1,250.50 on 12/05/2024 at 3:30 pm.",
    "银行的行长说：“今天天气很好。”",
    "後來單于帶著兒子們去看花兒，好不好？",
    "我用 Python 3.11 写了 20% 的 code，真的很 nice！",
    "[minute](M AY0 N UW1 T) ni3 hao3 [pause 0.6s] and then. A new one!",
    "First line\n\nsecond (line), 5 cats — no. 7",
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_shown_is_what_the_model_reads(text: str):
    words = spoken_words(text)
    shown = [symbol for w in words if w.said for symbol in parse_pronunciation(w.said)[0]]
    pieces = frontend.split_sentences(text, 160)
    read = [
        symbol
        for piece in pieces
        for word in frontend.phonemize(piece).words
        if word.lang
        for symbol in word.symbols
    ]
    assert shown == read


@pytest.mark.parametrize("text", TEXTS)
def test_places_are_those_of_the_words(text: str):
    for word in spoken_words(text):
        assert 0 <= word.start <= word.end <= len(text)
        place = text[word.start : word.end]
        if word.source in ("dictionary", "homograph") and word.text in text:
            assert word.text in place
        if word.said:
            assert word.is_editable, word


@pytest.mark.parametrize("text", TEXTS)
def test_every_word_can_be_overridden_and_nothing_else_moves(text: str):
    words = spoken_words(text)
    for index, word in enumerate(words):
        if not word.is_editable:
            continue
        said = "ma3" if word.lang == "zh" else "K AE1 T"
        new = override(text, index, said)
        assert said in new
        assert new.startswith(text[: word.start])
        assert new.endswith(text[word.end :])
        spoken = [w.said for w in spoken_words(new) if w.said]
        assert any(said in s for s in spoken)


def test_an_override_is_plain_markup_and_can_be_taken_back():
    text = "我去银行 at 3:30."
    index = [w.text for w in spoken_words(text)].index("银行")
    new = override(text, index, "yin2 xing2")
    assert new == "我去[银行](yin2 xing2) at 3:30."
    index = [w.text for w in spoken_words(new)].index("银行")
    assert spoken_words(new)[index].source == "override"
    again = override(new, index, "yin2 hang4")
    assert again == "我去[银行](yin2 hang4) at 3:30."
    assert override(again, index, "") == text
    text = "Meet me at 3:30."
    index = [w.text for w in spoken_words(text)].index("thirty")
    assert override(text, index, "TH ER1 T IY0") == "Meet me at [3:30](TH R IY1 TH ER1 T IY0)."


def test_wrong_pronunciations_and_places_are_refused():
    for index, said in ((0, "Q9"), (0, "xyz5"), (99, "AH0"), (-1, "AH0"), (1, "AH0")):
        with pytest.raises(OverrideError):
            override("Hello, you.", index, said)


def test_every_syllable_has_a_spelling_that_is_read_back():
    for symbols in set(syllables().values()):
        toned = (*symbols, "zh_3")
        assert parse_pronunciation(said_of(toned))[0] == toned
    assert said_of(("zh_in", "zh_2")) == "yin2"
    assert said_of(("zh_h", "zh_ua", "zh_1", "zh_erhua")) == "huar1"


def test_other_readings_are_offered():
    bank = next(w for w in spoken_words("银行") if w.lang == "zh")
    assert "yin2 xing2" in bank.candidates
    record = next(w for w in spoken_words("I record it") if w.text == "record")
    assert len(record.candidates) == 1
    assert record.said not in record.candidates
