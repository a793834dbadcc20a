"""CatTokenizer: waveform -> codes -> waveform."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from tokenizer.config import CatConfig, PatchConfig
from tokenizer.fast import FastQuantizer, FastStage
from tokenizer.quantizer import ResidualQuantizer
from tokenizer.transformer import StageState, TransformerStage
from tokenizer.weights import Names

# Long input is worked through in pieces of this many seconds, so that activations stay small.
SEGMENT_S = 20.0

_SPELLINGS = {
    ".self_attn.in_proj.": ".self_attn.in_projs.0.",
    ".self_attn.out_proj.": ".self_attn.out_projs.0.",
    ".ffn.0.": ".linear1.",
    ".ffn.2.": ".linear2.",
}

CodecState = tuple[StageState, ...]


class Encoded(NamedTuple):
    """codes: int64 (B, K, T); lengths: int64 (B,), valid frames of each item."""

    codes: Tensor
    lengths: Tensor


class _Prepared:
    """A tokenizer's weights as inference wants them, each part made when it is first used."""

    def __init__(self, codec: CatTokenizer) -> None:
        self.quantizer = FastQuantizer(codec.quantizer)
        self.decoder = _fast_stages(codec.decoder)
        self.encoder: list[FastStage] | None = None


def patchify(x: Tensor, size: int) -> Tensor:
    """(B, T * size, D) -> (B, T, D * size), channel d * size + position inside the patch."""
    return x.unflatten(1, (-1, size)).transpose(2, 3).flatten(2)


def unpatchify(x: Tensor, size: int) -> Tensor:
    """Inverse of `patchify`: (B, T, D * size) -> (B, T * size, D)."""
    return x.unflatten(2, (-1, size)).transpose(2, 3).flatten(1, 2)


def _old_spelling(name: str) -> str:
    """Names of newer files in the spelling of the first ones, which is that of our modules."""
    for new, old in _SPELLINGS.items():
        name = name.replace(new, old)
    return name


