"""Marks of a plain text: pauses, voices, plays, paragraphs; and which symbols say which word."""

from __future__ import annotations

import pytest

import frontend
from frontend.script import read_script
from frontend.types import MarkupError
from frontend.written import written_words

P, S = "paragraph", "speaker"
CAST = {"Alice": "heart", "BOB": "michael", "narrator": "emma"}
# (text, cast, (text, voice, before, pause) of each passage, silence at the end)
SCRIPTS = [
    ("One. Two.", None, [("One. Two.", "", P, None)], 0),
    ("One.\nTwo.\n\nThree.", None,
     [("One.\nTwo.", "", P, None), ("Three.", "", P, None)], 0),
    ("# Head\nText.", None, [("Head", "", P, None), ("Text.", "", P, None)], 0),
    ("a [pause 0.6s] b", None, [("a", "", P, None), ("b", "", "", 0.6)], 0),
    ("a[pause 300ms][pause 1s]b", None, [("a", "", P, None), ("b", "", "", 1.3)], 0),
    ("[pause 2s]a[pause 1 s]", None, [("a", "", P, 2.0)], 1.0),
    ("a [PAUSE] b", None, [("a", "", P, None), ("b", "", "", 0.4)], 0),
    ("a [voice heart] b [voice] c", None,
     [("a", "", P, None), ("b", "heart", S, None), ("c", "", S, None)], 0),
    ("a [pause](x) [voice](y) b", None, [("a [pause](x) [voice](y) b", "", P, None)], 0),
    ("ALICE: Hi.", None, [("ALICE: Hi.", "", P, None)], 0),
    ("It rains.\n\nalice: Hi.\nBob: Yes.\nNo.\n\nThey go: home.", CAST,
     [("It rains.", "emma", P, None), ("Hi.", "heart", P, None),
      ("Yes.\nNo.", "michael", S, None), ("They go: home.", "emma", P, None)], 0),
    ("BOB: a [voice heart] b\nBob: c", CAST,
     [("a", "michael", P, None), ("b", "heart", S, None), ("c", "michael", S, None)], 0),
    ("BOB：你好。", CAST, [("你好。", "michael", P, None)], 0),
    ("Note: a. [voice alice] b", CAST, [("Note: a.", "emma", P, None), ("b", "heart", S, None)], 0),
    ("", None, [], 0),
]  # fmt: skip


@pytest.mark.parametrize(("text", "cast", "expected", "after"), SCRIPTS)
def test_passages(text, cast, expected, after):
    script = read_script(text, cast)
    found = [(p.text.strip(), p.voice, p.before, p.pause_s) for p in script.passages]
    assert (found, script.after_s) == (expected, after)
    assert all(text[p.at : p.at + len(p.text)] == p.text for p in script.passages)


def test_pauses_may_be_left_to_the_model_and_wrong_ones_are_shown():
    left = read_script("a [pause 1s] b [voice heart] c", None, keep_pauses=True).passages
    assert [p.text for p in left] == ["a [pause 1s] b ", " c"]
    for text in ("a [pause 99s]", "a\nb [pause long] c"):
        with pytest.raises(MarkupError, match="line"):
            read_script(text)


# What is written, and how many symbols say it; a bar between words.
WORDS = [
    ("Dr. Lee paid $5 on 12/05/2024.", "Dr|Lee|paid|$5|on|12/05/2024"),
    ("It cost $5 million — really!", "It|cost|$5 million|really"),
    ("The U.S. GPU (24GB) is 3x faster than GPT-4's, e.g. now.",
     "The|U.S.|GPU|24GB|is|3x|faster|than|GPT-4's|e.g.|now"),
    ("“Well-known” & don’t… 50% of 1,000", "Well-known|&|don’t|50%|of|1,000"),
    ("2024年5月1日下午3:30，走。", "2024|年|5|月|1|日|下|午|3:30|走"),
    ("今天-5℃，買了2个蘋果。", "今|天|-5℃|買|了|2个|蘋果"),
    ("我用 Python 3.11 写了 20% 的 code 😀", "我|用|Python|3.11|写|了|20%|的|code"),
    ("[OpenMOSS](oʊpən mɔs) 说 ni3 hao3 [银行](yin2 hang2)", "OpenMOSS|说|ni3|hao3|银行"),
    ("Henry VIII's 1st: www.example.com/kings", "Henry|VIII's|1st|www.example.com/kings"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WORDS)
def test_words_stay_as_they_are_written(text, expected):
    utterance = frontend.phonemize(text)
    words = written_words(utterance)
    assert [word.text for word in words] == expected.split("|")
    assert all(text[word.at.start : word.at.stop] == word.text for word in words)
    # Each has symbols of its own, in order, and all that is spoken is someone's.
    edges = [edge for word in words for edge in (word.symbols.start, word.symbols.stop)]
    assert edges == sorted(edges)
    assert all(len(word.symbols) for word in words)
    said = {index for word in words for index in word.symbols}
    silent = frozenset([",.?!;:…-", "<pause>", "<en>", "<zh>"]) | frozenset(",.?!;:…-")
    assert all(s in silent for i, s in enumerate(utterance.symbols) if i not in said)
