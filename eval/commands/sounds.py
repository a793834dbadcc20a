"""Sounds that are no speech, made by rule: for the codec table where no recordings are at hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from eval.audio import write_wav
from eval.report import json_line

RATE_HZ, SECONDS = 24000, 3.0
PEAK = 0.5
_TUNE_HZ = (220.0, 277.2, 329.6, 440.0, 392.0, 329.6, 261.6, 293.7, 220.0, 164.8)


def _time() -> np.ndarray:
    return np.arange(round(RATE_HZ * SECONDS)) / RATE_HZ


def _coloured(rng: np.random.Generator, slope: float) -> np.ndarray:
    """Noise whose power falls with frequency to the power of `slope`."""
    size = _time().size
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE_HZ), 20.0)
    return np.fft.irfft(spectrum * hz ** (-slope / 2), size)


def _pluck(rng: np.random.Generator, hz: float, seconds: float) -> np.ndarray:
    """A string after Karplus and Strong: noise that goes round a damped loop."""
    period = round(RATE_HZ / hz)
    out = np.zeros(round(seconds * RATE_HZ))
    out[:period] = rng.uniform(-1, 1, period)
    for start in range(period, out.size, period):
        before = out[start - period : start]
        loop = 0.498 * (before + np.roll(before, 1))
        out[start : start + period] = loop[: out.size - start]
    return out


def _tune(rng: np.random.Generator, voices: int) -> np.ndarray:
    """Plucked notes one after another, `voices` of them at once."""
    out = np.zeros(_time().size)
    step = out.size // len(_TUNE_HZ)
    for number, hz in enumerate(_TUNE_HZ):
        for voice in range(voices):
            note = _pluck(rng, hz * (1, 1.25, 1.5)[voice], 1.0)[: out.size - number * step]
            out[number * step : number * step + note.size] += note
    return out


def _drums(rng: np.random.Generator) -> np.ndarray:
    t = _time()
    beat = t % 0.5
    kick = np.sin(2 * np.pi * (50 * beat + 8 * (1 - np.exp(-20 * beat)))) * np.exp(-8 * beat)
    hat = rng.standard_normal(t.size) * np.exp(-60 * (t % 0.25)) * 0.3
    return kick + hat


def _bells(rng: np.random.Generator) -> np.ndarray:
    t, out = _time(), np.zeros(_time().size)
    for start in np.arange(0, SECONDS, 0.6):
        since, base = np.maximum(t - start, 0), rng.uniform(400, 900)
        for partial, decay in ((1, 3), (2.76, 4), (5.4, 6), (8.93, 9)):
            out += (
                np.sin(2 * np.pi * base * partial * since) * np.exp(-decay * since) * (t >= start)
            )
    return out


def _drips(rng: np.random.Generator) -> np.ndarray:
    """Clicks that ring, at random times."""
    out = np.zeros(_time().size)
    ring = np.arange(1200) / RATE_HZ
    for start in rng.integers(0, out.size - ring.size, 60):
        drop = np.sin(2 * np.pi * rng.uniform(800, 5000) * ring) * np.exp(-150 * ring)
        out[start : start + ring.size] += rng.uniform(0.2, 1) * drop
    return out


def _engine(rng: np.random.Generator) -> np.ndarray:
    t = _time()
    phase = 2 * np.pi * np.cumsum(40 + 15 * np.sin(2 * np.pi * 0.3 * t)) / RATE_HZ
    hum = sum(np.sin(k * phase) / k for k in range(1, 20))
    return hum + 0.2 * rng.standard_normal(t.size)


def _siren(_: np.random.Generator) -> np.ndarray:
    hz = 700 + 300 * np.sin(2 * np.pi * 0.8 * _time())
    return np.sign(np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)) * 0.5


def _chord(_: np.random.Generator) -> np.ndarray:
    """An organ's chord, with tremolo."""
    t = _time()
    tones = [np.sin(2 * np.pi * f * k * t) / k for f in (220, 277.2, 329.6) for k in (1, 2, 3, 4)]
    return np.sum(tones, axis=0) * (1 + 0.2 * np.sin(2 * np.pi * 5 * t))


SOUNDS: dict[str, dict[str, Callable[[np.random.Generator], np.ndarray]]] = {
    "sound": {
        "white-noise": lambda rng: _coloured(rng, 0),
        "pink-noise": lambda rng: _coloured(rng, 1),
        "waterfall": lambda rng: _coloured(rng, 2),
        "drips": _drips,
        "engine": _engine,
        "siren": _siren,
    },
    "music": {
        "string": lambda rng: _tune(rng, 1),
        "strings": lambda rng: _tune(rng, 3),
        "organ": _chord,
        "bells": _bells,
        "drums": _drums,
        "band": lambda rng: _tune(rng, 2) + 0.7 * _drums(rng),
    },
}


def make_sound(kind: str, name: str) -> np.ndarray:
    """One of `SOUNDS`: float32 (72000,) at 24 kHz, peak 0.5, always the same samples."""
    seed = list(SOUNDS[kind]).index(name)
    wav = SOUNDS[kind][name](np.random.default_rng(seed))
    return (wav * (PEAK / np.abs(wav).max())).astype(np.float32)


def main(argv: Sequence[str]) -> int:
    """`python -m eval sounds`."""
    parser = argparse.ArgumentParser(
        prog="python -m eval sounds",
        description="Write sounds and music made by rule, for `codec --sound … --music …`.",
    )
    parser.add_argument("out", type=Path, help="folder; gets sound/ and music/")
    args = parser.parse_args(argv)
    for kind, names in SOUNDS.items():
        for name in names:
            write_wav(args.out / kind / f"{name}.wav", make_sound(kind, name), RATE_HZ)
    counts = {kind: len(names) for kind, names in SOUNDS.items()}
    sys.stdout.write(json_line({"command": "sounds", "out": str(args.out), **counts}) + "\n")
    return 0
