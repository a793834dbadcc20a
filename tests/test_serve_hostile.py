"""Two hundred hostile requests: each is refused with a clear message; nothing is left behind."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

from tiny import SAMPLE_RATE, speech_like, tiny_synthesizer, tiny_voice
from tts.folders import HOME_VARIABLE
from tts.serve.service import SpeechService
from tts.serve.settings import Limits
from tts.voices import save_voice

GOOD = {"model": "cat-tts", "input": "Hello.", "voice": "tiny", "response_format": "pcm"}
SPEECH, VOICES, SPEAK = "/v1/audio/speech", "/v1/voices", "/app/speak"
UPLOAD_BYTES = 2**20
# Bodies of random bytes.
BROKEN = 100


def wav_bytes(wav: np.ndarray, rate: int = SAMPLE_RATE, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wav, rate, format="WAV", subtype=subtype)
    return file.getvalue()


def two_hours() -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 8000, 1, format="FLAC", subtype="PCM_16") as out:
        for _ in range(120):
            out.write(np.zeros(60 * 8000, np.int16))
    return file.getvalue()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../evil.wav", "x")
    return file.getvalue()


def speech(**fields: Any) -> dict[str, Any]:
    return {"method": "POST", "url": SPEECH, "json": GOOD | fields}


def raw(url: str, content: bytes | str, kind: str = "application/json") -> dict[str, Any]:
    return {"method": "POST", "url": url, "content": content, "headers": {"Content-Type": kind}}


def upload(name: str, data: bytes, filename: str = "a.wav", **fields: str) -> dict[str, Any]:
    form = {"name": name} | fields
    return {"method": "POST", "url": VOICES, "data": form, "files": {"file": (filename, data)}}


def text(value: Any) -> str:
    return json.dumps(GOOD | {"input": "@"}).replace('"@"', value)


def of_text() -> list[dict[str, Any]]:
    wrong = [None, True, 1, 1.5, [], ["a"], {}, {"a": 1}, "", " ", "\n\t", "\u200b", "...", "[]()"]
    long = ["a" * 5001, "字" * 10_000, "x " * 200_000, "\u202e" * 6000]
    markup = ["[a](Q9)", "[a]()", "[pause 99s]", "[pause x]", "[](AH0)", "[字](bu9)"]
    return [speech(input=value) for value in [*wrong, *long, *markup]]


def of_fields() -> list[dict[str, Any]]:
    cases: list[tuple[str, list[Any]]] = [
        ("speed", [0, -1, 0.2, 4.1, 1e308, "1", True, []]),
        ("seed", [-1, 2**53 + 1, 10**30, 1.5, "0"]),
        ("num_codebooks", [0, -1, 5, 1025, 10**20, "4", 1.5]),
        ("temperature", [-1, 6, "0", []]),
        ("top_p", [0, 1.1, -0.1]),
        ("top_k", [-1, 2**31, 0.5]),
        ("response_format", ["WAV", "exe", "../wav", 1, [], {}]),
        ("stream", ["yes", 1, [], {}]),
        ("stream_format", ["ws", 1, []]),
        ("lang", ["xx", "en ", "EN", 1]),
        ("voice", ["nobody", "", 1, [], {}, {"id": 1}, {"id": "tiny", "x": 1}, "a" * 5000]),
        ("voice", ["../tiny", "../../etc/passwd", "tiny\x00", "/etc/passwd", "..\\tiny", "%2e%2e"]),
        ("model", ["gpt-9", "", "a" * 101, 1, "../embedded"]),
        ("instructions", [1, [], "a" * 10_001]),
        ("guidance", [-1, 11, "1"]),
        ("repetition_penalty", [0, 11, []]),
        ("text_temperature", [-0.1, 5.1, "hot"]),
    ]
    return [speech(**{name: value}) for name, values in cases for value in values]


def of_bodies() -> list[dict[str, Any]]:
    bodies = [b"", b"{", b"null", b"[]", b'"x"', b"\xff\xfe\x00", bytes(100), b"[" * 100_000]
    lies = [text("NaN"), text('"\\ud800"'), text('"\\u0000"').replace("Hello", "")[:-1]]
    speeds = [
        json.dumps(GOOD).replace("}", f', "speed": {value}}}')
        for value in ("NaN", "Infinity", "-Infinity", "1e999")
    ]
    return [
        *(raw(SPEECH, body) for body in [*bodies, *lies, *speeds]),
        raw(SPEECH, json.dumps(GOOD), "text/plain"),
        raw(SPEECH, json.dumps(GOOD), "application/xml"),
        raw(SPEECH, b"x" * (2**20 + 1)),
        raw(SPEAK, json.dumps({"text": "Hi.", "prompt": "../../x"})),
        raw(SPEAK, json.dumps({"text": "Hi.", "replaces": {"result": "x", "piece": 0}})),
        raw(SPEAK, json.dumps({"text": "Hi.", "path": "/etc/passwd"})),
        raw("/app/override", json.dumps({"text": "Hi.", "index": 99, "said": "AH0"})),
        raw("/app/override", json.dumps({"text": "Hi.", "index": -1, "said": "AH0"})),
        raw("/app/voices", json.dumps({"prompt": "x", "name": "../evil"})),
        {"method": "DELETE", "url": "/v1/voices/..%2f..%2fetc%2fpasswd"},
        {"method": "DELETE", "url": "/v1/voices/nobody"},
        {"method": "GET", "url": "/v1/voices/..%2f..%2fx/sample"},
        {"method": "GET", "url": "/app/results/..%2f..%2fetc%2fpasswd.wav"},
        {"method": "GET", "url": "/app/assets/..%2f..%2fpage.py"},
        {"method": "GET", "url": "/en/gradio_api/file=/etc/passwd"},
        {"method": "GET", "url": "/en/gradio_api/file=../../../../etc/passwd"},
        {"method": "PUT", "url": SPEECH},
        {
            "method": "POST",
            "url": "/en/gradio_api/upload",
            "content": b"x" * (UPLOAD_BYTES + 70_000),
        },
    ]


def of_uploads() -> list[dict[str, Any]]:
    good = wav_bytes(speech_like(2.0))
    lying = good[:40] + struct.pack("<I", 0xFFFFFFFF) + good[44:60]
    sounds = {
        "nothing": b"",
        "text": b"hello " * 1000,
        "zip": zipped(),
        "zeros": bytes(9000),
        "html": b"<html><script>alert(1)</script>",
        "two-hours": two_hours(),
        "nan": wav_bytes(np.full(48000, np.nan, np.float32), subtype="FLOAT"),
        "infinite": wav_bytes(np.full(48000, np.inf, np.float32), subtype="FLOAT"),
        "silent": wav_bytes(np.zeros(48000)),
        "constant": wav_bytes(np.full(48000, 0.3)),
        "noise": wav_bytes(0.1 * np.random.default_rng(0).standard_normal(48000)),
        "hum": wav_bytes(0.3 * np.sin(np.arange(48000) / 80)),
        "short": wav_bytes(speech_like(0.2)),
        "long": wav_bytes(speech_like(40.0)[::4], 6000),
        "lying-length": lying,
        "cut": good[:30],
        "too-large": bytes(UPLOAD_BYTES + 1),
        "playlist": b"#EXTM3U\nfile:///etc/passwd\n",
        "mp4-of-nothing": b"\0\0\0\x20ftypM4A " + bytes(4000),
    }
    names = [
        "../evil",
        "/etc/evil",
        "a/b",
        "..",
        "",
        "A",
        "a" * 41,
        "a\x00b",
        "名字",
        "tiny",
        "CON ",
    ]
    return [
        *(upload(f"x-{name}", data, "../../evil.wav") for name, data in sounds.items()),
        *(upload(name, good) for name in names),
        upload("fine", good, colour="red"),
        upload("fine", good, transcript="a" * 2001),
        {"method": "POST", "url": VOICES, "data": {"name": "fine"}},
        {"method": "POST", "url": VOICES, "data": {"name": "fine", "file": "not a file"}},
        raw(VOICES, b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        raw(VOICES, b"", "multipart/form-data"),
    ]


REQUESTS = [*of_text(), *of_fields(), *of_bodies(), *of_uploads()]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(folder / "home"))
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("TMPDIR", str(folder))
        patch.setattr("tempfile.tempdir", str(folder))
        patch.setattr("tts.folders.SHIPPED_VOICES", folder / "shipped")
        save_voice(tiny_voice())
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def service(place: Path) -> Iterator[SpeechService]:
    service = SpeechService(tiny_synthesizer(), Limits(max_chars=5000, upload_bytes=UPLOAD_BYTES))
    yield service
    service.close()


@pytest.fixture(scope="module")
def client(service: SpeechService) -> TestClient:
    from tts.serve.webui.server import create_app

    return TestClient(create_app(service), raise_server_exceptions=False)


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_there_are_two_hundred_of_them():
    assert len(REQUESTS) + BROKEN >= 200


def test_each_is_refused_clearly_and_the_server_goes_on(
    client: TestClient, service: SpeechService, place: Path
):
    before = files_of(place)
    for wanted in REQUESTS:
        answer = client.request(**wanted)
        what = f"{str(wanted)[:200]} -> {answer.status_code} {answer.text[:200]}"
        assert 400 <= answer.status_code < 500, what
        if "/gradio_api/" not in wanted["url"]:
            message = answer.json()["error"]["message"]
            assert 8 < len(message) < 1000, what
            for leak in ("Traceback", "site-packages", 'File "', str(place)):
                assert leak not in message, what
    assert files_of(place) == before
    assert not service.worker.busy
    assert service.worker.waiting == 0
    answer = client.post(SPEECH, json=GOOD)
    assert answer.status_code == 200
    assert len(answer.content) > 1000


def test_a_hundred_broken_bodies_of_random_bytes(client: TestClient):
    rng = np.random.default_rng(0)
    good = json.dumps(GOOD).encode()
    for _ in range(BROKEN):
        data = bytearray(good)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        headers = {"Content-Type": "application/json"}
        answer = client.post(SPEECH, content=bytes(data), headers=headers)
        # Some bytes only change the text, which is then spoken.
        assert answer.status_code in (200, 400, 404), (bytes(data), answer.text)
