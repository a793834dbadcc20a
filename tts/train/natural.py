"""Natural synthesizers that speak training sentences: hibari and Kokoro.

`python scripts/fetch_teachers.py FOLDER` brings both. hibari has one voice, an American woman, and
speaks 60 to 120 times faster than real time on one core; Kokoro has 54 voices, any weighted mean of
which is a voice too, and needs about as long as it speaks. Neither is needed to use the trained
model.
"""

from __future__ import annotations

import json
import random
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soxr

from frontend.types import Word
from tts.train.kokoro_phonemes import english_phonemes, said_alike, utterance_phonemes

SAMPLE_RATE_HZ = 24000
MAX_TOKENS = 500
MIXED = 3
SMALLEST, LARGEST = 0.8, 1.25
# Voices whose sound is below that of the others (predicted opinion under 3.6): not to be mixed.
_ODD = frozenset({"am_santa", "am_puck", "em_santa"})


class DisagreementError(ValueError):
    """A teacher cannot be made to say what our front end says."""


class Voice(Protocol):
    """A teacher's voice: `speak` gives float32 (N,) at 24 kHz."""

    @property
    def name(self) -> str: ...

    @property
    def gender(self) -> str: ...

    @property
    def language(self) -> str: ...

    def speak(self, words: tuple[Word, ...], rate: float, seed: int) -> np.ndarray: ...


@dataclass(frozen=True)
class Reader:
    """hibari's pronunciation of English, held against ours."""

    g2p: Any
    british: bool

    def english(self, words: tuple[Word, ...]) -> list[str]:
        """What to say for every English word: the teacher's own reading, which knows weak forms
        and flaps, where it is a way of saying ours; else ours."""
        text = " ".join(w.text for w in words if w.lang == "en" or not w.lang)
        tokens = self.g2p.phonemize_tokens(
            self.g2p.tokenize(re.sub(r"\s+([,.?!;:…])", r"\1", text))
        )
        spoken = [(t.text, t.phonemes or "") for t in tokens if any(c.isalpha() for c in t.text)]
        own = [w for w in words if w.lang == "en"]
        if [t for t, _ in spoken] != [w.text for w in own]:
            spoken = [(w.text, "") for w in own]
        readings = []
        for word, (_, phonemes) in zip(own, spoken, strict=True):
            if phonemes and said_alike(word.symbols, phonemes, self.british):
                readings.append(phonemes)
            elif self.british:
                raise DisagreementError(f"{word.text!r} is read {phonemes!r}")
            else:
                readings.append(english_phonemes(word.symbols))
        return readings


@dataclass(frozen=True)
class Teachers:
    """The programs in a folder made by `scripts/fetch_teachers`."""

    folder: Path
    threads: int = 1
    _kept: dict[str, Any] = field(default_factory=dict, compare=False)

    def voice(self, name: str) -> Voice:
        """Look a voice up.

        Args:
            name: `hibari`, `kokoro:af_heart` (any of Kokoro's), `kokoro:mix:SEED` (a mean of
                three English ones with random weights) or `kokoro:zmix:SEED` (of Mandarin ones);
                with `@1.08` behind it somebody like that whose vocal tract is 1.08 times as long
                and whose pitch is as much lower.

        Raises:
            ValueError: there is no such voice, or the folder lacks what it needs.
        """
        whose, _, size = name.partition("@")
        if size:
            return Resized(self.voice(whose), _size(size))
        if name == "hibari":
            return Hibari(self, name)
        kind, _, rest = name.partition(":")
        if kind != "kokoro" or not rest:
            raise ValueError(f"voice {name!r} is unknown: use hibari, kokoro:NAME or kokoro:mix:N")
        weights = self._mixture(rest)
        style = sum(w * self.style(v) for v, w in weights.items())
        main = max(weights, key=lambda v: weights[v])
        genders = {v[1] for v in weights}
        gender = genders.pop() if len(genders) == 1 else ""
        language = "zh" if main[0] == "z" else "en"
        return Kokoro(self, name, gender, language, main[0] == "b", np.asarray(style))

    def _mixture(self, rest: str) -> dict[str, float]:
        kind, _, seed = rest.partition(":")
        if kind not in ("mix", "zmix"):
            return {rest: 1.0}
        if not seed.isdigit():
            raise ValueError(f"voice kokoro:{rest!r}: a mixture is named by a number, {kind}:7")
        names = sorted(p.stem for p in (self.folder / "kokoro/voices").glob("*.bin"))
        wanted = "z" if kind == "zmix" else "ab"
        rng = random.Random(f"{kind} {seed}")
        pool = [n for n in names if n[0] in wanted and n not in _ODD]
        if not pool:
            raise ValueError(
                f"no voices to mix in {self.folder}/kokoro/voices: run "
                "`python scripts/fetch_teachers.py DIR`"
            )
        # One sex and one accent first, so that a mixture is somebody and not an average of all.
        first = rng.choice(pool)
        alike = [n for n in pool if n[:2] == first[:2] and n != first]
        chosen = [first, *rng.sample(alike, min(MIXED - 1, len(alike)))]
        if kind == "mix" and rng.random() < 0.5:
            foreign = [n for n in names if n[0] not in "abz" and n[1] == first[1] and n not in _ODD]
            if foreign:
                chosen[-1] = rng.choice(foreign)
        parts = [rng.uniform(0.15, 1) for _ in chosen]
        parts[0] = max(parts)
        return {n: p / sum(parts) for n, p in zip(chosen, parts, strict=True)}

    def style(self, voice: str) -> np.ndarray:
        """float32 (510, 1, 256): the style for each length of a sentence in tokens."""
        path = self.folder / "kokoro/voices" / f"{voice}.bin"
        if not path.is_file():
            known = ", ".join(sorted(p.stem for p in path.parent.glob("*.bin"))) or "none"
            raise ValueError(f"Kokoro has no voice {voice!r} in {path.parent} (there: {known})")
        return np.fromfile(path, np.float32).reshape(510, 1, 256)

    def session(self, path: str) -> Any:
        """The onnxruntime session of a model file below the folder, loaded once."""
        if path not in self._kept:
            import onnxruntime  # pyright: ignore[reportMissingImports]

            model = self.folder / path
            if not model.is_file():
                raise ValueError(f"{model} is missing: run `python scripts/fetch_teachers.py DIR`")
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = options.inter_op_num_threads = self.threads
            options.log_severity_level = 3
            self._kept[path] = onnxruntime.InferenceSession(
                str(model), options, providers=["CPUExecutionProvider"]
            )
        return self._kept[path]

    def reader(self, british: bool) -> Reader:
        """English pronunciation, from hibari's package in the folder."""
        key = f"reader {british}"
        if key not in self._kept:
            self._import_hibari()
            from hibari.g2p import G2P  # pyright: ignore[reportMissingImports]

            self._kept[key] = Reader(G2P(british=british), british)
        return self._kept[key]

    def hibari(self) -> Any:
        """hibari itself."""
        if "hibari" not in self._kept:
            self._import_hibari()
            from hibari import Hibari as Engine  # pyright: ignore[reportMissingImports]

            self._kept["hibari"] = Engine(threads=self.threads, g2p=self.reader(False).g2p)
        return self._kept["hibari"]

    def ids(self, phonemes: str) -> list[int]:
        """Kokoro's tokens with a 0 at either end; ValueError where there are too many."""
        if "vocabulary" not in self._kept:
            path = self.folder / "hibari/assets/vocab.json"
            self._kept["vocabulary"] = json.loads(path.read_text("utf-8"))
        table = self._kept["vocabulary"]
        ids = [table[c] for c in phonemes if c in table]
        if not 0 < len(ids) <= MAX_TOKENS:
            raise ValueError(f"{len(ids)} tokens: a sentence needs 1 to {MAX_TOKENS}")
        return [0, *ids, 0]

    def _import_hibari(self) -> None:
        if not (self.folder / "hibari/__init__.py").is_file():
            raise ValueError(
                f"{self.folder}/hibari is missing: run `python scripts/fetch_teachers.py DIR`"
            )
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))


