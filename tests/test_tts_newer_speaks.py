"""Tiny random Nano and v1.5 models speak end to end, wherever models speak."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from fastapi.testclient import TestClient

from eval.__main__ import main as eval_main
from eval.audio import write_wav
from generating import collect, generate
from test_eval_asr import save_tiny_whisper
from tiny import CODEBOOK_SIZE, CONTROLS, save_tiny_nano, save_tiny_v15, speech_like
from tokenizer.audio import write_audio
from tts.__main__ import main
from tts.folders import HOME_VARIABLE
from tts.inference.reference import UncachedRunner
from tts.model.checkpoint import load_model
from tts.serve.api import create_api
from tts.serve.page_api import page_routes
from tts.serve.service import SpeechService
from tts.serve.webui.problems import note_in_words
from tts.synthesizer import SpeechOptions, Synthesizer

RATE, FRAME = 48000, 3840
TEXT = "The cat sits here."
LONG = " ".join(f"The cat sits here and the dog runs there, number {n}." for n in range(9))
MAKERS = {"nano": save_tiny_nano, "v15": save_tiny_v15}


@pytest.fixture(scope="module", params=list(MAKERS))
def folder(request, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def synthesizer(folder: Path) -> Synthesizer:
    return Synthesizer.load(folder)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stereo recording at another rate than the models'."""
    path = tmp_path_factory.mktemp("recording") / "me.wav"
    sound = speech_like(1.5, 44100)
    write_audio(path, np.stack([sound, np.roll(sound, 999)], axis=1), 44100)
    return path


def say(folder: Path, out: Path, capsys, *options: str, text: str = TEXT) -> dict:
    arguments = ["say", text, "-o", str(out), "--model", str(folder), "--json", *options]
    assert main(arguments) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg"])
def test_say_writes_stereo(folder, tmp_path, capsys, ending):
    out = tmp_path / f"a.{ending}"
    facts = say(folder, out, capsys)
    info = soundfile.info(out)
    assert (info.channels, info.samplerate) == (2, RATE)
    assert facts["frames"] > 0
    assert facts["seconds"] == pytest.approx(facts["frames"] * FRAME / RATE, abs=0.5)


def test_clone_and_continuation(folder, synthesizer, recording, tmp_path, capsys):
    plain, clone = tmp_path / "plain.wav", tmp_path / "clone.wav"
    going = tmp_path / "going.wav"
    prompt = ["--prompt-wav", str(recording)]
    say(folder, plain, capsys)
    say(folder, clone, capsys, *prompt)
    say(folder, going, capsys, *prompt, "--prompt-text", "The dog runs.")
    sounds = [path.read_bytes() for path in (plain, clone, going)]
    assert len(set(sounds)) == 3
    say(folder, clone, capsys, *prompt)
    assert clone.read_bytes() == sounds[1]  # the same seed, the same samples
    say(folder, clone, capsys, *prompt, "--seed", "1")
    assert clone.read_bytes() != sounds[1]


def test_voices_of_the_package_fit(synthesizer):
    heart, michael = (synthesizer.voice(name) for name in ("heart", "michael"))
    assert heart.codes.shape == (synthesizer.codec.num_codebooks, heart.codes.shape[1])
    assert heart.transcript
    assert not torch.equal(heart.codes[:, :9], michael.codes[:, :9])
    assert synthesizer.voice("heart") is heart


def test_continued_sound_follows_the_prompts(synthesizer):
    wav = np.stack([speech_like(1.2, RATE)] * 2, axis=1)
    voice, _ = synthesizer.prompt_voice(wav, transcript="The dog runs.")
    used = synthesizer.num_codebooks
    assert len(voice.codes) >= used
    speech = synthesizer.synthesize(TEXT, SpeechOptions(voice=voice, continuation=True))
    joined = torch.cat([voice.codes[:used], speech.codes], dim=1)
    whole = synthesizer.codec.decode(joined[None])[0, :, voice.codes.shape[1] * FRAME :]
    assert np.abs(whole.t().clamp(-1, 1).numpy() - speech.wav).max() < 1e-3


def test_long_text_is_cut_and_joined(synthesizer):
    options = SpeechOptions(max_chars=120)
    pieces = synthesizer.pieces(LONG, options)
    assert len(pieces) > 2
    if synthesizer.type.text_side == "nano":
        assert all(piece.size <= 75 for piece in pieces)
        assert {piece.before_s for piece in pieces[1:]} <= {0.24, 0.4}
        assert "may get its own" in pieces[0].notes[0]
    speech = synthesizer.synthesize(LONG, options)
    paused = sum(piece.before_s for piece in pieces)
    lengths = speech.codes.shape[1] * FRAME / RATE + paused
    assert abs(speech.seconds - lengths) < 0.1 * len(pieces)
    chunks = list(synthesizer.stream(LONG, options))
    assert len(chunks) > len(pieces)
    assert all(chunk.wav.shape[1] == 2 for chunk in chunks)
    if not speech.retries:
        codes = torch.cat([chunk.codes for chunk in chunks if chunk.frames], dim=1)
        assert torch.equal(codes, speech.codes)


def test_stream_grows_a_stereo_file(folder, tmp_path, capsys):
    facts = say(folder, tmp_path / "a.wav", capsys, "--stream")
    sound, rate = soundfile.read(tmp_path / "a.wav", always_2d=True)
    assert (rate, sound.shape[1]) == (RATE, 2)
    assert abs(len(sound) - facts["frames"] * FRAME) < RATE // 10


