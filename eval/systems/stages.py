"""The stages of a benchmark: speak, listen, compare speakers, rate; each resumes where it ended.

A finished utterance is one small JSON file, written whole or not at all, whose name or content
carries the hash of everything it depends on. A stage therefore computes exactly what is lacking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from eval.audio import AudioError, no_speech, read_wav, write_wav
from eval.cache import file_digest, key_of, read_record, write_record
from eval.metrics.mos import MosRater
from eval.metrics.similarity import SpeakerEncoder
from eval.report import Progress
from eval.systems.asr import Listener
from eval.systems.meta import MetaItem
from eval.systems.sources import Speech
from eval.systems.systems import Job, NoSpeech, System

T = TypeVar("T")


@dataclass(frozen=True)
class SpokenItem:
    """The speech of a job.

    Attributes:
        path: the sound file; None if there is none.
        digest: SHA-256 of the file.
        seconds: its length.
        finished_by: "eos" or "budget" where the system says it.
        problem: None; "empty" or "silent" for a file without speech; else why there is no file.
        notes: what was done to its prompt.
    """

    job: Job
    path: Path | None
    digest: str = ""
    seconds: float = 0.0
    finished_by: str | None = None
    problem: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether there is nothing to measure at all: 100 % error."""
        return self.path is None


@dataclass
class Counts:
    """How much a run computed; all zero when everything was there."""

    spoken: int = 0
    heard: int = 0
    embedded: int = 0
    rated: int = 0

    @property
    def total(self) -> int:
        return sum(asdict(self).values())


def speak(
    system: System,
    items: Sequence[MetaItem],
    root: Path,
    counts: Counts | None = None,
    ready: Callable[[], None] | None = None,
) -> list[SpokenItem]:
    """Have every item said with every seed, or find that it was.

    Args:
        system: who speaks.
        items: what is to be said.
        root: sound files and records go to root/SYSTEM/seedS/UTT.wav and .json.
        counts: what was computed is added to it.
        ready: called before anything is spoken; raises if later stages cannot be had.

    Returns:
        One per seed and item, seeds outermost; a job that failed has no path but a problem.
    """
    jobs = [Job(system.key, item, seed) for seed in system.seeds for item in items]
    done: dict[Job, SpokenItem] = {}
    todo: dict[Job, str] = {}
    for job in jobs:
        recording = system.recording(job.item)
        if recording is not None:
            done[job] = _found(job, recording)
            continue
        try:
            key = key_of({**system.settings(job.item), "seed": job.seed})
        except (ValueError, OSError) as error:
            done[job] = SpokenItem(job, None, problem=str(error))
            continue
        stored = _stored(job, root, key)
        if stored is None:
            todo[job] = key
        else:
            done[job] = stored
    if todo and ready is not None:
        ready()
    with Progress(len(todo), f"speak: {system.label}") as progress:
        for job, result in system.speak(list(todo)):
            done[job] = _keep(job, result, root, todo[job])
            progress.step()
            if counts is not None:
                counts.spoken += 1
    return [done[job] for job in jobs]


def _found(job: Job, path: Path) -> SpokenItem:
    """A file that was not made here; read anew each time, since it may have been mended."""
    try:
        wav, rate = read_wav(path)
    except AudioError as error:
        return SpokenItem(job, None, problem=str(error))
    seconds = wav.size / rate
    return SpokenItem(job, path, file_digest(path), seconds, None, no_speech(wav, rate))


def _files(job: Job, root: Path) -> tuple[Path, Path]:
    place = root / job.place
    return place.with_name(place.name + ".wav"), place.with_name(place.name + ".json")


def _stored(job: Job, root: Path, key: str) -> SpokenItem | None:
    """What an earlier run left; None if it is lacking, damaged, or of other settings."""
    wav, note = _files(job, root)
    record = read_record(note)
    if record is None or record.get("key") != key:
        return None
    if record["digest"] is None:
        return SpokenItem(job, None, problem=record["problem"])
    if not wav.is_file() or file_digest(wav) != record["digest"]:
        return None
    return SpokenItem(
        job,
        wav,
        record["digest"],
        record["seconds"],
        record["finished_by"],
        record["problem"],
        tuple(record.get("notes", ())),
    )


