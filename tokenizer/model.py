"""CatTokenizer: waveform -> codes -> waveform."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from tokenizer.config import CatConfig, PatchConfig
from tokenizer.quantizer import ResidualQuantizer
from tokenizer.transformer import StageState, TransformerStage

# Long input is worked through in pieces of this many seconds, so that activations stay small.
SEGMENT_S = 20.0

CodecState = tuple[StageState, ...]


class Encoded(NamedTuple):
    """codes: int64 (B, K, T); lengths: int64 (B,), valid frames of each item."""

    codes: Tensor
    lengths: Tensor


def patchify(x: Tensor, size: int) -> Tensor:
    """(B, T * size, D) -> (B, T, D * size), channel d * size + position inside the patch."""
    return x.unflatten(1, (-1, size)).transpose(2, 3).flatten(2)


def unpatchify(x: Tensor, size: int) -> Tensor:
    """Inverse of `patchify`: (B, T, D * size) -> (B, T * size, D)."""
    return x.unflatten(2, (-1, size)).transpose(2, 3).flatten(1, 2)


class CatTokenizer(nn.Module):
    """Causal Audio Tokenizer with Transformer (arXiv 2602.10934).

    Encoder: patchify and causal transformer stages down to one latent per frame; residual
    quantizer; decoder: the mirror image. Parameter names are those of the published files.
    """

    def __init__(self, config: CatConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _build_stages(config, config.encoder_kwargs, config.sampling_rate, down=True)
        self.quantizer = ResidualQuantizer(config.quantizer_kwargs)
        self.decoder = _build_stages(config, config.decoder_kwargs, self.frame_rate, down=False)

    @property
    def sample_rate(self) -> int:
        """Samples per second, Hz."""
        return self.config.sampling_rate

    @property
    def frame_size(self) -> int:
        """Samples per frame."""
        return self.config.downsample_rate

    @property
    def frame_rate(self) -> float:
        """Frames per second, Hz."""
        return self.config.sampling_rate / self.config.downsample_rate

    @property
    def num_codebooks(self) -> int:
        return self.config.quantizer_kwargs.num_quantizers

    @property
    def codebook_size(self) -> int:
        return self.config.quantizer_kwargs.codebook_size

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def num_frames(self, num_samples: int) -> int:
        """Frames that `num_samples` samples need; the last one may be partly silence."""
        return -(-num_samples // self.frame_size)

    def encode_latents(
        self, wav: Tensor, state: CodecState | None = None
    ) -> tuple[Tensor, CodecState]:
        """Encoder alone: (B, 1, T * frame_size) -> (B, T, D), and the state for what follows."""
        x = wav.transpose(1, 2)
        states: list[StageState] = []
        for stage, module in zip(self.config.encoder_kwargs, self.encoder, strict=True):
            if isinstance(stage, PatchConfig):
                x = patchify(x, stage.patch_size)
            else:
                x, new = module(x, state[len(states)] if state else None)
                states.append(new)
        return x, tuple(states)

    def decode_latents(
        self, latents: Tensor, state: CodecState | None = None
    ) -> tuple[Tensor, CodecState]:
        """Decoder alone: (B, T, D) -> (B, 1, T * frame_size), and the state for what follows."""
        x = latents
        states: list[StageState] = []
        for stage, module in zip(self.config.decoder_kwargs, self.decoder, strict=True):
            if isinstance(stage, PatchConfig):
                x = unpatchify(x, stage.patch_size)
            else:
                x, new = module(x, state[len(states)] if state else None)
                states.append(new)
        return x.transpose(1, 2), tuple(states)

    @torch.inference_mode()
    def encode_batch(
        self, wav: Tensor, lengths: Tensor | None = None, num_codebooks: int | None = None
    ) -> Encoded:
        """Encode items of unequal length.

        Every item is padded with silence to whole frames, so no sample of its tail is lost,
        and its codes do not depend on what stands beside it in the batch.

        Args:
            wav: float32 (B, 1, N) at `sample_rate`, in [-1, 1]; any N >= 1.
            lengths: int64 (B,), valid samples of each item; None means N for all.
            num_codebooks: K, coarsest first; None means all.

        Returns:
            Codes int64 (B, K, ceil(N / frame_size)), and valid frames of each item. Codes past
            an item's length are those of a zero latent.

        Raises:
            ValueError: wav is not (B, 1, N), is empty, or a length or K is out of range.
        """
        self._check_wav(wav)
        self._check_num_codebooks(num_codebooks)
        total, all_full = wav.shape[2], lengths is None
        lengths = torch.full((wav.shape[0],), total) if lengths is None else lengths.cpu()
        if lengths.shape != (wav.shape[0],) or lengths.min() < 1 or lengths.max() > total:
            raise ValueError(
                f"lengths {lengths.tolist()} must be {wav.shape[0]} values in 1..{total}"
            )
        wav = wav.to(self.device).float()
        if not all_full:
            valid = torch.arange(total) < lengths[:, None]
            wav = wav * valid[:, None].to(self.device)
        frames = -(-lengths // self.frame_size)
        state: CodecState | None = None
        codes, first = [], 0
        for piece in wav.split(self._segment_frames() * self.frame_size, dim=2):
            # Long sounds are not copied as a whole: only the last piece is filled up.
            piece = nn.functional.pad(piece, (0, -piece.shape[2] % self.frame_size))
            latents, state = self.encode_latents(piece, state)
            time = torch.arange(first, first + latents.shape[1])
            inside = (time < frames[:, None]).to(latents.device)
            codes.append(self.quantizer.encode(latents * inside[..., None], num_codebooks))
            first += latents.shape[1]
        return Encoded(torch.cat(codes, dim=2), frames)

    def encode(self, wav: Tensor, num_codebooks: int | None = None) -> Tensor:
        """Codes int64 (B, K, T) of equally long items; see `encode_batch`."""
        return self.encode_batch(wav, None, num_codebooks).codes

    @torch.inference_mode()
    def decode(self, codes: Tensor) -> Tensor:
        """Decode codes to a waveform.

        Args:
            codes: int64 (B, K, T), coarsest codebook first, values in [0, codebook_size);
                any K from 1 to `num_codebooks`.

        Returns:
            float32 (B, 1, T * frame_size) at `sample_rate` Hz. Values follow the training data
            and stay near [-1, 1]; they are not clipped here.

        Raises:
            ValueError: codes is not 3-D, is empty, K exceeds `num_codebooks`, or a value is out
                of range.
        """
        self.check_codes(codes)
        state: CodecState | None = None
        pieces = []
        for piece in codes.to(self.device).split(self._segment_frames(), dim=2):
            latents = self.quantizer.decode(piece)
            wav, state = self.decode_latents(latents.to(self.dtype), state)
            pieces.append(wav.float())
        return torch.cat(pieces, dim=2)

    @property
    def dtype(self) -> torch.dtype:
        """Of the decoder; the quantizer is float32 always."""
        return next(self.decoder.parameters()).dtype

    def check_codes(self, codes: Tensor) -> None:
        """ValueError unless codes is a non-empty int64 (B, K, T) within this tokenizer's range."""
        if codes.ndim != 3 or codes.numel() == 0:
            raise ValueError(f"codes must be a non-empty (B, K, T), got shape {tuple(codes.shape)}")
        self._check_num_codebooks(codes.shape[1])
        low, high = int(codes.min()), int(codes.max())
        if low < 0 or high >= self.codebook_size:
            raise ValueError(f"codes span {low}..{high}, allowed is 0..{self.codebook_size - 1}")

    def _check_num_codebooks(self, num_codebooks: int | None) -> None:
        if num_codebooks is not None and not 1 <= num_codebooks <= self.num_codebooks:
            raise ValueError(
                f"num_codebooks is {num_codebooks}; this tokenizer has 1..{self.num_codebooks}"
            )

    def _check_wav(self, wav: Tensor) -> None:
        if wav.ndim != 3 or wav.shape[1] != 1 or wav.shape[2] == 0:
            raise ValueError(f"wav must be (B, 1, N) with N >= 1, got shape {tuple(wav.shape)}")

    def _segment_frames(self) -> int:
        return max(1, round(SEGMENT_S * self.frame_rate))


def _build_stages(config: CatConfig, stages, rate: float, down: bool) -> nn.ModuleList:
    modules: list[nn.Module] = []
    for stage in stages:
        if isinstance(stage, PatchConfig):
            rate = rate / stage.patch_size if down else rate * stage.patch_size
            modules.append(nn.Identity())
        else:
            context = int(rate * config.causal_transformer_context_duration)
            modules.append(TransformerStage(stage, context))
    return nn.ModuleList(modules)
