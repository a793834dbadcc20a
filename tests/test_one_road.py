"""A published model gets the same prompt, text and settings wherever it is asked to speak."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from eval.audio import write_wav
from eval.systems.meta import MetaItem
from eval.systems.systems import ModelHandle, ModelSystem, prompt_voice
from tiny import SAMPLE_RATE, cut_notes, save_tiny, save_tiny_published, speech_like, tiny_codec
from tokenizer.audio import encode_sound, read_audio, to_int16
from tokenizer.checkpoint import save_codec
from tts.__main__ import main
from tts.folders import HOME_VARIABLE
from tts.model.config import EMBEDDED_SAMPLING, PUBLISHED_SAMPLING
from tts.serve.fairqueue import Client
from tts.serve.service import SpeechService
from tts.serve.speech import Started, speak
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.voices import load_voice

SECONDS, WORDS = 6.0, "What I say in it."
FRAMES = 75  # of six seconds at 12.5 a second


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_published(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def synthesizer(folder: Path) -> Synthesizer:
    return Synthesizer.load(folder)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "me.wav"
    write_wav(path, speech_like(SECONDS), SAMPLE_RATE)
    return path


@pytest.fixture
def expected(synthesizer: Synthesizer, recording: Path) -> torch.Tensor:
    """The codes that `say --prompt-wav` gives the model."""
    wav = read_audio(recording, SAMPLE_RATE)
    codes = synthesizer.prompt_voice(wav, transcript=WORDS)[0].codes
    assert codes.shape[1] == FRAMES
    return codes


def test_voice_add_keeps_a_recording_whole(folder, recording, expected, tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    assert (
        main(["voice", "add", "me", str(recording), "--text", WORDS, "--model", str(folder)]) == 0
    )
    voice = load_voice("me")
    assert torch.equal(voice.codes, expected)
    assert voice.transcript == WORDS


def test_an_upload_is_kept_whole(synthesizer, recording, expected):
    service = SpeechService(synthesizer)
    try:
        prompt = service.check_prompt(Client("", "me"), recording.read_bytes(), WORDS, None)
    finally:
        service.close()
    assert prompt.voice is not None
    assert torch.equal(prompt.voice.codes, expected)
    assert prompt.voice.transcript == WORDS
    assert not cut_notes(prompt.notes)


@pytest.mark.parametrize("mode", ["clone", "continuation"])
def test_the_harness_uses_the_prompt_that_say_uses(synthesizer, recording, expected, mode):
    item = MetaItem("u", "Some words.", WORDS, recording)
    voice, _ = prompt_voice(synthesizer, item, mode)
    assert torch.equal(voice.codes, expected)
    assert voice.transcript == WORDS


def test_a_batch_takes_recordings_that_its_model_takes(folder, tmp_path):
    """A second of speech in three of silence is too short for the embedded model alone."""
    wav = np.pad(speech_like(0.6), (SAMPLE_RATE, SAMPLE_RATE))
    write_wav(tmp_path / "p.wav", wav, SAMPLE_RATE)
    manifest = tmp_path / "m.jsonl"
    manifest.write_text('{"id": "a", "text": "One.", "prompt_wav": "p.wav"}\n')
    arguments = ["batch", str(manifest), "-o", str(tmp_path / "out"), "--quiet", "--retries", "0"]
    arguments += ["--max-silence", "0", "--max-repeat", "0"]
    assert main([*arguments, "--model", str(folder)]) in (0, 3)
    assert main([*arguments, "--model", "embedded"]) == 2


def system(name: Path | str) -> ModelSystem:
    return ModelSystem(ModelHandle(str(name)), "clone", 4, "en")


def test_the_cache_key_names_model_codec_and_sampling(folder, recording, tmp_path):
    item = MetaItem("u", "Some words.", WORDS, recording)
    own = system(folder).settings(item)
    assert own["sampling"] == repr(PUBLISHED_SAMPLING)
    model, _ = save_tiny(tmp_path)
    save_codec(tiny_codec(), model / "codec")
    other = system(model).settings(item)
    assert other["sampling"] == repr(EMBEDDED_SAMPLING)
    assert own["model"] != other["model"]
    # Of a codec that was named in another way than by the folder codec/.
    changed = save_tiny_published(tmp_path / "changed")
    save_codec(tiny_codec(seed=5), changed / "codec")
    assert system(changed).settings(item)["codec"] != own["codec"]
    assert ModelHandle(str(folder)).folders == (folder, folder / "codec")


def test_the_harness_reads_the_published_codec_for_a_model_without_one(
    folder, monkeypatch, tmp_path
):
    """As `Synthesizer.load` does; the embedded codec would be another model's."""
    alone = tmp_path / "alone"
    alone.mkdir()
    for file in folder.glob("*.*"):
        (alone / file.name).write_bytes(file.read_bytes())
    fetched = folder / "codec"
    monkeypatch.setattr("tokenizer.hub.fetch", lambda name: fetched)
    assert ModelHandle(str(alone)).folders == (alone, fetched)


LONG = "Wörter, die keiner kennt, und noch viel mehr davon " * 5


def test_the_server_splits_as_the_model_reads(synthesizer):
    """What the phoneme front end would refuse or cut finer, a published model speaks whole."""
    options = SpeechOptions(seed=1, duration=2)
    for text in (LONG, "Ж и З. Да!", "[x](not a sound) is text here."):
        pieces = synthesizer.pieces(text, options)
        steps = speak(synthesizer, text, options)
        started = next(steps)
        steps.close()
        assert isinstance(started, Started)
        assert [piece.text for piece in started.pieces] == [piece.text for piece in pieces]
        assert all(piece.size > 0 for piece in started.pieces)
    assert len(synthesizer.pieces(LONG, options)) == 1


def test_an_upload_may_come_as_any_format(synthesizer, recording, expected):
    """The road is the same for all; flac holds the same samples as wav."""
    wav = read_audio(recording, SAMPLE_RATE)
    data = encode_sound(to_int16(wav), SAMPLE_RATE, "flac")
    service = SpeechService(synthesizer)
    try:
        prompt = service.check_prompt(Client("", "me"), data, WORDS, None)
    finally:
        service.close()
    assert prompt.voice is not None
    assert (prompt.voice.codes == expected).float().mean() > 0.9
