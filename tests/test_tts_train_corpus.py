"""Corpora on disk: every folder layout, what is wrong in a table, recordings of people, levels."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from tts.train.corpus import HEADER, main, read_corpus, repair_table
from tts.train.levels import level, trim
from tts.train.recordings import import_recordings


def write_audio(path: Path, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(16000 * seconds), dtype=np.float32), 16000)


def write_headed(folder: Path, *lines: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "metadata.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")


def test_read_headed_layout(tmp_path: Path) -> None:
    for name in ("a.flac", "b.wav", "c.ogg"):
        write_audio(tmp_path / "audio" / name)
    (tmp_path / "audio" / "c.ogg").rename(tmp_path / "audio" / "c.opus")
    write_headed(tmp_path, "a|s1|f|en|0.50|hello there", "b|s2||zh|1.25|你好", "c|s1|f|en|2.00|hi")
    first, second, third = read_corpus(tmp_path)
    assert (first.id, first.speaker, first.gender, first.text) == ("a", "s1", "f", "hello there")
    assert (second.language, second.seconds, second.gender) == ("zh", 1.25, "")
    assert third.path == tmp_path / "audio" / "c.opus"


def test_read_a_table_without_a_header(tmp_path: Path) -> None:
    for name in ("a.flac", "b.wav"):
        write_audio(tmp_path / "audio" / name)
    table = tmp_path / "metadata.csv"
    table.write_text("a|s1|f|en|0.50|hello there\nb|s2||zh|1.25|你好\n", "utf-8")
    first, second = read_corpus(tmp_path)
    assert (first.id, first.speaker, first.gender, first.text) == ("a", "s1", "f", "hello there")
    assert (second.language, second.seconds) == ("zh", 1.25)
    assert second.path == tmp_path / "audio" / "b.wav"
    table.write_text("a|s1|f|en|0.50|hello there\nb|s2|zh|1.25|你好\n", "utf-8")
    with pytest.raises(ValueError, match="line 2: 5 fields, expected 6"):
        read_corpus(tmp_path)
    table.write_text("a|s1|f|en|0.50|hello there\nnone|s2||zh|1.25|你好\n", "utf-8")
    with pytest.raises(ValueError, match="line 2: no audio file for id 'none'"):
        read_corpus(tmp_path)


def test_read_ljspeech_layout(tmp_path: Path) -> None:
    write_audio(tmp_path / "wavs" / "LJ001-0001.wav", 0.75)
    (tmp_path / "metadata.csv").write_text("LJ001-0001|In 1820|In eighteen twenty\n", "utf-8")
    (only,) = read_corpus(tmp_path)
    assert (only.text, only.seconds, only.speaker, only.language) == (
        "In eighteen twenty", 0.75, "LJ001", "en",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a|s1|f|en|0.50", "line 3: 5 fields, expected 6"),
        ("a|s1|f|en|long|hi", "line 3: seconds is 'long'"),
        ("missing|s1|f|en|0.5|hi", "line 3: no audio file for id 'missing'"),
        ("ok|s1|f|en|0.5|hi", "line 3: id 'ok' a second time"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, line: str, message: str) -> None:
    for name in ("ok", "a"):
        write_audio(tmp_path / "audio" / f"{name}.wav")
    write_headed(tmp_path, "ok|s1|f|en|0.5|hi", line)
    with pytest.raises(ValueError, match=message):
        read_corpus(tmp_path)


def test_bad_tables(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="does not exist"):
        read_corpus(tmp_path)
    (tmp_path / "metadata.csv").write_text("id|text\n", "utf-8")
    with pytest.raises(ValueError, match="line 1: header"):
        read_corpus(tmp_path)


def test_recordings_become_a_corpus_of_one_rate_and_level(tmp_path: Path) -> None:
    folder, out = tmp_path / "people", tmp_path / "out"
    rng = np.random.default_rng(0)
    speakers = {"a1": ("ann", 0.01), "a2": ("ann", 0.1), "b1": ("bob", 0.05), "b2": ("bob", 0.0)}
    (folder / "audio").mkdir(parents=True)
    for name, (_, loudness) in speakers.items():
        wav = loudness * rng.standard_normal((24000, 2)).astype(np.float32)
        soundfile.write(folder / "audio" / f"{name}.flac", wav, 24000)
    write_headed(folder, *(f"{n}|{s}|f|en|1.00|Hello." for n, (s, _) in speakers.items()))
    assert main(["recordings", str(folder), "--out", str(out)]) == 0
    made = read_corpus(out)
    assert [u.id for u in made] == ["a1", "a2", "b1"]  # b2 is silent
    for utterance in made:
        wav, rate = soundfile.read(utterance.path)
        assert (rate, wav.ndim) == (24000, 1)
        assert 20 * np.log10(np.sqrt(np.mean(wav**2))) == pytest.approx(-23, abs=0.1)
    others = import_recordings([folder], tmp_path / "others", without=["ann"])
    assert {u.speaker for u in others} == {"bob"}


def test_held_out_speakers_are_those_of_the_evaluation(tmp_path: Path) -> None:
    from tokenizer.train.held_out import held_out_speaker

    folder = tmp_path / "people"
    names = [f"s{i}" for i in range(40)]
    (folder / "audio").mkdir(parents=True)
    wav = 0.1 * np.random.default_rng(0).standard_normal(800).astype(np.float32)
    for name in names:
        soundfile.write(folder / "audio" / f"{name}-1.wav", wav, 16000)
    write_headed(folder, *(f"{n}-1|{n}|f|en|0.05|Hello." for n in names))
    command = ["recordings", str(folder), "--out", str(tmp_path / "out")]
    assert main([*command, "--without-held-out", "--without", "s0"]) == 0
    kept = {u.speaker for u in read_corpus(tmp_path / "out")}
    assert kept == {n for n in names if not held_out_speaker(n)} - {"s0"}
    assert 30 < len(kept) < 39


def test_recordings_that_cannot_be_imported_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, out = tmp_path / "people", tmp_path / "out"
    write_audio(folder / "audio" / "a1.wav")
    write_headed(folder, "a1|ann|f|en|0.50|Hello.")
    for options, message in (
        (["--only", "eve"], "no recordings of eve"),
        (["--without", "ann"], "no speaker is left"),
    ):
        assert main(["recordings", str(folder), "--out", str(out), *options]) == 2
        assert message in capsys.readouterr().err
    assert main(["recordings", str(folder), str(folder), "--out", str(out)]) == 2
    assert "share recordings' ids" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["people"]
    assert main(["recordings", str(folder), "--out", str(folder)]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.mark.parametrize("rate", [16000, 24000])
def test_trim_leaves_80_ms_and_level_sets_rms(rate: int) -> None:
    tone = 0.05 * np.sin(np.arange(rate) / 5).astype(np.float32)
    wav = np.concatenate([np.zeros(rate // 2), tone, np.zeros(rate)]).astype(np.float32)
    cut = trim(wav, rate)
    assert abs(len(cut) / rate - 1.16) <= 0.02
    loud = level(cut)
    assert 20 * np.log10(np.sqrt(np.mean(loud**2))) == pytest.approx(-23, abs=0.01)
    click = np.zeros(rate, dtype=np.float32)
    click[:: rate // 4] = 0.01
    assert np.abs(level(click)).max() == pytest.approx(0.95, abs=1e-4)
    assert trim(np.zeros(rate, dtype=np.float32), rate).size == 0
    assert trim(np.zeros(3, dtype=np.float32), rate).size == 0
    # sound up to both ends stays whole
    assert len(trim(tone, rate)) == len(tone)


def test_a_half_written_line_is_cut(tmp_path: Path) -> None:
    table = tmp_path / "metadata.csv"
    repair_table(table)
    assert table.read_text("utf-8") == HEADER + "\n"
    table.write_text(HEADER + "\na|s|f|en|0.50|hello\nb|s|f|e", "utf-8")
    repair_table(table)
    assert table.read_text("utf-8") == HEADER + "\na|s|f|en|0.50|hello\n"
    assert [p.name for p in tmp_path.iterdir()] == ["metadata.csv"]
