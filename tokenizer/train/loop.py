"""The training loop: one resumable run with a time budget."""

from __future__ import annotations

import copy
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.checkpoint import save_codec
from tokenizer.config import PatchConfig
from tokenizer.decoder import DECODER, save_decoder
from tokenizer.model import CatTokenizer, unpatchify
from tokenizer.train.adversary import Adversary
from tokenizer.train.data import LABEL_S, UNLABELLED, PackedAudio, segments
from tokenizer.train.keep import add_codebooks, drift
from tokenizer.train.listener import Listener, listening_distance, train_listener
from tokenizer.train.losses import (
    envelope_distance,
    modulation_distance,
    patch_log_mel,
    phase_distance,
    repetition_distance,
    spectral_distances,
)
from tokenizer.train.optim import make_optimizers, set_rate
from tokenizer.train.quantize import CodebookKeeper, quantize, seed_codebooks
from tokenizer.train.recipe import Recipe
from tokenizer.train.run import Progress, TrainingLog, learning_rate, make_accelerator, polite_stop

FIGURES = (
    "loss",
    "mel",
    "convergence",
    "repetition",
    "modulation",
    "phase",
    "envelope",
    "listening",
    "drift",
    "label",
    "label_accuracy",
)


class Trainee(nn.Module):
    """The tokenizer, and the mel head that the first stage needs and nobody afterwards."""

    def __init__(
        self, codec: CatTokenizer, recipe: Recipe, listener: Listener | None = None
    ) -> None:
        super().__init__()
        self.codec = codec
        self.recipe = recipe
        self.listener = listener
        self.mel_head = MelHead(codec, recipe)
        quantizer = codec.config.quantizer_kwargs
        steps = round(1 / (codec.frame_rate * LABEL_S))
        self.label_head = nn.Sequential(
            nn.LayerNorm(quantizer.output_dim),
            nn.Linear(quantizer.output_dim, steps * max(1, recipe.num_labels)),
        )
        unused: list[nn.Module] = []
        if recipe.freeze_encoder:
            unused += [codec.encoder, codec.quantizer]
        self.reference: CatTokenizer | None = None
        if recipe.keep_codebooks and not recipe.freeze_encoder:
            self.reference = copy.deepcopy(codec)
            self.reference.decoder = nn.ModuleList()
            # With the last projection they also sound the same to whoever decodes them alone.
            unused += [self.reference, codec.quantizer.input_proj, codec.quantizer.output_proj]
            unused += list(codec.quantizer.quantizers[: recipe.keep_codebooks])
        unused += [codec.decoder[-2]] if recipe.stage == "mel" else [self.mel_head]
        if recipe.freeze_encoder or not recipe.num_labels:
            unused.append(self.label_head)
        for module in unused:
            module.requires_grad_(False)

    def forward(
        self, wav: Tensor, labels: Tensor, num_codebooks: Tensor, windows: tuple[int, ...]
    ) -> dict[str, Any]:
        """Losses of one batch wav (B, 1, N) whose items use `num_codebooks` (B,) codebooks."""
        codec, recipe = self.codec, self.recipe
        with torch.set_grad_enabled(not recipe.freeze_encoder):
            latents, _ = codec.encode_latents(wav)
            q = quantize(codec.quantizer, latents, num_codebooks, recipe.keep_codebooks)
        result: dict[str, Any] = {"latents": latents.detach(), "quantized": q}
        patch = codec.config.decoder_kwargs[-1]
        assert isinstance(patch, PatchConfig)
        if recipe.stage == "mel":
            target = patch_log_mel(wav, patch.patch_size, codec.sample_rate, recipe.mel_specs)
            mel = self.mel_head(codec, q.latents)
            result["mel"] = (mel.float() - target).abs().mean()
            loss = recipe.weight_mel * result["mel"]
        else:
            output = codec.decode_latents(q.latents)[0].float()
            result["output"] = output
            distances = spectral_distances(output, wav, windows, codec.sample_rate)
            result["mel"], result["convergence"] = distances
            loss = recipe.weight_mel * result["mel"]
            loss = loss + recipe.weight_convergence * result["convergence"]
            if recipe.weight_repetition:
                distance = repetition_distance(output, wav, patch.patch_size, codec.sample_rate)
                result["repetition"] = distance
                loss = loss + recipe.weight_repetition * distance
            if recipe.weight_modulation:
                result["modulation"] = modulation_distance(output, wav, codec.sample_rate)
                loss = loss + recipe.weight_modulation * result["modulation"]
            if recipe.weight_phase:
                fine = (num_codebooks > recipe.keep_codebooks).float().to(output.device)
                phase = phase_distance(output, wav, codec.sample_rate) * fine
                result["phase"] = phase.sum() / fine.sum().clamp_min(1)
                loss = loss + recipe.weight_phase * phase.mean()
            if recipe.weight_envelope:
                result["envelope"] = envelope_distance(output, wav, codec.sample_rate)
                loss = loss + recipe.weight_envelope * result["envelope"]
            if self.listener is not None:
                result["listening"] = listening_distance(self.listener, output, wav)
                loss = loss + recipe.weight_listening * result["listening"]
        if self.reference is not None:
            with torch.no_grad():
                reference, _ = self.reference.encode_latents(wav)
            result["drift"] = drift(codec.quantizer, latents, reference, recipe.keep_codebooks)
            loss = loss + recipe.weight_drift * result["drift"]
        if not recipe.freeze_encoder:
            loss = loss + recipe.weight_commitment * q.commitment
            loss = loss + recipe.weight_codebook * q.codebook
            if recipe.num_labels:
                figures = label_loss(self.label_head(q.latents), labels, recipe.num_labels)
                result["label"], result["label_accuracy"] = figures
                loss = loss + recipe.weight_labels * result["label"]
        result["loss"] = loss
        return result


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


