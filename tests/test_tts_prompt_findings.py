"""What is wrong with a recording: found alike for page, API and command line."""

from __future__ import annotations

import numpy as np

from tiny import SAMPLE_RATE, speech_like
from tts.inference.prompt_findings import WHAT, check_reference, no_speech, notes_of


def grades(wav: np.ndarray, transcript: str = "") -> dict[str, tuple[str, str]]:
    found = check_reference(wav, SAMPLE_RATE, transcript)
    return {finding.what: (finding.grade, finding.case) for finding in found}


def clean(seconds: float = 3.0) -> np.ndarray:
    """Speech-like sound in syllables with real pauses between them, and hardly any noise."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    gate = np.clip(0.6 + 3 * np.sin(2 * np.pi * 2 * time + 1), 0.005, 1)
    return (0.8 * gate * speech_like(seconds)).astype(np.float32)


def test_a_clean_recording_passes_every_check():
    found = grades(clean(), "hello there, this is a recording")
    assert found == dict.fromkeys(WHAT, ("good", ""))


def test_each_flaw_is_found():
    wav = clean()
    rng = np.random.default_rng(0)
    for constant in (0.0, 0.4):
        found = grades(np.full(48000, constant, np.float32))
        assert found == {"level": ("bad", "silent")}
    assert grades(wav + 0.1)["offset"] == ("warn", "offset")
    assert grades(tune())["music"] == ("warn", "music")
    assert grades(clean(0.5))["length"] == ("bad", "too_short")
    assert grades(clean(1.2))["length"] == ("warn", "short")
    assert grades(clean(12.0))["length"] == ("warn", "long")
    assert grades(np.clip(12 * wav, -1, 1))["clipping"][0] in ("warn", "bad")
    assert grades(0.01 * wav)["level"] == ("bad", "quiet")
    noisy = wav + 0.03 * rng.standard_normal(len(wav)).astype(np.float32)
    assert grades(noisy)["noise"] == ("bad", "noisy")
    gaps = np.concatenate([wav[:24000], np.zeros(6 * SAMPLE_RATE, np.float32), wav[:24000]])
    assert grades(gaps)["silence"][1] == "gaps"


def tune() -> np.ndarray:
    """Three chords of held notes."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    chords = [(220, 277, 330), (247, 311, 370), (196, 247, 294)]
    swell = np.minimum(1, 20 * time) * np.exp(-time)
    notes = [
        sum(np.sin(2 * np.pi * h * f * time) / h for f in c for h in (1, 2, 3)) for c in chords
    ]
    return (0.1 * np.concatenate([swell * note for note in notes])).astype(np.float32)


def coloured(power: float, seconds: float = 3.0) -> np.ndarray:
    """Noise whose power falls with that power of the frequency."""
    size = round(seconds * SAMPLE_RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(size))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** (power / 2)
    wav = np.fft.irfft(spectrum, size)
    return (0.3 * wav / np.abs(wav).max()).astype(np.float32)


def test_noise_alone_is_no_speech_and_noisy_speech_is():
    time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    hum = np.sum([np.sin(2 * np.pi * 50 * h * time) / h for h in range(1, 9)], axis=0)
    bursts = coloured(0) * (0.05 + (np.sin(2 * np.pi * 3 * time) > 0))
    for wav in (coloured(0), coloured(1), coloured(2), hum, bursts, coloured(1, 1.0)):
        assert no_speech(wav.astype(np.float32), SAMPLE_RATE) == "no_speech"
    speech = clean()
    for level in (0.0, 0.5, 1.0):
        noise = coloured(1)
        noisy = speech + (level * speech.std() / noise.std() * noise).astype(np.float32)
        assert no_speech(noisy, SAMPLE_RATE) is None, level


def test_notes_say_what_is_wrong_and_what_to_do():
    notes = notes_of(check_reference(clean(1.2) + 0.1, SAMPLE_RATE, "?!"))
    assert [note.split(":")[0] for note in notes] == [
        "length of the recording (1.2 s of speech)",
        "DC offset of the recording (10.0% of full scale)",
        "transcript of the recording",
    ]


def test_the_transcript_is_looked_at():
    assert grades(clean(), "今天天气很好 and it is very sunny")["transcript"] == ("warn", "mixed")
    assert grades(clean(), "hi")["transcript"] == ("warn", "mismatch")
    assert grades(clean(), "?!")["transcript"] == ("warn", "no_words")
    assert grades(clean(), "今天天气很好我们去公园")["transcript"] == ("good", "")
