"""Listening to sound as it comes, with the state as a value; see `tokenizer.streaming`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from tokenizer.streaming import EncoderState, encode_chunk, encode_flush, encode_start
from tts.listen.model import Hearing, Past, extend
from tts.listen.transcribe import LONGEST_S, Ears, Segment

# Frames that are heard together, one of the sizes that listeners are trained with.
CHUNK = 16
# A segment ends where nothing was heard for so long, or when it is as long as a piece.
PAUSE_S = 0.8


@dataclass(frozen=True, eq=False)
class ListenState:
    """What must be remembered between chunks of sound.

    Attributes:
        encoder: of the tokenizer.
        lang: see `tts.listen.transcribe.LANGUAGES`.
        codes: int64 (1, K, t), fewer than `CHUNK`, not heard yet.
        past: of the listener's layers, since the segment began.
        heard: logits of the segment's frames.
        start: frame in which the segment began.
    """

    encoder: EncoderState
    lang: str
    codes: Tensor
    past: Past | None = None
    heard: Hearing | None = None
    start: int = 0


def listen_start(ears: Ears, lang: str = "auto") -> ListenState:
    """The state before the first sample."""
    books = ears.listener.config.num_codebooks
    return ListenState(
        encode_start(ears.codec, 1, books), lang, torch.zeros(1, books, 0, dtype=torch.int64)
    )


@torch.inference_mode()
def listen_chunk(ears: Ears, wav: Tensor, state: ListenState) -> tuple[list[Segment], ListenState]:
    """Push samples, get the segments that they complete.

    Args:
        wav: float32 (1, channels, n) at the codec's rate; any n >= 0.
    """
    codes, encoder = encode_chunk(ears.codec, wav, state.encoder)
    waiting = torch.cat([state.codes, codes], dim=2)
    state, done = replace(state, encoder=encoder, codes=waiting), []
    while state.codes.shape[2] >= CHUNK:
        state = _hear(ears, state, CHUNK)
        if _is_over(ears, state):
            done.append(partial(ears, state))
            state = _fresh(state)
    return done, state


@torch.inference_mode()
def listen_finish(ears: Ears, state: ListenState) -> list[Segment]:
    """The last segment, if there is any sound in it."""
    waiting = torch.cat([state.codes, encode_flush(ears.codec, state.encoder)], dim=2)
    state = replace(state, codes=waiting)
    while state.codes.shape[2]:
        state = _hear(ears, state, min(CHUNK, state.codes.shape[2]))
    return [partial(ears, state)] if state.heard is not None else []


def partial(ears: Ears, state: ListenState) -> Segment:
    """What has been understood of the segment so far; its last words may still change."""
    rate, frames = ears.codec.frame_rate, _frames(state)
    start_s, end_s = state.start / rate, (state.start + frames) / rate
    if state.heard is None:
        return Segment("", "", start_s, end_s)
    return ears.segment_of(state.heard, start_s, end_s, state.lang)


def _frames(state: ListenState) -> int:
    return 0 if state.heard is None else state.heard.sounds.shape[1]


def _hear(ears: Ears, state: ListenState, count: int) -> ListenState:
    listener = ears.listener
    rows = listener.embed_codes(state.codes[:, :, :count].to(listener.codes.weight.device))
    hidden, past = extend(listener.hearing, rows, state.past)
    new = listener.heads(hidden)
    if state.heard is not None:
        new = Hearing(*(torch.cat(p, dim=1) for p in zip(state.heard, new, strict=True)))
    return replace(state, codes=state.codes[:, :, count:], past=past, heard=new)


def _is_over(ears: Ears, state: ListenState) -> bool:
    """Whether a pause has come behind some words, or the segment is long."""
    assert state.heard is not None
    quiet = round(PAUSE_S * ears.codec.frame_rate)
    heard = state.heard.sounds[0].argmax(-1) != 0
    pause = bool(heard.any()) and not bool(heard[-quiet:].any())
    return pause or _frames(state) >= LONGEST_S * ears.codec.frame_rate - CHUNK


def _fresh(state: ListenState) -> ListenState:
    return replace(state, past=None, heard=None, start=state.start + _frames(state))
