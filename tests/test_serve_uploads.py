"""Uploaded recordings: every format that is promised, and everything that is none."""

from __future__ import annotations

import io
import zipfile

import av
import numpy as np
import pytest
import soundfile

from tiny import SAMPLE_RATE, speech_like
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