@dataclass(frozen=True)
class Hibari:
    """The one voice of hibari, an American woman."""

    teachers: Teachers
    name: str = "hibari"
    gender: str = "f"
    language: str = "en"

    def speak(self, words: tuple[Word, ...], rate: float, seed: int) -> np.ndarray:
        """float32 (N,) at 24 kHz. DisagreementError for words that are not English."""
        if any(w.lang == "zh" for w in words):
            raise DisagreementError("hibari speaks English only")
        line = utterance_phonemes(words, self.teachers.reader(False).english(words))
        ids = self.teachers.ids(line)
        return self.teachers.hibari().from_ids(ids, rate, np.random.default_rng(seed))


@dataclass(frozen=True)
class Kokoro:
    """One of Kokoro's voices, or a mean of some. It speaks both languages, with its accent."""

    teachers: Teachers
    name: str
    gender: str
    language: str
    british: bool
    style: np.ndarray

    def speak(self, words: tuple[Word, ...], rate: float, seed: int) -> np.ndarray:
        """float32 (N,) at 24 kHz."""
        line = utterance_phonemes(words, self.teachers.reader(self.british).english(words))
        ids = self.teachers.ids(line)
        feed = {
            "tokens": np.array([ids], np.int64),
            "style": self.style[len(ids) - 2].astype(np.float32),
            "speed": np.array([rate], np.float32),
        }
        return self.teachers.session("kokoro/model.onnx").run(None, feed)[0].reshape(-1)


@dataclass(frozen=True)
class Resized:
    """A voice played slower or faster, and spoken faster or slower to keep its pace."""

    voice: Voice
    size: float

    @property
    def name(self) -> str:
        return f"{self.voice.name}@{self.size:g}"

    @property
    def gender(self) -> str:
        return self.voice.gender

    @property
    def language(self) -> str:
        return self.voice.language

    def speak(self, words: tuple[Word, ...], rate: float, seed: int) -> np.ndarray:
        """float32 (N,) at 24 kHz."""
        wav = self.voice.speak(words, rate * self.size, seed)
        return resized(wav, SAMPLE_RATE_HZ, self.size)


def resized(wav: np.ndarray, sample_rate: int, size: float) -> np.ndarray:
    """What somebody `size` times as large would have said: as much slower, and as much lower in
    pitch and resonances. float32 (N,) to (N * size,)."""
    return wav if size == 1 else np.asarray(soxr.resample(wav, sample_rate / size, sample_rate))


def _size(text: str) -> float:
    try:
        size = float(text)
    except ValueError:
        size = 0.0
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size @{text}: give a number from {SMALLEST} to {LARGEST}")
    return size
