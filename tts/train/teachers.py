"""Open synthesizers that speak training sentences: flite, pico2wave and espeak-ng.

Each runs as its own short process that writes a wav file; this module turns that into level,
trimmed 16 kHz samples. None of the programs is needed to use the trained model.
"""

import dataclasses
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

SAMPLE_RATE_HZ = 16000
LEVEL_DBFS = -23.0
PEAK_LIMIT = 0.95
MARGIN_MS = 80
_BLOCK_MS = 10
_SILENCE_DB = -42.0  # below the loudest block; a weak final [f] stays inside the 80 ms margin
_TIMEOUT_S = 600  # a program that hangs; a busy machine alone must not lose sentences


@dataclasses.dataclass(frozen=True)
class Teacher:
    """One voice of one synthesizer.

    Attributes:
        program: executable to run: `flite`, `pico2wave` or `espeak-ng`.
        voice: the name the program knows the voice by.
        gender: `f` or `m`.
        language: `en` or `zh`.
        size: length of the vocal tract relative to the program's own voice, in [0.8, 1.25];
            pitch goes down as it goes up, the speaking rate stays.
        pitch: of espeak-ng, 0 to 99; 50 is a voice's own.
        about: who it is, for people to read.
    """

    program: str
    voice: str
    gender: str
    language: str
    size: float = 1.0
    pitch: int = 50
    about: str = ""


TEACHERS = {
    "slt": Teacher("flite", "slt", "f", "en", about="American woman"),
    "rms": Teacher("flite", "rms", "m", "en", about="American man"),
    "awb": Teacher("flite", "awb", "m", "en", about="Scottish man"),
    "kal16": Teacher("flite", "kal16", "m", "en", about="American man, diphones"),
    "pico-us": Teacher("pico2wave", "en-US", "f", "en", about="American woman, brisk"),
    "pico-gb": Teacher("pico2wave", "en-GB", "f", "en", about="English woman"),
    "rms-deep": Teacher("flite", "rms", "m", "en", 1.14, about="American man, deep"),
    "rms-light": Teacher("flite", "rms", "m", "en", 0.87, about="American, light and young"),
    # plain `cmn` of espeak-ng 1.51 reads Han characters in English
    "espeak-zh": Teacher("espeak-ng", "cmn-latn-pinyin", "m", "zh", about="Mandarin, man, by rule"),
    "espeak-zh-f": Teacher(
        "espeak-ng", "cmn-latn-pinyin+f3", "f", "zh", about="Mandarin, woman, by rule"
    ),
    "espeak-zh-steph": Teacher(
        "espeak-ng", "cmn-latn-pinyin+steph", "f", "zh", about="Mandarin, woman, by rule, clear"
    ),
    "espeak-zh-light": Teacher(
        "espeak-ng", "cmn-latn-pinyin", "m", "zh", 0.87, 99, "Mandarin, light and young, by rule"
    ),
}


def find_teacher(name: str) -> Teacher:
    """Look a voice up and check that its program is installed.

    Raises:
        ValueError: unknown name, or the program is not on PATH.
    """
    if name not in TEACHERS:
        raise ValueError(f"unknown voice {name!r}: choose from {', '.join(TEACHERS)}")
    teacher = TEACHERS[name]
    if shutil.which(teacher.program) is None:
        raise ValueError(f"voice {name!r} needs the program {teacher.program!r}: install it first")
    return teacher


def _command(teacher: Teacher, text: str, wav: str, rate: float) -> list[str]:
    if teacher.program == "flite":
        stretch = ["--setf", f"duration_stretch={1 / rate:.3f}"] if rate != 1 else []
        return ["flite", "-voice", teacher.voice, *stretch, "-t", text, "-o", wav]
    if teacher.program == "pico2wave":
        spoken = text if rate == 1 else f'<speed level="{100 * rate:.0f}">{text}</speed>'
        return ["pico2wave", "-l", teacher.voice, "-w", wav, spoken]
    manner = ["-v", teacher.voice, "-p", str(teacher.pitch), "-s", f"{165 * rate:.0f}"]
    return ["espeak-ng", *manner, "-w", wav, text]


def speak(teacher: Teacher, text: str, rate: float = 1.0) -> np.ndarray:
    """Speak one sentence.

    Args:
        teacher: the voice.
        text: a sentence in the voice's language.
        rate: speaking rate relative to the voice's own, in [0.5, 2].

    Returns:
        float32 (num_samples,) at 16 kHz, trimmed and level (see `trim` and `level`).

    Raises:
        ValueError: the program failed, took over ten minutes, or gave no sound.
    """
    if not 0.5 <= rate <= 2:
        raise ValueError(f"rate is {rate}: it must be between 0.5 and 2")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "speech.wav")
        # played slower or faster by `size`, so spoken faster or slower first
        command = _command(teacher, text, path, rate * teacher.size)
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_S)
            wav, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        except (subprocess.SubprocessError, OSError, soundfile.SoundFileError) as error:
            raise ValueError(f"{teacher.program} could not speak {text!r}: {error}") from error
    wav = wav.mean(axis=1)
    if rate_hz / teacher.size != SAMPLE_RATE_HZ:
        wav = soxr.resample(wav, rate_hz / teacher.size, SAMPLE_RATE_HZ)
    wav = trim(np.asarray(wav, dtype=np.float32))
    if not wav.size:
        raise ValueError(f"{teacher.program} gave no sound for {text!r}: leave the sentence out")
    return level(wav)


def trim(wav: np.ndarray) -> np.ndarray:
    """Cut leading and trailing silence down to at most 80 ms.

    Args:
        wav: float32 (num_samples,) at 16 kHz.

    Returns:
        A slice of `wav`; empty where it holds no sound.
    """
    block = SAMPLE_RATE_HZ * _BLOCK_MS // 1000
    blocks = wav[: len(wav) // block * block].reshape(-1, block)
    loudness = np.sqrt(np.mean(np.square(blocks), axis=1)) if len(blocks) else np.zeros(1)
    if loudness.max() < 1e-4:
        return wav[:0]
    loud = np.flatnonzero(loudness > max(loudness.max() * 10 ** (_SILENCE_DB / 20), 1e-4))
    margin = SAMPLE_RATE_HZ * MARGIN_MS // 1000
    return wav[max(0, loud[0] * block - margin) : (loud[-1] + 1) * block + margin]


def level(wav: np.ndarray) -> np.ndarray:
    """Scale to -23 dBFS RMS, or less where the peak would pass 0.95.

    Args:
        wav: float32 (num_samples,), not silent.

    Returns:
        float32 (num_samples,) in [-0.95, 0.95].
    """
    rms = float(np.sqrt(np.mean(np.square(wav))))
    peak = float(np.abs(wav).max())
    gain = min(10 ** (LEVEL_DBFS / 20) / rms, PEAK_LIMIT / peak)
    return (wav * gain).astype(np.float32)
