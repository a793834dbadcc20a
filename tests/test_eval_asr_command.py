"""`python -m eval asr`: layouts of corpora, rates by codebooks, the whole on a tiny listener."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from eval.__main__ import main
from eval.commands.asr import Heard, as_markdown, codebooks, summarized
from eval.systems.recordings import Recording, read_recordings
from listening import save_tiny_listener
from tiny import SAMPLE_RATE, speech_like, tiny_codec
from tokenizer.checkpoint import save_codec


def sound(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, speech_like(0.5), SAMPLE_RATE)


def libri(folder: Path) -> None:
    sound(folder / "84/121123/84-121123-0000.flac")
    (folder / "84/121123/84-121123.trans.txt").write_text("84-121123-0000 GO DO YOU HEAR\n")


def aishell(folder: Path) -> None:
    sound(folder / "wav/test/S0764/BAC009S0764W0121.wav")
    text = "BAC009S0764W0121 甚至 出现\nBAC009S0764W9999 没有 录音\n"
    (folder / "transcript").mkdir()
    (folder / "transcript/aishell_transcript_v0.8.txt").write_text(text)


def aishell2(folder: Path) -> None:
    sound(folder / "wav/D0012/ID0012W0030.wav")
    (folder / "trans.txt").write_text("ID0012W0030\t北京\n")


def table(folder: Path) -> None:
    sound(folder / "audio/a.flac")
    rows = "id|speaker|gender|language|seconds|text\na|anna|f|en|0.50|Hello there.\n"
    (folder / "metadata.csv").write_text(rows)


@pytest.mark.parametrize(
    ("make", "name", "speaker", "language", "text"),
    [
        (libri, "84-121123-0000", "84", "en", "GO DO YOU HEAR"),
        (aishell, "BAC009S0764W0121", "S0764", "zh", "甚至 出现"),
        (aishell2, "ID0012W0030", "ID0012W0030", "zh", "北京"),
        (table, "a", "anna", "en", "Hello there."),
    ],
)
def test_layouts_are_read(tmp_path, make, name, speaker, language, text):
    make(tmp_path)
    (one,) = read_recordings(tmp_path)
    assert (one.id, one.speaker, one.language, one.text) == (name, speaker, language, text)
    assert one.path.is_file()


def test_rates_are_by_words_and_by_characters_for_each_number_of_codebooks():
    def heard(text: str, books: int, language: str, said: str) -> Heard:
        recording = Recording("a", "s", language, said, Path("a"))
        return Heard("ours", books, recording, text, 2.0, 0.5)

    rows = summarized(
        [
            heard("the cat sad", 1, "en", "The cat sat."),
            heard("the cat sat", 2, "en", "The cat sat."),
            heard("北金", 2, "zh", "北京。"),
        ],
        "normalized",
    )
    found = [(r.language, r.num_codebooks, r.wer.corpus_wer, r.cer.corpus_wer) for r in rows]
    assert found == [
        ("en", 1, pytest.approx(1 / 3), pytest.approx(1 / 9)),
        ("en", 2, 0.0, 0.0),
        ("zh", 2, 0.5, 0.5),
    ]
    assert rows[0].rtf == 0.25
    assert "AISHELL-2" in as_markdown(rows)
    assert "AISHELL-2" not in as_markdown(rows[:2])


@pytest.mark.parametrize(("text", "found"), [("", [8]), ("1,2, 8", [1, 2, 8])])
def test_numbers_of_codebooks(text, found):
    assert codebooks(text, 8) == found


@pytest.fixture
def asr(tmp_path, monkeypatch):
    codec = tiny_codec()
    save_codec(codec, tmp_path / "codec")
    save_tiny_listener(tmp_path / "listener", codec)
    monkeypatch.chdir(tmp_path)
    return lambda *more: main(["asr", "--codec", "codec", "--listener", "listener", *more])


def test_a_listener_is_measured(asr, tmp_path, capsys):
    libri(tmp_path / "libri")
    assert asr("libri", "--num-codebooks", "1,4", "--out", "heard.jsonl") == 0
    out = capsys.readouterr().out.strip().splitlines()
    rows = json.loads(out[-1])["rows"]
    assert [row["num_codebooks"] for row in rows] == [1, 4]
    assert all(row["wer"]["num_words"] == 4 for row in rows)
    heard = [json.loads(line) for line in (tmp_path / "heard.jsonl").read_text().splitlines()]
    assert [h["id"] for h in heard] == ["84-121123-0000"] * 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere is no folder"),
        (["codec"], "codec holds no texts"),
        (["libri", "--num-codebooks", "5"], "give numbers of 1 to 4"),
        (["libri", "--num-codebooks", "x"], "give numbers of 1 to 4"),
        (["libri", "--listener", "none"], "no listener at none"),
        (["torn"], "no recording 1-2-3"),
    ],
)
def test_bad_input_is_one_line(asr, tmp_path, capsys, arguments, message):
    libri(tmp_path / "libri")
    libri(tmp_path / "torn")
    (tmp_path / "torn/84/121123/84-121123.trans.txt").write_text("1-2-3 LOST\n")
    assert asr(*arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1
