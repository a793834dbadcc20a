"""POST /v1/audio/transcriptions: OpenAI's forms, and errors as the other routes have them."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import openai
import pytest
import soundfile
from fastapi.testclient import TestClient

from listening import save_tiny_listener
from serving import home_with, running
from tiny import SAMPLE_RATE, speech_like, tiny_synthesizer
from tts.inference.joining import TimedSpan
from tts.listen.transcribe import Ears, Segment
from tts.serve.api import create_api
from tts.serve.service import SpeechService
from tts.serve.settings import Access, Limits

ROUTE = "/v1/audio/transcriptions"
WORDS = (TimedSpan("Good", 0.1, 0.4, (0, 4)), TimedSpan("day", 0.4, 0.9, (5, 8)))


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechService]:
    folder = tmp_path_factory.mktemp("home")
    with home_with(folder, "tiny"):
        synthesizer = tiny_synthesizer()
        synthesizer.listener = save_tiny_listener(folder / "listener", synthesizer.codec)
        service = SpeechService(synthesizer, Limits(listen_s=20.0))
        yield service
        service.close()


@pytest.fixture
def client(service: SpeechService) -> TestClient:
    return TestClient(create_api(service), raise_server_exceptions=False)


@pytest.fixture
def speaking(monkeypatch):
    """Every piece of sound is heard as the same words: an untrained listener hears none."""

    def hear(self, wav, start_s=0.0, lang="auto", books=None) -> Segment:
        return Segment("Good day.", "en", start_s, start_s + len(wav) / SAMPLE_RATE, WORDS, 0.9)

    monkeypatch.setattr(Ears, "segment", hear)


def file(seconds: float = 1.0, kind: str = "wav") -> dict[str, tuple[str, bytes]]:
    buffer = io.BytesIO()
    soundfile.write(buffer, speech_like(seconds), SAMPLE_RATE, format=kind)
    return {"file": (f"a.{kind}", buffer.getvalue())}


def test_json_is_the_default_and_other_clients_names_are_known(client, speaking):
    for model in ("cat-tts", "whisper-1", "gpt-4o-transcribe"):
        answer = client.post(ROUTE, files=file(), data={"model": model})
        assert (answer.status_code, answer.json()) == (200, {"text": "Good day."})


@pytest.mark.parametrize(
    ("kind", "media", "text"),
    [
        ("text", "text/plain", "Good day.\n"),
        ("srt", "text/plain", "1\n00:00:00,100 --> 00:00:00,900\nGood day.\n"),
        ("vtt", "text/vtt", "WEBVTT\n\n00:00:00.100 --> 00:00:00.900\nGood <00:00:00.400>day.\n"),
    ],
)
def test_other_forms(client, speaking, kind, media, text):
    answer = client.post(ROUTE, files=file(), data={"response_format": kind})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media)
    assert answer.text == text


def test_the_official_client_reads_words_and_segments(service, speaking):
    with running(create_api(service)) as address:
        official = openai.OpenAI(base_url=f"{address}/v1", api_key="none")
        told = official.audio.transcriptions.create(
            file=file()["file"],
            model="whisper-1",
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
            prompt="unused",
        )
    assert (told.text, told.language, told.duration) == ("Good day.", "english", 1.0)
    assert [(w.word, w.start, w.end) for w in told.words or []] == [
        ("Good", 0.1, 0.4),
        ("day", 0.4, 0.9),
    ]
    assert [(s.id, s.start, s.end, s.text) for s in told.segments or []] == [
        (0, 0.1, 0.9, "Good day.")
    ]


def test_fields_that_say_nothing_are_named_and_refused_where_that_is_wanted(
    service, client, speaking
):
    asked = {"prompt": "x", "temperature": "0"}
    answer = client.post(ROUTE, files=file(), data=asked)
    assert answer.headers["X-Ignored-Fields"] == "prompt, temperature"
    strict = TestClient(create_api(service, Access(strict=True)))
    assert strict.post(ROUTE, files=file(), data=asked).status_code == 400


def test_silence_and_noise_have_no_text(client):
    noise = 0.1 * np.random.default_rng(0).standard_normal(SAMPLE_RATE)
    for wav in (np.zeros(SAMPLE_RATE), noise):
        buffer = io.BytesIO()
        soundfile.write(buffer, wav, SAMPLE_RATE, format="flac")
        asked = {"response_format": "verbose_json"}
        told = client.post(ROUTE, files={"file": ("a", buffer.getvalue())}, data=asked).json()
        assert (told["text"], told["segments"], told["language"]) == ("", [], "")
        assert told["duration"] == 1.0


@pytest.mark.parametrize(
    ("files", "data", "status", "words"),
    [
        ({"file": ("a.wav", b"nothing")}, {}, 400, "not a recording"),
        ({"file": ("a.wav", b"")}, {}, 400, "empty"),
        (file(21.0), {}, 400, "the limit is 20 s"),
        (file(), {"language": "fr"}, 400, "use en or zh"),
        (file(), {"model": "whisper-9"}, 404, "use 'cat-tts'"),
        (file(), {"response_format": "xml"}, 400, "response_format"),
        (file(), {"timestamp_granularities[]": "word"}, 400, "verbose_json"),
        ({}, {"model": "cat-tts"}, 400, "file"),
    ],
)
def test_bad_requests_are_told(client, files, data, status, words):
    answer = client.post(ROUTE, files=files, data=data)
    assert answer.status_code == status
    assert words in answer.json()["error"]["message"]


def test_without_a_listener_it_says_so(tmp_path):
    synthesizer = tiny_synthesizer()
    synthesizer.listener = tmp_path / "none"
    service = SpeechService(synthesizer)
    try:
        answer = TestClient(create_api(service)).post(ROUTE, files=file())
    finally:
        service.close()
    assert answer.status_code == 400
    assert "no listener at" in answer.json()["error"]["message"]


def test_speech_can_be_read_back(client):
    asked = {"input": "The cat sat.", "voice": "tiny", "check": True, "stream_format": "json"}
    told = client.post("/v1/audio/speech", json=asked).json()
    (row,) = told["check"]
    assert (row["text"], row["sounds"]) == ("The cat sat.", 8)
    assert 1 <= row["attempts"] <= 3
