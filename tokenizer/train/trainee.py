"""The tokenizer with its losses, and the heads that training alone needs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.config import PatchConfig
from tokenizer.model import CatTokenizer, unpatchify
from tokenizer.train.data import LABEL_S, UNLABELLED
from tokenizer.train.listener import Listener, listening_distance
from tokenizer.train.losses import (
    low_band,
    low_band_distance,
    low_band_size,
    patch_log_mel,
    phase_distance,
    spectral_distances,
)
from tokenizer.train.quantize import quantize
from tokenizer.train.recipe import Recipe

FIGURES = ("loss", "mel", "convergence", "phase", "listening", "label", "label_accuracy")


class Trainee(nn.Module):
    """A tokenizer that computes its losses; heads are thrown away after training.

    Args:
        num_labels: kinds of labels (`data.label`); 0 where there are none.
        listener: see `listener.listening_distance`; None where the recipe gives it no weight.
    """

    def __init__(
        self,
        codec: CatTokenizer,
        recipe: Recipe,
        num_labels: int = 0,
        listener: Listener | None = None,
    ) -> None:
        super().__init__()
        self.codec = codec
        self.recipe = recipe
        self.num_labels = num_labels
        self.listener = listener
        self.spectrum_head = SpectrumHead(codec, recipe)
        quantizer = codec.config.quantizer_kwargs
        steps = round(1 / (codec.frame_rate * LABEL_S))
        self.label_head = nn.Sequential(
            nn.LayerNorm(quantizer.output_dim),
            nn.Linear(quantizer.output_dim, steps * max(1, num_labels)),
        )
        unused: list[nn.Module] = []
        if recipe.freeze_encoder:
            unused += [codec.encoder, codec.quantizer]
        if recipe.inserted_codebooks:
            unused += [codec.encoder, codec.decoder, codec.quantizer]
        unused += [codec.decoder[-2]] if recipe.stage == "mel" else [self.spectrum_head]
        if recipe.freeze_encoder or not num_labels:
            unused.append(self.label_head)
        for module in unused:
            module.requires_grad_(False)
        if recipe.inserted_codebooks:
            for level in list(codec.quantizer.quantizers)[recipe.learning_codebooks]:
                level.requires_grad_(True)

    def forward(
        self, wav: Tensor, labels: Tensor, num_codebooks: Tensor, windows: tuple[int, ...]
    ) -> dict[str, Any]:
        """Losses of one batch wav (B, 1, N) whose items use `num_codebooks` (B,) codebooks."""
        codec, recipe = self.codec, self.recipe
        with torch.set_grad_enabled(not recipe.freeze_encoder):
            latents, _ = codec.encode_latents(wav)
            q = quantize(codec.quantizer, latents, num_codebooks)
        result: dict[str, Any] = {"latents": latents.detach(), "quantized": q}
        fine = (num_codebooks == 0) | (num_codebooks > recipe.phase_above)
        if recipe.stage == "mel":
            loss = self._spectrum_loss(wav, q.latents, fine, result)
        else:
            output = codec.decode_latents(q.latents)[0].float()
            result["output"] = output
            loss = self._waveform_loss(wav, output, fine, windows, result)
        if not recipe.freeze_encoder:
            loss = loss + recipe.weight_commitment * q.commitment
            loss = loss + recipe.weight_codebook * q.codebook
            if self.num_labels:
                figures = label_loss(self.label_head(q.latents), labels, self.num_labels)
                result["label"], result["label_accuracy"] = figures
                loss = loss + recipe.weight_labels * result["label"]
        result["loss"] = loss
        return result

    def _spectrum_loss(
        self, wav: Tensor, latents: Tensor, fine: Tensor, result: dict[str, Any]
    ) -> Tensor:
        recipe, rate = self.recipe, self.codec.sample_rate
        patch = self.codec.config.decoder_kwargs[-1]
        assert isinstance(patch, PatchConfig)
        mel, low = self.spectrum_head(self.codec, latents)
        target = patch_log_mel(wav, patch.patch_size, rate, recipe.mel_specs)
        result["mel"] = (mel.float() - target).abs().mean()
        loss = recipe.weight_mel * result["mel"]
        if recipe.weight_phase:
            phase = low_band_distance(low, low_band(wav, patch.patch_size, rate))
            loss = loss + recipe.weight_phase * self._of_fine(phase, fine, result)
        return loss

    def _waveform_loss(
        self,
        wav: Tensor,
        output: Tensor,
        fine: Tensor,
        windows: tuple[int, ...],
        result: dict[str, Any],
    ) -> Tensor:
        recipe, rate = self.recipe, self.codec.sample_rate
        result["mel"], result["convergence"] = spectral_distances(output, wav, windows, rate)
        loss = recipe.weight_mel * result["mel"] + recipe.weight_convergence * result["convergence"]
        if recipe.weight_phase:
            phase = phase_distance(output, wav, rate)
            loss = loss + recipe.weight_phase * self._of_fine(phase, fine, result)
        if self.listener is not None:
            result["listening"] = listening_distance(self.listener, output, wav)
            loss = loss + recipe.weight_listening * result["listening"]
        return loss

    def _of_fine(self, distance: Tensor, fine: Tensor, result: dict[str, Any]) -> Tensor:
        """The part (B,) of a distance that counts: items with enough codebooks to tell it."""
        weight = fine.float().to(distance.device)
        result["phase"] = (distance * weight).sum() / weight.sum().clamp_min(1)
        return (distance * weight).mean()


def label_loss(logits: Tensor, labels: Tensor, num_labels: int) -> tuple[Tensor, Tensor]:
    """Cross-entropy and share right of the labels.

    Args:
        logits: (B, T, S * num_labels), S labels a frame. labels: int64 (B, T * S).
    """
    logits, labels = logits.float().reshape(-1, num_labels), labels.flatten()
    known = labels != UNLABELLED
    right = (logits.argmax(1) == labels) & known
    loss = F.cross_entropy(logits, labels, ignore_index=UNLABELLED, reduction="sum")
    count = known.sum().clamp_min(1)
    return loss / count, right.sum() / count


class SpectrumHead(nn.Module):
    """Log-mels and low-frequency spectra at the patch rate, read off the decoder before its last
    and most costly stage."""

    def __init__(self, codec: CatTokenizer, recipe: Recipe) -> None:
        super().__init__()
        stage, patch = codec.config.decoder_kwargs[-4:-2]
        assert not isinstance(stage, PatchConfig)
        assert isinstance(patch, PatchConfig)
        self.patch_size = patch.patch_size
        self.bands = sum(bands for _, bands in recipe.mel_specs)
        self.mel = nn.Linear(stage.d_model, self.patch_size * self.bands)
        self.low = nn.Linear(stage.d_model, self.patch_size * low_band_size(codec.sample_rate))
        nn.init.constant_(self.mel.bias, -3.0)
        # Near the silence that most cells are, or its gradient drowns the mel's for long.
        nn.init.normal_(self.low.weight, std=1e-3)
        nn.init.zeros_(self.low.bias)

    def forward(self, codec: CatTokenizer, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Latents (B, T, D) -> (B, T * patches a frame, bands), and the same of the low band."""
        x, config = latents, codec.config.decoder_kwargs
        for stage, module in zip(config[:-4], codec.decoder[:-4], strict=True):
            x = unpatchify(x, stage.patch_size) if isinstance(stage, PatchConfig) else module(x)[0]
        hidden = codec.decoder[-4].hidden(x)[0]  # type: ignore[operator]
        mel, low = (
            head(hidden).unflatten(-1, (self.patch_size, -1)).flatten(1, 2)
            for head in (self.mel, self.low)
        )
        return mel, low
