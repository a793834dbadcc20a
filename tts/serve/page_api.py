"""Routes of the page's own: speaking with progress, results to download, attempts at a piece."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import Response

from tokenizer.audio import FORMATS, encode_sound, to_int16
from tokenizer.layout import silence
from tts.inference.events import TextTimed
from tts.serve.errors import LANGUAGE_HEADER, ApiError
from tts.serve.kept import KeptPiece, KeptResult
from tts.serve.schema import PageBody, Replaces
from tts.serve.service import SpeechService
from tts.serve.speech import PieceSent, Sound, Started, TextSpoken
from tts.serve.speech_http import client_of, event_stream, times_wanted
from tts.voices import Voice, voice_names

DOWNLOADS = ("wav", "flac", "mp3", "ogg")


def page_routes(service: SpeechService, note_in: Callable[[str, str], str]) -> APIRouter:
    """What the page needs beyond the open API; not part of it, so not in its documentation.

    Args:
        note_in: (language, remark in English) -> the remark in that language.
    """
    router = APIRouter(prefix="/app", include_in_schema=False)

    @router.post("/speak")
    async def speak(wanted: PageBody, request: Request) -> Response:
        replaced = _replaced(service, wanted.replaces)
        voice, continuation = _voice(service, wanted)
        options = wanted.options(service.own_sampling, voice, continuation)
        if not options.cast:
            # On the page a line "heart: Good day." is spoken by the voice of that name.
            options = replace(options, cast={name: name for name in voice_names()})
        ticket = service.speak(client_of(request), wanted.text, options)
        language = request.headers.get(LANGUAGE_HEADER, "")
        teller = _Teller(service, wanted, replaced, lambda note: note_in(language, note))
        return event_stream(ticket, request, teller.tell)

    @router.get("/results/{name}.{ending}")
    async def download(name: str, ending: str) -> Response:
        kept = service.results.get(name)
        if kept is None or ending not in DOWNLOADS:
            message = "this result is not kept any more; generate it again with its seed"
            raise ApiError(404, message, "not_found")
        data = await asyncio.to_thread(encode_sound, kept.joined(), kept.sample_rate, ending)
        headers = {
            "Content-Disposition": f'attachment; filename="speech.{ending}"',
            "Cache-Control": "no-store",
            "X-Sample-Rate": str(kept.sample_rate),
        }
        return Response(data, media_type=FORMATS[ending].media_type, headers=headers)

    return router


class _Teller:
    """Turns events into what the page reads, and keeps the sound."""

    def __init__(
        self,
        service: SpeechService,
        wanted: PageBody,
        replaced: KeptResult | None,
        note_in_words: Callable[[str], str],
    ) -> None:
        self.service, self.wanted, self.replaced = service, wanted, replaced
        self.note_in_words = note_in_words
        self.texts: list[str] = []
        self.kept = KeptResult(service.sample_rate)
        # Of as many channels as the sound, so that both can be joined.
        self.nothing = to_int16(silence(0, service.synthesizer.codec.channels))
        self.gap = self.nothing
        self.parts: list[np.ndarray] = []

    def tell(self, event: Any) -> dict[str, Any] | None:
        """JSON for one event; None for what the page need not know."""
        if isinstance(event, Started):
            self.texts = [piece.text for piece in event.pieces]
            frames = self.service.estimate_frames(event)
            notes = list(dict.fromkeys(note for piece in event.pieces for note in piece.notes))
            told = [self.note_in_words(note) for note in notes]
            return {"type": "started", "pieces": self.texts, "frames": frames, "notes": told}
        if isinstance(event, Sound):
            samples = to_int16(event.wav)
            if event.gap:
                self.gap = samples
            else:
                self.parts.append(samples)
            return {
                "type": "sound",
                "piece": event.piece,
                "frames": event.frames,
                "gap": event.gap,
                "audio": base64.b64encode(samples.tobytes()).decode(),
            }
        if isinstance(event, TextTimed):
            told = times_wanted([event])
            return {"type": "times", "piece": event.key, **told} if told else None
        if isinstance(event, PieceSent):
            self._keep(event)
            return {"type": "piece", "piece": event.piece, "finished_by": event.finished_by}
        if isinstance(event, TextSpoken):
            return self._done(event)
        return None

    def _keep(self, event: PieceSent) -> None:
        text = self.texts[event.piece] if event.piece < len(self.texts) else ""
        samples = np.concatenate([self.nothing, *self.parts])
        self.kept.pieces.append(
            KeptPiece(text, self.gap, samples, event.finished_by, self.wanted.seed)
        )
        self.gap, self.parts = self.nothing, []

    def _done(self, event: TextSpoken) -> dict[str, Any]:
        if self.replaced is not None and self.wanted.replaces is not None:
            new = KeptResult(self.service.sample_rate, self.kept.pieces).joined()
            self.replaced.pieces[self.wanted.replaces.piece].samples = new
            name, seconds = self.wanted.replaces.result, len(self.replaced.joined())
        else:
            name, seconds = self.service.results.put(self.kept), len(self.kept.joined())
        return {
            "type": "done",
            "result": name,
            "seconds": round(seconds / self.service.sample_rate, 3),
            "rtf": round(event.rtf, 3),
            "ttfa_ms": round(event.ttfa_ms),
            "seed": event.seed,
            "finished_by": event.finished_by,
        }


def _replaced(service: SpeechService, replaces: Replaces | None) -> KeptResult | None:
    if replaces is None:
        return None
    kept = service.results.get(replaces.result)
    if kept is None or replaces.piece >= len(kept.pieces):
        message = "this result is not kept any more; generate the whole text again"
        raise ApiError(404, message, "not_found")
    return kept


def _voice(service: SpeechService, wanted: PageBody) -> tuple[str | Voice | None, bool]:
    """The voice to use, and whether to go on where its recording ends."""
    if wanted.prompt is None:
        return wanted.voice, False
    prompt = service.prompts.get(wanted.prompt)
    if prompt is None or prompt.voice is None:
        message = "this recording is not kept any more; upload or record it again"
        raise ApiError(404, message, "not_found")
    return prompt.voice, service.synthesizer.continues(prompt.voice)
