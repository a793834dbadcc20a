"""The natural teachers: which voices there are, and (where they are) that they say our readings."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from frontend import phonemize
from frontend.types import Word
from tts.train.natural import (
    MAX_TOKENS,
    SAMPLE_RATE_HZ,
    DisagreementError,
    Hibari,
    Kokoro,
    Reader,
    Resized,
    Teachers,
)

TEACHERS = os.environ.get("CAT_TTS_TEACHERS", "")
needs_teachers = pytest.mark.skipif(
    not TEACHERS, reason="CAT_TTS_TEACHERS names no folder of teachers"
)
VOICES = ("af_a", "af_b", "af_c", "am_d", "am_e", "am_f", "bf_g", "bm_h", "zf_i", "zf_j", "zm_k")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Voices of random numbers, each its own; no programs."""
    (tmp_path / "kokoro/voices").mkdir(parents=True)
    for i, name in enumerate((*VOICES, "ef_x", "jm_y", "am_santa")):
        np.full(510 * 256, i, np.float32).tofile(tmp_path / "kokoro/voices" / f"{name}.bin")
    return tmp_path


def test_voices_tell_sex_language_and_accent(folder: Path) -> None:
    teachers = Teachers(folder)
    for name, gender, language, british in (
        ("af_a", "f", "en", False),
        ("bm_h", "m", "en", True),
        ("zf_i", "f", "zh", False),
    ):
        voice = teachers.voice(f"kokoro:{name}")
        assert isinstance(voice, Kokoro)
        assert (voice.gender, voice.language, voice.british) == (gender, language, british)
        assert voice.style.shape == (510, 1, 256)
    assert teachers.voice("hibari") == Hibari(teachers)


def test_a_mixture_is_somebody_of_one_sex_and_always_the_same(folder: Path) -> None:
    teachers = Teachers(folder)
    styles = set()
    for seed in range(40):
        for kind, language in (("mix", "en"), ("zmix", "zh")):
            name = f"kokoro:{kind}:{seed}"
            weights = teachers._mixture(f"{kind}:{seed}")
            assert sum(weights.values()) == pytest.approx(1)
            assert 1 <= len(weights) <= 3
            assert "am_santa" not in weights
            voice = teachers.voice(name)
            assert isinstance(voice, Kokoro)
            assert voice.language == language
            assert voice.gender in "fm"
            assert voice.gender == max(weights, key=lambda v: weights[v])[1]
            again = teachers.voice(name)
            assert isinstance(again, Kokoro)
            assert np.array_equal(voice.style, again.style)
            styles.add(float(voice.style[0, 0, 0]))
    assert len(styles) > 40


