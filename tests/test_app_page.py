"""The page's own routes and texts, and the command line of app.py, without a browser."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fastapi.testclient import TestClient

import app
from serving import spoken_alone
from tiny import SAMPLE_RATE, speech_like, tiny_synthesizer, tiny_voice
from tokenizer.audio import to_int16
from tts.control import SENTENCE_PAUSE_S
from tts.folders import HOME_VARIABLE, voices_folder
from tts.inference.joining import HEAD_S
from tts.serve.cli import warnings_for
from tts.serve.fairqueue import Client
from tts.serve.service import SpeechService
from tts.serve.settings import Access
from tts.serve.webui.respelling import respelled
from tts.serve.webui.texts import LANGUAGES, examples, preferred, texts
from tts.synthesizer import SpeechOptions
from tts.voices import load_voice, save_voice

TEXT = "Hello there. The kettle is on! Would you like some tea?"
ASSETS = Path(app.__file__).parent / "tts" / "serve" / "webui" / "assets"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechService]:
    folder = tmp_path_factory.mktemp("page")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(HOME_VARIABLE, str(folder))
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setattr("tts.folders.SHIPPED_VOICES", folder / "shipped")
        save_voice(tiny_voice())
        service = SpeechService(tiny_synthesizer())
        yield service
        service.close()


@pytest.fixture(scope="module")
def client(service: SpeechService) -> TestClient:
    from tts.serve.webui.server import create_app

    return TestClient(create_app(service), raise_server_exceptions=False)


def events_of(client: TestClient, **fields) -> list[dict]:
    answer = client.post("/app/speak", json={"text": TEXT, "voice": "tiny"} | fields)
    assert answer.status_code == 200, answer.text
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data:")]


def samples_of(events: list[dict]) -> np.ndarray:
    parts = [base64.b64decode(e["audio"]) for e in events if e["type"] == "sound"]
    return np.frombuffer(b"".join(parts), "<i2")


def download(client: TestClient, name: str, ending: str = "wav") -> np.ndarray:
    answer = client.get(f"/app/results/{name}.{ending}")
    assert answer.status_code == 200
    return soundfile.read(io.BytesIO(answer.content), dtype="int16")[0]


def offline(service: SpeechService, seed: int = 0) -> np.ndarray:
    options = SpeechOptions(voice="tiny", seed=seed)
    return to_int16(spoken_alone(service.synthesizer, TEXT, options))


def test_the_page_is_there_in_both_languages(client: TestClient):
    for language, word in (("en", "Speak"), ("zh", "朗读")):
        answer = client.get(f"/{language}/")
        assert answer.status_code == 200
        assert (
            word in answer.text.encode().decode("unicode_escape", "ignore") or word in answer.text
        )
        assert "../app/assets/page.js" in answer.text
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}
    assert client.get("/", headers=chinese, follow_redirects=False).headers["location"] == "zh/"
    assert client.get("/", follow_redirects=False).headers["location"] == "en/"


def test_progress_is_told_and_the_sound_is_the_offline_result(client, service: SpeechService):
    events = events_of(client, seed=4)
    assert [e["type"] for e in events[:2]] == ["queued", "started"]
    assert events[1]["pieces"] == ["Hello there.", "The kettle is on!", "Would you like some tea?"]
    assert events[1]["frames"] >= 1
    frames = [e["frames"] for e in events if e["type"] == "sound"]
    assert frames == sorted(frames)
    assert [e["piece"] for e in events if e["type"] == "piece"] == [0, 1, 2]
    done = events[-1]
    assert done["type"] == "done"
    assert done["seed"] == 4
    expected = offline(service, 4)
    assert np.array_equal(samples_of(events), expected)
    for ending in ("wav", "flac"):
        assert np.array_equal(download(client, done["result"], ending), expected)
    for ending in ("mp3", "ogg"):
        assert abs(len(download(client, done["result"], ending)) - len(expected)) < 3000
    assert done["seconds"] == pytest.approx(len(expected) / SAMPLE_RATE, abs=0.001)


def test_seams_between_chunks_jump_no_more_than_inside_them(service: SpeechService):
    options = SpeechOptions(voice="tiny", max_chars=400)
    chunks = [c.wav for c in service.synthesizer.stream("One more time " * 12, options)]
    assert len(chunks) > 4
    inside = max(np.abs(np.diff(wav)).max() for wav in chunks if len(wav) > 1)
    seams = [abs(b[0] - a[-1]) for a, b in itertools.pairwise(chunks) if len(b)]
    assert max(seams) <= inside


def test_a_piece_takes_the_place_of_another(client: TestClient, service: SpeechService):
    result = events_of(client)[-1]["result"]
    before = download(client, result)
    text = "The kettle is on!"
    place = {"result": result, "piece": 1}
    again = events_of(client, text=text, seed=99, replaces=place)
    after = download(client, result)
    piece = samples_of(again)
    options = SpeechOptions(voice="tiny")
    first = to_int16(spoken_alone(service.synthesizer, "Hello there.", options))
    assert np.array_equal(after[: len(first)], before[: len(first)])
    start = len(first) + round((SENTENCE_PAUSE_S - HEAD_S) * SAMPLE_RATE)
    assert np.array_equal(after[start : start + len(piece)], piece)
    assert again[-1]["result"] == result


def test_a_recording_is_checked_used_and_saved(service: SpeechService, client, tmp_path: Path):
    from tts.serve.webui.page import check_prompt

    path = tmp_path / "me.flac"
    soundfile.write(path, speech_like(2.5), SAMPLE_RATE)
    report = check_prompt(service, Client("x"), str(path), "hello there my friend", "zh")
    handle = re.search(r'data-prompt="([^"]+)"', report)
    assert handle
    assert "长度" in report
    events = events_of(client, voice=None, prompt=handle[1])
    assert events[-1]["type"] == "done"
    saved = client.post("/app/voices", json={"prompt": handle[1], "name": "me"})
    assert saved.json() == {"name": "me"}
    voice = load_voice("me")
    assert voice.transcript == "hello there my friend"
    assert voice.source.startswith("recording sha256:")
    assert [p.suffix for p in voices_folder().iterdir()] == [".safetensors", ".safetensors"]
    twice = client.post("/app/voices", json={"prompt": handle[1], "name": "me"})
    assert "exists already" in twice.json()["error"]["message"]


@pytest.mark.parametrize("data", [b"", b"no sound at all", b"fLaC" + bytes(99)])
def test_a_useless_recording_is_told_so(service: SpeechService, tmp_path: Path, data: bytes):
    from tts.serve.webui.page import check_prompt

    path = tmp_path / "a<b>.wav"
    path.write_bytes(data)
    report = check_prompt(service, Client("x"), str(path), "", "en")
    assert "cannot be used" in report
    assert "data-prompt" not in report
    assert check_prompt(service, Client("x"), None, "", "en") == ""


def test_pronunciations_and_costs(client: TestClient):
    words = client.post("/app/pronounce", json={"text": "Hi 银行!"}).json()["words"]
    assert [w["text"] for w in words] == ["Hi", "银行", "!"]
    assert [w["respelled"] for w in words] == ["hy", "yín háng", ""]
    body = {"text": "Hi 银行!", "index": 1, "said": "yin2 xing2"}
    assert client.post("/app/override", json=body).json()["text"] == "Hi [银行](yin2 xing2)!"
    assert client.post("/app/pronounce", json={"text": "  "}).json()["words"] == []
    assert len(client.get("/app/costs").json()) == 4


def test_the_gate_stands_before_the_page_too(service: SpeechService):
    from tts.serve.webui.server import create_app

    client = TestClient(create_app(service, Access("anna", "secret")))
    for path in ("/", "/en/", "/zh/config", "/app/costs", "/app/assets/page.js", "/docs"):
        assert client.get(path).status_code == 401, path
        assert client.get(path, auth=("anna", "secret")).status_code == 200, path


def test_both_languages_have_all_texts():
    english, chinese = texts("en"), texts("zh")
    assert english.keys() == chinese.keys()
    for key in english:
        fields = [set(re.findall(r"\{(\w+)", t[key])) for t in (english, chinese)]
        assert fields[0] == fields[1], key
    assert [preferred(h) for h in ("zh-TW", "de,zh;q=.5", "", "fr")] == ["zh", "zh", "en", "en"]
    assert set(LANGUAGES) == {"en", "zh"}


def test_every_text_that_the_scripts_ask_for_exists():
    known = texts("en")
    # What is put together: groups of voices, states.
    assert {"voices_en", "voices_zh", "voices_und"} <= known.keys()
    for script in ASSETS.glob("*.js"):
        for key in re.findall(r'\bt\("(\w+)"', script.read_text(encoding="utf-8")):
            assert key in known, (script.name, key)
    for state in ("waiting", "speaking", "eos", "budget", "empty", "failed"):
        assert f"piece_{state}" in known
    for state in ("done", "stopped", "failed"):
        assert state in known


def test_examples_of_the_page_s_language_come_first():
    assert examples("zh")[0] == "今天天气很好，我们去公园散步吧。"
    assert sorted(examples("zh")) == sorted(examples("en"))
    assert examples("en")[0].isascii()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/app/speak", {"text": "[x](Q9)", "voice": "tiny"}),
        ("/app/speak", {"text": " ", "voice": "tiny"}),
        ("/app/speak", {"text": "[]", "voice": "tiny"}),
        ("/app/speak", {"text": "a" * 10_001, "voice": "tiny"}),
        ("/app/speak", {"text": "Hi.", "voice": "nobody"}),
        ("/app/speak", {"text": "Hi.", "prompt": "gone"}),
        ("/app/speak", {"text": "x" * 2**20, "voice": "tiny"}),
        ("/app/override", {"text": "Hi.", "index": 0, "said": "nonsense9"}),
        ("/app/voices", {"prompt": "gone", "name": "me"}),
        ("/v1/voices/nobody/sample", None),
        ("/app/results/gone.wav", None),
    ],
)
def test_errors_are_told_in_the_language_of_the_page(client: TestClient, path: str, body):
    def told(language: str) -> str:
        headers = {"X-Language": language}
        if body is None:
            answer = client.get(path, headers=headers)
        else:
            answer = client.post(path, json=body, headers=headers)
        if answer.headers["content-type"].startswith("text/event-stream"):
            return json.loads(answer.text.strip().splitlines()[-1][6:])["message"]
        return answer.json()["error"]["message"]

    assert re.search("[\u4e00-\u9fff]{2}", told("zh")), told("zh")
    assert told("en").isascii()
    assert told("") == told("en")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Hello. Привет мир. Goodbye.", "Привет"),
        ("Hello \U0001f718 there.", "1F718"),
        ("<speak><emphasis>Hello.</emphasis></speak>", "<emphasis>"),
    ],
)
def test_remarks_on_a_text_are_told_in_the_language_of_the_page(client: TestClient, text, named):
    def notes(language: str) -> list[str]:
        body = {"text": text, "voice": "tiny"}
        answer = client.post("/app/speak", json=body, headers={"X-Language": language})
        events = [json.loads(x[6:]) for x in answer.text.splitlines() if x.startswith("data:")]
        return next(e for e in events if e["type"] == "started")["notes"]

    assert all(named in note for note in (*notes("zh"), *notes("")))
    for language, chinese in (("zh", True), ("en", False)):
        (note,) = notes(language)
        assert bool(re.search("[\u4e00-\u9fff]{2}", note)) == chinese


@pytest.mark.parametrize("kind", ["text", "nothing", "silent", "noise", "short", "broken"])
def test_a_report_on_a_recording_is_all_chinese(service: SpeechService, tmp_path: Path, kind: str):
    from tts.serve.webui.page import check_prompt

    path = tmp_path / "a.wav"
    sounds = {
        "silent": np.zeros(48000),
        "noise": 0.1 * np.random.default_rng(0).standard_normal(48000),
        "short": speech_like(0.4),
    }
    if kind in sounds:
        soundfile.write(path, sounds[kind], SAMPLE_RATE)
    else:
        path.write_bytes({"text": b"no sound", "nothing": b"", "broken": b"fLaC" + bytes(99)}[kind])
    report = check_prompt(service, Client("x"), str(path), "", "zh")
    assert "不能使用" in report
    words = re.sub(r"<[^>]+>|dBFS|dB|wav|flac|mp3|ogg|opus|m4a|aac|webm", "", report)
    assert not re.search("[A-Za-z]{2}", words), words


def test_the_advice_names_the_length_that_is_used(service: SpeechService, tmp_path: Path):
    from tts.inference.prompt_audio import prepare_recording
    from tts.model.registry import EMBEDDED_PROMPT
    from tts.serve.webui.page import check_prompt

    path = tmp_path / "long.wav"
    soundfile.write(path, speech_like(14.0), SAMPLE_RATE)
    report = check_prompt(service, Client("x"), str(path), "", "en")
    assert "only the first 7 to 10 s are used" in report
    speech, _ = prepare_recording(speech_like(14.0), SAMPLE_RATE, EMBEDDED_PROMPT)
    assert 7.0 <= len(speech) / SAMPLE_RATE <= 10.0


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("K EH1 T AH0 L", "KET-uhl"),
        ("M AY0 N UW1 T", "my-NOOT"),
        ("K AH0 M P Y UW1 T ER0", "kuhm-PYOO-tur"),
        ("S T R EH1 NG K TH", "strengkth"),
        ("S IH1 NG ER0", "SING-ur"),
        ("AY1", "eye"),
        ("TH", "th"),
        ("yin2 hang2", "yín háng"),
        ("hua1 huar1 men5", "huā huār men"),
    ],
)
def test_respellings_can_be_said_at_sight(said: str, shown: str):
    assert respelled(said, "zh" if said[0].islower() else "en") == shown


def test_the_example_of_the_documentation_is_the_server_that_was_asked(service: SpeechService):
    from tts.serve.api import create_api

    client = TestClient(create_api(service), base_url="http://speech.example:8123")
    page = client.get("/docs").text
    assert "curl http://speech.example:8123/v1/audio/speech" in page
    assert f"&quot;voice&quot;: &quot;{load_voice().name}&quot;" in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--auth", "anna"], "USER:PASS"),
        (["--api-key", " "], "--api-key"),
        (["--max-chars", "0"], "max_chars"),
        (["--port", "70000"], "70000"),
        (["--cors", "example.org"], "example.org"),
        (["--cors", "https://example.org/page"], "scheme and host"),
        (["--model", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_options_end_with_one_clear_line(capsys, arguments: list[str], words: str):
    assert app.main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("cat-tts: error: ")
    assert words in error
    assert error.count("\n") == 1


def test_an_open_server_on_the_network_is_warned_of():
    assert warnings_for("127.0.0.1", Access()) == []
    assert "--api-key" in warnings_for("0.0.0.0", Access())[0]
    assert "unencrypted" in warnings_for("0.0.0.0", Access(api_key="k"))[0]


def test_help_is_quick_and_loads_nothing_heavy():
    code = (
        "import sys, app\n"
        "try: app.main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('torch', 'gradio', 'fastapi') if m in sys.modules])"
    )
    root = Path(app.__file__).parent
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert ran.stdout.splitlines()[-1] == "[]", ran.stdout + ran.stderr
