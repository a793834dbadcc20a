"""A drop-in for OpenAI's API: its clients run unchanged, and what they send besides is no harm."""

from __future__ import annotations

import http.client
import io
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from serving import home_with, running, wait_until
from tiny import SAMPLE_RATE, speech_like, tiny_synthesizer
from tts.folders import EMBEDDED
from tts.serve.api import create_api
from tts.serve.encoding import PCM_RATE, encode_whole, stream_encoder
from tts.serve.openai_names import GENDERS, voice_for
from tts.serve.service import SpeechService
from tts.serve.settings import Access
from tts.serve.uploads import decode_upload
from tts.voices import list_voices

SPEECH = "/v1/audio/speech"
CLIENTS = Path(__file__).parent / "clients"
PAGE = "https://page.example"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechService]:
    folder = tmp_path_factory.mktemp("home")
    with home_with(folder, "tiny"):
        service = SpeechService(tiny_synthesizer())
        yield service
        service.close()


@pytest.fixture(scope="module")
def client(service: SpeechService) -> TestClient:
    return TestClient(create_api(service), raise_server_exceptions=False)


def wanted(**fields: Any) -> dict[str, Any]:
    return {"model": "cat-tts", "input": "Hello.", "voice": "tiny"} | fields


PROGRAMS = {
    "python": [sys.executable, str(CLIENTS / "speech.py")],
    "node": ["node", str(CLIENTS / "speech.mjs")],
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_official_clients_run_unchanged(service: SpeechService, name: str, tmp_path: Path):
    if name == "node" and not (shutil.which("node") and (CLIENTS / "node_modules/openai").is_dir()):
        pytest.skip("no node, or no `npm install --no-package-lock` in tests/clients")
    with running(create_api(service)) as address:
        env = os.environ | {"OPENAI_BASE_URL": f"{address}/v1", "OPENAI_API_KEY": "none"}
        command = [*PROGRAMS[name], str(tmp_path)]
        ran = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["models"], told["model"]) == (["cat-tts"], "tts-1")
    assert [voice["id"] for voice in told["voices"]] == ["tiny"]
    assert told["events"][-1] == "speech.audio.done"
    raw = np.frombuffer((tmp_path / "file.pcm").read_bytes(), "<i2") / 32768
    assert np.abs(raw).max() > 0.01
    assert (tmp_path / "stream.pcm").stat().st_size > 1000
    for path in tmp_path.glob("file.*"):
        if path.suffix != ".pcm":
            wav = decode_upload(path.read_bytes(), SAMPLE_RATE, 60)
            assert len(wav) == pytest.approx(len(raw), abs=0.1 * SAMPLE_RATE), path


@pytest.mark.parametrize("rate", [16000, 24000, 44100])
def test_pcm_is_24_khz_whatever_the_model_has(rate: int):
    time_s = np.arange(rate) / rate
    tone = np.rint(8000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)
    encoder = stream_encoder(rate, "pcm")
    parts = [encoder.push(tone[first : first + 999]) for first in range(0, rate, 999)]
    data = b"".join([*parts, encoder.finish()])
    assert data == encode_whole(tone, rate, "pcm")
    sound = np.frombuffer(data, "<i2")
    assert len(sound) == PCM_RATE
    wide = np.stack([tone, 0 * tone], axis=1)
    mixed = np.frombuffer(encode_whole(wide, rate, "pcm"), "<i2")
    assert np.abs(2 * mixed.astype(int) - sound).max() <= 2
    assert np.abs(np.fft.rfft(sound)).argmax() == 440


@pytest.mark.parametrize("stream", [True, False])
def test_every_answer_carries_its_rate(client: TestClient, stream: bool):
    for name in ("pcm", "wav", "aac"):
        answer = client.post(SPEECH, json=wanted(response_format=name, stream=stream))
        assert answer.headers["x-sample-rate"] == "24000"
        assert "x-ignored-fields" not in answer.headers
    assert client.get("/v1/voices/tiny/sample").headers["x-sample-rate"] == "24000"


def test_null_is_the_default_and_what_is_unknown_is_named(client: TestClient):
    plain = client.post(SPEECH, json={"input": "Hello."})
    nothing = dict.fromkeys(
        ("voice", "speed", "response_format", "seed", "stream", "top_p", "lang")
    )
    answer = client.post(SPEECH, json=wanted(**nothing, instructions=None))
    assert answer.status_code == 200, answer.text
    assert answer.content == plain.content
    assert "x-ignored-fields" not in answer.headers
    fields = {"instructions": "whisper", "user": "me", "a\nb": 1, "ü": 2}
    answer = client.post(SPEECH, json=wanted(**fields))
    assert answer.content == plain.content
    assert answer.headers["x-ignored-fields"] == "instructions, user, a?b, ?"


def test_strict_mode_refuses_what_it_does_not_know(service: SpeechService):
    client = TestClient(create_api(service, Access(strict=True)))
    for fields in ({"colour": "red"}, {"instructions": "whisper"}):
        answer = client.post(SPEECH, json=wanted(**fields))
        assert answer.status_code == 400
        assert next(iter(fields)) in answer.json()["error"]["message"]
    assert client.post(SPEECH, json=wanted(speed=None)).status_code == 200


