"""The test sentences are what the acceptance experiment says they are."""

import re

from eval.intelligibility import SENTENCES
from eval.report import read_sentences


def _words(sentence: str) -> list[str]:
    return re.findall(r"[a-z']+", sentence.lower())


def test_forty_different_sentences_of_five_to_ten_words():
    sentences = read_sentences(SENTENCES)
    assert len(sentences) == len(set(sentences)) == 40
    assert all(5 <= len(_words(s)) <= 10 for s in sentences)
    assert all(re.fullmatch(r"[A-Z][A-Za-z' ]+[.?]", s) for s in sentences)


def test_every_word_is_in_the_listeners_dictionary():
    from eval.extras import require

    decoder = require("pocketsphinx").Decoder(loglevel="FATAL", lm=None)
    words = {word for s in read_sentences(SENTENCES) for word in _words(s)}
    assert {w for w in words if decoder.lookup_word(w) is None} == set()