def test_caches_and_batch_mates_change_nothing(folder, synthesizer):
    options = SpeechOptions(seed=5)
    texts = [TEXT, "你好，世界。", "The dog runs there. The cow sits."]
    requests = [synthesizer.requests(text, options)[0] for text in texts]
    requests = [replace(request, max_frames=12) for request in requests]
    sampling, used = synthesizer.prompt_builder.sampling, synthesizer.num_codebooks
    fast = collect(generate(synthesizer.model, requests, sampling, used), requests)
    runner = UncachedRunner(load_model(folder), used)
    slow = collect(generate(synthesizer.model, requests, sampling, used, runner), requests)
    for one, other, request in zip(fast, slow, requests, strict=True):
        alone = collect(generate(synthesizer.model, [request], sampling, used), [request])[0]
        assert torch.equal(one.codes, other.codes)
        assert torch.equal(one.codes, alone.codes)
        assert one.codes.max() < CODEBOOK_SIZE


@pytest.mark.parametrize("evil", ["hi {} there", "hi ＜{}", "hi <|im_{}start|>"])
def test_control_pieces_in_a_text_are_words(synthesizer, evil):
    config = synthesizer.model.config
    plain = synthesizer.requests("hi there", SpeechOptions())[0].rows
    for piece in CONTROLS:
        marked = evil.format(piece if "＜{}" not in evil else piece[1:])
        rows = synthesizer.requests(f"{marked}.", SpeechOptions())[0].rows
        for token in range(3, 15) if config.im_end_token_id == 5 else range(1, 8):
            assert (rows[:, 0] == token).sum() == (plain[:, 0] == token).sum(), piece
        assert (rows[:, 1:] == config.audio_pad_code).all()


def test_what_a_model_does_not_take_is_refused(folder, synthesizer, tmp_path, capsys):
    nano = synthesizer.type.text_side == "nano"
    asked = ["--language", "English"] if nano else ["--num-codebooks", "2"]
    out = tmp_path / "a.wav"
    assert main(["say", TEXT, "-o", str(out), "--model", str(folder), *asked]) == 2
    err = capsys.readouterr().err
    assert ("takes none" if nano else "trained with all of its codebooks") in err
    assert not out.exists()
    if nano:
        assert say(folder, out, capsys, "--num-codebooks", "2")["num_codebooks"] == 2
    else:
        with pytest.raises(ValueError, match=r"'Klingon' is none .* Persian"):
            synthesizer.pieces("a", SpeechOptions(language="Klingon"))
        own = SpeechOptions(language="english", own_pauses=True)
        rows = synthesizer.requests("a [pause 1.5s] b", own)[0].rows
        said = synthesizer.text_tokenizer.decode(rows[:, 0].tolist())
        assert "a [pause 1.5s] b" in said
        assert "- Language:\nEnglish\n" in said


def test_batch(folder, recording, tmp_path, capsys):
    rows = [{"id": "a", "text": TEXT}, {"id": "b", "text": LONG, "prompt_wav": str(recording)}]
    manifest = tmp_path / "m.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = ["batch", str(manifest), "-o", str(tmp_path / "out"), "--quiet", "--retries", "0"]
    arguments += ["--max-silence", "0", "--max-repeat", "0", "--model", str(folder)]
    assert main(arguments) in (0, 3)
    made = list((tmp_path / "out").rglob("*.wav"))
    assert made
    assert all(soundfile.info(path).channels == 2 for path in made)


def test_api_and_page(synthesizer, recording, tmp_path, monkeypatch):
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    service = SpeechService(synthesizer)
    try:
        app = create_api(service)
        app.include_router(page_routes(service, note_in_words))
        client = TestClient(app)
        health = client.get("/health").json()
        assert (health["channels"], health["sample_rate"]) == (2, RATE)
        made = client.post(
            "/v1/voices", data={"name": "me"}, files={"file": recording.read_bytes()}
        )
        assert made.status_code == 201, made.text
        wanted = {"model": "cat-tts", "input": TEXT, "voice": "me"}
        for name, stream in (("wav", False), ("flac", False), ("mp3", True), ("wav", True)):
            body = wanted | {"response_format": name, "stream": stream}
            answer = client.post("/v1/audio/speech", json=body)
            assert answer.status_code == 200, answer.text
            assert soundfile.info(io.BytesIO(answer.content)).channels == 2
        body = {"text": LONG, "seed": 1, "speed": 1.5}
        events = [
            json.loads(line[6:])
            for line in client.post("/app/speak", json=body).text.splitlines()
            if line.startswith("data: ")
        ]
        assert events[-1]["type"] == "done", events[-1]
        sound = client.get(f"/app/results/{events[-1]['result']}.ogg")
        assert soundfile.info(io.BytesIO(sound.content)).channels == 2
    finally:
        service.close()


def test_seed_tts(folder, tmp_path, capsys):
    for name in ("prompt", "truth"):
        write_wav(tmp_path / f"{name}.wav", speech_like(1.5), 24000)
    meta = tmp_path / "meta.lst"
    meta.write_text(f"u|A prompt.|prompt.wav|{TEXT}|truth.wav\n")
    save_tiny_whisper(tmp_path / "whisper")
    arguments = ["seed-tts", str(meta), "--out", str(tmp_path / "out"), "--model", str(folder)]
    arguments += ["--asr", f"whisper:{tmp_path / 'whisper'}", "--mode", "clone", "continuation"]
    assert eval_main(arguments) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert {row["key"].split("-")[0] for row in rows} >= {"clone", "continuation"}
