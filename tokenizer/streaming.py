"""Streaming in both directions, with the state as a value.

Nothing is hidden: a function takes a state and returns the next one, so a state can be kept,
copied, or gone back to. Pushing a sound in pieces of any size gives the codes and samples that
the whole would give.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tokenizer.model import SEGMENT_S, CatTokenizer, CodecState


@dataclass(frozen=True, eq=False)
class EncoderState:
    """What the encoder must remember between chunks.

    Attributes:
        pending: float32 (B, channels, n), samples that do not fill a frame yet, n < frame_size.
        num_codebooks: K of all codes of this stream.
        codec: attention windows and clocks; None before the first frame.
    """

    pending: Tensor
    num_codebooks: int
    codec: CodecState | None = None


@dataclass(frozen=True, eq=False)
class DecoderState:
    """What the decoder must remember between chunks; None inside before the first frame."""

    batch_size: int
    codec: CodecState | None = None


def encode_start(
    codec: CatTokenizer, batch_size: int = 1, num_codebooks: int | None = None
) -> EncoderState:
    """The state before the first sample.

    Args:
        codec: the tokenizer.
        batch_size: B, streams that run in step.
        num_codebooks: K, coarsest first; None means all.

    Raises:
        ValueError: batch_size or num_codebooks is out of range.
    """
    _check_batch_size(batch_size)
    used = codec.num_codebooks if num_codebooks is None else num_codebooks
    if not 1 <= used <= codec.num_codebooks:
        raise ValueError(f"num_codebooks is {used}; this tokenizer has 1..{codec.num_codebooks}")
    pending = torch.zeros((batch_size, codec.channels, 0), device=codec.device)
    return EncoderState(pending, used)


@torch.inference_mode()
def encode_chunk(
    codec: CatTokenizer, wav: Tensor, state: EncoderState
) -> tuple[Tensor, EncoderState]:
    """Push samples, get the codes of the frames that they complete.

    Args:
        codec: the tokenizer.
        wav: float32 (B, channels, n) at `sample_rate`, in [-1, 1]; any n >= 0.
        state: from `encode_start` or the previous chunk.

    Returns:
        int64 (B, K, t), t >= 0, and the state for the next chunk.

    Raises:
        ValueError: wav is not (B, channels, n) with the B of the state.
    """
    batch = state.pending.shape[0]
    if wav.ndim != 3 or wav.shape[:2] != state.pending.shape[:2]:
        raise ValueError(
            f"wav must be ({batch}, {codec.channels}, n), got shape {tuple(wav.shape)}"
        )
    wav = torch.cat([state.pending, wav.to(codec.device).float()], dim=2)
    whole = wav.shape[2] // codec.frame_size * codec.frame_size
    dtype = next(codec.encoder.parameters()).dtype
    inner = state.codec
    codes = [torch.zeros((batch, state.num_codebooks, 0), dtype=torch.int64, device=codec.device)]
    for first in range(0, whole, _segment_samples(codec)):
        piece = wav[:, :, first : min(first + _segment_samples(codec), whole)]
        latents, inner = codec.encode_latents(piece.to(dtype), inner)
        codes.append(codec.quantize(latents, state.num_codebooks))
    # A copy, so that the state does not keep a long chunk alive.
    pending = wav[:, :, whole:].clone()
    return torch.cat(codes, dim=2), EncoderState(pending, state.num_codebooks, inner)


def encode_flush(codec: CatTokenizer, state: EncoderState) -> Tensor:
    """Codes of the last frame, filled up with silence: int64 (B, K, 1), or (B, K, 0) if none."""
    missing = -state.pending.shape[2] % codec.frame_size
    silence = state.pending.new_zeros((*state.pending.shape[:2], missing))
    return encode_chunk(codec, silence, state)[0]


def decode_start(batch_size: int = 1) -> DecoderState:
    """The state before the first frame of `batch_size` streams."""
    _check_batch_size(batch_size)
    return DecoderState(batch_size)


@torch.inference_mode()
def decode_chunk(
    codec: CatTokenizer, codes: Tensor, state: DecoderState
) -> tuple[Tensor, DecoderState]:
    """Push codes, get their samples at once.

    Args:
        codec: the tokenizer.
        codes: int64 (B, K, t), any K from 1 to `num_codebooks`, any t >= 0.
        state: from `decode_start` or the previous chunk.

    Returns:
        float32 (B, channels, t * frame_size), and the state for the next chunk.

    Raises:
        ValueError: codes is not (B, K, t) with the B of the state, or a value is out of range.
    """
    if codes.ndim != 3 or codes.shape[0] != state.batch_size:
        raise ValueError(
            f"codes must be ({state.batch_size}, K, t), got shape {tuple(codes.shape)}"
        )
    pieces = [torch.zeros((state.batch_size, codec.channels, 0), device=codec.device)]
    inner = state.codec
    if codes.shape[2]:
        codec.check_codes(codes)
        for piece in codes.to(codec.device).split(_segment_samples(codec) // codec.frame_size, 2):
            wav, inner = codec.decode_latents(codec.dequantize(piece), inner)
            pieces.append(wav.float())
    return torch.cat(pieces, dim=2), DecoderState(state.batch_size, inner)


def _segment_samples(codec: CatTokenizer) -> int:
    """Whole frames in a piece that is worked through at once, so that activations stay small."""
    return max(1, round(SEGMENT_S * codec.frame_rate)) * codec.frame_size


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; use 1 or more")
