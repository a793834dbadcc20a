"""Faster or slower at the same pitch, after the fact.

The model itself has no speed; FFmpeg's `atempo` filter (overlap and add of similar waveforms)
shortens or lengthens what it has said. Around half and double speed that is clearly heard.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from tts.control import check_speed

TAIL_S = 0.5
# Within this range one filter does it well; beyond, several in a row.
_ONE_MIN, _ONE_MAX = 0.5, 2.0


class Stretcher:
    """Push samples, get stretched ones; the same whatever the sizes of the pieces."""

    def __init__(self, sample_rate: int, speed: float) -> None:
        from av.filter import Graph

        self._rate, self._speed = sample_rate, check_speed(speed)
        self._position, self._given = 0, 0
        self._graph = Graph()
        self._base = Fraction(1, sample_rate)
        node = self._graph.add_abuffer(
            sample_rate=sample_rate, format="flt", layout="mono", time_base=self._base
        )
        for factor in _factors(speed):
            following = self._graph.add("atempo", f"{factor:.6f}")
            node.link_to(following)
            node = following
        node.link_to(self._graph.add("abuffersink"))
        self._graph.configure()

    def push(self, wav: np.ndarray) -> np.ndarray:
        """float32 (N,) -> float32 (M,), what is ready."""
        from av import AudioFrame

        if len(wav) == 0:
            return np.zeros(0, np.float32)
        samples = np.ascontiguousarray(wav, dtype=np.float32)[None]
        frame = AudioFrame.from_ndarray(samples, format="flt", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._position, self._base
        self._position += len(wav)
        self._graph.push(frame)
        return self._pull()

    def finish(self) -> np.ndarray:
        """What is left: in all, the length of what was pushed divided by the speed."""
        if self._position == 0:
            return np.zeros(0, np.float32)
        missing = round(self._position / self._speed) - self._given
        # The filter is careless with its last windows, so let them be silence.
        rest = self.push(np.zeros(round(TAIL_S * self._speed * self._rate), np.float32))
        self._graph.push(None)
        return np.concatenate([rest, self._pull()])[:missing]

    def _pull(self) -> np.ndarray:
        pieces = [np.zeros(0, np.float32)]
        while True:
            try:
                piece = self._graph.pull().to_ndarray().reshape(-1)
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
