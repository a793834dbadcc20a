"""Times as files: SRT, WebVTT with words, JSON."""

from __future__ import annotations

import json

from tts.inference.joining import TimedSpan
from tts.subtitles import MAX_CUE_CHARS, cues, times_file

WORDS = [TimedSpan("One", 0.1, 0.4, (0, 3)), TimedSpan("$2", 0.5, 1.25, (5, 7))]
SENTENCES = [TimedSpan("One.\n$2", 0.1, 1.5, (0, 7)), TimedSpan("A<b.", 3661.62, 3662.0, (8, 12))]


def test_subtitles_of_sentences():
    assert times_file("srt", WORDS, SENTENCES).decode() == (
        "1\n00:00:00,100 --> 00:00:01,500\nOne. $2\n\n2\n01:01:01,620 --> 01:01:02,000\nA<b.\n"
    )


def test_subtitles_with_words():
    assert times_file("vtt", WORDS, SENTENCES).decode() == (
        "WEBVTT\n\n00:00:00.100 --> 00:00:01.500\nOne. <00:00:00.500>$2\n\n"
        "01:01:01.620 --> 01:01:02.000\nA&lt;b.\n"
    )


def test_json_has_places_in_the_text():
    told = json.loads(times_file("json", WORDS, SENTENCES))
    assert told["words"][1] == {"word": "$2", "start": 0.5, "end": 1.25, "from": 5, "to": 7}
    assert told["sentences"][0]["text"] == "One.\n$2"


def test_long_sentences_are_cut_between_words():
    text = " ".join(f"word{n:03d}" for n in range(40)) + "."
    words = [TimedSpan(f"word{n:03d}", n / 2, n / 2 + 0.4, (8 * n, 8 * n + 7)) for n in range(40)]
    found = cues(words, [TimedSpan(text, 0.0, 20.0, (0, len(text)))])
    assert len(found) == 4
    assert all(len(cue.text) <= MAX_CUE_CHARS for cue, _ in found)
    assert " ".join(cue.text for cue, _ in found) == text
    assert [word for _, own in found for word in own] == words
    times = [edge for cue, _ in found for edge in (cue.start_s, cue.end_s)]
    assert times == sorted(times)
    # Where there are no words it stays whole.
    assert len(cues([], [TimedSpan(text, 0.0, 20.0, (0, len(text)))])) == 1
