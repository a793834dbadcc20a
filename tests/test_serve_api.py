"""The HTTP API: through fastapi's test client, and through OpenAI's own client on a real server."""

from __future__ import annotations

import base64
import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import openai
import pytest
import soundfile
from fastapi.testclient import TestClient

from serving import home_with, running, spoken_alone, wait_until
from tiny import SAMPLE_RATE, save_tiny_published, speech_like, tiny_synthesizer
from tokenizer.audio import to_int16
from tts.folders import voices_folder
from tts.serve.api import create_api
from tts.serve.service import SpeechService
from tts.serve.settings import Access, Limits
from tts.serve.uploads import decode_upload
from tts.synthesizer import SpeechOptions, Synthesizer

TEXT = "Hello there. The kettle is on! Would you like some tea?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with the voices 'tiny' and 'other'; none is shipped."""
    folder = tmp_path_factory.mktemp("home")
    with home_with(folder, "tiny", "other"):
        yield folder


@pytest.fixture(scope="module")
def service(home: Path) -> Iterator[SpeechService]:
    service = SpeechService(tiny_synthesizer(), Limits(max_chars=4000))
    yield service
    service.close()


@pytest.fixture(scope="module")
def client(service: SpeechService) -> TestClient:
    return TestClient(create_api(service), raise_server_exceptions=False)


@pytest.fixture(scope="module")
def address(service: SpeechService) -> Iterator[str]:
    with running(create_api(service)) as address:
        yield address


@pytest.fixture
def official(address: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)


def offline(service: SpeechService, text: str, voice: str = "tiny", seed: int = 0) -> np.ndarray:
    return spoken_alone(service.synthesizer, text, SpeechOptions(voice=voice, seed=seed))


def wanted(**fields) -> dict:
    return {"model": "cat-tts", "input": TEXT, "voice": "tiny", "response_format": "wav"} | fields


def test_a_published_model_takes_wishes_into_its_own_sampling(home: Path, tmp_path: Path):
    folder = save_tiny_published(tmp_path)
    service = SpeechService(Synthesizer.load(folder))
    try:
        client = TestClient(create_api(service), raise_server_exceptions=False)
        cool = client.post("/v1/audio/speech", json=wanted(temperature=0.5))
        usual = client.post("/v1/audio/speech", json=wanted())
        guided = client.post("/v1/audio/speech", json=wanted(guidance=2.0))
    finally:
        service.close()
    assert (cool.status_code, usual.status_code) == (200, 200), cool.text
    assert cool.content != usual.content
    assert guided.status_code == 400, guided.text
    assert "guidance" in guided.json()["error"]["message"]


def test_a_whole_wav_is_the_offline_result(client: TestClient, service: SpeechService):
    answer = client.post("/v1/audio/speech", json=wanted(stream=False, seed=3))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/wav"
    samples, rate = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    assert rate == SAMPLE_RATE
    assert np.array_equal(samples, to_int16(offline(service, TEXT, seed=3)))


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "opus", "aac", "pcm"])
def test_every_format_can_be_read_and_is_not_silent(
    client: TestClient, service: SpeechService, name: str, stream: bool
):
    answer = client.post("/v1/audio/speech", json=wanted(response_format=name, stream=stream))
    assert answer.status_code == 200, answer.text
    expected = offline(service, TEXT)
    if name == "pcm":
        samples = np.frombuffer(answer.content, "<i2") / 32768
    else:
        samples = decode_upload(answer.content, SAMPLE_RATE, 60)
    assert abs(len(samples) - len(expected)) < 0.1 * SAMPLE_RATE
    assert np.sqrt(np.square(samples).mean()) > 0.5 * np.sqrt(np.square(expected).mean())
    if name in ("wav", "flac", "pcm"):
        assert np.abs(samples - expected).max() < 1e-4


def test_defaults_are_those_of_openai(client: TestClient):
    answer = client.post(
        "/v1/audio/speech", json={"model": "tts-1", "input": "Hi.", "voice": "tiny"}
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "audio/mpeg"


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.5, 4.0])
def test_speed_changes_the_length(client: TestClient, service: SpeechService, speed: float):
    fields = wanted(response_format="pcm", speed=speed)
    other = client.post("/v1/audio/speech", json=fields).content
    options = SpeechOptions(voice="tiny", speed=speed)
    assert other == to_int16(spoken_alone(service.synthesizer, TEXT, options)).tobytes()
    # A random model goes at no steady pace.
    usual = len(offline(service, TEXT))
    assert (len(other) / 2 < usual) == (speed > 1)


