"""Corpus builder and reader: text pieces, everyday sentences, levels, both folder layouts."""

import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tts.train.corpus import HEADER, BuildPlan, build, main, read_corpus
from tts.train.everyday import everyday
from tts.train.recordings import import_recordings
from tts.train.sentences import pieces, sentence_key, sentences
from tts.train.teachers import TEACHERS, find_teacher, level, speak, trim

needs_flite = pytest.mark.skipif(shutil.which("flite") is None, reason="needs the program flite")

PROSE = (
    "The old house, which nobody had lived in for many years, stood on a hill above the river; "
    "in 1820 it burned down, and the family moved to a small village by the sea."
)


def write_audio(path: Path, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(int(16000 * seconds), dtype=np.float32), 16000)


def write_headed(folder: Path, *lines: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "metadata.csv").write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")


def test_english_pieces_are_short_plain_and_punctuated() -> None:
    for seed in range(20):
        found = pieces(PROSE, random.Random(seed))
        assert found
        for piece in found:
            assert piece[-1] in ".,?!"
            assert 3 <= len(piece.split()) <= 14
            assert not re.search(r"[^A-Za-z',.?! -]", piece)
        # nothing is invented or reordered
        assert "1820" not in " ".join(found)
        kept = " ".join(found).replace(",", "").replace(".", "").split()
        rest = iter(PROSE.replace(",", "").replace(".", "").replace(";", "").split())
        assert all(any(str(word) == str(other) for other in rest) for word in kept)


def test_long_clause_is_cut_before_a_joining_word() -> None:
    words = "one two three four five six seven eight nine ten and twelve thirteen fourteen fifteen"
    first, second = pieces(words + ".", random.Random(0))
    assert first.endswith("ten,")
    assert second == "and twelve thirteen fourteen fifteen."


def test_pieces_drop_loose_initials() -> None:
    assert pieces("he came home at five a. m. on that day.", random.Random(0)) == ["on that day."]


def test_mandarin_pieces() -> None:
    text = "1990年，他回到了星球。今天天气很好吗？好，一二三四五六七八九十一二三四五六七。"
    assert pieces(text, random.Random(0)) == ["他回到了星球。", "今天天气很好吗？"]


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


def test_sentences_are_distinct_mixed_and_leave_out(tmp_path: Path) -> None:
    file = tmp_path / "en.txt"
    file.write_text("\n".join(f"the {w} was very good." for w in ("tea", "cake", "soup")), "utf-8")
    left_out = {sentence_key("The CAKE was very good!")}
    prose = list(sentences([file], "en", 0.0, 1, left_out))
    assert sorted(prose) == ["the soup was very good.", "the tea was very good."]
    rng = random.Random(3)
    banned = {sentence_key(everyday(rng)) for _ in range(3000)}
    stream = sentences([file], "en", 0.99, 1, banned)
    mixed = [s for _, s in zip(range(80), stream, strict=False)]
    keys = [sentence_key(s) for s in mixed]
    assert len(set(keys)) == len(keys) > 10
    assert not banned & set(keys)


def test_sentences_without_text_of_the_language(tmp_path: Path) -> None:
    file = tmp_path / "en.txt"
    file.write_text("the tea was very good.", "utf-8")
    with pytest.raises(ValueError, match="no zh sentence"):
        next(sentences([file], "zh", 0.5, 1, set()))


def test_trim_leaves_80_ms_and_level_sets_rms() -> None:
    tone = 0.05 * np.sin(np.arange(16000) / 5).astype(np.float32)
    wav = np.concatenate([np.zeros(8000), tone, np.zeros(12000)]).astype(np.float32)
    cut = trim(wav)
    assert abs(len(cut) - (16000 + 2 * 1280)) <= 320
    loud = level(cut)
    assert 20 * np.log10(np.sqrt(np.mean(loud**2))) == pytest.approx(-23, abs=0.01)
    click = np.zeros(16000, dtype=np.float32)
    click[::4000] = 0.01
    assert np.abs(level(click)).max() == pytest.approx(0.95, abs=1e-4)
    assert trim(np.zeros(16000, dtype=np.float32)).size == 0


