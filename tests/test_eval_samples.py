"""Samples, sounds made by rule, and what is held out."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from eval.__main__ import main
from eval.audio import AudioError, read_wav, write_wav
from eval.commands.codec import find_audio
from eval.commands.sounds import SOUNDS, make_sound
from eval.commands.unseen import Cloned, choose, clone, nearest, summarize
from eval.systems.held_out import unseen_speakers
from eval.systems.sources import Line, ModelSource, Speech, speaking_files
from scripting import script
from tiny import speech_like, tiny_synthesizer
from tokenizer.train.held_out import held_out, held_out_speaker
from tts.train.corpus import read_corpus

samples = script("samples")

HEADER = "id|speaker|gender|language|seconds|text\n"
# sha1 of these, as a number, ends in 0: they are held out.
OUT = [f"s{i}" for i in range(200) if held_out_speaker(f"s{i}")]


def test_a_sample_is_small_ogg_opus(tmp_path: Path):
    path = tmp_path / "a.ogg"
    size = samples.write_sample(path, Speech(speech_like(3.0), 24000))
    assert size == path.stat().st_size < 60_000
    assert soundfile.info(str(path)).subtype == "OPUS"
    wav, rate = read_wav(path)
    assert wav.size / rate == pytest.approx(3.0, abs=0.01)
    with pytest.raises(AudioError, match="at most 100 are wanted"):
        samples.write_sample(tmp_path / "b.ogg", Speech(speech_like(1.0), 24000), 100)
    with pytest.raises(AudioError, match="silent"):
        samples.write_sample(tmp_path / "b.ogg", Speech(np.zeros(24000, np.float32), 24000))
    with pytest.raises(AudioError, match="no rate of 44100"):
        samples.write_sample(tmp_path / "b.ogg", Speech(speech_like(1.0), 44100))
    assert [p.name for p in tmp_path.iterdir()] == ["a.ogg"]


def test_samples_of_the_embedded_voices(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    argv = ["--out", str(tmp_path), "--voices", "heart", "yunxi"]
    argv += ["--text", "Good morning.", "--zh-text", "早上好。"]
    assert samples.main(argv) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(s["voice"], s["lang"]) for s in result["samples"]] == [
        ("heart", "en"),
        ("yunxi", "zh"),
    ]
    for sample in result["samples"]:
        wav, rate = read_wav(sample["file"])
        assert wav.size / rate == pytest.approx(sample["seconds"], abs=0.02)
        assert np.abs(wav).max() > 0.05


@pytest.mark.parametrize("kind", SOUNDS)
def test_sounds_made_by_rule(kind: str):
    made = {name: make_sound(kind, name) for name in SOUNDS[kind]}
    for name, wav in made.items():
        assert wav.shape == (72000,)
        assert np.abs(wav).max() == pytest.approx(0.5, abs=1e-6)
        assert np.sqrt((wav**2).mean()) > 0.01, name
        np.testing.assert_array_equal(wav, make_sound(kind, name))
    assert len({wav.tobytes() for wav in made.values()}) == len(made)


def test_sounds_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["sounds", str(tmp_path)]) == 0
    result = json.loads(capsys.readouterr().out)
    for kind in SOUNDS:
        assert len(find_audio([tmp_path / kind])) == result[kind] == len(SOUNDS[kind])


def test_what_is_held_out_is_found(tmp_path: Path):
    names = [f"utt{i}" for i in range(500)]
    out = [n for n in names if held_out(n)]
    assert 1 <= len(out) <= 15
    for name in (out[0], "utt0", "utt1"):
        write_wav(tmp_path / f"{name}.wav", np.zeros(10, np.float32), 24000)
    assert [p.stem for p in find_audio([tmp_path], only_held_out=True)] == [out[0]]
    (tmp_path / f"{out[0]}.wav").unlink()
    with pytest.raises(ValueError, match="none of 2 files is held out"):
        find_audio([tmp_path], only_held_out=True)


def _corpus(folder: Path, speakers: list[str]) -> Path:
    rows = []
    for number, speaker in enumerate(speakers):
        for k, seconds in enumerate((1.5, 2.4, 3.0)):
            name = f"{speaker}-{k}"
            wav = speech_like(seconds, seed=number)
            # Another pitch for every speaker.
            write_wav(folder / "audio" / f"{name}.wav", wav, 20000 + 3000 * number)
            rows.append(f"{name}|{speaker}|f|en|{seconds}|hello\n")
    (folder / "metadata.csv").write_text(HEADER + "".join(rows))
    return folder


def test_unseen_speakers(tmp_path: Path):
    assert len(OUT) > 5
    recordings = read_corpus(_corpus(tmp_path, [*OUT[:3], "x0", "x2"]))
    assert not any(held_out_speaker(s) for s in ("x0", "x2"))
    assert len(recordings) == 15
    names = unseen_speakers(recordings, 3)
    assert sorted(names) == sorted(OUT[:3])
    # Fewer are the first of these, whatever else is in the corpus.
    assert unseen_speakers(recordings[::-1], 2) == names[:2]
    for count in (1, 4):
        with pytest.raises(ValueError, match="3 held-out speakers"):
            unseen_speakers(recordings, count)
    speakers = choose(recordings, 3)
    assert [s.name for s in speakers] == names
    assert {s.prompt.seconds for s in speakers} == {2.4}
    assert {s.other and s.other.seconds for s in speakers} == {3.0}


def test_clones_of_unseen_speakers(tmp_path: Path):
    class Rate:
        """An encoder that tells sounds by the share of their power in three bands."""

        name = "bands"

        def embed(self, wav: np.ndarray, sample_rate: int) -> np.ndarray:
            power = np.abs(np.fft.rfft(wav, sample_rate)) ** 2
            bands = np.array([part.sum() for part in np.array_split(power[:2000], 10)])
            return (bands / np.linalg.norm(bands)).astype(np.float32)

    speakers = choose(read_corpus(_corpus(tmp_path, OUT[:3])), 3)
    model = ModelSource(tiny_synthesizer())
    outputs, real = clone(model, speakers, ["Hello.", ""], [0], Rate(), tmp_path / "wavs")
    assert len(outputs) == 6
    # The empty text cannot be said.
    assert [o.problem is None for o in outputs] == [True, False] * 3
    assert len(list((tmp_path / "wavs").rglob("*.wav"))) == 3
    assert real.keys() == {s.name for s in speakers}
    figures = summarize(outputs, real)
    own = figures["two_real_recordings"]
    assert own is not None
    assert own.estimate == pytest.approx(np.mean([real[s.name][s.name] for s in speakers]))
    good = [o for o in outputs if o.problem is None]
    mean = figures["output_to_own_recording"]
    assert mean is not None
    assert mean.estimate == pytest.approx(np.mean([o.own for o in good if o.own is not None]))
    # Those that failed count as not nearest.
    right = figures["output_nearest_own"]
    assert right is not None
    assert right.estimate <= 0.5
    margin = figures["output_own_less_other_prompts"]
    assert margin is not None
    expected = np.mean([o.prompt - o.other_prompts for o in good if o.prompt and o.other_prompts])
    assert margin.estimate == pytest.approx(expected)


def test_speakers_of_one_recording_are_compared_with_prompts_only():
    lines = [Line("a", 1, name, 0) for name in "ab"]
    at = {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 1.0])}
    outputs = [Cloned(line, *nearest(at["a"], {}, "a"), *nearest(at["a"], at, line.voice))
               for line in lines]  # fmt: skip
    figures = summarize(outputs, {"a": {}, "b": {}})
    assert figures["output_to_own_recording"] is None
    assert figures["output_nearest_own"] is None
    right = figures["output_nearest_own_prompt"]
    assert right is not None
    assert right.estimate == 0.5
    margin = figures["output_own_less_other_prompts"]
    assert margin is not None
    assert margin.estimate == 0.0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "does not exist"),
        ("id|text\na|b\n", "line 1: header"),
        (HEADER + "a|s|f|en|1.0|hello\n", "no audio file"),
    ],
)
def test_bad_corpora(tmp_path: Path, table: str | None, message: str):
    if table:
        (tmp_path / "metadata.csv").write_text(table)
    with pytest.raises(ValueError, match=message):
        read_corpus(tmp_path)


def test_model_source_knows_what_its_sound_depends_on():
    from eval.systems.sources import load_model

    source = load_model("embedded")
    lines = [Line("Hello.", 1, v, s) for v, s in (("heart", 0), ("heart", 1), ("michael", 0))]
    lines.append(Line("Hello you.", 1, "heart", 0))
    found = [json.dumps(source.identity(line)) for line in lines]
    assert len(set(found)) == 4
    assert json.dumps(source.identity(lines[0])) == found[0]
    assert ModelSource(source.synthesizer).identity(lines[0]) is None


def test_a_cached_sound_depends_on_all_that_made_it():
    root = Path(__file__).parents[1]
    names = {file.relative_to(root).as_posix() for file in speaking_files()}
    made_by = {
        "tts/inference/prompt.py",
        "tts/inference/cached.py",
        "tts/model/config.py",
        "tokenizer/quantizer.py",
    }
    assert made_by | {"frontend/mandarin/sandhi.py", "frontend/data/zh_words.txt.gz"} <= names
