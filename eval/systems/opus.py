"""Opus as a yardstick: what a codec everyone has does with about as many bits."""

from __future__ import annotations

import io
from fractions import Fraction

import numpy as np

from eval.audio import AudioError, check_mono, resample
from eval.extras import require

# What libopus takes; anything else is resampled to 48 kHz and back.
_RATES_HZ = (8000, 12000, 16000, 24000, 48000)
MIN_BPS, MAX_BPS = 6000, 128_000


def opus_copy(
    wav: np.ndarray, sample_rate: int, bitrate_bps: int, is_speech: bool = True
) -> tuple[np.ndarray, float]:
    """Encode with libopus at a constant bitrate and decode again.

    Args:
        wav: float (N,), mono, N >= 1, in [-1, 1].
        sample_rate: in Hz.
        bitrate_bps: wanted, 6000 to 128000.
        is_speech: tune the encoder for speech, otherwise for music and sounds.

    Returns:
        float32 (N,) at `sample_rate`, in time with the input, and the true bitrate of the
        packets in bit/s, without the container.

    Raises:
        AudioError: empty, not mono or not finite.
        ValueError: the bitrate is out of range.
        MissingExtraError: PyAV is not installed.
    """
    av = require("av")
    if not MIN_BPS <= bitrate_bps <= MAX_BPS:
        raise ValueError(f"Opus bitrate is {bitrate_bps} bit/s, must be {MIN_BPS} to {MAX_BPS}")
    audio = check_mono(wav, sample_rate)
    if audio.size == 0:
        raise AudioError("wav is empty")
    rate = sample_rate if sample_rate in _RATES_HZ else 48000
    audio = resample(audio, sample_rate, rate)
    buffer, num_bytes = io.BytesIO(), 0
    options = {"application": "voip" if is_speech else "audio", "vbr": "off"}
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=rate, options=options)
        stream.bit_rate, stream.layout = bitrate_bps, "mono"
        frame = av.AudioFrame.from_ndarray(audio[None], format="flt", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            num_bytes += packet.size
            container.mux(packet)
    buffer.seek(0)
    with av.open(buffer) as container:
        decoded = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
        decoded_rate = container.streams.audio[0].rate
    copy = resample(np.concatenate(decoded), decoded_rate, sample_rate)
    # The last packet is padded; the container tells the decoder, but only to a packet's grain.
    out = np.zeros(wav.size, np.float32)
    out[: min(wav.size, copy.size)] = copy[: wav.size]
    return np.clip(out, -1.0, 1.0), num_bytes * 8 / (wav.size / sample_rate)