class MelHead(nn.Module):
    """Log-mels at the patch rate, read off the decoder before its last and most costly stage."""

    def __init__(self, codec: CatTokenizer, recipe: Recipe) -> None:
        super().__init__()
        stage, patch = codec.config.decoder_kwargs[-4:-2]
        assert not isinstance(stage, PatchConfig)
        assert isinstance(patch, PatchConfig)
        self.patch_size = patch.patch_size
        bands = sum(bands for _, bands in recipe.mel_specs)
        self.linear = nn.Linear(stage.d_model, self.patch_size * bands)
        nn.init.constant_(self.linear.bias, -3.0)

    def forward(self, codec: CatTokenizer, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> (B, T * patches a frame, bands)."""
        x, config = latents, codec.config.decoder_kwargs
        for stage, module in zip(config[:-4], codec.decoder[:-4], strict=True):
            x = unpatchify(x, stage.patch_size) if isinstance(stage, PatchConfig) else module(x)[0]
        hidden = codec.decoder[-4].hidden(x)[0]  # type: ignore[operator]
        return self.linear(hidden).unflatten(-1, (self.patch_size, -1)).flatten(1, 2)


def draw_codebooks(recipe: Recipe, batch: int, total: int, step: int) -> Tensor:
    """Quantizer dropout: int64 (B,), a function of seed and step alone."""
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    random = torch.randint(1, total + 1, (batch,), generator=generator)
    dropped = torch.rand(batch, generator=generator) < recipe.dropout
    count = torch.where(dropped, random, total)
    if recipe.usual_codebooks:
        usual = torch.rand(batch, generator=generator) < recipe.usual_share
        count = torch.where(usual, recipe.usual_codebooks, count)
    return count


def draw_windows(recipe: Recipe, step: int) -> tuple[int, ...]:
    """The STFT windows of a step, a function of seed and step alone."""
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_033 + step)
    order = torch.randperm(len(recipe.wave_windows), generator=generator)
    return tuple(recipe.wave_windows[i] for i in order[: recipe.windows_per_step])


def segment_samples(codec: CatTokenizer, recipe: Recipe) -> int:
    return round(recipe.segment_s * codec.frame_rate) * codec.frame_size


@torch.no_grad()
def some_latents(codec: CatTokenizer, audio: PackedAudio, recipe: Recipe) -> Tensor:
    """Latents of 96 segments, to start codebooks from: float32 (96, T, D)."""
    batch, _ = next(segments(audio, 96, segment_samples(codec, recipe), recipe.seed + 1))
    pieces = batch.to(codec.device).split(16)
    return torch.cat([codec.encode_latents(wav)[0].float() for wav in pieces])


def train(
    codec: CatTokenizer, audio: PackedAudio, recipe: Recipe, out: Path, budget_s: float
) -> CatTokenizer:
    """Train until `budget_s` seconds of computing are spent; go on from `out` if it holds a run.

    Writes to `out`: log.jsonl, state/ (for resuming), model.safetensors and config.json; where
    the encoder is frozen also decoder.safetensors, which any model for these codes may bring.
    """
    accelerator = make_accelerator()
    torch.manual_seed(recipe.seed)
    if recipe.codebooks > codec.num_codebooks:
        add_codebooks(codec, recipe.codebooks, some_latents(codec, audio, recipe))
    state, listener = out / "state", None
    if recipe.weight_listening:
        listener = Listener(recipe.num_labels, codec.sample_rate).to(codec.device)
        if not state.is_dir():
            heard = train_listener(listener, audio, recipe.listener_steps, recipe.seed + 2)
            print("listener: cross-entropy {:.3f}, {:.3f} of the labels right".format(*heard))
        listener.requires_grad_(False)
    trainee = Trainee(codec, recipe, listener)
    params = [p for p in trainee.parameters() if p.requires_grad]
    optimizers = make_optimizers(
        trainee, recipe.optimizer, recipe.learning_rate, recipe.weight_decay
    )
    model, *optimizers = accelerator.prepare(trainee, *optimizers)
    progress, keeper = Progress(), CodebookKeeper(codec.quantizer, kept=recipe.keep_codebooks)
    accelerator.register_for_checkpointing(progress, keeper)
    adversary = Adversary(recipe, accelerator, codec.sample_rate) if recipe.stage == "gan" else None
    if state.is_dir():
        accelerator.load_state(str(state))
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    run = _Run(accelerator, model, optimizers, params, codec, recipe, audio, out)
    with polite_stop() as stopped:
        run.loop(progress, keeper, adversary, budget_s, stopped)
    return codec


@dataclass
class _Run:
    accelerator: Accelerator
    model: nn.Module
    optimizers: list[Any]
    params: list[nn.Parameter]
    codec: CatTokenizer
    recipe: Recipe
    audio: PackedAudio
    out: Path

    def loop(
        self,
        progress: Progress,
        keeper: CodebookKeeper,
        adversary: Adversary | None,
        budget_s: float,
        stopped: list[int],
    ) -> None:
        """Train until the budget or the steps are spent, or `stopped` is not empty any more."""
        recipe, device = self.recipe, self.accelerator.device
        samples = segment_samples(self.codec, recipe)
        seed = recipe.seed + 7919 * self.accelerator.process_index
        batches = segments(self.audio, recipe.batch_size, samples, seed, progress.step)
        begun, saved = time.monotonic() - progress.elapsed_s, time.monotonic()
        log = TrainingLog(self.out / "log.jsonl")
        while progress.elapsed_s < budget_s and progress.step < recipe.max_steps and not stopped:
            spent = progress.elapsed_s / budget_s
            rate = learning_rate(recipe.learning_rate, recipe.warmup_steps, progress.step, spent)
            set_rate(self.optimizers, rate)
            due = recipe.stage == "mel" and progress.step >= recipe.unquantized_steps
            if due and not progress.seeded:
                with self.accelerator.autocast():
                    latents = some_latents(self.codec, self.audio, recipe)
                seed_codebooks(self.codec.quantizer, latents)
                progress.seeded = True
            wav, labels = (x.to(device) for x in next(batches))
            figures = self._step(wav, labels, progress, keeper, adversary)
            log.add(figures)
            progress.step += 1
            progress.elapsed_s = time.monotonic() - begun
            if progress.step % 50 == 0 and self.accelerator.is_main_process:
                log.write(progress, lr=float(f"{rate:.3g}"), used=keeper.used())
            if time.monotonic() - saved > 300:
                self.save()
                saved = time.monotonic()
        self.save()

    def _step(
        self,
        wav: Tensor,
        labels: Tensor,
        progress: Progress,
        keeper: CodebookKeeper,
        adversary: Adversary | None,
    ) -> dict[str, float]:
        recipe, quantizer = self.recipe, self.codec.quantizer
        count = draw_codebooks(recipe, len(wav), self.codec.num_codebooks, progress.step)
        if recipe.stage == "mel" and not progress.seeded:
            count = torch.zeros_like(count)
        with self.accelerator.autocast():
            result = self.model(wav, labels, count, draw_windows(recipe, progress.step))
        loss, figures = result["loss"], {}
        if adversary:
            extra, figures = adversary.step(wav, result["output"], progress.step)
            loss = loss + extra
        self.model.zero_grad()
        self.accelerator.backward(loss)
        norm: Any = self.accelerator.clip_grad_norm_(self.params, recipe.clip)
        for optimizer in self.optimizers:
            optimizer.step()
        quantized = result["quantized"]
        if not recipe.freeze_encoder and (progress.seeded or recipe.stage != "mel"):
            keeper.update(quantized.codes)
            if progress.step % recipe.revive_every == 0:
                figures["revived"] = keeper.revive(quantizer, quantized.projected, 0.05)
        for name in FIGURES:
            if name in result:
                figures[name] = float(result[name].detach())
        figures |= {"commitment": float(quantized.commitment.detach()), "norm": float(norm)}
        return figures

    def save(self) -> None:
        """Write everything that resuming needs, and the tokenizer itself."""
        self.accelerator.save_state(str(self.out / "state"))
        if self.accelerator.is_main_process:
            save_codec(self.codec, self.out)
            if self.recipe.freeze_encoder:
                save_decoder(self.codec, self.out / DECODER)
