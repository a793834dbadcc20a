"""Have lines said and transcribed; what was heard once is not heard again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from eval.audio import no_speech, write_wav
from eval.cache import kept
from eval.metrics.wer import (
    TextRules,
    WerSummary,
    WordErrors,
    normalized_text,
    official_text,
    score_utterance,
    summarize,
)
from eval.report import progress
from eval.systems.asr import Listener, listener_identity, load_listener
from eval.systems.sources import Line, Source, save_path
from tokenizer.audio import trim_silence


@dataclass(frozen=True)
class Utterance:
    """One rendering and what the listener made of it.

    Attributes:
        system: "model", or the teacher's name.
        transcript: as heard, before the text rules.
        seconds: of the whole sound. spoken_s: without silence at its ends.
        problem: None, "empty", or "failed: …"; both count as every word deleted.
    """

    system: str
    line: Line
    transcript: str
    errors: WordErrors
    seconds: float
    spoken_s: float
    finished_by: str | None
    problem: str | None

    def row(self) -> dict[str, Any]:
        """Flat, for a JSON line."""
        return {
            "system": self.system,
            **asdict(self.line),
            "transcript": self.transcript,
            "wer": self.errors.wer,
            "substitutions": self.errors.substitutions,
            "deletions": self.errors.deletions,
            "insertions": self.errors.insertions,
            "num_words": self.errors.num_words,
            "seconds": self.seconds,
            "spoken_s": self.spoken_s,
            "finished_by": self.finished_by,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class CachedRecognizer:
    """A listener and where what it heard is kept.

    Attributes:
        identity: see `eval.systems.asr.listener_identity`.
        lang, rules: how a transcript is compared with the text, see `score_utterance`.
        cache: a folder; None keeps nothing.
    """

    listener: Listener
    identity: str = ""
    cache: Path | None = None
    lang: str = "en"
    rules: TextRules = official_text

    def score(self, text: str, transcript: str) -> WordErrors:
        """What was heard against what was to be said."""
        return score_utterance(text, transcript, self.lang, self.rules)


def load_recognizer(
    listener: str, device: str = "cpu", lang: str = "en", cache: Path | None = None
) -> CachedRecognizer:
    """A listener by name, with the text rules that suit it; raises as `load_listener`."""
    # Whisper writes numbers and contractions its own way.
    rules = normalized_text if listener.startswith("whisper:") else official_text
    identity = listener_identity(listener, lang)
    return CachedRecognizer(load_listener(listener, device, lang), identity, cache, lang, rules)


def _hear(
    source: Source, line: Line, ear: CachedRecognizer, wav_path: Path | None
) -> dict[str, Any]:
    speech = source.say(line)
    empty = no_speech(speech.wav, speech.sample_rate) is not None
    heard = "" if empty else ear.listener.transcribe(speech.wav, speech.sample_rate)
    if wav_path is not None:
        write_wav(wav_path, speech.wav, speech.sample_rate)
    return {
        "transcript": heard,
        "seconds": speech.seconds,
        "spoken_s": trim_silence(speech.wav, speech.sample_rate).size / speech.sample_rate,
        "finished_by": speech.finished_by,
        "problem": "empty" if empty else None,
    }


def listen(
    system: str,
    source: Source,
    lines: Sequence[Line],
    ear: CachedRecognizer,
    save_dir: Path | None = None,
) -> list[Utterance]:
    """Have every line said and transcribed.

    Args:
        system: name for the records.
        source: who speaks; a line it cannot say becomes a failed record, not an exception.
        lines: what to say.
        ear: who transcribes.
        save_dir: keep the audio there (see `save_path`); None keeps none.

    Returns:
        One record per line, in order.
    """
    out = []
    for line in progress(lines, f"{system} {lines[0].voice}" if lines else system):
        wav_path = save_path(save_dir, line) if save_dir else None
        try:
            identity = source.identity(line) if ear.cache else None
            settings = {"heard_by": ear.identity, **identity} if identity else None
            # A sound that shall be kept and is not there must be made again.
            lacking = wav_path is not None and not wav_path.is_file()
            hear = partial(_hear, source, line, ear, wav_path)
            found = kept(ear.cache, settings, hear, lacking)
        except ValueError as error:
            errors = ear.score(line.text, "")
            out.append(Utterance(system, line, "", errors, 0.0, 0.0, None, f"failed: {error}"))
            continue
        errors = ear.score(line.text, found["transcript"])
        out.append(Utterance(system, line, errors=errors, **found))
    return out


def pool(utterances: Sequence[Utterance]) -> WerSummary:
    """Error rates; the interval resamples sentences, since seeds of one are not independent."""
    return summarize([u.errors for u in utterances], [str(u.line.number) for u in utterances])
