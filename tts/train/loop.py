"""Training of the language model: one resumable run with a time budget."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.strict import strict
from tokenizer.train.held_out import held_out
from tokenizer.train.optim import make_optimizer, set_rate
from tokenizer.train.recipe import read_recipe
from tokenizer.train.run import (
    Progress,
    TrainingLog,
    graceful_stop,
    learning_rate,
    make_accelerator,
)
from tts.model.checkpoint import save_model
from tts.model.lm import TtsModel
from tts.train.dataset import CLOSED, Batch, Mixture, Prompts, batches
from tts.train.guide import IGNORED, AttentionInputs, guide_loss
from tts.train.prepare import Example

ROUND_FRAMES = 64
HINT_WEIGHTS = (0.2, 0.25)  # text, first code


@dataclass(frozen=True)
class Recipe:
    """Numbers of a run; a file of `recipes/` sets what differs from these defaults.

    Attributes:
        prefix_dropout: Progressive Sequence Dropout: chance that a batch uses a random number
            k of codebooks; the others vanish from the input sum and from the loss.
        depth_share: share of the frames whose finer codes are learnt in a step. The first code
            and the place are learnt from all; what a step costs is mostly the other codes.
        text_weight, audio_weights: of the channels' losses; the last audio weight repeats.
            Without the weight on text the place in the text is drowned by the codes.
        guide_weight: of the attention guide's loss.
        guide_share: share of the budget during which the attention guide is on.
        data: who is heard how often, with prompts of which length; see `dataset.Mixture`.
        short_share, short_frames: for this share of the budget only examples up to this length.
        decay_share: the learning rate falls to nothing over this last part of the budget.
        save_every_s: seconds between checkpoints.
    """

    batch_size: int = 16
    learning_rate: float = 1e-3
    warmup_steps: int = 300
    weight_decay: float = 0.02
    clip: float = 1.0
    seed: int = 0
    prefix_dropout: float = 1.0
    depth_share: float = 1.0
    text_weight: float = 3.0
    guide_weight: float = 0.3
    audio_weights: tuple[float, ...] = (3.0, 2.0, 1.0)
    guide_share: float = 0.75
    short_share: float = 0.25
    short_frames: int = 36
    decay_share: float = 0.4
    data: Mixture = field(default_factory=Mixture)
    max_steps: int = 10**9
    save_every_s: float = 300.0

    def __post_init__(self) -> None:
        if not 0 < self.depth_share <= 1:
            raise ValueError(f"depth_share is {self.depth_share}; use more than 0, at most 1")

    @classmethod
    def from_file(cls, path: Path) -> Recipe:
        """Read a TOML file with this class's fields; ValueError names what is wrong in it."""
        values = read_recipe(path)
        data = values.get("data", {})
        if not isinstance(data, dict):
            raise ValueError(f"{path}: data is {data!r}; make it a table, [data]")
        values["data"] = strict(Mixture, data, f"{path}: data")
        return strict(cls, values, str(path))


