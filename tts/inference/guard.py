"""Speech that went wrong: what can be told without listening, and how often it is said again.

A language model of speech may run on without end, fall silent, or say one thing over and over.
That it leaves words out, or says them twice, only a listener can tell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from tokenizer.audio import BLOCK_SAMPLES, PAUSE_DB, block_levels, is_silent

if TYPE_CHECKING:
    from tts.listen.check import Check
    from tts.listen.model import Listener

# Loops of up to a second are looked for; longer ones are text that repeats itself.
LONGEST_PERIOD_S = 1.0
# The first codebooks carry the words; finer ones differ even where a sound is held.
COARSE_CODEBOOKS = 2
_PAUSE = re.compile(r"\[\s*pause\s+([\d.]+)\s*(ms|s)\s*\]", re.IGNORECASE)


@dataclass(frozen=True)
class Guard:
    """The one policy of all that speaks; see `tts.inference.speaking`.

    Attributes:
        retries: how often a piece that went wrong is said again, each time with another seed.
        max_silence_s, max_repeat_s: longest pause, and longest stretch of the same, beyond what
            the text asks for by `[pause 2s]`; 0 allows any.
        listener: reads back what was said, where that is asked for; see `tts.listen.check`.
    """

    retries: int = 2
    max_silence_s: float = 3.0
    max_repeat_s: float = 3.0
    listener: Listener | None = None

    def of_codes(self, text: str, codes: Tensor, finished_by: str, frame_rate: float) -> str | None:
        """What is wrong with a piece's codes, or None; see `code_complaint`."""
        longest = self.max_repeat_s and self.max_repeat_s + asked_pause_s(text)
        return code_complaint(codes, finished_by, frame_rate, longest)

    def of_sound(self, text: str, wav: np.ndarray, sample_rate: int) -> str | None:
        """What is wrong with a piece's sound, or None; see `sound_complaint`."""
        longest = self.max_silence_s and self.max_silence_s + asked_pause_s(text)
        return sound_complaint(wav, sample_rate, longest)

    def of_words(self, symbols: Sequence[str], codes: Tensor) -> Check | None:
        """How a piece's codes compare with its symbols; None where that is not asked for."""
        if self.listener is None or not symbols:
            return None
        from tts.listen.check import check

        return check(codes, symbols, self.listener)


def code_complaint(
    codes: Tensor, finished_by: str, frame_rate: float, max_repeat_s: float
) -> str | None:
    """What is wrong with a piece's codes, or None.

    Args:
        codes: int64 (k, T).
        finished_by: 'eos' or 'budget'.
        frame_rate: frames a second.
        max_repeat_s: longest stretch of the same; 0 allows any.
    """
    if finished_by != "eos":
        return f"runaway: no end after {codes.shape[1]} frames"
    if codes.shape[1] == 0:
        return "empty: ended at once"
    if max_repeat_s:
        repeated = longest_repeat(codes, round(LONGEST_PERIOD_S * frame_rate)) / frame_rate
        if repeated > max_repeat_s:
            return f"repetition: the same for {repeated:.1f} s"
    return None


def longest_repeat(codes: Tensor, longest_period: int) -> int:
    """Frames of the longest stretch in which the coarse codes repeat with any short period."""
    coarse = codes[:COARSE_CODEBOOKS].cpu()
    longest = 0
    for period in range(1, min(longest_period, coarse.shape[1] - 1) + 1):
        same = (coarse[:, period:] == coarse[:, :-period]).all(dim=0)
        stretch = _longest_run(same.numpy())
        # A single echo is no loop.
        if stretch >= 3 * period:
            longest = max(longest, stretch + period)
    return longest


def sound_complaint(wav: np.ndarray, sample_rate: int, max_silence_s: float) -> str | None:
    """What is wrong with a piece's sound, or None.

    Args:
        wav: float32 (N,).
        sample_rate: in Hz.
        max_silence_s: longest pause; 0 allows any, and silence altogether.
    """
    if not max_silence_s:
        return None
    if is_silent(wav):
        return "silence: nothing can be heard"
    levels = block_levels(wav)
    quiet = levels < levels.max() * 10 ** (-PAUSE_DB / 20)
    pause = _longest_run(quiet) * BLOCK_SAMPLES / sample_rate
    if pause > max_silence_s:
        return f"silence: a pause of {pause:.1f} s"
    return None


def asked_pause_s(text: str) -> float:
    """The longest pause that a text asks for by `[pause 2s]`, in seconds."""
    lengths = [
        float(number) / (1000 if unit.lower() == "ms" else 1)
        for number, unit in _PAUSE.findall(text)
        if number.count(".") <= 1 and number != "."
    ]
    return max(lengths, default=0.0)


def _longest_run(flags: np.ndarray) -> int:
    """Length of the longest run of True."""
    edges = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return int(max(np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0), default=0))
