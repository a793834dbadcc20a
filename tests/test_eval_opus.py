"""The yardstick: in time with its input, at the bitrate that it reports."""

import numpy as np
import pytest

from eval.audio import AudioError
from eval.metrics.codec_metrics import codec_metrics
from eval.systems.opus import opus_copy
from tiny import speech_like


@pytest.mark.parametrize("rate", [16000, 24000, 44100])
def test_copy_is_in_time_and_at_its_bitrate(rate: int):
    wav = speech_like(1.5, rate)[: int(1.437 * rate)]
    copy, bps = opus_copy(wav, rate, 16000)
    assert copy.shape == wav.shape
    assert copy.dtype == np.float32
    # Constant bitrate; the last packet of 20 ms is full, and there is one of look-ahead.
    assert 16000 <= bps <= 16000 * (1 + 0.04 / 1.437)
    lags = range(-40, 41)
    inner = slice(2000, -2000)
    match = [float(np.dot(wav[inner], np.roll(copy, lag)[inner])) for lag in lags]
    # Half a millisecond: its high-pass filter turns the phase a little.
    assert abs(lags[int(np.argmax(match))]) <= 0.0005 * rate


def test_more_bits_are_better():
    wav = speech_like(2.0, 16000)
    low, high = (
        codec_metrics(wav, opus_copy(wav, 16000, bps)[0], 16000, is_speech=False)
        for bps in (6000, 32000)
    )
    assert (high["mel_distance"] or 0) < (low["mel_distance"] or 0)


def test_bad_input():
    with pytest.raises(ValueError, match="must be 6000 to 128000"):
        opus_copy(speech_like(1.0), 24000, 500)
    with pytest.raises(AudioError, match="empty"):
        opus_copy(np.zeros(0, np.float32), 24000, 8000)
