"""The training loop: one resumable run with a time budget."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from tokenizer.checkpoint import save_codec
from tokenizer.model import CatTokenizer
from tokenizer.train.adversary import Adversary
from tokenizer.train.data import PackedAudio, segments
from tokenizer.train.init import initialize_output
from tokenizer.train.listener import Listener, train_listener
from tokenizer.train.optim import make_optimizer, set_rate
from tokenizer.train.quantize import CodebookKeeper, seed_codebooks
from tokenizer.train.recipe import Recipe
from tokenizer.train.run import (
    Progress,
    TrainingLog,
    graceful_stop,
    learning_rate,
    make_accelerator,
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
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_033 + step)
    order = torch.randperm(len(recipe.wave_windows), generator=generator)
    return tuple(recipe.wave_windows[i] for i in order[: recipe.windows_per_step])


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
    accelerator.register_for_checkpointing(progress, keeper)
    adversary = Adversary(recipe, accelerator, codec.sample_rate) if recipe.stage == "gan" else None
    if state.is_dir():
        accelerator.load_state(str(state))
    out.mkdir(parents=True, exist_ok=True)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    run = _Run(accelerator, model, optimizer, params, codec, recipe, audio, out)
    with graceful_stop() as stopped:
        run.loop(progress, keeper, adversary, budget_s, stopped)
    return codec


@dataclass
class _Run:
    accelerator: Accelerator
    model: nn.Module
    optimizer: Any
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
        batches = segments(
            self.audio, recipe.batch_size, samples, seed, progress.step, recipe=recipe
        )
        begun, saved = time.monotonic() - progress.elapsed_s, time.monotonic()
        log = TrainingLog(self.out / "log.jsonl")
        while progress.elapsed_s < budget_s and progress.step < recipe.max_steps and not stopped:
            spent = progress.elapsed_s / budget_s
            rate = learning_rate(recipe, progress.step, spent)
            set_rate(self.optimizer, rate)
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
            if time.monotonic() - saved > recipe.save_every_s:
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
        self.optimizer.step()
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
