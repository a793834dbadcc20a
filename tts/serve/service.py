"""The one model in memory and everything that its users share."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from frontend.loading import load_english, load_mandarin
from tokenizer.audio import to_int16
from tokenizer.layout import samples_of
from tts.inference.prompt_findings import Finding, check_reference
from tts.model.config import SamplingConfig
from tts.serve.fairqueue import Client
from tts.serve.kept import KeptResult, TtlCache
from tts.serve.settings import Limits
from tts.serve.speech import Started, TextSpoken, speak
from tts.serve.uploads import UploadError, decode_upload
from tts.serve.worker import PAUSE, Job, JobFailed, Steps, Worker
from tts.synthesizer import SpeechOptions, Synthesizer
from tts.threads import speaking_threads
from tts.voices import Voice, load_voice, save_voice

PREVIEWS = 64
WARM_UP = "One, two, three, four."
WARM_UP_CLIENT = Client("", "warm-up")


class LimitError(ValueError):
    """A request beyond a limit; the message gives value, limit and remedy."""


class Ticket:
    """A job in line, for an async reader. Make it within the event loop that reads it."""

    def __init__(self, worker: Worker, client: Client, start: Callable[[], Steps]) -> None:
        loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self._worker = worker

        def sink(event: Any) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._events.put_nowait, event)

        self._job = Job(client, start, sink)
        self.before = worker.submit(self._job)

    async def next(self) -> Any:
        """Wait for the next event; the last is END or a JobFailed."""
        return await self._events.get()

    def cancel(self) -> None:
        """End the job where it is; harmless once it has ended."""
        self._worker.cancel(self._job)

    def give_up(self, error: Exception) -> None:
        """End the job, and let whoever reads the events find `error` as the last."""
        self.cancel()
        self._events.put_nowait(JobFailed(error))


@dataclass(frozen=True)
class Prompt:
    """A recording that has been looked over, and encoded if it can be used.

    Attributes:
        voice: None where the recording is unusable; `problem` then says why.
        notes: what was done to it, in English.
    """

    voice: Voice | None
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    problem: str = ""
    digest: str = ""

    @property
    def nbytes(self) -> int:
        return 0 if self.voice is None else self.voice.codes.nbytes


class SpeechService:
    """One synthesizer, one worker, and what is kept for the page.

    Args:
        synthesizer: used on the worker's thread only.
        limits: bounds of requests and of the queue.
    """

    def __init__(self, synthesizer: Synthesizer, limits: Limits | None = None) -> None:
        self.synthesizer = synthesizer
        self.limits = limits or Limits()
        self.worker = Worker(self.limits, speaking_threads(synthesizer.model))
        self.results: TtlCache[KeptResult] = TtlCache(self.limits.kept_bytes, self.limits.kept_s)
        self.prompts: TtlCache[Prompt] = TtlCache(8 * 2**20, self.limits.kept_s)
        self._previews: dict[str, np.ndarray] = {}
        self._rtf: dict[int, float] = {}
        self._frames_per_symbol = 1.0
        self.begun = time.time()

    @property
    def sample_rate(self) -> int:
        return self.synthesizer.sample_rate

    @property
    def own_sampling(self) -> SamplingConfig:
        return self.synthesizer.prompt_builder.sampling

    def close(self) -> None:
        """Stop the worker."""
        self.worker.close()

    def check_text(self, text: str) -> None:
        """LimitError if a text is too long, ValueError if it is blank."""
        if not text.strip():
            raise ValueError("the text is empty; give at least one letter, digit or character")
        if len(text) > self.limits.max_chars:
            raise LimitError(
                f"the text has {len(text)} characters, the limit is {self.limits.max_chars}; "
                "split it"
            )

    def speak(self, client: Client, text: str, options: SpeechOptions) -> Ticket:
        """Put a text in line; the ticket's events are those of `tts.serve.speech.speak`.

        Raises:
            QueueFullError: there is no room.
            LimitError, ValueError: text, voice or an option is unusable.
        """
        self.check_text(text)
        if options.voice is not None or self.synthesizer.prompt_builder.needs_voice:
            options = replace(options, voice=self.synthesizer.voice(options.voice, text))
        used = options.num_codebooks or self.synthesizer.num_codebooks

        def steps() -> Steps:
            return self._learn(speak(self.synthesizer, text, options), used)

        return Ticket(self.worker, client, steps)

    def estimate_frames(self, started: Started) -> int:
        """How many frames a text will take, going by those spoken before."""
        return max(1, round(_unhurried(started) * self._frames_per_symbol))

    def rtf(self, num_codebooks: int) -> float | None:
        """Computing time over audio time with so many codebooks; None before the warm-up.

        Measured where it can be, and in between by the cost of a frame growing evenly.
        """
        known = dict(self._rtf)  # the worker writes at the same time
        if num_codebooks in known or len(known) < 2:
            return known.get(num_codebooks)
        few, many = min(known), max(known)
        slope = (known[many] - known[few]) / (many - few)
        return max(0.0, known[few] + slope * (num_codebooks - few))

    @staticmethod
    def load_languages() -> None:
        """Load the dictionaries of both languages, which no first text then waits for."""
        load_english()
        load_mandarin()

    def warm_up(self) -> Future[None]:
        """Speak a few words in the background: later calls are quicker, and `rtf` is then known."""

        def run() -> None:
            most = self.synthesizer.num_codebooks
            least = most if self.synthesizer.model.config.fixed_codebooks else 1
            # The first is for its slow start, which is no user's cost.
            for used in (most, *dict.fromkeys((most, least))):
                self._rtf.pop(used, None)
                steps = speak(self.synthesizer, WARM_UP, SpeechOptions(num_codebooks=used))
                for _ in self._learn(steps, used):
                    pass

        return self.worker.call(WARM_UP_CLIENT, run)

    def check_prompt(
        self, client: Client, data: bytes, transcript: str, lang: str | None
    ) -> Prompt:
        """Check a recording and encode it; waits for its turn.

        Raises:
            UploadError: it cannot be decoded, or is beyond a limit.
            QueueFullError: there is no room.
        """
        wav = self.decode(data)
        cut = self.synthesizer.prompt_encoder.rule.cut
        findings = tuple(check_reference(wav, self.sample_rate, transcript, cut))
        digest = hashlib.sha256(wav.tobytes()).hexdigest()[:16]

        def encode() -> tuple[Voice, tuple[str, ...]]:
            return self.synthesizer.prompt_voice(wav, transcript=transcript, lang=lang)

        try:
            voice, notes = self.worker.call(client, encode).result()
        except ValueError as error:
            return Prompt(None, findings, problem=str(error), digest=digest)
        return Prompt(voice, findings, notes, digest=digest)

    def listen(self, client: Client, wav: np.ndarray, lang: str) -> Ticket:
        """Put a recording in line to be written down; the ticket's events are `Segment`s.

        Args:
            wav: float32 (N,) at the model's rate.
            lang: 'auto', 'en' or 'zh'.

        Raises:
            QueueFullError: there is no room.
        """

        def steps() -> Steps:
            for segment in self.synthesizer.ears.segments([(wav[:, None], self.sample_rate)], lang):
                yield segment
                yield PAUSE

        return Ticket(self.worker, client, steps)

    def decode(self, data: bytes, longest_s: float | None = None) -> np.ndarray:
        """An uploaded file -> float32 (N,) at the model's rate; UploadError if it is unusable.

        longest_s: None means that of prompts.
        """
        if len(data) > self.limits.upload_bytes:
            raise UploadError(
                f"the file has {len(data)} bytes, the limit is {self.limits.upload_bytes}; "
                "give a shorter recording, or mp3"
            )
        return decode_upload(data, self.sample_rate, longest_s or self.limits.prompt_s)

    def save(self, prompt: Prompt, name: str, description: str = "") -> Voice:
        """Save a prompt as a voice: codes, transcript and a hash of the sound, not the sound.

        Raises:
            VoiceError: the name is not allowed or taken, or the prompt is unusable.
        """
        if prompt.voice is None:
            raise UploadError(prompt.problem)
        source = f"recording sha256:{prompt.digest}"
        voice = replace(prompt.voice, name=name, source=source, description=description)
        save_voice(voice)
        return voice

    def preview(self, client: Client, name: str) -> Future[np.ndarray]:
        """What a voice sounds like, from its codes: int16 (N,).

        Raises:
            UnknownVoiceError, VoiceError: there is no such voice, or it is damaged.
            QueueFullError: there is no room.
        """
        voice = self.synthesizer.voice(load_voice(name))
        key = hashlib.sha256(voice.codes.numpy().tobytes()).hexdigest()
        if key in self._previews:
            done: Future[np.ndarray] = Future()
            done.set_result(self._previews[key])
            return done

        def decode() -> np.ndarray:
            wav = samples_of(self.synthesizer.codec.decode(voice.codes[None]))
            if len(self._previews) >= PREVIEWS:
                self._previews.clear()
            self._previews[key] = to_int16(wav)
            return self._previews[key]

        return self.worker.call(client, decode)

    def _learn(self, steps: Steps, num_codebooks: int) -> Steps:
        """Pass events on and take note of how long things take."""
        symbols = 0.0
        for event in steps:
            if isinstance(event, Started):
                symbols = _unhurried(event)
            elif isinstance(event, TextSpoken) and event.frames:
                if event.finished_by == "eos":
                    self._frames_per_symbol += 0.2 * (
                        event.frames / max(1, symbols) - self._frames_per_symbol
                    )
                known = self._rtf.get(num_codebooks, event.rtf)
                self._rtf[num_codebooks] = known + 0.3 * (event.rtf - known)
            yield event


def _unhurried(started: Started) -> float:
    """Symbols of a text, counted for more where its monologue goes slower."""
    rules = [(piece.size, piece.request.monologue) for piece in started.pieces]
    return sum(size / (1.0 if rule is None else rule.speed) for size, rule in rules)