def test_times_come_as_events_and_at_once(client: TestClient, service: SpeechService):
    both = ["word", "sentence"]
    fields = wanted(stream_format="sse", timestamp_granularities=both)
    lines = client.post("/v1/audio/speech", json=fields).text.splitlines()
    events = [json.loads(line[6:]) for line in lines if line.startswith("data:")]
    told = [e for e in events if e["type"] == "speech.timestamps.delta"]
    words = [word for event in told for word in event.get("words", ())]
    assert [word["word"] for word in words] == re.findall(r"\w+", TEXT)
    assert all(TEXT[word["from"] : word["to"]] == word["word"] for word in words)
    # They become known on the way, not at the end.
    assert [e["type"] for e in events].index("speech.timestamps.delta") < len(events) / 2
    whole = client.post("/v1/audio/speech", json=fields | {"stream_format": "json"}).json()
    assert whole["words"] == words
    assert [s["text"] for s in whole["sentences"]] == re.findall(r"\S[^.!?]+[.!?]", TEXT)
    sound = decode_upload(base64.b64decode(whole["audio"]), SAMPLE_RATE, 60)
    assert whole["duration"] == pytest.approx(len(sound) / SAMPLE_RATE, abs=0.001)
    some = client.post(
        "/v1/audio/speech",
        json=wanted(stream_format="json", timestamp_granularities=["sentence"]),
    ).json()
    assert "words" not in some
    refused = client.post("/v1/audio/speech", json=wanted(timestamp_granularities=both))
    assert refused.status_code == 400
    assert "sse" in refused.json()["error"]["message"]


def test_pauses_ssml_and_a_cast(client: TestClient, service: SpeechService):
    def length(**fields) -> float:
        answer = client.post("/v1/audio/speech", json=wanted(response_format="pcm", **fields))
        assert answer.status_code == 200, answer.text
        return len(answer.content) / 2 / SAMPLE_RATE

    paused = length(input="One. [pause 3s] Two.") - length(input="One. Two.", sentence_pause=1)
    assert paused == pytest.approx(2.0, abs=0.001)
    ssml = "<speak>One.<break time='3s'/> Two.</speak>"
    assert length(input=ssml) == length(input="One. [pause 3s] Two.")
    play = {"input": "A: One.\nB: Two.", "cast": {"a": "tiny", "b": "other"}}
    assert length(**play) == length(input="[voice tiny] One. [voice other] Two.")
    for text, reason in (("<speak><audio/></speak>", "audio"), ("[voice none] a", "none")):
        answer = client.post("/v1/audio/speech", json=wanted(input=text))
        assert answer.status_code in (400, 404)
        assert reason in answer.json()["error"]["message"]


def test_server_sent_events_carry_the_same_sound(client: TestClient):
    plain = client.post("/v1/audio/speech", json=wanted(response_format="pcm")).content
    answer = client.post(
        "/v1/audio/speech", json=wanted(response_format="pcm", stream_format="sse")
    )
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data:")]
    sound = b"".join(base64.b64decode(e["audio"]) for e in events if "audio" in e)
    assert sound == plain
    assert [e["type"] for e in events].count("speech.audio.delta") >= 3
    assert events[-1]["type"] == "speech.audio.done"
    assert events[-1]["usage"]["output_tokens"] > 0


def test_voices_are_listed_previewed_added_and_removed(client: TestClient, home: Path):
    listed = client.get("/v1/voices").json()["data"]
    assert [v["id"] for v in listed] == ["other", "tiny"]
    sample = client.get("/v1/voices/tiny/sample")
    assert len(soundfile.read(io.BytesIO(sample.content))[0]) == 20 * 1920
    file = io.BytesIO()
    soundfile.write(file, speech_like(2.0), SAMPLE_RATE, format="WAV")
    form = {"name": "anna", "transcript": "hello there you"}
    made = client.post("/v1/voices", data=form, files={"file": ("a.wav", file.getvalue())})
    assert made.status_code == 201, made.text
    assert made.json()["hash"]
    assert made.json()["source"].startswith("recording sha256:")
    assert [p.name for p in voices_folder().iterdir() if "anna" in p.name] == ["anna.safetensors"]
    spoken = client.post("/v1/audio/speech", json=wanted(voice={"id": "anna"}))
    assert spoken.status_code == 200
    again = client.post("/v1/voices", data=form, files={"file": ("a.wav", file.getvalue())})
    assert again.status_code == 400
    assert "exists already" in again.json()["error"]["message"]
    assert client.delete("/v1/voices/anna").json()["deleted"] is True
    assert client.delete("/v1/voices/anna").status_code == 404


def test_health_models_and_documentation(client: TestClient):
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/v1/models").json()["data"][0]["id"] == "cat-tts"
    paths = client.get("/openapi.json").json()["paths"]
    assert {"/v1/audio/speech", "/v1/voices", "/health"} <= set(paths)
    assert client.get("/docs").status_code == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"input": "  "}, ["empty"]),
        ({"input": "[]"}, ["nothing to say"]),
        ({"input": "a" * 4001}, ["4001", "4000", "split"]),
        ({"input": "[x](Q9)"}, ["Q9"]),
        ({"voice": "nobody"}, ["nobody", "tiny"]),
        ({"voice": "../../etc/passwd"}, ["unknown"]),
        ({"speed": 9}, ["speed"]),
        ({"num_codebooks": 99}, ["99", "1..4"]),
        ({"response_format": "exe"}, ["response_format", "wav"]),
        ({"input": 5}, ["input"]),
    ],
)
def test_what_is_wrong_is_said_clearly(client: TestClient, fields: dict, words: list[str]):
    answer = client.post("/v1/audio/speech", json=wanted(**fields))
    assert answer.status_code == 400
    for word in words:
        assert word in answer.json()["error"]["message"]


