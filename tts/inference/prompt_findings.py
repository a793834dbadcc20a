"""Is a recording a good prompt? What is measured, what it means, and the words for it.

Page, API and command line tell the same: `check_reference` finds it, `notes_of` says it in English.
The bounds of the measures for noise and music lie between 115 recordings of people and noises, hums
and tunes made by rule.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from frontend.clean import HAN_CHARACTER
from tokenizer.audio import block_levels, is_silent, trim_silence

MIN_PROMPT_S, MAX_PROMPT_S = 1.0, 30.0
# The embedded model was trained with prompts of 1 to 10 s; up to there nothing is cut off.
WHOLE_PROMPT_S, CUT_FROM_S, CUT_TO_S = 10.0, 7.0, 10.0
# Bounds between good, doubtful and bad.
GOOD_SPEECH_S = 3.0
CLIPPED_AT, CLIP_RUN = 0.985, 3
WARN_CLIPPED, BAD_CLIPPED = 1e-4, 1e-2
QUIET_DBFS, VERY_QUIET_DBFS, LOUD_DBFS = -38.0, -50.0, -9.0
NOISY_SNR_DB, VERY_NOISY_SNR_DB = 22.0, 12.0
WARN_SILENT, BAD_SILENT = 0.4, 0.7
WARN_DC = 0.02
# Spectra of speech change their shape by 5.4 dB and more, of noise alone by 2 dB.
NOISE_CHANGE_DB, STEADY_RANGE_DB = 2.4, 3.0
# Of speech up to 0.58 holds a tone for 0.3 s.
MUSIC_SHARE = 0.6
HELD_FRAMES = 20
# Nobody reads slower or faster than this; a Chinese character counts for three letters.
MIN_LETTERS_PER_S, MAX_LETTERS_PER_S = 3.0, 30.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes:
        what: a key of `WHAT`.
        grade: 'good', 'warn' or 'bad'.
        case: which advice fits, such as 'short'; empty where all is well.
        value: the measure, in the unit that `VALUE` gives it.
    """

    what: str
    grade: str
    case: str
    value: float


WHAT = {
    "length": "length",
    "clipping": "clipping",
    "level": "level",
    "offset": "DC offset",
    "noise": "noise",
    "silence": "silence",
    "music": "music",
    "transcript": "transcript",
}
VALUE = {
    "length": "{0:.1f} s of speech",
    "clipping": "{0:.2%} of the samples",
    "level": "{0:.0f} dBFS",
    "offset": "{0:.1%} of full scale",
    "noise": "{0:.0f} dB above the noise",
    "silence": "{0:.0%} of the time",
    "music": "tones held in {0:.0%} of the time",
    "transcript": "{0:.0f} letters per second",
}
# Where the value would say nothing.
UNMEASURED = frozenset({"silent", "no_speech", "mixed", "no_words"})
ADVICE = {
    "too_short": f"too short: record at least {MIN_PROMPT_S:g} s",
    "short": f"short: {GOOD_SPEECH_S:g} to {WHOLE_PROMPT_S:g} s sound better",
    "long": f"long: only the first {CUT_FROM_S:g} to {CUT_TO_S:g} s are used, "
    "without the transcript",
    "clipped": "overdriven: record again, softer or farther from the microphone",
    "silent": "nothing can be heard: check the microphone",
    "quiet": "very soft: go nearer to the microphone",
    "loud": "very loud: go farther from the microphone",
    "offset": "the microphone or sound card adds a constant: try another, or filter it out",
    "noisy": "noisy: record in a quiet room, without music or fan",
    "no_speech": "no speech in it, only noise or one steady sound: record a voice",
    "music": "music or a held tone: record the voice alone",
    "gaps": "long silences: cut them out",
    "mixed": "more than one language: a recording in one language works better",
    "mismatch": "does not fit the length: write exactly what is said, or leave it empty",
    "no_words": "holds no words: leave it empty",
}


def check_reference(
    wav: np.ndarray, sample_rate: int, transcript: str = "", cut: bool = True
) -> list[Finding]:
    """Measure a prompt recording and say what is well and what is not.

    Args:
        wav: float32 (N,) in [-1, 1].
        sample_rate: in Hz.
        transcript: what is said; empty if not known.
        cut: whether the model uses no more than the beginning of a long one.

    Returns:
        Findings in the order of `WHAT`, transcript only if given; where there is no speech in it,
        that alone.
    """
    if (case := no_speech(wav, sample_rate)) is not None:
        return [Finding("level" if case == "silent" else "noise", "bad", case, -np.inf)]
    # An offset is a finding of its own, and would pass for level and noise.
    speech = trim_silence(wav - wav.mean(), sample_rate)
    seconds = len(speech) / sample_rate
    levels = block_levels(speech)
    findings = [
        _length(seconds, cut),
        _clipping(wav),
        _level(levels),
        _offset(wav),
        _noise(levels),
        _silence(levels, seconds, len(wav) / sample_rate),
        _music(speech, sample_rate),
    ]
    if transcript.strip():
        findings.append(_transcript(transcript, seconds))
    return findings


