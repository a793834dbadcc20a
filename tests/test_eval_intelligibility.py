"""The acceptance experiments, on listeners and sources whose answers are known."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.__main__ import main
from eval.audio import AudioError, write_wav
from eval.commands.drift import measure, speak
from eval.commands.intelligibility import judge, pair_voices, results_markdown
from eval.commands.voices import (
    confusion,
    confusion_markdown,
    correct_share,
    match_outputs,
    own_similarity,
    plan_lines,
)
from eval.metrics.similarity import cosine
from eval.systems.listening import CachedRecognizer, Utterance, listen
from eval.systems.sources import FolderSource, Line, ModelSource, Speech, save_path
from eval.systems.teachers import NaturalTeacher, find_teacher, teacher_in
from tiny import save_tiny, speech_like, tiny_codec, tiny_synthesizer, tiny_voice
from tokenizer.checkpoint import save_codec
from tts.train.voices import read_cards
from tts.voices import SYNTHETIC

TEXT = "one two three four"


@dataclass(frozen=True)
class Parrot:
    """A listener that hears as many words as there are tenths in the peak."""

    name: str = "parrot"

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        return " ".join(TEXT.split()[: round(float(wav.max()) * 10)])


@dataclass(frozen=True)
class Steps:
    """A source that makes a constant level: heard words from the seed, seconds from the number."""

    def say(self, line: Line) -> Speech:
        if line.seed == 99:
            raise AudioError("no such file")
        return Speech(np.full(line.number * 1600, line.seed / 10, np.float32), 16000, "eos")

    def identity(self, line: Line) -> dict[str, Any] | None:
        return {"steps": line.number, "seed": line.seed}


def _said(seed: int, number: int = 2, system: str = "model") -> Utterance:
    return listen(system, Steps(), [Line(TEXT, number, "v", seed)], CachedRecognizer(Parrot()))[0]


def test_records(tmp_path: Path):
    lines = [Line(TEXT, 2, "v", 3), Line(TEXT, 2, "v", 0), Line(TEXT, 2, "v", 99)]
    good, empty, failed = listen("model", Steps(), lines, CachedRecognizer(Parrot()), tmp_path)
    assert (good.transcript, good.errors.wer, good.problem) == ("one two three", 0.25, None)
    assert (good.seconds, good.finished_by) == (0.2, "eos")
    assert (empty.problem, empty.errors.wer) == ("empty", 1.0)
    assert (failed.problem, failed.errors.deletions) == ("failed: no such file", 4)
    assert json.loads(json.dumps(good.row()))["number"] == 2
    # What was kept is found again by the folder source.
    again = FolderSource(tmp_path).say(lines[0])
    assert again.seconds == 0.2
    assert save_path(tmp_path, lines[0]).is_file()


@pytest.mark.parametrize(
    ("model_words", "teacher_words", "passed"),
    [([4], [4], True), ([3], [4], False), ([3, 4, 4, 4, 4], [4], True), ([2], [3], False)],
)
def test_bound(model_words, teacher_words, passed):
    """WER .25 against a bound of .05 fails, .05 passes, .5 against 1.5 x .25 + .05 fails."""
    result = judge([_said(n) for n in model_words], [_said(n, 2, "t") for n in teacher_words])
    assert result.passed is passed
    assert result.bound == pytest.approx(1.5 * (4 - teacher_words[0]) / 4 + 0.05)
    assert "pass" in results_markdown([result]) or not passed


def test_what_was_heard_is_not_heard_again(tmp_path: Path):
    @dataclass
    class Deaf:
        name: str = "deaf"

        def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
            raise AssertionError("heard again")

    lines, cache = [Line(TEXT, 2, "v", 3), Line(TEXT, 2, "v", 99)], tmp_path / "cache"
    first = listen("model", Steps(), lines, CachedRecognizer(Parrot(), "parrot", cache))
    assert listen("model", Steps(), lines, CachedRecognizer(Deaf(), "parrot", cache)) == first
    # One that failed may succeed the next time, so it is not kept.
    assert len(list(cache.iterdir())) == 1
    for ear in (CachedRecognizer(Deaf(), "another", cache), CachedRecognizer(Deaf())):
        with pytest.raises(AssertionError, match="heard again"):
            listen("model", Steps(), lines, ear)
    # A sound that is asked for and missing is made, though its transcript is known.
    again = listen(
        "model", Steps(), lines, CachedRecognizer(Parrot(), "parrot", cache), tmp_path / "wavs"
    )
    assert again == first
    assert save_path(tmp_path / "wavs", lines[0]).is_file()


@dataclass
class Twice:
    """A listener whose two decodings may differ."""

    first: str
    second: str
    again: int = 0
    name: str = "twice"

    def transcribe(self, wav: np.ndarray, sample_rate: int) -> str:
        return self.first

    def transcribe_again(self, wav: np.ndarray, sample_rate: int) -> str:
        self.again += 1
        return self.second


@pytest.mark.parametrize(
    ("first", "second", "slip", "asked"),
    [
        (TEXT, "", None, 0),
        ("one", "one", "lost", 1),
        ("one", TEXT, None, 1),
        (f"{TEXT} {TEXT}", f"{TEXT} {TEXT}", "added", 1),
        (f"{TEXT} {TEXT}", "four", None, 1),
    ],
)
def test_a_second_decoding_confirms_a_clause(first, second, slip, asked):
    ear = Twice(first, second)
    line = Line(TEXT, 2, "v", 3)
    [found] = listen("model", Steps(), [line], CachedRecognizer(ear))
    assert (found.slip, ear.again) == (slip, asked)
    assert found.row()["slip"] == slip


def test_opinions_are_kept_with_what_was_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def rate(raters, wav, sample_rate):
        asked.append(raters)
        return {"distillmos": float(wav.max())}

    monkeypatch.setattr("eval.systems.listening.opinions", rate)
    monkeypatch.setattr("eval.systems.listening.rater_identity", str)
    ear = CachedRecognizer(Parrot(), "parrot", tmp_path, raters=("distillmos",))
    lines = [Line(TEXT, 2, "v", 3), Line(TEXT, 2, "v", 0)]
    first, empty = listen("model", Steps(), lines, ear)
    assert listen("model", Steps(), lines, ear) == [first, empty]
    assert (first.row()["distillmos"], empty.opinions) == (pytest.approx(0.3), {})
    assert asked == [("distillmos",)]


def test_length_and_silence_fail_a_voice():
    teacher = [_said(4, 2, "t"), _said(4, 3, "t")]
    model = [_said(4, 2), _said(4, 3)]
    assert judge(model, teacher).passed
    long = listen("model", Steps(), [Line(TEXT, 5, "v", 4)], CachedRecognizer(Parrot()))[0]
    stretched = replace(long, line=model[0].line)
    result = judge([stretched, model[1]], teacher)
    assert (result.num_too_long, result.max_length_ratio, result.passed) == (1, 2.5, False)
    assert judge([_said(0), *model * 30], teacher).num_empty == 1
    assert judge([_said(0), *model * 30], teacher).passed is False
    assert judge([_said(99), *model * 30], teacher).passed is False


def test_without_a_teacher_there_is_no_verdict():
    result = judge([_said(4)], None)
    assert (result.passed, result.bound) == (None, None)
    assert "not judged" in results_markdown([result])


def test_teacher_must_have_said_the_same():
    with pytest.raises(ValueError, match=r"sentences \[3\]"):
        judge([_said(4, 3)], [_said(4, 2, "t")])


def test_voices_find_their_teachers(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sources = {
        "heart": "synthetic: hibari",
        "emma": "kokoro:bf_emma",
        "me": "me.wav",
        "liam": "synthetic: kokoro:am_liam",
    }
    specs = ["heart", "emma", "me", "anna", "ben=kokoro:am_michael", "liam=hibari@1.1"]
    pairs = pair_voices(specs, tmp_path, sources)
    assert list(pairs) == ["heart", "emma", "me", "anna", "ben", "liam"]
    assert [t.name if t else None for t in pairs.values()] == [
        *("hibari", "kokoro:bf_emma", None, None, "kokoro:am_michael", "hibari@1.1")
    ]
    told = capsys.readouterr().err
    assert [f"{voice} has no teacher" in told for voice in pairs] == [
        *(False, False, True, True, False, False)
    ]
    for name in ("nobody", "synthetic: hibari", "flite-rms"):
        with pytest.raises(ValueError, match=f"unknown teacher '{name}'; use hibari or kokoro"):
            find_teacher(name)


def test_the_prompt_of_a_shipped_voice_names_its_teacher():
    cards = read_cards(Path(__file__).parents[1] / "recipes/voices.toml")
    assert {card.name: card.teacher for card in cards}.items() >= {
        ("heart", "hibari"),
        ("michael", "kokoro:am_michael"),
        ("emma", "kokoro:bf_emma"),
        ("xiaoxiao", "kokoro:zf_xiaoxiao"),
        ("yunxi", "kokoro:zm_yunxi"),
    }
    for card in cards:
        assert teacher_in(SYNTHETIC + card.teacher) == card.teacher


@pytest.mark.parametrize(
    ("name", "lang"), [("hibari", "en"), ("kokoro:am_adam", "en"), ("kokoro:zm_yunxi", "zh")]
)
def test_an_absent_teacher_says_how_to_get_it(tmp_path: Path, name: str, lang: str):
    teacher = NaturalTeacher(name, tmp_path)
    assert (teacher.lang, teacher.installed) == (lang, False)
    assert teacher.identity("hello") is None
    with pytest.raises(AudioError, match=rf"no teachers in {tmp_path}; run .*fetch_teachers\.py"):
        teacher.say("hello")


@pytest.mark.parametrize("voices", [["--voices", "v=kokoro:zf_xiaoxiao"], []])
def test_teachers_alone(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    voices: list[str],
):
    """Those of the voices that are named, or of all voices of the language."""
    known = [
        replace(tiny_voice("heart"), lang="en", source="synthetic: hibari"),
        replace(tiny_voice("xiaoxiao"), lang="zh", source="synthetic: kokoro:zf_xiaoxiao"),
    ]
    monkeypatch.setattr("eval.commands.intelligibility.list_voices", lambda: known)
    argv = ["intelligibility", "--teachers-only", "--lang", "zh", "--listener", "pocketsphinx"]
    monkeypatch.setattr(
        "eval.commands.intelligibility.load_recognizer", lambda *_: CachedRecognizer(Parrot())
    )
    monkeypatch.setattr(NaturalTeacher, "installed", True)
    monkeypatch.setattr(NaturalTeacher, "say", lambda *_: (np.full(16000, 0.4, np.float32), 16000))
    monkeypatch.setattr(NaturalTeacher, "identity", lambda *_: None)
    sentences = tmp_path / "sentences.txt"
    sentences.write_text(f"{TEXT}\n", encoding="utf-8")
    assert main([*argv, "--sentences", str(sentences), *voices]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(result["teachers"]) == ["kokoro:zf_xiaoxiao"]
    assert result["teachers"]["kokoro:zf_xiaoxiao"]["mean_wer"] == 0
    assert (result["voices"], result["accepted"]) == ([], None)


def test_the_real_synthesizer_is_a_source():
    synthesizer = tiny_synthesizer()
    source = ModelSource(synthesizer)
    voice = tiny_voice()
    out = synthesizer.codec.decode(voice.codes[None])[0, 0].clamp(-1, 1).numpy()
    # A `Voice` in place of a name is what `Synthesizer.voice` lets through.
    prompt = source.prompt(voice)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(prompt.wav, out, atol=1e-6)
    line = Line("Hello there.", 1, voice, 5)  # pyright: ignore[reportArgumentType]
    first, second = source.say(line), source.say(line)
    np.testing.assert_array_equal(first.wav, second.wav)
    assert first.sample_rate == 24000
    assert first.finished_by in ("eos", "budget")


@dataclass(frozen=True)
class TwoTone:
    """An encoder that only knows loud from quiet."""

    name: str = "two tone"

    def embed(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
        if not wav.size:
            raise AudioError("silent")
        loud = float(wav.max() > 0.5)
        return np.array([loud, 1 - loud], np.float32)


@dataclass(frozen=True)
class Levels:
    """Speaks at the level given by the seed, in tenths."""

    def say(self, line: Line) -> Speech:
        return Speech(np.full(line.number, line.seed / 10, np.float32), 16000)

    def identity(self, line: Line) -> dict[str, Any] | None:
        return None


def test_nearest_prompt():
    prompts = {"loud": np.array([1.0, 0.0]), "quiet": np.array([0.0, 1.0])}
    lines = [Line("a", 1, "loud", 9), Line("a", 1, "quiet", 9), Line("b", 2, "quiet", 1)]
    lines.append(Line("c", 0, "loud", 9))
    matches = match_outputs(Levels(), lines, prompts, TwoTone())
    assert [m.nearest for m in matches] == ["loud", "loud", "quiet", None]
    assert correct_share(matches).estimate == 0.5
    table = confusion(matches, list(prompts))
    assert table["loud"] == {"loud": 1, "quiet": 0, "none": 1}
    assert table["quiet"] == {"loud": 1, "quiet": 1, "none": 0}
    assert "| **quiet** | 1 | 1 | 0 |" in confusion_markdown(table)
    assert matches[0].similarities["quiet"] == cosine(*prompts.values()) == 0.0
    assert json.dumps(matches[3].row())
    own = own_similarity(matches)
    assert own["quiet"] is not None
    assert own["quiet"].estimate == 0.5
    with pytest.raises(ValueError, match="at least 2"):
        match_outputs(Levels(), lines, {"loud": prompts["loud"]}, TwoTone())
    with pytest.raises(ValueError, match="no prompt for"):
        match_outputs(Levels(), [Line("a", 1, "other", 1)], prompts, TwoTone())


def test_a_voice_that_changes_drifts():
    loud, quiet = (np.full(100, x, np.float32) for x in (0.9, 0.1))
    same = measure("v", 0, [loud] * 20, 100, TwoTone())
    assert (same.neighbours, same.ends, same.ratio, same.sentences) == (1, 1, 1, 20)
    changed = measure(
        "v", 0, [*[loud] * 10, np.zeros(0, np.float32), *[quiet] * 10], 100, TwoTone()
    )
    assert changed.neighbours == pytest.approx(18 / 19)
    assert (changed.ends, changed.sentences) == (0, 20)
    with pytest.raises(ValueError, match="9 sentences of v"):
        measure("v", 0, [loud] * 9, 100, TwoTone())


def test_a_long_text_is_cut_into_its_sentences(tmp_path: Path):
    synthesizer, voice = tiny_synthesizer(), tiny_voice()
    text = "Hello there.\nWho are you?\nI do not know."
    sounds, rate = speak(
        ModelSource(synthesizer),
        text,
        voice,  # pyright: ignore[reportArgumentType]
        0,
        tmp_path / "all.wav",
    )
    assert (len(sounds), rate) == (3, 24000)
    assert all(sound.size for sound in sounds)
    assert (tmp_path / "all.wav").is_file()


def test_every_voice_speaks_its_language():
    sentences = {"en": ["A.", "B.", "C."], "zh": ["甲。", "乙。"]}
    lines = plan_lines({"a": "en", "b": "zh"}, sentences, 3, [0, 7])
    assert [(x.voice, x.seed, x.text) for x in lines if x.seed == 7] == [
        *(("a", 7, "A."), ("a", 7, "B."), ("b", 7, "甲。"), ("b", 7, "乙。"))
    ]
    assert len(lines) == 8
    with pytest.raises(ValueError, match="there are 2 for zh"):
        plan_lines({"a": "en", "b": "zh"}, sentences, 5, [0])


def test_folder_experiments_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    sentences = tmp_path / "sentences.txt"
    sentences.write_text("One two.\nThree four.\n", encoding="utf-8")
    for i, voice in enumerate(("a", "b")):
        wav = speech_like(1.0, seed=i) if voice == "a" else speech_like(1.0)[::3]
        write_wav(tmp_path / "prompts" / f"{voice}.wav", wav, 24000)
        for number in (1, 2):
            write_wav(tmp_path / "wavs" / voice / f"{number:03d}.wav", wav, 24000)
    options = ["--wavs", str(tmp_path / "wavs"), "--sentences", str(sentences)]
    out = tmp_path / "out"
    assert main(["intelligibility", *options, "--out", str(out)]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out.splitlines()[-1])
    assert "a has no teacher" in captured.err
    assert result["accepted"] is False
    assert [v["wer"]["num_words"] for v in result["voices"]] == [4, 4]
    assert result["pooled"]["ratio"] is None
    assert result["pooled"]["bad"]["total"] == 4
    assert len((out / "utterances.jsonl").read_text().splitlines()) == 4
    prompts = ["--prompts", str(tmp_path / "prompts"), "--pairs", "4"]
    assert main(["voices", *options, *prompts]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["accepted"] is True
    assert result["confusion"] == {
        "a": {"a": 2, "b": 0, "none": 0},
        "b": {"a": 0, "b": 2, "none": 0},
    }


def test_bad_input_is_one_line_and_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    model, _ = save_tiny(tmp_path)
    unknown = ["--voices", "nobody-of-that-name"]
    for argv in (
        ["intelligibility", "--wavs", str(tmp_path / "none")],
        ["intelligibility", "--sentences", str(tmp_path / "none.txt")],
        ["intelligibility", "--model", str(tmp_path / "none")],
        ["intelligibility", "--listener", "ears"],
        ["voices", "--wavs", str(tmp_path)],
        ["voices", "--model", str(tmp_path / "none")],
        ["codec", str(tmp_path / "none.wav"), "--model", str(tmp_path / "codec")],
        ["voices", "--unseen", str(tmp_path)],
        ["voices", "--unseen", str(tmp_path), "--per-speaker", "0"],
        ["voices", "--drift", "3"],
        ["voices", "--drift", "3000"],
        ["voices", "--drift", "20", "--wavs", str(tmp_path), "--prompts", str(tmp_path)],
        ["mixed", "--listener", "whisper:" + str(tmp_path / "none")],
        ["codec", str(tmp_path), "--held-out", "--model", str(tmp_path / "codec")],
        ["nothing"],
        ["tones"],
    ):
        assert main(argv) == 2, argv
        err = capsys.readouterr().err
        assert err.startswith("error: "), argv
        assert len(err.splitlines()) == 1, err
    save_codec(tiny_codec(), model / "codec")
    assert main(["voices", "--model", str(model), *unknown]) == 2
    assert "nobody-of-that-name" in capsys.readouterr().err


def test_usage_lists_the_commands(capsys: pytest.CaptureFixture[str]):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for command in ("intelligibility", "voices", "codec", "wer"):
        assert f"  {command} " in text
    assert main([]) == 2
