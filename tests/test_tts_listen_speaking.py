"""Speech that checks itself: the best of several attempts is kept, and nothing else changes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batching import ROWS, Batch, contents, ledger_lines, make_home
from listening import save_tiny_listener
from tiny import tiny_codec, tiny_synthesizer, tiny_voice
from tokenizer.checkpoint import load_codec
from tokenizer.hub import CheckpointError
from tts.__main__ import main
from tts.inference.guard import Guard
from tts.inference.speaking import RESEED
from tts.synthesizer import SpeechOptions, Synthesizer

TEXT = "The cat sat down on the mat. It was late, and no one came."
OPTIONS = SpeechOptions(voice=tiny_voice(), seed=3, check=True)
LOOSE = Guard(retries=2, max_silence_s=0.0, max_repeat_s=0.0)


@pytest.fixture
def synthesizer(tmp_path: Path) -> Synthesizer:
    """Speaks at random, and has a listener that is never content."""
    own = tiny_synthesizer()
    own.listener = save_tiny_listener(tmp_path / "listener", own.codec)
    own.guard = LOOSE
    return own


def test_the_best_attempt_is_kept_and_told(synthesizer):
    synthesizer.guard = replace(synthesizer.guard, retries=3)
    found = synthesizer.synthesize(TEXT, OPTIONS)
    assert len(found.checks) == 2
    assert all(row["attempts"] == 4 for row in found.checks)
    assert any("came out wrong (other words" in note for note in found.notes)
    # Each attempt by itself; a piece's seed is that of the text and its number.
    synthesizer.guard = replace(synthesizer.guard, retries=0)
    alone = [
        synthesizer.synthesize(TEXT, replace(OPTIONS, seed=3 + RESEED * number)).checks
        for number in range(4)
    ]
    for piece, row in enumerate(found.checks):
        scores = [max(c[piece]["missing"], c[piece]["inserted"]) for c in alone]
        assert max(row["missing"], row["inserted"]) == min(scores)
        assert len(set(scores)) > 1


def test_a_passage_is_checked_in_its_own_language(synthesizer):
    text = '<speak>Bus <lang xml:lang="zh">15</lang></speak>'
    pieces = synthesizer.pieces(text, replace(OPTIONS, ssml=True, lang="en"))
    assert [piece.symbols[0] for piece in pieces] == ["<en>", "<zh>"]
    unchecked = synthesizer.pieces(text, replace(OPTIONS, ssml=True, check=False))
    assert all(piece.symbols == () for piece in unchecked)


def test_the_same_seed_gives_the_same_and_a_content_listener_changes_nothing(synthesizer, tmp_path):
    first, second = (synthesizer.synthesize(TEXT, OPTIONS) for _ in range(2))
    assert np.array_equal(first.wav, second.wav)
    assert first.checks == second.checks
    streamed = np.concatenate([chunk.wav for chunk in synthesizer.stream(TEXT, OPTIONS)])
    assert np.array_equal(streamed, first.wav)
    content = tiny_synthesizer()
    content.listener = save_tiny_listener(tmp_path / "content", content.codec, limit=1e6)
    content.guard = LOOSE
    checked = content.synthesize(TEXT, OPTIONS)
    plain = content.synthesize(TEXT, replace(OPTIONS, check=False))
    assert np.array_equal(checked.wav, plain.wav)
    assert plain.checks == ()
    assert all(row["attempts"] == 1 for row in checked.checks)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: folder / "none", "no listener at .*none.*--listener"),
        (lambda folder: save_tiny_listener(folder, tiny_codec(5)), "reads the codes of tokenizer"),
        (lambda folder: save_tiny_listener(folder, tiny_codec(0), 0.0), "no limits to check by"),
    ],
)
def test_a_listener_that_cannot_check_is_refused(tmp_path, spoil, message):
    synthesizer = tiny_synthesizer()
    synthesizer.listener = spoil(tmp_path)
    with pytest.raises(CheckpointError, match=message):
        synthesizer.synthesize(TEXT, OPTIONS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_home(tmp_path_factory.mktemp("home"))
    save_tiny_listener(folder / "listener", load_codec(folder / "model" / "codec"))
    return folder


@pytest.fixture
def batch(home, tmp_path, monkeypatch, capsys) -> Batch:
    monkeypatch.setenv("CAT_TTS_HOME", str(home / "home"))
    return Batch(home, tmp_path, capsys)


def test_a_batch_reads_back_the_rows_that_ask_for_it(batch, home, tmp_path, capsys):
    rows = [dict(row, check="yes" if n < 2 else "") for n, row in enumerate(ROWS[:3])]
    options = ["--listener", str(home / "listener"), "--max-silence", "0", "--max-repeat", "0"]
    code, _ = batch(rows, *options, "--worst", "1")
    assert code == 0
    out = tmp_path / "out"
    entries = {line["id"]: line for line in ledger_lines(out)}
    assert [("check" in entries[f"i{n}"]) for n in range(3)] == [True, True, False]
    table = (out / "checks.csv").read_text().splitlines()
    assert table[0] == "id|check|errors|text"
    figures = [float(line.split("|")[1]) for line in table[1:]]
    assert len(figures) == 2
    assert figures == sorted(figures, reverse=True)
    # Neighbours change nothing, nor does the size of a batch.
    assert batch(rows[:2], *options, "--batch-size", "1", output="other")[0] == 0
    mine, other = contents(out), contents(tmp_path / "other")
    assert all(mine[f"wavs/i{n}.wav"] == other[f"wavs/i{n}.wav"] for n in range(2))


def test_a_batch_without_a_listener_does_nothing(batch, tmp_path):
    code, err = batch(ROWS[:2], "--check", "--listener", str(tmp_path / "none"))
    assert code == 2
    assert "no listener at" in err
    assert not (tmp_path / "out").exists()


def test_say_tells_what_was_heard(home, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CAT_TTS_HOME", str(home / "home"))
    arguments = ["--model", str(home / "model"), "--listener", str(home / "listener"), "--check"]
    arguments += ["--voice", "tiny"]
    said = main(["say", "The cat sat.", "-o", str(tmp_path / "a.wav"), *arguments, "--json"])
    assert said == 0
    (row,) = json.loads(capsys.readouterr().out)["check"]
    assert row["text"] == "The cat sat."
    assert row["sounds"] == 8
