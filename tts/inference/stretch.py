"""Faster or slower at the same pitch, after the fact.

The model itself has no speed; FFmpeg's `atempo` filter (overlap and add of similar waveforms)
shortens or lengthens what it has said. Around half and double speed that is clearly heard.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tokenizer.layout import silence
from tts.control import check_speed

TAIL_S = 0.5
# Within this range one filter does it well; beyond, several in a row.
_ONE_MIN, _ONE_MAX = 0.5, 2.0


class Stretcher:
    """Push samples, get stretched ones; the same whatever the sizes of the pieces."""

    def __init__(self, sample_rate: int, speed: float, channels: int = 1) -> None:
        from av.filter import Graph

        self._rate, self._speed, self._channels = sample_rate, check_speed(speed), channels
        self._layout = "mono" if channels == 1 else "stereo"
        self._position, self._given = 0, 0
        self._graph = Graph()
        self._base = Fraction(1, sample_rate)
        node = self._graph.add_abuffer(
            sample_rate=sample_rate, format="flt", layout=self._layout, time_base=self._base
        )
        for factor in _factors(speed):
            following = self._graph.add("atempo", f"{factor:.6f}")
            node.link_to(following)
            node = following
        node.link_to(self._graph.add("abuffersink"))
        self._graph.configure()

    def push(self, wav: np.ndarray) -> np.ndarray:
        """float32 (N,) or (N, channels) -> float32 (M,) or (M, channels), what is ready."""
        from av import AudioFrame

        if len(wav) == 0:
            return silence(0, self._channels)
        samples = np.ascontiguousarray(wav, dtype=np.float32).reshape(1, -1)
        frame = AudioFrame.from_ndarray(samples, format="flt", layout=self._layout)
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._position, self._base
        self._position += len(wav)
        self._graph.push(frame)
        return self._pull()

    def finish(self) -> np.ndarray:
        """What is left: in all, the length of what was pushed divided by the speed."""
        if self._position == 0:
            return silence(0, self._channels)
        missing = round(self._position / self._speed) - self._given
        # The filter is careless with its last windows, so let them be silence.
        rest = self.push(silence(round(TAIL_S * self._speed * self._rate), self._channels))
        self._graph.push(None)
        return np.concatenate([rest, self._pull()])[:missing]

    def _pull(self) -> np.ndarray:
        pieces = [silence(0, self._channels)]
        while True:
            try:
                piece = self._graph.pull().to_ndarray().reshape(-1)
                if self._channels > 1:
                    piece = piece.reshape(-1, self._channels)
                pieces.append(piece.astype(np.float32))
            except (BlockingIOError, EOFError):
                # PyAV's errors for "nothing yet" and "over" are kinds of these.
                self._given += sum(len(piece) for piece in pieces)
                return np.concatenate(pieces)


def _factors(speed: float) -> list[float]:
    factors = []
    while speed < _ONE_MIN or speed > _ONE_MAX:
        step = _ONE_MIN if speed < _ONE_MIN else _ONE_MAX
        factors.append(step)
        speed /= step
    return [*factors, speed]
