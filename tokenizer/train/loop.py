"""The training loop: one resumable run with a time budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tokenizer.checkpoint import save_codec
from tokenizer.model import CatTokenizer
from tokenizer.train.adversary import Adversary
from tokenizer.train.data import PackedAudio, segments
from tokenizer.train.init import initialize_output
from tokenizer.train.insert import insert_codebooks
from tokenizer.train.listener import Listener, train_listener
from tokenizer.train.losses import drawn
from tokenizer.train.optim import make_optimizer
from tokenizer.train.quantize import CodebookKeeper, seed_codebooks
from tokenizer.train.recipe import Recipe
from tokenizer.train.run import (
    Average,
    Progress,
    TrainingRun,
    make_accelerator,
    process_seed,
    resume,
)
from tokenizer.train.trainee import FIGURES, Trainee


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
    windows = recipe.wave_windows
    chosen = drawn(len(windows), recipe.windows_per_step, recipe.seed * 1_000_033 + step)
    return tuple(windows[i] for i in chosen)


def segment_samples(codec: CatTokenizer, recipe: Recipe) -> int:
    return round(recipe.segment_s * codec.frame_rate) * codec.frame_size


@torch.no_grad()
def some_latents(codec: CatTokenizer, audio: PackedAudio, recipe: Recipe) -> Tensor:
    """Latents of 96 segments, to start codebooks from: float32 (96, T, D)."""
    samples = segment_samples(codec, recipe)
    batch, _ = next(segments(audio, 96, samples, recipe.seed + 1, recipe=recipe))
    pieces = batch.to(codec.device).split(16)
    return torch.cat([codec.encode_latents(wav)[0].float() for wav in pieces])


def train(
    codec: CatTokenizer, audio: PackedAudio, recipe: Recipe, out: Path, budget_s: float
) -> CatTokenizer:
    """Train until `budget_s` seconds of computing are spent; go on from `out` if it holds a run.

    Writes to `out`: recipe.json, log.jsonl, state/ (for resuming), model.safetensors and
    config.json.
    """
    accelerator = make_accelerator()
    torch.manual_seed(recipe.seed)
    state, listener = out / "state", None
    if recipe.fresh_output and not state.is_dir():
        initialize_output(codec)
    if recipe.inserted_codebooks and not state.is_dir():
        latents = some_latents(codec, audio, recipe)
        after, count = recipe.inserted_after, recipe.inserted_codebooks
        insert_codebooks(codec.quantizer, after, count, latents, recipe.seed)
    if recipe.weight_listening:
        if not audio.num_labels:
            raise ValueError("weight_listening needs labels to learn from: give --labels, or 0")
        listener = Listener(audio.num_labels, codec.sample_rate).to(codec.device)
        if not state.is_dir():
            heard = train_listener(listener, audio, recipe.listener_steps, recipe.seed + 2)
            print("listener: cross-entropy {:.3f}, {:.3f} of the labels right".format(*heard))
        listener.requires_grad_(False)
    trainee = Trainee(codec, recipe, audio.num_labels, listener)
    params = [p for p in trainee.parameters() if p.requires_grad]
    optimizer = make_optimizer(trainee, recipe.learning_rate, recipe.weight_decay)
    model, optimizer = accelerator.prepare(trainee, optimizer)
    progress, keeper = Progress(), CodebookKeeper(codec.quantizer)
    progress.seeded = bool(recipe.inserted_codebooks)
    average = Average(codec, recipe.average)
    accelerator.register_for_checkpointing(progress, keeper, average)
    adversary = Adversary(recipe, accelerator, codec.sample_rate) if recipe.stage == "gan" else None
    resume(accelerator, recipe, out)
    seed = process_seed(accelerator, recipe)
    samples = segment_samples(codec, recipe)
    batches = segments(audio, recipe.batch_size, samples, seed, progress.step, recipe=recipe)
    run = _Run(
        accelerator,
        optimizer,
        recipe,
        out,
        model=model,
        params=params,
        codec=codec,
        audio=audio,
        batches=batches,
        progress=progress,
        keeper=keeper,
        adversary=adversary,
        average=average,
    )
    run.loop(progress, budget_s)
    return codec


@dataclass
class _Run(TrainingRun[Recipe]):
    model: nn.Module
    params: list[nn.Parameter]
    codec: CatTokenizer
    audio: PackedAudio
    batches: Iterator[tuple[Tensor, Tensor]]
    progress: Progress
    keeper: CodebookKeeper
    adversary: Adversary | None
    average: Average

    def step(self, number: int, spent: float) -> dict[str, float]:
        """See `TrainingRun.step`; the first quantized step of the mel stage seeds the codebooks."""
        recipe, progress = self.recipe, self.progress
        due = recipe.stage == "mel" and number >= recipe.unquantized_steps
        if due and not progress.seeded:
            with self.accelerator.autocast():
                latents = some_latents(self.codec, self.audio, recipe)
            seed_codebooks(self.codec.quantizer, latents)
            progress.seeded = True
        wav, labels = (x.to(self.accelerator.device) for x in next(self.batches))
        return self._learn(wav, labels, number)

    def told(self, number: int, spent: float) -> dict[str, Any]:
        """How many entries of each codebook are in use."""
        return {"used": self.keeper.used()}

    def _learn(self, wav: Tensor, labels: Tensor, number: int) -> dict[str, float]:
        recipe, quantizer = self.recipe, self.codec.quantizer
        learns_codes = self.progress.seeded or recipe.stage != "mel"
        total = recipe.learning_codebooks.stop or self.codec.num_codebooks
        count = draw_codebooks(recipe, len(wav), total, number)
        if not learns_codes:
            count = torch.zeros_like(count)
        with self.accelerator.autocast():
            result = self.model(wav, labels, count, draw_windows(recipe, number))
        loss, figures = result["loss"], {}
        if self.adversary:
            extra, figures = self.adversary.step(wav, result["output"], number)
            loss = loss + extra
        norm = self.descend(loss, self.model, self.params)
        self.average.update()
        quantized = result["quantized"]
        if not recipe.freeze_encoder and learns_codes:
            self.keeper.update(quantized.codes)
            if number % recipe.revive_every == 0:
                figures["revived"] = self.keeper.revive(
                    quantizer, quantized.projected, 0.05, recipe.learning_codebooks
                )
        for name in FIGURES:
            if name in result:
                figures[name] = float(result[name].detach())
        figures |= {"commitment": float(quantized.commitment.detach()), "norm": norm}
        return figures

    def write(self) -> None:
        save_codec(self.average.model, self.out)