def test_unknown_model_and_path(client: TestClient):
    assert client.post("/v1/audio/speech", json=wanted(model="gpt-9")).status_code == 404
    assert client.get("/v1/nothing").json()["error"]["code"] == "not_found"
    assert client.get("/v1/audio/speech").status_code == 405


def test_openai_client_writes_a_file(official: openai.OpenAI, service, tmp_path: Path):
    path = tmp_path / "speech.wav"
    with official.audio.speech.with_streaming_response.create(
        model="cat-tts", voice="tiny", input=TEXT, response_format="wav"
    ) as answer:
        answer.stream_to_file(path)
    samples, _ = soundfile.read(path, dtype="int16")
    assert np.array_equal(samples, to_int16(offline(service, TEXT)))
    whole = official.audio.speech.create(
        model="cat-tts",
        voice="other",
        input=TEXT,
        response_format="flac",
        extra_body={"stream": False, "seed": 5},
    )
    samples, _ = soundfile.read(io.BytesIO(whole.content), dtype="int16")
    assert np.array_equal(samples, to_int16(offline(service, TEXT, "other", 5)))


@pytest.mark.parametrize("name", ["pcm", "wav", "mp3", "flac", "opus"])
def test_first_bytes_come_before_the_last_frame_is_made(
    official: openai.OpenAI, service: SpeechService, monkeypatch, name: str
):
    made: list[float] = []
    speak = service.synthesizer.speak

    def noted(pieces, options):
        for event in speak(pieces, options):
            made.append(time.monotonic())
            yield event
            time.sleep(0.01)

    monkeypatch.setattr(service.synthesizer, "speak", noted)
    came: list[float] = []
    with official.audio.speech.with_streaming_response.create(
        model="cat-tts", voice="tiny", input=TEXT * 3, response_format=cast(Any, name)
    ) as answer:
        for block in answer.iter_bytes(256):
            came.append(time.monotonic())
            assert block
    assert len(made) > 8
    assert came[0] < made[-1]
    assert came[0] < came[-1]


def test_openai_client_sees_errors_as_its_own(official: openai.OpenAI):
    with pytest.raises(openai.BadRequestError, match="nobody"):
        official.audio.speech.create(model="cat-tts", voice="nobody", input="Hi.")
    with pytest.raises(openai.NotFoundError, match="gpt-9"):
        official.audio.speech.create(model="gpt-9", voice="tiny", input="Hi.")


def test_a_key_or_password_is_asked_for(service: SpeechService):
    access = Access(user="anna", password="secret", api_key="key-1")
    client = TestClient(create_api(service, access))
    assert client.get("/v1/voices").status_code == 401
    assert "Basic" in client.get("/").headers["www-authenticate"]
    assert client.get("/health").status_code == 200
    for auth in (("anna", "wrong"), ("bob", "secret"), ("anna", ""), ("", "")):
        assert client.get("/v1/voices", auth=auth).status_code == 401
    for value in (
        "Bearer key-2",
        "Bearer ",
        "Basic !!!",
        "Basic /////w==",
        "key-1",
        "Bearer sécret",
    ):
        headers = cast(Any, {"Authorization": value.encode("utf-8")})
        assert client.get("/v1/voices", headers=headers).status_code == 401, value
    assert client.get("/v1/voices", auth=("anna", "secret")).status_code == 200
    assert client.get("/v1/voices", auth=("anyone", "key-1")).status_code == 200
    assert client.get("/v1/voices", headers={"Authorization": "Bearer key-1"}).status_code == 200


def test_pages_of_other_sites_cannot_use_the_server(client: TestClient):
    for origin in ("http://evil.example", "null", "http://testserver.evil.example"):
        answer = client.post("/v1/audio/speech", json=wanted(), headers={"Origin": origin})
        assert answer.status_code == 403, origin
        assert client.delete("/v1/voices/tiny", headers={"Origin": origin}).status_code == 403
    own = client.post("/v1/audio/speech", json=wanted(), headers={"Origin": "http://testserver"})
    assert own.status_code == 200


def test_nothing_runs_on_after_hang_ups(address: str, service: SpeechService):
    import http.client

    text = "This sentence is one of very many and nobody will wait for the end of them. " * 40
    connections = []
    for number in range(3):
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        headers = {"Content-Type": "application/json", "X-Client-Id": str(number)}
        fields = wanted(input=text, response_format="pcm")
        connection.request("POST", "/v1/audio/speech", json.dumps(fields), headers)
        connections.append(connection)
    answer = connections[0].getresponse()
    assert answer.status == 200
    assert answer.read(1000)
    for connection in connections:
        assert connection.sock is not None
        connection.sock.close()
        connection.close()
    answer.close()
    assert wait_until(lambda: not service.worker.busy and service.worker.waiting == 0)