def test_another_size_is_another_pitch_at_the_same_pace(folder: Path) -> None:
    asked: list[float] = []

    @dataclass(frozen=True)
    class Tone:
        name: str = "tone"
        gender: str = "f"
        language: str = "en"

        def speak(self, words: tuple[Word, ...], rate: float, seed: int) -> np.ndarray:
            asked.append(rate)
            time = np.arange(round(SAMPLE_RATE_HZ / rate)) / SAMPLE_RATE_HZ
            return np.sin(2 * np.pi * 300 * time).astype(np.float32)

    voice = Resized(Tone(), 1.2)
    wav = voice.speak((), 1.1, 0)
    assert asked == [pytest.approx(1.32)]
    assert len(wav) / SAMPLE_RATE_HZ == pytest.approx(1 / 1.1, abs=0.01)
    peak = np.abs(np.fft.rfft(wav)).argmax() * SAMPLE_RATE_HZ / len(wav)
    assert peak == pytest.approx(300 / 1.2, abs=3)
    assert (voice.name, voice.gender, voice.language) == ("tone@1.2", "f", "en")
    found = Teachers(folder).voice("kokoro:af_a@1.10")
    assert found.name == "kokoro:af_a@1.1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bob", "voice 'bob' is unknown"),
        ("kokoro", "voice 'kokoro' is unknown"),
        ("kokoro:", "is unknown"),
        ("kokoro:af_z", "no voice 'af_z' .*there: af_a, af_b"),
        ("kokoro:mix", "a mixture is named by a number"),
        ("kokoro:mix:x", "a mixture is named by a number, mix:7"),
        ("hibari@2", "size @2: give a number from 0.8 to 1.25"),
        ("hibari@tall", "size @tall"),
        ("kokoro:af_a@nan", "size @nan"),
    ],
)
def test_voices_that_are_not_there(folder: Path, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Teachers(folder).voice(name)


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    teachers = Teachers(tmp_path)
    words = phonemize("Good tea.", "en").words
    for speak in (
        lambda: teachers.voice("hibari").speak(words, 1.0, 0),
        lambda: teachers.session("kokoro/model.onnx"),
        lambda: teachers.voice("kokoro:mix:3"),
    ):
        with pytest.raises(ValueError, match=r"fetch_teachers.py DIR"):
            speak()


class G2p:
    """Stands for the teacher's reading: what it says of each word."""

    def __init__(self, **readings: str) -> None:
        self.readings = readings

    def tokenize(self, text: str) -> list[str]:
        self.text = text
        return text.replace(",", " ,").replace(".", " .").split()

    def phonemize_tokens(self, tokens: list[str]) -> list[SimpleNamespace]:
        return [SimpleNamespace(text=t, phonemes=self.readings.get(t.lower(), "")) for t in tokens]


def test_the_teachers_reading_is_taken_where_it_is_a_way_of_saying_ours() -> None:
    words = phonemize("I read better water, yesterday.", "en").words
    g2p = G2p(i="ˌI", read="ɹˈid", better="bˈɛTəɹ", water="nonsense")
    readings = Reader(g2p, british=False).english(words)
    assert g2p.text == "I read better water, yesterday."
    # "read" is in the past here, whatever the teacher thinks
    assert readings[:4] == ["ˌI", "ɹˈɛd", "bˈɛTəɹ", "wˈɔtəɹ"]
    assert readings[4].startswith("jˈɛs")
    with pytest.raises(DisagreementError, match="'water' is read 'nonsense'"):
        Reader(g2p, british=True).english(words)


def test_words_that_the_teacher_divides_otherwise_are_said_as_ours() -> None:
    words = phonemize("Good tea.", "en").words
    g2p = G2p(good="ɡˈʊd", tea="tˈi")
    g2p.tokenize = lambda text: ["Good-tea", "."]  # type: ignore[method-assign]
    assert Reader(g2p, british=False).english(words) == ["ɡˈʊd", "tˈi"]


def test_hibari_speaks_english_only(folder: Path) -> None:
    with pytest.raises(DisagreementError, match="English only"):
        Hibari(Teachers(folder)).speak(phonemize("你好", "zh").words, 1.0, 0)


@needs_teachers
def test_tokens_are_bounded() -> None:
    teachers = Teachers(Path(TEACHERS))
    assert teachers.ids("a")[0] == teachers.ids("a")[-1] == 0
    for line in ("", "a" * (MAX_TOKENS + 1)):
        with pytest.raises(ValueError, match="a sentence needs 1 to 500"):
            teachers.ids(line)


@needs_teachers
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hibari", "I read the better letter, and the wind was live."),
        ("kokoro:af_heart", "Good morning."),
        ("kokoro:bf_emma", "Good morning."),
        ("kokoro:zf_xiaoxiao", "你好，我用Python。"),
    ],
)
def test_teachers_speak_and_say_the_same_again(name: str, text: str) -> None:
    voice = Teachers(Path(TEACHERS)).voice(name)
    words = phonemize(text, voice.language).words
    slow, fast, again = (voice.speak(words, rate, 1) for rate in (0.9, 1.2, 0.9))
    assert slow.dtype == np.float32
    assert np.isfinite(slow).all()
    assert 0.4 < len(slow) / SAMPLE_RATE_HZ < 8
    assert len(fast) < len(slow)
    assert np.array_equal(slow, again)
    assert slow.std() > 0.01
