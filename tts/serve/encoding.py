"""Sound as the API sends it: every format of OpenAI's, chunk by chunk or whole."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

import numpy as np
import soxr

from tokenizer.audio import FORMATS, StreamEncoder, encode_sound, to_int16

if TYPE_CHECKING:
    from av import AudioStream

# OpenAI's clients play bare samples at this rate, whatever the model's is.
PCM_RATE = 24_000
AAC_BIT_RATE = 96_000
MEDIA_TYPES = {name: kind.media_type for name, kind in FORMATS.items()} | {"aac": "audio/aac"}


class Encoder(Protocol):
    """Push int16 (N,) or (N, channels), get the bytes that are ready; at last what is left."""

    def push(self, samples: np.ndarray) -> bytes: ...

    def finish(self) -> bytes: ...


def sent_rate(sample_rate: int, name: str) -> int:
    """The rate in Hz of what is sent in a format, where the model's is `sample_rate`."""
    return PCM_RATE if name == "pcm" else sample_rate


def stream_encoder(sample_rate: int, name: str) -> Encoder:
    """The encoder of a format, a key of `MEDIA_TYPES`, for samples at `sample_rate` Hz.

    Raises:
        AudioError: the format cannot hold this rate.
    """
    if name == "aac":
        return _AacEncoder(sample_rate)
    if name == "pcm":
        return _PcmEncoder(sample_rate)
    return StreamEncoder(sample_rate, name)


def encode_whole(samples: np.ndarray, sample_rate: int, name: str) -> bytes:
    """int16 (N,) or (N, channels) -> a whole file, whose header tells its length."""
    if name in ("aac", "pcm"):  # neither has such a header
        encoder = stream_encoder(sample_rate, name)
        return encoder.push(samples) + encoder.finish()
    return encode_sound(samples, sample_rate, name)


class _PcmEncoder:
    """One channel, the mean of them all, at `PCM_RATE`."""

    def __init__(self, sample_rate: int) -> None:
        # Not in int16, where soxr adds dither: the same request would give other bytes.
        self._stream: soxr.ResampleStream | None = None
        if sample_rate != PCM_RATE:
            self._stream = soxr.ResampleStream(sample_rate, PCM_RATE, 1, quality="HQ")

    def push(self, samples: np.ndarray, last: bool = False) -> bytes:
        wide = samples if samples.ndim == 2 else samples[:, None]
        wav = wide.mean(axis=1, dtype=np.float32) / 32767
        if self._stream is not None:
            wav = self._stream.resample_chunk(wav, last=last)
        return to_int16(wav).tobytes()

    def finish(self) -> bytes:
        return self.push(np.zeros(0, np.int16), last=True)


class _AacEncoder:
    """AAC in ADTS frames, by FFmpeg's encoder."""

    def __init__(self, sample_rate: int) -> None:
        import av

        self._rate, self._position = sample_rate, 0
        self._sink = io.BytesIO()
        self._file = av.open(self._sink, "w", format="adts")
        self._stream: AudioStream | None = None

    def push(self, samples: np.ndarray) -> bytes:
        from av import AudioFrame

        if len(samples) == 0:
            return b""
        wide = samples.T if samples.ndim == 2 else samples[None]
        layout = "mono" if len(wide) == 1 else "stereo"
        stream = self._stream
        if stream is None:
            stream = self._stream = self._file.add_stream("aac", rate=self._rate, layout=layout)
            stream.bit_rate = AAC_BIT_RATE
        wav = np.ascontiguousarray(wide, dtype=np.float32) / 32768
        frame = AudioFrame.from_ndarray(wav, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = self._rate, self._position
        self._position += len(samples)
        self._file.mux(stream.encode(frame))
        return self._taken()

    def finish(self) -> bytes:
        if self._stream is not None:
            self._file.mux(self._stream.encode(None))
        self._file.close()
        return self._taken()

    def _taken(self) -> bytes:
        ready = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return ready
