"""Building a corpus. The voices here are tones: what is tested is what is written down of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from frontend import phonemize
from frontend.types import Word
from tts.train import build as module
from tts.train.build import BuildPlan, build, read_readings, speaker_name
from tts.train.corpus import main, read_corpus
from tts.train.natural import SAMPLE_RATE_HZ, DisagreementError, Teachers

ENGLISH = [f"The {a} is near the {b}." for a in ("cat", "tea", "red bus") for b in ("door", "sea")]
MANDARIN = [f"{a}{b}。" for a in ("今天", "昨天") for b in ("下雨了", "我们去公园", "你来吗")]


@dataclass(frozen=True)
class Tone:
    """Speaks a tone as long as the text, and refuses words that are not of its language."""

    name: str
    language: str
    gender: str = "f"

    def speak(self, words: tuple[Word, ...], rate: float, seed: int) -> np.ndarray:
        if any(w.lang and w.lang != self.language for w in words):
            raise DisagreementError("only one language")
        symbols = sum(len(w.symbols) for w in words)
        time = np.arange(round(0.08 * symbols / rate * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
        return (0.2 * np.sin(2 * np.pi * (200 + seed) * time)).astype(np.float32)


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BuildPlan:
    voices = {
        "hibari": Tone("hibari", "en"),
        "kokoro:af_sky": Tone("kokoro:af_sky", "en"),
        "kokoro:zmix:3": Tone("kokoro:zmix:3", "zh", ""),
    }
    known = Teachers.voice
    monkeypatch.setattr(Teachers, "voice", lambda self, name: voices.get(name) or known(self, name))
    texts = {}
    for language, lines in (("en", ENGLISH), ("zh", MANDARIN)):
        texts[language] = tmp_path / f"{language}.txt"
        texts[language].write_text("\n".join(lines), "utf-8")
    names = ["hibari", "kokoro:zmix:3"]
    return BuildPlan(tmp_path / "out", tmp_path, texts, texts, names, hours=0.03, seed=5)


def test_a_corpus_is_whole_and_says_what_was_said(plan: BuildPlan) -> None:
    made = build(plan)
    seconds = sum(u.seconds for u in made)
    assert 108 <= seconds < 108 + 15
    assert {(u.speaker, u.language, u.gender) for u in made} == {
        ("hibari", "en", "f"),
        ("zmix3", "zh", ""),
    }
    readings = read_readings(plan.out)
    assert set(readings) == {u.id for u in made}
    assert len({u.id for u in made}) == len(made)
    for u in made:
        wav, rate = soundfile.read(u.path, dtype="float32")
        assert rate == 24000
        assert len(wav) / rate == pytest.approx(u.seconds, abs=0.006)
        assert 20 * np.log10(np.sqrt(np.mean(wav**2))) == pytest.approx(-23, abs=0.1)
        assert readings[u.id] == phonemize(u.text, u.language).symbols
    turns = [u.speaker for u in made]
    assert turns.count("hibari") == pytest.approx(turns.count("zmix3"), abs=0.2 * len(turns))


def _cut(path: Path, lines: int, rest: bytes) -> None:
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:lines]) + rest)


def test_a_killed_build_goes_on_to_the_same_corpus(plan: BuildPlan) -> None:
    whole = build(plan)
    table, said = plan.out / "metadata.csv", plan.out / "readings.tsv"
    kept, readings = table.read_text("utf-8"), read_readings(plan.out)
    first = whole[0].path.stat().st_mtime_ns
    # killed while a row was written, while a reading was written, and before its row was
    for rows, row, reads, reading in (
        (5, f"{whole[4].id[:8]}".encode(), 5, b""),
        (5, b"", 4, f"{whole[4].id}\t<en> DH".encode()),
        (5, b"", 6, b""),
        (1, "h|今".encode()[:-1], 0, b"hib"),
    ):
        _cut(table, rows, row)
        _cut(said, reads, reading)
        again = build(plan)
        assert table.read_text("utf-8") == kept
        assert [u.id for u in again] == [u.id for u in whole]
        assert read_readings(plan.out) == readings
        if rows > 1:
            assert whole[0].path.stat().st_mtime_ns == first
    assert not list(plan.out.rglob("*.partial"))


def test_a_build_that_is_done_says_nothing_more(plan: BuildPlan, monkeypatch) -> None:
    whole = build(plan)
    monkeypatch.setattr(Tone, "speak", None)
    assert build(plan) == whole
    longer = replace(plan, hours=plan.hours / 2)
    assert build(longer) == whole


def test_another_seed_says_other_things_under_other_ids(plan: BuildPlan) -> None:
    first = build(plan)
    both = build(replace(plan, seed=6, hours=2 * plan.hours))
    assert both[: len(first)] == first
    assert len({u.id for u in both}) == len(both) > len(first)


def test_what_a_voice_cannot_say_is_skipped_with_a_word(
    capsys: pytest.CaptureFixture[str],
) -> None:
    voice = Tone("t", "en")
    for text, message in (("The word 你好 is Chinese.", "only one language"), ("…", "nothing to")):
        assert module._speak(module._Item("x", voice, text, 1.0, 0)) is None
        assert f"skipped x: {message}" in capsys.readouterr().err
    # too long, and silent: nothing worth a word
    assert module._speak(module._Item("x", voice, "Nobody knows it. " * 20, 1.0, 0)) is None
    assert module._speak(module._Item("x", replace(voice, gender=""), "Yes.", 100.0, 0)) is None


def test_names_are_fit_for_files() -> None:
    assert [speaker_name(v) for v in ("hibari", "kokoro:af_sky", "kokoro:mix:7", "hibari@1.1")] == [
        "hibari",
        "af_sky",
        "mix7",
        "hibari-1.1",
    ]


def test_plans_that_cannot_be_are_refused_before_anything_is_written(plan: BuildPlan) -> None:
    def errors() -> Iterator[tuple[str, dict]]:
        yield "no voice", {"voices": []}
        yield "hours is 0", {"hours": 0}
        yield "rates 1.2 to 0.9", {"slowest": 1.2, "fastest": 0.9}
        yield "rates 0.2 to 1", {"slowest": 0.2, "fastest": 1}
        yield "voice hibari is asked for twice", {"voices": ["hibari", "kokoro:zmix:3", "hibari"]}
        yield "speaks zh: give --everyday-zh and --prose-zh", {"prose": {"en": plan.prose["en"]}}
        yield "voice 'bob' is unknown", {"voices": ["bob"]}
        yield "Kokoro has no voice 'af_bob'", {"voices": ["kokoro:af_bob"]}
        yield "no zh sentence", {"everyday": {**plan.everyday, "zh": plan.everyday["en"]}}

    for message, change in errors():
        with pytest.raises(ValueError, match=message):
            build(replace(plan, **change))
    assert not plan.out.exists()


def test_the_command_builds(plan: BuildPlan, tmp_path: Path, capsys) -> None:
    out, left = tmp_path / "made", tmp_path / "left.txt"
    left.write_text("the cat is NEAR the door\n", "utf-8")
    (tmp_path / "more.txt").write_text("The tea is near the sea!\n", "utf-8")
    text = str(plan.everyday["en"])
    command = ["build", "--out", str(out), "--teachers", str(tmp_path), "--hours", "0.02"]
    command += ["--voice", "hibari", "--voice", "kokoro:af_sky", "--rates", "1", "1.1"]
    command += ["--everyday-en", text, "--prose-en", text, "--seed", "2"]
    command += ["--leave-out", str(left), str(tmp_path / "more.txt")]
    assert main(command) == 0
    assert "utterances, 0.02 hours" in capsys.readouterr().out
    made = read_corpus(out)
    assert {u.speaker for u in made} == {"hibari", "af_sky"}
    assert made[0].id.endswith("_2_000000")
    spoken = " ".join(u.text for u in made)
    assert "the red bus is near the door" in spoken.lower()
    assert "the cat is near the door" not in spoken.lower()
    assert "the tea is near the sea" not in spoken.lower()
    assert main([*command, "--voice", "hibari"]) == 2
    assert "asked for twice" in capsys.readouterr().err
    assert main([*command, "--leave-out", str(tmp_path / "none.txt")]) == 2
    assert "none.txt" in capsys.readouterr().err


def test_a_folder_without_readings_has_none(tmp_path: Path) -> None:
    assert read_readings(tmp_path) == {}