def losses(
    model: TtsModel,
    batch: Batch,
    num_codebooks: int,
    hints: bool = False,
    depth_share: float = 1.0,
) -> tuple[list[Tensor], Tensor]:
    """Cross-entropy of the text channel and of `num_codebooks` audio channels; and of hints.

    Codes after the first are asked of a random `depth_share` of the frames.

    The hint asks the temporal latent itself, past the depth transformer and its gated
    projections, for the text and the first code: a short way for the first gradients.
    """
    hidden = model.temporal(model.embed(batch.inputs, num_codebooks))[batch.source]
    labels = batch.labels().masked_fill(~batch.real[:, None] & _audio_columns(batch), IGNORED)
    # Matrix products are prepared anew for every shape they have not met yet, which takes longer
    # than computing them: a few round sizes, then.
    spare = -len(hidden) % ROUND_FRAMES
    hidden = F.pad(hidden, (0, 0, 0, spare))
    labels = F.pad(labels, (0, 0, 0, spare), value=IGNORED)
    if depth_share < 1 and num_codebooks > 1:
        logits = model.frame_logits(hidden, labels.clamp_min(0), 1)
        count = max(1, round(len(hidden) * depth_share / ROUND_FRAMES)) * ROUND_FRAMES
        some = torch.randperm(len(hidden), device=hidden.device)[:count]
        fine_labels = labels[some]
        fine = model.frame_logits(hidden[some], fine_labels.clamp_min(0), num_codebooks)[2:]
    else:
        logits, fine_labels = model.frame_logits(hidden, labels.clamp_min(0), num_codebooks), labels
        logits, fine = logits[:2], logits[2:]
    hint = torch.zeros((), device=hidden.device)
    if hints:
        for channel, weight in enumerate(HINT_WEIGHTS):
            x = model.lm_heads[channel](model.layer_norm_before_lm_heads[channel](hidden))
            target = labels[:, channel]
            hint = hint + weight * F.cross_entropy(x.float(), target, ignore_index=IGNORED)
    text = place_loss(logits[0][: len(batch.chosen)], batch.choices, batch.chosen)
    audio = [F.cross_entropy(logits[1], labels[:, 1], ignore_index=IGNORED)]
    audio += [
        F.cross_entropy(x, fine_labels[:, c], ignore_index=IGNORED)
        for c, x in enumerate(fine, start=2)
    ]
    return [text, *audio], hint


def place_loss(logits: Tensor, choices: Tensor, chosen: Tensor) -> Tensor:
    """Cross-entropy of the text channel among what the monologue allows, as at inference.

    Args:
        logits: (N, V). choices: int64 (N, C), CLOSED where there are fewer. chosen: int64 (N,).
    """
    offered = logits.gather(1, choices.clamp_min(0)).masked_fill(choices == CLOSED, -torch.inf)
    return F.cross_entropy(offered, chosen)


def _audio_columns(batch: Batch) -> Tensor:
    return torch.arange(batch.rows.shape[2], device=batch.rows.device) > 0


def weighted(values: list[Tensor], recipe: Recipe) -> Tensor:
    """Weighted mean over channels; scalar."""
    tail = recipe.audio_weights[-1]
    weights = [recipe.text_weight, *recipe.audio_weights]
    weights += [tail] * max(0, len(values) - len(weights))
    pairs = list(zip(values, weights, strict=False))
    return torch.stack([v * w for v, w in pairs]).sum() / sum(w for _, w in pairs)


class Trainee(nn.Module):
    """Model plus loss, so that data-parallel wrappers see one forward."""

    def __init__(self, model: TtsModel, recipe: Recipe) -> None:
        super().__init__()
        self.model, self.recipe = model, recipe
        self.kept = AttentionInputs(model)

    def forward(
        self, batch: Batch, num_codebooks: int, guided: bool
    ) -> tuple[Tensor, list[Tensor], Tensor]:
        """Loss to minimise, the channels' losses, and the guide's (zero where it is off)."""
        share = self.recipe.depth_share
        values, hint = losses(self.model, batch, num_codebooks, guided, share)
        loss, guide = weighted(values, self.recipe) + hint, torch.zeros(())
        if guided:
            guide = guide_loss(self.model, self.kept, tuple(batch.looks.unbind()))
            loss = loss + self.recipe.guide_weight * guide
        return loss, values, guide


def draw_codebooks(recipe: Recipe, total: int, step: int) -> int:
    """Progressive Sequence Dropout: k of a step, a function of seed and step alone."""
    generator = torch.Generator().manual_seed(recipe.seed * 1_000_003 + step)
    if torch.rand((), generator=generator) >= recipe.prefix_dropout:
        return total
    return int(torch.randint(1, total + 1, (), generator=generator))