def no_speech(wav: np.ndarray, sample_rate: int) -> str | None:
    """'silent' if nothing or one constant value is in it, 'no_speech' if only noise or one tone."""
    wav = wav - wav.mean() if wav.size else wav
    if is_silent(wav):
        return "silent"
    if len(wav) < MIN_PROMPT_S * sample_rate:  # refused for its length
        return None
    levels = block_levels(trim_silence(wav, sample_rate))
    low, high = np.quantile(levels, (0.1, 0.95))
    steady = _db(high / max(low, 1e-9)) < STEADY_RANGE_DB
    return "no_speech" if steady or _shape_change_db(wav, sample_rate) < NOISE_CHANGE_DB else None


def notes_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """What is not well, in English, one sentence each."""
    return tuple(
        f"{WHAT[f.what]} of the recording{_measured(f)}: {ADVICE[f.case]}"
        for f in findings
        if f.case
    )


def _measured(finding: Finding) -> str:
    if finding.case in UNMEASURED:
        return ""
    return f" ({VALUE[finding.what].format(finding.value)})"


def script_shares(text: str) -> tuple[int, int]:
    """(Latin letters, Chinese characters) in a text."""
    latin = sum(c.isalpha() and ord(c) < 0x250 for c in text)
    return latin, len(HAN_CHARACTER.findall(text))


def _length(seconds: float, cut: bool) -> Finding:
    if seconds < MIN_PROMPT_S:
        return Finding("length", "bad", "too_short", seconds)
    if seconds < GOOD_SPEECH_S:
        return Finding("length", "warn", "short", seconds)
    if cut and seconds > WHOLE_PROMPT_S:
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


def _offset(wav: np.ndarray) -> Finding:
    offset = abs(float(wav.mean()))
    high = offset > WARN_DC
    return Finding("offset", "warn" if high else "good", "offset" if high else "", offset)


def _music(speech: np.ndarray, sample_rate: int) -> Finding:
    share = _held_share(speech, sample_rate)
    high = share > MUSIC_SHARE
    return Finding("music", "warn" if high else "good", "music" if high else "", share)


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


def _spectra(wav: np.ndarray, sample_rate: int, seconds: float) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes (frames, bins) of windows of that length, four a window, and the bins' Hz."""
    size = round(seconds * sample_rate)
    wav = np.pad(wav, (0, max(0, size - len(wav))))
    frames = np.lib.stride_tricks.sliding_window_view(wav, size)[:: size // 4]
    magnitudes = np.abs(np.fft.rfft(frames * np.hanning(size), 2 * size))
    return magnitudes, np.fft.rfftfreq(2 * size, 1 / sample_rate)


def _shape_change_db(wav: np.ndarray, sample_rate: int) -> float:
    """How much the spectrum changes its shape over time: the median deviation of ten bands.

    Level and tilt say nothing here, so that noise of any colour that comes and goes is noise.
    """
    magnitudes, hz = _spectra(np.diff(wav), sample_rate, 0.032)
    edges = np.geomspace(150, min(sample_rate / 2, 6000), 11)
    bands = [
        np.square(magnitudes[:, (hz >= low) & (hz < high)]).mean(axis=1)
        for low, high in itertools.pairwise(edges)
    ]
    power = np.stack(bands, axis=1)
    total = power.sum(axis=1)
    shapes = 10 * np.log10(power[total > 1e-3 * total.max()] + 1e-12 * total.max())
    shapes -= shapes.mean(axis=1, keepdims=True)
    return float(np.median(shapes.std(axis=0)))


def _held_share(wav: np.ndarray, sample_rate: int) -> float:
    """The share of loud moments in which a tone stands still for 0.3 s, as voices hardly do."""
    magnitudes, hz = _spectra(wav - wav.mean(), sample_rate, 0.064)
    levels = 20 * np.log10(magnitudes[:, (hz > 100) & (hz < 3000)] + 1e-9)
    middle, top = levels[:, 1:-1], levels.max()
    clear = (middle > np.median(levels, axis=1, keepdims=True) + 15) & (middle > top - 40)
    peaks = np.pad(clear & (middle > levels[:, :-2]) & (middle >= levels[:, 2:]), ((0, 0), (1, 1)))
    age, longest = np.zeros(peaks.shape[1], int), []
    for present in peaks:
        near = np.maximum(age, np.maximum(np.append(0, age[:-1]), np.append(age[1:], 0)))
        age = np.where(present, near + 1, 0)
        longest.append(age.max())
    loud = levels.max(axis=1) > top - 35
    return float((np.array(longest)[loud] >= HELD_FRAMES).mean())


def _db(ratio: float) -> float:
    return 20 * float(np.log10(max(ratio, 1e-9)))
