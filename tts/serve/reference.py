"""Is a recording a good prompt? Measures, and what they mean; words for people are elsewhere."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from frontend.clean import HAN
from tokenizer.audio import block_levels, is_silent, trim_silence
from tts.inference.prompt_audio import MIN_PROMPT_S, WHOLE_PROMPT_S

_HAN = re.compile(f"[{HAN}]")
# Bounds between good, doubtful and bad.
GOOD_SPEECH_S = 1.5
CLIPPED_AT, CLIP_RUN = 0.985, 3
WARN_CLIPPED, BAD_CLIPPED = 1e-4, 1e-2
QUIET_DBFS, VERY_QUIET_DBFS, LOUD_DBFS = -38.0, -50.0, -9.0
NOISY_SNR_DB, VERY_NOISY_SNR_DB = 22.0, 12.0
WARN_SILENT, BAD_SILENT = 0.4, 0.7
# Nobody reads slower or faster than this; a Chinese character counts for three letters.
MIN_LETTERS_PER_S, MAX_LETTERS_PER_S = 3.0, 30.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        what: 'length', 'clipping', 'level', 'noise', 'silence' or 'transcript'.
        grade: 'good', 'warn' or 'bad'.
        case: which advice fits, such as 'short'; empty where all is well.
        value: the measure: seconds, share of samples, dBFS, dB, share, letters per second.
    """

    what: str
    grade: str
    case: str
    value: float


def check_reference(wav: np.ndarray, sample_rate: int, transcript: str = "") -> list[Finding]:
    """Look a prompt over.

    Args:
        wav: float32 (N,) in [-1, 1].
        sample_rate: in Hz.
        transcript: what is said; empty if not known.

    Returns:
        Findings in the order length, clipping, level, noise, silence, and transcript if given.
    """
    if is_silent(wav):
        return [Finding("level", "bad", "silent", -np.inf)]
    speech = trim_silence(wav, sample_rate)
    seconds = len(speech) / sample_rate
    levels = block_levels(speech)
    findings = [
        _length(seconds),
        _clipping(wav),
        _level(levels),
        _noise(levels),
        _silence(levels, seconds, len(wav) / sample_rate),
    ]
    if transcript.strip():
        findings.append(_transcript(transcript, seconds))
    return findings


def script_shares(text: str) -> tuple[int, int]:
    """(Latin letters, Chinese characters) in a text."""
    latin = sum(c.isalpha() and ord(c) < 0x250 for c in text)
    return latin, len(_HAN.findall(text))


def _length(seconds: float) -> Finding:
    if seconds < MIN_PROMPT_S:
        return Finding("length", "bad", "too_short", seconds)
    if seconds < GOOD_SPEECH_S:
        return Finding("length", "warn", "short", seconds)
    if seconds > WHOLE_PROMPT_S:
        return Finding("length", "warn", "long", seconds)
    return Finding("length", "good", "", seconds)


def _clipping(wav: np.ndarray) -> Finding:
    """Runs of samples at the peak; a single one may be an honest peak."""
    top = np.abs(wav) >= CLIPPED_AT * max(float(np.abs(wav).max()), CLIPPED_AT)
    run = top.copy()
    for shift in range(1, CLIP_RUN):
        run[shift:] &= top[:-shift]
        run[:shift] = False
    share = float(run.mean())
    grade = "bad" if share > BAD_CLIPPED else "warn" if share > WARN_CLIPPED else "good"
    return Finding("clipping", grade, "" if grade == "good" else "clipped", share)


def _level(levels: np.ndarray) -> Finding:
    loud = levels[levels >= np.quantile(levels, 0.5)]
    dbfs = _db(float(np.sqrt(np.square(loud).mean())))
    if dbfs < VERY_QUIET_DBFS:
        return Finding("level", "bad", "quiet", dbfs)
    if dbfs < QUIET_DBFS:
        return Finding("level", "warn", "quiet", dbfs)
    if dbfs > LOUD_DBFS:
        return Finding("level", "warn", "loud", dbfs)
    return Finding("level", "good", "", dbfs)


def _noise(levels: np.ndarray) -> Finding:
    """Speech against what remains in its quietest moments."""
    floor = max(float(np.quantile(levels, 0.05)), 1e-6)
    snr = _db(float(np.quantile(levels, 0.9)) / floor)
    grade = "good"
    if snr < NOISY_SNR_DB:
        grade = "bad" if snr < VERY_NOISY_SNR_DB else "warn"
    return Finding("noise", grade, "" if grade == "good" else "noisy", snr)


def _silence(levels: np.ndarray, speech_s: float, total_s: float) -> Finding:
    quiet = float((levels < levels.max() * 10 ** (-40 / 20)).mean())
    share = 1 - (1 - quiet) * speech_s / total_s
    grade = "bad" if share > BAD_SILENT else "warn" if share > WARN_SILENT else "good"
    return Finding("silence", grade, "" if grade == "good" else "gaps", share)


def _transcript(transcript: str, seconds: float) -> Finding:
    latin, han = script_shares(transcript)
    rate = (latin + 3 * han) / max(seconds, 0.1)
    if latin + han == 0:
        return Finding("transcript", "warn", "no_words", 0.0)
    if min(latin, 3 * han) > 0.2 * (latin + 3 * han):
        return Finding("transcript", "warn", "mixed", min(latin, 3 * han) / (latin + 3 * han))
    if not MIN_LETTERS_PER_S <= rate <= MAX_LETTERS_PER_S:
        return Finding("transcript", "warn", "mismatch", rate)
    return Finding("transcript", "good", "", rate)


def _db(ratio: float) -> float:
    return 20 * float(np.log10(max(ratio, 1e-9)))