def test_unknown_voice_names_the_choices() -> None:
    with pytest.raises(ValueError, match=r"unknown voice 'bob'.*slt"):
        find_teacher("bob")


def test_read_headed_layout(tmp_path: Path) -> None:
    for name in ("a.flac", "b.wav", "c.ogg"):
        write_audio(tmp_path / "audio" / name)
    (tmp_path / "audio" / "c.ogg").rename(tmp_path / "audio" / "c.opus")
    write_headed(tmp_path, "a|s1|f|en|0.50|hello there", "b|s2||zh|1.25|你好", "c|s1|f|en|2.00|hi")
    first, second, third = read_corpus(tmp_path)
    assert (first.id, first.speaker, first.gender, first.text) == ("a", "s1", "f", "hello there")
    assert (second.language, second.seconds, second.gender) == ("zh", 1.25, "")
    assert third.path == tmp_path / "audio" / "c.opus"


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


def test_command_reports_bad_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = ["build", "--out", str(tmp_path), "--text", str(tmp_path / "none.txt"), "--hours", "1"]
    assert main([*base, "--voice", "bob"]) == 2
    assert "unknown voice 'bob'" in capsys.readouterr().err
    assert main([*base, "--voice", "slt", "--rate-jitter", "0.5"]) == 2
    assert "rate_jitter is 0.5" in capsys.readouterr().err


@needs_flite
def test_build_goes_on_after_a_kill(tmp_path: Path) -> None:
    file = tmp_path / "en.txt"
    colours, places = ("red", "green", "white"), ("river", "church", "old mill", "railway")
    lines = [f"the {c} house stood near the {p}." for c in colours for p in places]
    file.write_text("\n".join(lines), "utf-8")
    out = tmp_path / "corpus"
    plan = BuildPlan(out, [file], ["slt", "kal16"], hours=0.002, seed=5)
    whole = build(plan, jobs=1)
    assert {u.speaker for u in whole} == {"slt", "kal16"}
    totals = [sum(u.seconds for u in whole if u.speaker == v) for v in plan.voices]
    assert all(total >= 0.002 * 1800 for total in totals)
    for u in whole:
        wav, rate_hz = soundfile.read(u.path)
        assert rate_hz == 16000
        assert len(wav) / rate_hz == pytest.approx(u.seconds, abs=0.01)
        assert u.language == "en"
        assert u.gender == TEACHERS[u.speaker].gender

    # as a kill would leave it: the last lines lost, one of them half written
    table = out / "metadata.csv"
    kept = table.read_text("utf-8").splitlines(keepends=True)[:4]
    table.write_text("".join(kept) + "slt_0000", "utf-8")
    first = out / "audio" / f"{whole[0].id}.flac"
    before = first.stat().st_mtime_ns
    again = build(plan, jobs=1)
    assert {u.id: u.text for u in again} == {u.id: u.text for u in whole}
    assert first.stat().st_mtime_ns == before


@needs_flite
def test_a_larger_speaker_is_lower_at_the_same_pace() -> None:
    text = "The rain came down all night long."
    spoken = {name: speak(TEACHERS[name], text) for name in ("rms", "rms-deep", "rms-light")}
    lengths = {name: len(wav) / 16000 for name, wav in spoken.items()}
    assert lengths["rms-deep"] == pytest.approx(lengths["rms"], abs=0.1)
    assert lengths["rms-light"] == pytest.approx(lengths["rms"], abs=0.1)
    centroids = {}
    for name, wav in spoken.items():
        power = np.abs(np.fft.rfft(wav)) ** 2
        centroids[name] = (power * np.arange(len(power))).sum() / power.sum() / (len(wav) / 16000)
    assert centroids["rms-deep"] < centroids["rms"] < centroids["rms-light"]


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
        assert (rate, wav.ndim) == (16000, 1)
        assert 20 * np.log10(np.sqrt(np.mean(wav**2))) == pytest.approx(-23, abs=0.1)
    others = import_recordings([folder], tmp_path / "others", without=["ann"])
    assert {u.speaker for u in others} == {"bob"}


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
