"""Make a corpus: teachers speak texts. `python -m tts.train.corpus build` is its command."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from frontend import EmptyTextError, phonemize
from tts.train.corpus import Utterance, cut_half_line, read_corpus, repair_table, table_row
from tts.train.levels import level, trim
from tts.train.natural import SAMPLE_RATE_HZ, Teachers, Voice
from tts.train.sentences import sentence_key
from tts.train.texts import items, read_sources

MIN_CLIP_S, MAX_CLIP_S = 0.35, 15.0
READINGS = "readings.tsv"


@dataclass(frozen=True)
class BuildPlan:
    """What to build.

    Attributes:
        out: folder to write.
        teachers: folder made by `scripts/fetch_teachers`.
        everyday, prose: files of sentences by language, see `texts.read_sources`.
        voices: see `Teachers.voice`; they take turns.
        hours: total length of speech.
        slowest, fastest: speaking rate is drawn between them.
        left_out: sentences never to speak (those a test is held on).
        seed: of everything random.
    """

    out: Path
    teachers: Path
    everyday: dict[str, Path]
    prose: dict[str, Path]
    voices: list[str]
    hours: float
    slowest: float = 0.85
    fastest: float = 1.2
    left_out: frozenset[str] = frozenset()
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.voices:
            raise ValueError("no voice: give at least one --voice")
        if not 0 < self.hours <= 1000:
            raise ValueError(f"hours is {self.hours}: it must be between 0 and 1000")
        if not 0.5 <= self.slowest <= self.fastest <= 2:
            raise ValueError(
                f"rates {self.slowest} to {self.fastest}: they must lie between 0.5 and 2"
            )


@dataclass(frozen=True)
class _Item:
    id: str
    voice: Voice
    text: str
    rate: float
    seed: int


def speaker_name(voice: str) -> str:
    """`kokoro:mix:7` -> `mix7`, `hibari@1.08` -> `hibari-1.08`: fit for a file's name."""
    return voice.removeprefix("kokoro:").replace(":", "").replace("@", "-")


def build(plan: BuildPlan) -> list[Utterance]:
    """Speak texts until the hours are full; a folder begun with the same plan is continued.

    Beside the audio stands what was said: `readings.tsv` has the symbols of every utterance, so
    that a later front end does not make old speech wrong.

    Returns:
        The whole corpus, as `read_corpus` gives it.

    Raises:
        ValueError: a voice is unknown or given twice, a teacher or a text is missing.
    """
    items = _items(plan)
    (plan.out / "audio").mkdir(parents=True, exist_ok=True)
    table, said = plan.out / "metadata.csv", plan.out / READINGS
    repair_table(table)
    cut_half_line(said)
    done = {u.id: u.seconds for u in read_corpus(plan.out)}
    have, goal = sum(done.values()), plan.hours * 3600
    with (
        table.open("a", encoding="utf-8") as rows,
        said.open("a", encoding="utf-8") as readings,
    ):
        for item in items:
            if have >= goal:
                break
            if item.id in done:
                continue
            made = _speak(item)
            if made is None:
                continue
            wav, symbols = made
            path = plan.out / "audio" / f"{item.id}.flac"
            # a kill while writing must not leave a broken file under the final name
            partial = path.with_suffix(".partial")
            soundfile.write(partial, wav, SAMPLE_RATE_HZ, subtype="PCM_16", format="FLAC")
            partial.replace(path)
            seconds = len(wav) / SAMPLE_RATE_HZ
            readings.write(f"{item.id}\t{' '.join(symbols)}\n")
            readings.flush()
            speaker = speaker_name(item.voice.name)
            rows.write(
                table_row(
                    Utterance(
                        item.id,
                        speaker,
                        item.voice.gender,
                        item.voice.language,
                        seconds,
                        item.text,
                        path,
                    )
                )
            )
            rows.flush()
            have += seconds
    return read_corpus(plan.out)


def _items(plan: BuildPlan) -> Iterator[_Item]:
    """What to speak, without end; ValueError at once where a voice or a text is missing."""
    teachers = Teachers(plan.teachers)
    voices = [teachers.voice(name) for name in plan.voices]
    names = [speaker_name(voice.name) for voice in voices]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"voice {', '.join(twice)} is asked for twice: give it once")
    left_out = {key for sentence in plan.left_out if (key := sentence_key(sentence))}
    texts = {}
    for voice in voices:
        language = voice.language
        if language in texts:
            continue
        if language not in plan.everyday or language not in plan.prose:
            raise ValueError(
                f"voice {voice.name} speaks {language}: give --everyday-{language} and "
                f"--prose-{language}"
            )
        sources = read_sources(plan.everyday[language], plan.prose[language], language, left_out)
        texts[language] = items(sources, language, plan.seed, left_out)
    return _turns(plan, voices, texts)


def _turns(
    plan: BuildPlan, voices: list[Voice], texts: dict[str, Iterator[str]]
) -> Iterator[_Item]:
    rng = random.Random(f"{plan.seed} rate")
    number = 0
    while True:
        for voice in voices:
            text = next(texts[voice.language]).replace("|", " ")
            rate = round(rng.triangular(plan.slowest, plan.fastest, 1.0), 3)
            name = f"{speaker_name(voice.name)}_{plan.seed}_{number:06d}"
            yield _Item(name, voice, text, rate, number)
        number += 1


def _speak(item: _Item) -> tuple[np.ndarray, tuple[str, ...]] | None:
    """The levelled sound of one item and its symbols; None where it is of no use."""
    try:
        said = phonemize(item.text, item.voice.language)
        wav = trim(item.voice.speak(said.words, item.rate, item.seed), SAMPLE_RATE_HZ)
    except (EmptyTextError, ValueError) as error:
        print(f"skipped {item.id}: {error}", file=sys.stderr)
        return None
    if not MIN_CLIP_S <= len(wav) / SAMPLE_RATE_HZ <= MAX_CLIP_S:
        return None
    return level(wav), said.symbols


def read_readings(folder: Path) -> dict[str, tuple[str, ...]]:
    """The symbols of each utterance by id; empty where the corpus has no such file."""
    path = folder / READINGS
    if not path.is_file():
        return {}
    rows = (line.split("\t") for line in path.read_text("utf-8").splitlines() if "\t" in line)
    return {row[0]: tuple(row[1].split()) for row in rows}
