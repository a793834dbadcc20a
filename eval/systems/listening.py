"""Have lines said and transcribed; what was heard once is not heard again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from eval.audio import no_speech, write_wav
from eval.cache import kept
from eval.metrics.clauses import clause_slip, goes_round
from eval.metrics.mos import rater_identity
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
from eval.systems.asr import Listener, SecondListener, listener_identity, load_listener
from eval.systems.judging import opinions
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
        slip: "lost" or "added" where a clause seems to be (see `clause_slip`), and a second
            decoding agrees, if the listener has one.
        opinions: predicted scores by rater.
    """

    system: str
    line: Line
    transcript: str
    errors: WordErrors
    seconds: float
    spoken_s: float
    finished_by: str | None
    problem: str | None
    slip: str | None = None
    opinions: Mapping[str, float] = field(default_factory=dict)

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
            "slip": self.slip,
            **self.opinions,
        }


@dataclass(frozen=True)
class CachedRecognizer:
    """A listener and where what it heard is kept.

    Attributes:
        identity: see `eval.systems.asr.listener_identity`.
        lang, rules: how a transcript is compared with the text, see `score_utterance`.
        cache: a folder; None keeps nothing.
        raters: who else judges the sound, see `eval.systems.judging.opinions`.
    """

    listener: Listener
    identity: str = ""
    cache: Path | None = None
    lang: str = "en"
    rules: TextRules = official_text
    raters: tuple[str, ...] = ()

    def hearing(self) -> dict[str, Any]:
        """All that a record depends on beside the sound."""
        raters = [rater_identity(name) for name in self.raters]
        return {"heard_by": self.identity, "slips": 2, "raters": raters}

    def slip(self, text: str, wav: np.ndarray, sample_rate: int, transcript: str) -> str | None:
        """See `Utterance.slip`; the sound is heard again only where the transcript has one."""
        seconds = len(wav) / sample_rate
        slip = self._slip(text, transcript, seconds)
        if slip is None or not isinstance(self.listener, SecondListener):
            return slip
        again = self.listener.transcribe_again(wav, sample_rate)
        return slip if self._slip(text, again, seconds) == slip else None

    def _slip(self, text: str, transcript: str, seconds: float) -> str | None:
        errors = self.score(text, transcript)
        if goes_round(errors, seconds, self.lang):
            return None
        return clause_slip(text, transcript, errors, self.lang)

    def score(self, text: str, transcript: str) -> WordErrors:
        """What was heard against what was to be said."""
        return score_utterance(text, transcript, self.lang, self.rules)


def load_recognizer(
    listener: str,
    device: str = "cpu",
    lang: str = "en",
    cache: Path | None = None,
    raters: Sequence[str] = (),
) -> CachedRecognizer:
    """A listener by name, with the text rules that suit it; raises as `load_listener`."""
    # Whisper writes numbers and contractions its own way.
    rules = normalized_text if listener.startswith("whisper:") else official_text
    identity = listener_identity(listener, lang)
    ear = load_listener(listener, device, lang)
    return CachedRecognizer(ear, identity, cache, lang, rules, tuple(raters))


def _hear(
    source: Source, line: Line, ear: CachedRecognizer, wav_path: Path | None
) -> dict[str, Any]:
    speech = source.say(line)
    sound = speech.wav, speech.sample_rate
    empty = no_speech(*sound) is not None
    heard = "" if empty else ear.listener.transcribe(*sound)
    if wav_path is not None:
        write_wav(wav_path, *sound)
    return {
        "transcript": heard,
        "seconds": speech.seconds,
        "spoken_s": trim_silence(*sound).size / speech.sample_rate,
        "finished_by": speech.finished_by,
        "problem": "empty" if empty else None,
        "slip": None if empty else ear.slip(line.text, *sound, heard),
        "opinions": {} if empty else opinions(ear.raters, *sound),
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
            settings = {**ear.hearing(), **identity} if identity else None
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