class CatTokenizer(nn.Module):
    """Causal Audio Tokenizer with Transformer (arXiv 2602.10934).

    Encoder: patchify and causal transformer stages down to one latent per frame; residual
    quantizer; decoder: the mirror image. Parameter names are those of the published files.

    `prepare` lays the weights out for inference, as `load_codec` has done. What changes weights or
    parts through the module's own ways (`train`, `requires_grad_`, `to`, `load_state_dict`, a part
    that is exchanged) undoes it; who writes into a weight calls `prepare` again.
    """

    names: ClassVar[Names] = Names(rename=_old_spelling)
    _prepared: _Prepared | None = None

    def __init__(self, config: CatConfig, tensors: Collection[str] | None = None) -> None:
        """Random weights.

        Args:
            config: what it is.
            tensors: names of the tensors of the file that will fill it, which decide what
                projections between equal sizes there are; None means all where there are several
                channels, else none.
        """
        super().__init__()
        self.config = config
        # What fills the parts whose weights are not here: not yet, or no more.
        self._late: dict[str, Callable[[], object]] = {}
        self.encoder = _build_stages(config, "encoder", tensors)
        self.quantizer = ResidualQuantizer(config.quantizer_kwargs)
        self.decoder = _build_stages(config, "decoder", tensors)

    @property
    def sample_rate(self) -> int:
        """Samples per second, Hz."""
        return self.config.sampling_rate

    @property
    def channels(self) -> int:
        """Of the waveform: 1, or 2 for stereo."""
        return self.config.number_channels

    @property
    def frame_size(self) -> int:
        """Samples per frame, of each channel."""
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
        """Where the quantizer is; other parts may be elsewhere."""
        return next(self.quantizer.parameters()).device

    def num_frames(self, num_samples: int) -> int:
        """Frames that `num_samples` samples need; the last one may be partly silence."""
        return -(-num_samples // self.frame_size)

    @torch.inference_mode()
    def prepare(self) -> CatTokenizer:
        """Lay the weights out for inference, as they are now; returns itself."""
        self._prepared = _Prepared(self)
        return self

    @property
    def is_prepared(self) -> bool:
        """Whether its weights are laid out for inference."""
        return self._prepared is not None

    def fill_later(self, part: str, fill: Callable[[], object]) -> None:
        """Leave 'encoder' or 'decoder' without numbers until they are needed: `fill` brings them.

        A decoder that was prepared does not need those of its modules.
        """
        self._late[part] = fill
        getattr(self, part).to(device="meta")

    def fill(self, *parts: str) -> None:
        """Make sure that these parts have their weights; none given means all."""
        for part in parts or tuple(self._late):
            if part in self._late:
                self._late.pop(part)()

    def _ready(self, x: Tensor) -> _Prepared | None:
        """The prepared weights where they may be used: no gradient, no autocast."""
        if torch.is_grad_enabled() or torch.is_autocast_enabled(x.device.type):
            return None
        return self._prepared

    def encode_latents(
        self, wav: Tensor, state: CodecState | None = None
    ) -> tuple[Tensor, CodecState]:
        """Encoder alone: (B, channels, T * frame_size) -> (B, T, D), and the state that follows."""
        self.fill("encoder")
        ready = self._ready(wav)
        if ready is not None and ready.encoder is None:
            ready.encoder = _fast_stages(self.encoder)
        stages = ready.encoder if ready is not None else _stages(self.encoder)
        assert stages is not None
        # L0 R0 L1 R1 …
        x, states = wav.transpose(1, 2).flatten(1)[..., None], []
        for config in self.config.encoder_kwargs:
            if isinstance(config, PatchConfig):
                x = patchify(x, config.patch_size)
            else:
                number = len(states)
                x, new = stages[number](x, state[number] if state else None)
                states.append(new)
        return x, tuple(states)

    def decode_latents(
        self, latents: Tensor, state: CodecState | None = None
    ) -> tuple[Tensor, CodecState]:
        """Decoder alone: (B, T, D) -> (B, channels, T * frame_size), and the state that follows."""
        ready = self._ready(latents)
        if ready is None:
            self.fill("decoder")
        stages = ready.decoder if ready is not None else _stages(self.decoder)
        x, states = latents, []
        for config in self.config.decoder_kwargs:
            if isinstance(config, PatchConfig):
                x = unpatchify(x, config.patch_size)
            else:
                number = len(states)
                x, new = stages[number](x, state[number] if state else None)
                states.append(new)
        return x.reshape(len(x), -1, self.channels).transpose(1, 2), tuple(states)

    def quantize(self, latents: Tensor, num_codebooks: int | None = None) -> Tensor:
        """Quantizer alone: (B, T, D) -> int64 (B, K, T), coarsest codebook first."""
        ready, used = self._ready(latents), num_codebooks or self.num_codebooks
        return (self.quantizer if ready is None else ready.quantizer).encode(latents, used)

    def dequantize(self, codes: Tensor) -> Tensor:
        """What codes stand for, as the decoder takes it: int64 (B, K, T) -> (B, T, D)."""
        ready = self._ready(codes)
        return (self.quantizer if ready is None else ready.quantizer).decode(codes).to(self.dtype)

    # What changes weights or parts makes the prepared ones useless.

    def train(self, mode: bool = True) -> CatTokenizer:
        if mode:
            self._forget()
        return super().train(mode)

    def requires_grad_(self, requires_grad: bool = True) -> CatTokenizer:
        if requires_grad:
            self._forget()
        return super().requires_grad_(requires_grad)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        self._forget()
        return super().load_state_dict(*args, **kwargs)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        self.fill()
        return super().state_dict(*args, **kwargs)

    def _apply(self, *args: Any, **kwargs: Any) -> CatTokenizer:
        self._forget()
        return super()._apply(*args, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, nn.Module):
            self._prepared = None
        super().__setattr__(name, value)

    def _forget(self) -> None:
        self.fill()
        self._prepared = None

    @torch.inference_mode()
    def encode_batch(
        self, wav: Tensor, lengths: Tensor | None = None, num_codebooks: int | None = None
    ) -> Encoded:
        """Encode items of unequal length.

        Every item is padded with silence to whole frames, so no sample of its tail is lost,
        and its codes do not depend on what stands beside it in the batch.

        Args:
            wav: float32 (B, channels, N) at `sample_rate`, in [-1, 1]; any N >= 1.
            lengths: int64 (B,), valid samples of each item; None means N for all.
            num_codebooks: K, coarsest first; None means all.

        Returns:
            Codes int64 (B, K, ceil(N / frame_size)), and valid frames of each item. Codes past
            an item's length are those of a zero latent.

        Raises:
            ValueError: wav is not (B, channels, N), is empty, or a length or K is out of range.
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
            codes.append(self.quantize(latents * inside[..., None], num_codebooks))
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
            float32 (B, channels, T * frame_size) at `sample_rate` Hz. Values follow the training
            data and stay near [-1, 1]; they are not clipped here.

        Raises:
            ValueError: codes is not 3-D, is empty, K exceeds `num_codebooks`, or a value is out
                of range.
        """
        self.check_codes(codes)
        state: CodecState | None = None
        pieces = []
        for piece in codes.to(self.device).split(self._segment_frames(), dim=2):
            wav, state = self.decode_latents(self.dequantize(piece), state)
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
        if wav.ndim != 3 or wav.shape[1] != self.channels or wav.shape[2] == 0:
            raise ValueError(
                f"wav must be (B, {self.channels}, N) with N >= 1, got shape {tuple(wav.shape)}"
            )

    def _segment_frames(self) -> int:
        return max(1, round(SEGMENT_S * self.frame_rate))


def _build_stages(config: CatConfig, part: str, tensors: Collection[str] | None) -> nn.ModuleList:
    down = part == "encoder"
    rate = config.sampling_rate * (1 if down else 1 / config.downsample_rate)
    if down:
        rate *= config.number_channels
    projections = frozenset(("input_proj", "output_proj"))
    modules: list[nn.Module] = []
    for number, stage in enumerate(config.encoder_kwargs if down else config.decoder_kwargs):
        if isinstance(stage, PatchConfig):
            rate = rate / stage.patch_size if down else rate * stage.patch_size
            modules.append(nn.Identity())
            continue
        seconds = stage.context_duration or config.causal_transformer_context_duration
        if tensors is None:
            there = projections if config.number_channels > 1 else frozenset()
        else:
            there = frozenset(p for p in projections if f"{part}.{number}.{p}.weight" in tensors)
        modules.append(TransformerStage(stage, round(rate * seconds), there))
    return nn.ModuleList(modules)


def _stages(modules: nn.ModuleList) -> list[TransformerStage]:
    return [module for module in modules if isinstance(module, TransformerStage)]


def _fast_stages(modules: nn.ModuleList) -> list[FastStage]:
    with torch.inference_mode():
        return [FastStage(stage) for stage in _stages(modules)]