def train(
    model: TtsModel, examples: list[Example], recipe: Recipe, out: Path, budget_s: float
) -> TtsModel:
    """Train until `budget_s` seconds of computing are spent; go on from `out` if it holds a run.

    Writes to `out`: log.jsonl, state/ (for resuming), model.safetensors and config.json.
    """
    accelerator = make_accelerator()
    optimizer = make_optimizer(model, recipe.learning_rate, recipe.weight_decay)
    trainee, optimizer = accelerator.prepare(Trainee(model, recipe), optimizer)
    progress = Progress()
    accelerator.register_for_checkpointing(progress)
    out.mkdir(parents=True, exist_ok=True)
    if (out / "state").is_dir():
        accelerator.load_state(str(out / "state"))
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=2) + "\n")
    run = _Run(accelerator, trainee, optimizer, model, recipe, out)
    with graceful_stop() as stopped:
        run.loop(progress, examples, budget_s, stopped)
    return model


@dataclass
class _Run:
    accelerator: Accelerator
    trainee: nn.Module
    optimizer: Any
    model: TtsModel
    recipe: Recipe
    out: Path

    def loop(
        self, progress: Progress, examples: list[Example], budget_s: float, stopped: list[int]
    ) -> None:
        recipe, accelerator = self.recipe, self.accelerator
        training = [e for e in examples if not held_out(e.id)]
        prompts = Prompts(training, recipe.data)
        check = self._validation([e for e in examples if held_out(e.id)], prompts)
        log = TrainingLog(self.out / "log.jsonl", decay=0.98)
        begun, saved = time.monotonic() - progress.elapsed_s, time.monotonic()
        source, short = None, False
        while progress.elapsed_s < budget_s and progress.step < recipe.max_steps and not stopped:
            spent = progress.elapsed_s / budget_s
            if source is None or (short and spent >= recipe.short_share):
                short = spent < recipe.short_share
                source = batches(
                    training,
                    prompts,
                    self.model.config,
                    recipe.batch_size,
                    recipe.seed + 7919 * accelerator.process_index,
                    progress.step,
                    recipe.short_frames if short else None,
                )
            rate = learning_rate(recipe, progress.step, spent)
            set_rate(self.optimizer, rate)
            log.add(self._step(next(source), progress.step, spent < recipe.guide_share))
            progress.step += 1
            progress.elapsed_s = time.monotonic() - begun
            if progress.step % 50 == 0 and accelerator.is_main_process:
                extra = self._check(check) if progress.step % 500 == 0 else {}
                log.write(progress, lr=float(f"{rate:.3g}"), **extra)
            if time.monotonic() - saved > recipe.save_every_s:
                self.save()
                saved = time.monotonic()
        self.save()

    def _step(self, batch: Batch, step: int, guided: bool) -> dict[str, float]:
        used = draw_codebooks(self.recipe, self.model.config.n_vq, step)
        batch = Batch(*(t.to(self.accelerator.device) for t in batch))
        with self.accelerator.autocast():
            loss, values, guide = self.trainee(batch, used, guided)
        self.model.zero_grad()
        self.accelerator.backward(loss)
        norm: Any = self.accelerator.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self.optimizer.step()
        figures = {"text": float(values[0].detach()), "norm": float(norm)}
        if guided:
            figures["guide"] = float(guide.detach())
        for c in (1, 2, 4, 5, 6, 8, 12, 16):
            if c < len(values):
                figures[f"code{c}"] = float(values[c].detach())
        return figures

    def _validation(self, examples: list[Example], prompts: Prompts) -> list[Batch]:
        if not examples:
            return []
        source = batches(examples, prompts, self.model.config, min(16, len(examples)), 0)
        return [next(source) for _ in range(4)]

    @torch.no_grad()
    def _check(self, check: list[Batch]) -> dict[str, float]:
        """Losses on held-out utterances, all codebooks."""
        if not check:
            return {}
        total = None
        for batch in check:
            batch = Batch(*(t.to(self.accelerator.device) for t in batch))
            with self.accelerator.autocast():
                values = torch.stack(losses(self.model, batch, self.model.config.n_vq)[0])
            total = values if total is None else total + values
        assert total is not None
        mean = total / len(check)
        return {
            "held_text": round(float(mean[0]), 4),
            "held_audio": round(float(mean[1:].mean()), 4),
        }

    def save(self) -> None:
        """Write everything that resuming needs, and the model itself."""
        self.accelerator.save_state(str(self.out / "state"))
        if self.accelerator.is_main_process:
            save_model(self.model, self.out)
