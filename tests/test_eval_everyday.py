"""The test sentences are what the acceptance experiments say they are."""

import hashlib
import random
import re

from eval.commands.intelligibility import SENTENCES
from eval.report import read_sentences


def _words(sentence: str) -> list[str]:
    return re.findall(r"[a-z']+", sentence.lower())


def test_a_hundred_different_english_sentences():
    sentences = read_sentences(SENTENCES["en"])
    assert len(sentences) == len({tuple(_words(s)) for s in sentences}) == 100
    assert all(2 <= len(_words(s)) <= 12 for s in sentences)
    assert all(re.fullmatch(r"[A-Z][A-Za-z' ,]+[.?]", s) for s in sentences)
    assert sum(s.endswith("?") for s in sentences) >= 15


def test_the_first_forty_are_those_of_earlier_figures():
    first = "\n".join(read_sentences(SENTENCES["en"])[:40])
    assert hashlib.sha256(first.encode()).hexdigest()[:16] == "8b923ee065074584"


def test_every_word_is_in_the_listeners_dictionary():
    from eval.extras import require

    decoder = require("pocketsphinx").Decoder(loglevel="FATAL", lm=None)
    words = {word for s in read_sentences(SENTENCES["en"]) for word in _words(s)}
    assert {w for w in words if decoder.lookup_word(w) is None} == set()


def test_the_templates_of_the_corpus_do_not_make_them():
    from tts.train.everyday import everyday, word_keys

    rng = random.Random(0)
    made = {word_keys(everyday(rng)) for _ in range(5000)}
    assert {s for s in read_sentences(SENTENCES["en"]) if word_keys(s) in made} == set()


def test_a_hundred_different_mandarin_sentences():
    sentences = read_sentences(SENTENCES["zh"])
    assert len(sentences) == len(set(sentences)) == 100
    assert all(re.fullmatch(r"[\u4e00-\u9fff，、]+[。？！]", s) for s in sentences)
    assert all(4 <= len(re.findall(r"[\u4e00-\u9fff]", s)) <= 16 for s in sentences)
