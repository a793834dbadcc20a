"""What a corpus says: kinds of text, and sentences that are never spoken."""

from __future__ import annotations

import itertools
import random
import re
from pathlib import Path

import pytest

from frontend import EmptyTextError, phonemize
from tts.train.everyday import everyday
from tts.train.sentences import HAN, sentence_key
from tts.train.texts import KINDS, MAX_HAN, MAX_WORDS, Sources, items, length, read_sources

ENGLISH = [
    f"The {thing} is {how}, and {who} likes it."
    for thing in ("red apple", "old clock", "garden gate", "night train")
    for how in ("small", "broken", "late")
    for who in ("Anna", "my uncle", "nobody")
]
MANDARIN = [
    f"{day}{who}{what}，你知道吗？"
    for day in ("今天", "昨天", "明天早上")
    for who in ("我们", "老师", "小王的朋友")
    for what in ("去公园", "买了水果", "看电影")
]
SOURCES = {"en": Sources(ENGLISH[::2], ENGLISH[1::2]), "zh": Sources(MANDARIN[::2], MANDARIN[1::2])}


def some(language: str, count: int, seed: int = 0, left_out: frozenset[str] = frozenset()):
    return list(itertools.islice(items(SOURCES[language], language, seed, left_out), count))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_kinds_are_shares_of_a_whole(language: str) -> None:
    assert sum(KINDS[language].values()) == pytest.approx(1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_are_the_same_for_the_same_seed_and_mostly_speakable(language: str) -> None:
    texts = some(language, 1500)
    assert texts == some(language, 1500)
    assert texts != some(language, 1500, seed=1)
    silent = 0
    for text in texts[:300]:
        assert text.strip()
        assert "|" not in text
        assert "\n" not in text
        assert length(text, language) <= (MAX_WORDS if language == "en" else MAX_HAN)
        try:
            assert phonemize(text, language).words
        except EmptyTextError:
            silent += 1
    assert silent == 0


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_kinds_of_text_come_in_their_shares(language: str) -> None:
    texts = some(language, 4000)
    count = len(texts)
    share = {
        "whole sentence": sum(t in ENGLISH or t in MANDARIN for t in texts) / count,
        "digits": sum(bool(re.search(r"\d", t)) for t in texts) / count,
        "several": sum(len(re.findall(r"[.?？]", t)) > 1 for t in texts) / count,
        "open end": sum(t[-1].isalnum() for t in texts) / count,
        "one word": sum(length(t, language) == 1 and not re.search(r"\d", t) for t in texts)
        / count,
    }
    kinds = KINDS[language]
    assert share["whole sentence"] == pytest.approx(kinds["everyday"] + kinds["prose"], abs=0.12)
    assert share["digits"] == pytest.approx(kinds["number"], abs=0.03)
    assert share["several"] > 0.3 * kinds["joined"]
    assert share["open end"] > 0.001
    assert share["one word"] > 0.005


def test_every_sentence_is_used_before_one_comes_again() -> None:
    texts = some("en", 3000)
    counts = [sum(t == s for t in texts) for s in SOURCES["en"].prose]
    assert min(counts) > 0.5 * max(counts)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_left_out_is_never_spoken(language: str, tmp_path: Path) -> None:
    lines = ENGLISH if language == "en" else MANDARIN
    banned = [s.replace(",", "").replace("，", "！") for s in lines[::3]]  # other marks, same words
    keys = {sentence_key(s) for s in banned}
    for name, part in (("days", lines[::2]), ("books", lines[1::2])):
        (tmp_path / name).write_text("\n".join(part), "utf-8")
    sources = read_sources(tmp_path / "days", tmp_path / "books", language, keys)
    kept = {*sources.everyday, *sources.prose}
    assert kept == {s for s in lines if sentence_key(s) not in keys}
    texts = list(itertools.islice(items(sources, language, 0, keys), 2000))
    assert not [t for t in texts if sentence_key(t) in keys]
    assert not [t for t in texts for s in lines if s in t and s not in kept]


def test_templates_and_pieces_do_not_bring_back_what_is_left_out() -> None:
    texts = some("en", 3000)
    drawn = {t for t in texts if t not in ENGLISH}
    banned = frozenset(sentence_key(t) for t in sorted(drawn)[::2])
    assert not [t for t in some("en", 3000, left_out=banned) if sentence_key(t) in banned]


def test_sources_take_lines_of_their_language_that_can_be_read_aloud(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    long = " ".join(["word"] * (MAX_WORDS + 1))
    file.write_text(f"Good tea.\n\n  Good tea. \n你好吗？\nSee (1) here.\n{long}\n", "utf-8")
    assert read_sources(file, file, "en", set()) == Sources(["Good tea."], ["Good tea."])
    assert read_sources(file, file, "zh", set()).prose == ["你好吗？"]
    with pytest.raises(ValueError, match=r"no en sentence in .*lines.txt"):
        read_sources(file, file, "en", {sentence_key("good TEA!")})


def test_sentences_are_the_same_whatever_their_marks() -> None:
    assert sentence_key("“It’s late,” he said.") == sentence_key("it's late he said")
    assert sentence_key("你好，世界！") == sentence_key("你好世界")
    assert sentence_key("You there?") != sentence_key("You here?")
    assert HAN.search("a你") is not None


def test_everyday_sentences_are_many_and_plain() -> None:
    rng = random.Random(0)
    drawn = [everyday(rng) for _ in range(20000)]
    assert len(set(drawn)) > 12000
    for sentence in drawn:
        assert re.fullmatch(r"[A-Z][A-Za-z', ]*[.?!]", sentence), sentence
        assert len(sentence.split()) <= 16
    spoken = [s for s in drawn if not re.search(r"\b[B-HJ-Z]\b|^The code|spelled", s)]
    assert any(" an " in s for s in spoken)
    assert not [s for s in spoken if re.search(r"\b[Aa] [aeio]\w|\b[Aa]n (?!hour)[^aeiou]", s)]
    assert drawn[:50] == [everyday(r) for r in [random.Random(0)] for _ in range(50)]