def _keep(job: Job, result: Speech | NoSpeech, root: Path, key: str) -> SpokenItem:
    """Write sound first, record last: a record means that all is there."""
    wav, note = _files(job, root)
    if isinstance(result, NoSpeech):
        wav.unlink(missing_ok=True)
        spoken = SpokenItem(job, None, problem=result.reason)
    else:
        write_wav(wav, result.wav, result.sample_rate)
        spoken = _found(job, wav)
        spoken = replace(spoken, finished_by=result.finished_by, notes=result.notes)
    write_record(
        note,
        {
            "key": key,
            "digest": spoken.digest or None,
            "seconds": spoken.seconds,
            "finished_by": spoken.finished_by,
            "problem": spoken.problem,
            "notes": spoken.notes,
        },
    )
    return spoken


def by_content(
    wanted: Mapping[str, Path],
    settings: Mapping[str, Any],
    folder: Path,
    compute: Callable[[Path], dict[str, Any]],
    label: str,
) -> tuple[dict[str, dict[str, Any]], int]:
    """digest -> result, from `folder` where it is there; and how many had to be computed."""
    places = {digest: folder / f"{key_of({**settings, 'sound': digest})}.json" for digest in wanted}
    results = {digest: record for digest, place in places.items() if (record := read_record(place))}
    lacking = [digest for digest in wanted if digest not in results]
    with Progress(len(lacking), label) as progress:
        for digest in lacking:
            results[digest] = {**compute(wanted[digest]), **settings}
            write_record(places[digest], results[digest])
            progress.step()
    return results, len(lacking)


def listen(
    spoken: Sequence[SpokenItem],
    identity: str,
    load: Callable[[], Listener],
    folder: Path,
    counts: Counts | None = None,
) -> dict[str, str]:
    """Transcribe every sound once.

    Args:
        spoken: of any systems; equal sounds are heard once.
        identity: of the listener (`eval.systems.asr.listener_identity`), with its language.
        load: loads it; called only if something is to be heard.
        folder: where transcripts are kept.
        counts: what was computed is added to it.

    Returns:
        digest -> transcript.
    """

    def compute(path: Path) -> dict[str, Any]:
        listener = load()
        return {"transcript": listener.transcribe(*read_wav(path)), "heard_by": listener.name}

    wanted = {s.digest: s.path for s in spoken if s.path is not None}
    found, computed = by_content(wanted, {"listener": identity}, folder, compute, "listen")
    if counts is not None:
        counts.heard += computed
    return {digest: record["transcript"] for digest, record in found.items()}


def embed(
    paths: Sequence[Path],
    identity: str,
    load: Callable[[], SpeakerEncoder],
    folder: Path,
    counts: Counts | None = None,
) -> dict[str, np.ndarray | str]:
    """Speaker embedding of every sound, or why there is none; as `listen`.

    Returns:
        digest -> unit vector (D,), or the reason.
    """

    def compute(path: Path) -> dict[str, Any]:
        try:
            return {"embedding": load().embed(*read_wav(path)).tolist()}
        except AudioError as error:
            return {"problem": str(error)}

    wanted = {file_digest(path): path for path in paths if path.is_file()}
    found, computed = by_content(wanted, {"encoder": identity}, folder, compute, "speakers")
    if counts is not None:
        counts.embedded += computed
    return {
        digest: np.asarray(record["embedding"], np.float32)
        if "embedding" in record
        else str(record["problem"])
        for digest, record in found.items()
    }


def rate(
    spoken: Sequence[SpokenItem],
    identity: str,
    load: Callable[[], MosRater],
    folder: Path,
    counts: Counts | None = None,
) -> dict[str, dict[str, float]]:
    """Predicted opinion scores of every sound; as `listen`. digest -> name -> score."""

    def compute(path: Path) -> dict[str, Any]:
        return {"scores": load().rate(*read_wav(path))}

    wanted = {s.digest: s.path for s in spoken if s.path is not None and s.problem is None}
    found, computed = by_content(wanted, {"rater": identity}, folder, compute, "rate")
    if counts is not None:
        counts.rated += computed
    return {digest: record["scores"] for digest, record in found.items()}