def test_voice_names_of_openai_mean_shipped_voices(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tts.folders.SHIPPED_VOICES", EMBEDDED / "voices")
    ours = [v for v in list_voices() if v.shipped]
    chosen = {name: voice_for(name, lambda: ours) for name in GENDERS}
    by_name = {voice.name: voice for voice in ours}
    for name, voice in chosen.items():
        assert name in by_name or by_name[str(voice)].gender == GENDERS[name]
    assert len(set(chosen.values())) > 3
    fable = replace(ours[0], name="fable")
    assert voice_for("fable", lambda: [*ours, fable]) == "fable"
    assert voice_for("anna", lambda: ours) == "anna"
    table = (Path(__file__).parents[1] / "docs" / "app.md").read_text(encoding="utf-8")
    for name, voice in chosen.items():
        assert f"| `{name}` | `{voice}` |" in table, "docs/app.md lists them"


def test_head_answers_where_get_does(client: TestClient):
    for path in ("/health", "/v1/voices", "/v1/models", "/docs", "/v1/voices/tiny/sample"):
        head, get = client.head(path), client.get(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-type"] == get.headers["content-type"]
    assert client.head("/v1/nothing").status_code == 404
    assert client.head(SPEECH).status_code == 405


def test_models_and_voices_under_the_names_that_clients_ask_for(client: TestClient):
    assert client.get("/v1/models/tts-1").json()["id"] == "tts-1"
    assert client.get("/v1/models/gpt-9").status_code == 404
    listed = client.get("/v1/audio/voices").json()
    assert listed["voices"] == listed["data"] == client.get("/v1/voices").json()["data"]


def test_pages_of_named_sites_may_use_the_open_api(service: SpeechService, client: TestClient):
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client.options(SPEECH, headers=asked).headers
    app = create_api(service, Access(api_key="key", origins=(PAGE,)))
    open_to = TestClient(app, raise_server_exceptions=False)
    asked["Access-Control-Request-Headers"] = "authorization,content-type"
    preflight = open_to.options(SPEECH, headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == PAGE
    headers = {"Origin": PAGE, "Authorization": "Bearer key"}
    answer = open_to.post(SPEECH, json=wanted(), headers=headers)
    assert answer.status_code == 200
    assert "X-Sample-Rate" in answer.headers["access-control-expose-headers"]
    for other in ({"Origin": "https://evil.example"}, {"Origin": "null"}):
        refused = open_to.post(SPEECH, json=wanted(), headers=headers | other)
        assert refused.status_code == 403
    assert open_to.post(SPEECH, json=wanted(), headers={"Origin": PAGE}).status_code == 401
    assert open_to.post("/app/speak", json={"text": "Hi."}, headers=headers).status_code == 403


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_json_without_its_content_type_is_told_so(client: TestClient, kind: str | None):
    headers = {"Content-Type": kind} if kind else {}
    answer = client.post(SPEECH, content=json.dumps(wanted()), headers=headers)
    assert answer.status_code == 415
    message = answer.json()["error"]["message"]
    assert "Content-Type: application/json" in message
    assert (kind or "no Content-Type") in message


@pytest.mark.parametrize("stream", [True, False])
def test_a_hang_up_frees_the_worker_at_the_next_frame(
    service: SpeechService, monkeypatch: pytest.MonkeyPatch, stream: bool
):
    speak, steps = service.synthesizer.speak, []

    def slow(pieces, options):
        for event in speak(pieces, options):
            steps.append(event)
            yield event
            time.sleep(0.03)

    monkeypatch.setattr(service.synthesizer, "speak", slow)
    text = "This sentence is one of very many and nobody will wait for the end of them. " * 20
    with running(create_api(service)) as address:
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        body = json.dumps(wanted(input=text, stream=stream, response_format="pcm"))
        connection.request("POST", SPEECH, body, {"Content-Type": "application/json"})
        assert wait_until(lambda: len(steps) > 5)
        connection.close()
        made = len(steps)
        assert wait_until(lambda: not service.worker.busy, 5), "it went on"
    assert len(steps) - made <= 4


def test_findings_of_a_recording_are_notes(client: TestClient):
    sounds = {
        "clipping": np.clip(20 * speech_like(2.0), -1, 1),
        "DC offset": speech_like(2.0) + 0.2,
        "noise": speech_like(2.0) + 0.05 * np.random.default_rng(0).standard_normal(48000),
        "level": 0.01 * speech_like(2.0),
    }
    for what, wav in sounds.items():
        file = io.BytesIO()
        soundfile.write(file, wav, SAMPLE_RATE, format="WAV")
        name = what.replace(" ", "-").lower()
        files = {"file": ("a.wav", file.getvalue())}
        answer = client.post("/v1/voices", data={"name": name}, files=files)
        assert answer.status_code == 201, answer.text
        assert any(note.startswith(what) for note in answer.json()["notes"]), answer.json()["notes"]
        assert client.delete(f"/v1/voices/{name}").status_code == 200


def test_both_languages_are_loaded_before_the_server_is_ready(monkeypatch: pytest.MonkeyPatch):
    import uvicorn

    from frontend import loading
    from tts.__main__ import main

    monkeypatch.setattr(loading, "_LOADED", set())
    loaded: list[set[str]] = []
    monkeypatch.setattr("tts.synthesizer.Synthesizer.load", lambda *_: tiny_synthesizer())
    ready = lambda *_, **__: loaded.append(set(loading._LOADED))  # noqa: E731
    monkeypatch.setattr(uvicorn.Server, "run", ready)
    assert main(["serve", "--port", "0"]) == 0
    assert loaded == [{"en", "zh"}]
