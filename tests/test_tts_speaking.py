"""The one loop: the same policy and the same bits for whoever listens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tiny import tiny_codec, tiny_model, tiny_voice
from tts.inference.engine import Session
from tts.inference.events import AudioChunk, PieceBegun, PieceDone, Retried
from tts.inference.guard import Guard
from tts.inference.speaking import RESEED, PieceLoop
from tts.model.weights import prepare
from tts.synthesizer import SpeechOptions, Synthesizer

TEXT = "One two. Three, four five. Six! Seven eight nine."


@pytest.fixture
def synthesizer() -> Synthesizer:
    """Half precision, so that rows of a batch get the bits that they get alone."""
    model = tiny_model()
    for weight in model.parameters():
        weight.copy_(weight.half())
    return Synthesizer(
        prepare(model), tiny_codec(), "tiny", guard=Guard(max_silence_s=0, max_repeat_s=0)
    )


def options(**more) -> SpeechOptions:
    return SpeechOptions(**{"voice": tiny_voice(), "seed": 3, "max_chars": 20, **more})


def cut(monkeypatch: pytest.MonkeyPatch, seeds: set[int], frames: int = 1) -> None:
    """Requests with these seeds run out of their budget after so many frames."""
    admit = Session.admit

    def short(self, request):
        limited = replace(request, max_frames=frames)
        return admit(self, limited if request.seed in seeds else request)

    monkeypatch.setattr(Session, "admit", short)


def end_at_once(monkeypatch: pytest.MonkeyPatch, seeds: set[int]) -> None:
    """Items with these seeds say nothing at all."""
    step, admit, mute = Session.step, Session.admit, set()

    def noted(self, request):
        ticket = admit(self, request)
        if request.seed in seeds:
            mute.add((id(self), ticket))
        return ticket

    def silent(self):
        found = []
        for item in step(self):
            if (id(self), item.ticket) in mute:
                if item.finished_by is None:
                    self.drop(item.ticket)
                item = item._replace(codes=None, finished_by="eos")
            found.append(item)
        return found

    monkeypatch.setattr(Session, "admit", noted)
    monkeypatch.setattr(Session, "step", silent)


def test_a_long_text_is_spoken_together_and_sounds_as_piece_by_piece(synthesizer, monkeypatch):
    sizes: list[int] = []
    step = Session.step

    def counted(self):
        sizes.append(len(self))
        return step(self)

    monkeypatch.setattr(Session, "step", counted)
    together = synthesizer.synthesize(TEXT, options())
    assert max(sizes) == len(synthesizer.pieces(TEXT, options())) >= 3
    sizes.clear()
    streamed = list(synthesizer.stream(TEXT, options()))
    assert max(sizes) == 1
    assert np.array_equal(np.concatenate([chunk.wav for chunk in streamed]), together.wav)
    codes = torch.cat([chunk.codes for chunk in streamed if chunk.frames], dim=1)
    assert torch.equal(codes, together.codes)


def test_what_is_heard_while_it_is_made_is_the_whole(synthesizer):
    heard: list[np.ndarray] = []
    result = synthesizer.synthesize(TEXT, options(), heard=heard.append)
    assert np.array_equal(np.concatenate(heard), result.wav)
    assert np.array_equal(synthesizer.synthesize(TEXT, options()).wav, result.wav)


def test_a_stream_says_again_what_nobody_has_heard(synthesizer, monkeypatch):
    text = "Hello there."
    again = synthesizer.synthesize(text, options(seed=3 + RESEED))
    end_at_once(monkeypatch, {3})
    chunks = list(synthesizer.stream(text, options(seed=3)))
    assert np.array_equal(np.concatenate([chunk.wav for chunk in chunks]), again.wav)
    whole = synthesizer.synthesize(text, options(seed=3))
    assert (whole.retries, whole.finished_by) == (1, "eos")
    assert np.array_equal(whole.wav, again.wav)


def test_a_stream_does_not_take_back_what_was_heard(synthesizer, monkeypatch):
    text = "Hello there."
    again = synthesizer.synthesize(text, options(seed=3 + RESEED))
    cut(monkeypatch, {3}, frames=3)
    chunks = list(synthesizer.stream(text, options(seed=3)))
    assert sum(chunk.frames for chunk in chunks) == 3
    assert chunks[-1].finished_by == "budget"
    # Nobody has heard it before it is whole: then it may be said again.
    assert np.array_equal(synthesizer.synthesize(text, options(seed=3)).wav, again.wav)


def test_retries_are_bounded_and_what_stays_wrong_is_told(synthesizer, monkeypatch):
    cut(monkeypatch, {3 + n * RESEED for n in range(9)})
    events = []
    result = synthesizer.synthesize("Hello there.", options(seed=3), watch=events.append)
    assert (result.retries, result.finished_by) == (2, "budget")
    assert sum(isinstance(event, Retried) for event in events) == 2
    assert sum(isinstance(event, PieceBegun) for event in events) == 1
    done = [event for event in events if isinstance(event, PieceDone)]
    assert [(end.attempts, end.complaint) for end in done] == [
        (3, "runaway: no end after 1 frames")
    ]
    patient = replace(synthesizer, guard=replace(synthesizer.guard, retries=0))
    assert patient.synthesize("Hello there.", options(seed=3)).retries == 0


def test_a_sound_that_stays_wrong_becomes_a_note(synthesizer, monkeypatch):
    monkeypatch.setattr("tts.inference.guard.is_silent", lambda wav: True)
    fussy = replace(synthesizer, guard=Guard(retries=0, max_repeat_s=0))
    result = fussy.synthesize(TEXT, options())
    assert any("silence: nothing can be heard" in note for note in result.notes)


@pytest.mark.parametrize("sound", ["live", "chunks", "whole", "none"])
def test_every_kind_of_sound_has_the_same_codes(synthesizer, sound):
    pieces = synthesizer.pieces(TEXT, options())
    sampling = synthesizer.prompt_builder.sampling
    loop = PieceLoop(synthesizer.model, synthesizer.codec, sampling, synthesizer.guard, 4, sound)
    events = list(loop.run(enumerate(pieces)))
    done = {event.key: event for event in events if isinstance(event, PieceDone)}
    joined = torch.cat([done[number].codes for number in range(len(pieces))], dim=1)
    whole = synthesizer.synthesize(TEXT, options())
    if not whole.retries:
        assert torch.equal(joined, whole.codes)
    has_sound = all(len(done[number].wav) for number in range(len(pieces)))
    assert has_sound == (sound in ("chunks", "whole"))
    assert any(isinstance(event, AudioChunk) for event in events) == (sound == "live")


def test_whoever_stops_listening_stops_the_work(synthesizer):
    chunks = synthesizer.stream(TEXT, options())
    next(chunks)
    chunks.close()
    assert synthesizer.synthesize("One two.", options()).frames > 0
