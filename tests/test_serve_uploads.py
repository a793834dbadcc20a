"""Uploaded recordings: every format that is promised, and everything that is none."""

from __future__ import annotations

import io
import zipfile

import av
import numpy as np
import pytest
import soundfile

from tiny import SAMPLE_RATE, speech_like
from tts.inference.prompt_findings import WHAT, check_reference, no_speech, notes_of
from tts.serve.uploads import UploadError, decode_upload


def with_soundfile(wav: np.ndarray, kind: str, subtype: str | None = None, rate: int = SAMPLE_RATE):
    file = io.BytesIO()
    soundfile.write(file, wav, rate, format=kind, subtype=subtype)
    return file.getvalue()


def with_av(wav: np.ndarray, container: str, codec: str, rate: int = 48000) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        assert isinstance(stream, av.AudioStream)
        resampler = av.AudioResampler("fltp" if codec == "aac" else "flt", "mono", rate)
        frame = av.AudioFrame.from_ndarray(wav[None], "flt", "mono")
        frame.sample_rate = SAMPLE_RATE
        fifo = av.AudioFifo()
        for piece in resampler.resample(frame) + resampler.resample(None):
            piece.pts = None
            fifo.write(piece)
        while part := fifo.read(stream.frame_size or 960, partial=True):
            part.pts = None
            for packet in stream.encode(part):
                out.mux(packet)
        for packet in stream.encode(None):
            out.mux(packet)
    return file.getvalue()


WAV = speech_like(2.0)
RECORDINGS = {
    "wav": with_soundfile(WAV, "WAV"),
    "wav-float": with_soundfile(WAV, "WAV", "FLOAT"),
    "wav-stereo-44100": with_soundfile(np.stack([WAV, WAV], 1), "WAV", rate=44100),
    "flac": with_soundfile(WAV, "FLAC"),
    "mp3": with_soundfile(WAV, "MP3"),
    "ogg": with_soundfile(WAV, "OGG", "VORBIS"),
    "opus": with_soundfile(WAV, "OGG", "OPUS"),
    "m4a": with_av(WAV, "mp4", "aac"),
    "aac": with_av(WAV, "adts", "aac"),
    "webm": with_av(WAV, "webm", "libopus"),
}


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_promised_format_is_read(name: str):
    wav = decode_upload(RECORDINGS[name], SAMPLE_RATE, 30)
    assert wav.dtype == np.float32
    seconds = 2.0 if "44100" not in name else 2.0 * SAMPLE_RATE / 44100
    assert len(wav) / SAMPLE_RATE == pytest.approx(seconds, abs=0.1)
    assert float(np.square(wav).mean()) == pytest.approx(float(np.square(WAV).mean()), rel=0.1)


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.wav", RECORDINGS["wav"])
    return file.getvalue()


def silent_flac(seconds: int, rate: int = 8000) -> bytes:
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, 1, format="FLAC", subtype="PCM_16") as out:
        for _ in range(seconds // 60):
            out.write(np.zeros(60 * rate, np.int16))
    return file.getvalue()


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n"
BAD = {
    "nothing": (b"", "empty"),
    "text": (b"hello, this is a text\n" * 50, "not a recording"),
    "zip": (zipped(), "not a recording"),
    "playlist": (PLAYLIST, "not a recording"),
    "zeros": (bytes(5000), "not a recording"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(100), "not a recording"),
    "header alone": (RECORDINGS["wav"][:44], "no samples"),
    "half a header": (RECORDINGS["wav"][:20], "cannot be decoded"),
    "broken flac": (b"fLaC" + bytes(400), "cannot be decoded"),
    "broken mp4": (b"\0\0\0\x20ftypM4A " + b"\xff" * 4000, "cannot be decoded"),
    "broken webm": (b"\x1a\x45\xdf\xa3" + b"\x01" * 4000, "cannot be decoded"),
    "broken ogg": (b"OggS" + b"\x07" * 4000, "cannot be decoded"),
    "nan": (with_soundfile(np.full(48000, np.nan, np.float32), "WAV", "FLOAT"), "NaN"),
    "two hours": (silent_flac(7200), "limit is 30 s"),
    "31 s": (with_soundfile(np.zeros(31 * 8000), "WAV", rate=8000), "31.0 s long"),
    "16 channels": (with_soundfile(np.zeros((9000, 16)), "WAV"), "16 channels"),
    "1 kHz": (with_soundfile(np.zeros(2000), "WAV", rate=1000), "1000 Hz"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_recordings_are_refused_clearly(name: str):
    data, words = BAD[name]
    with pytest.raises(UploadError, match=words) as caught:
        decode_upload(data, SAMPLE_RATE, 30)
    assert len(str(caught.value)) < 250


def test_a_mutilated_file_never_does_worse_than_an_upload_error():
    rng = np.random.default_rng(0)
    for name in ("wav", "flac", "mp3", "ogg", "opus", "m4a", "webm"):
        for _ in range(12):
            data = bytearray(RECORDINGS[name])
            for place in rng.integers(8, len(data), 30):
                data[place] = rng.integers(256)
            try:
                wav = decode_upload(bytes(data[: rng.integers(12, len(data))]), SAMPLE_RATE, 30)
            except UploadError:
                continue
            assert np.isfinite(wav).all()


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
    assert grades(clean(9.0))["length"] == ("warn", "long")
    assert grades(np.clip(12 * wav, -1, 1))["clipping"][0] in ("warn", "bad")
    assert grades(0.01 * wav)["level"] == ("bad", "quiet")
    noisy = wav + 0.1 * rng.standard_normal(len(wav)).astype(np.float32)
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
    hum = sum(np.sin(2 * np.pi * 50 * h * time) / h for h in range(1, 9))
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
