"""Training of the language model: one resumable run with a time budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.strict import strict
from tokenizer.train.held_out import held_out
from tokenizer.train.recipe import check_average, read_recipe
from tokenizer.train.run import Average, TrainingRun, begin, process_seed
from tts.model.checkpoint import save_model
from tts.model.config import TtsConfig
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
        average: of the running mean of the weights that is written, see `run.Average`.
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
    average: float = 0.0
    decay_share: float = 0.4
    data: Mixture = field(default_factory=Mixture)
    max_steps: int = 10**9
    save_every_s: float = 300.0

    def __post_init__(self) -> None:
        if not 0 < self.depth_share <= 1:
            raise ValueError(f"depth_share is {self.depth_share}; use more than 0, at most 1")
        check_average(self.average)

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


class PrefixDropout(Protocol):
    """What a recipe says of Progressive Sequence Dropout."""

    @property
    def seed(self) -> int: ...
    @property
    def prefix_dropout(self) -> float: ...


def draw_codebooks(recipe: PrefixDropout, total: int, step: int) -> int:
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
    average = Average(model, recipe.average)
    accelerator, trainee, optimizer, progress = begin(Trainee(model, recipe), recipe, out, average)
    training = [e for e in examples if not held_out(e.id)]
    prompts = Prompts(training, recipe.data)
    check = _validation([e for e in examples if held_out(e.id)], prompts, model.config)
    run = _Run(
        accelerator,
        optimizer,
        recipe,
        out,
        trainee=trainee,
        model=model,
        training=training,
        prompts=prompts,
        check=check,
        average=average,
    )
    run.loop(progress, budget_s)
    return model


def _validation(examples: list[Example], prompts: Prompts, config: TtsConfig) -> list[Batch]:
    if not examples:
        return []
    source = batches(examples, prompts, config, min(16, len(examples)), 0)
    return [next(source) for _ in range(4)]


@dataclass
class _Run(TrainingRun[Recipe]):
    log_decay = 0.98

    trainee: nn.Module
    model: TtsModel
    training: list[Example]
    prompts: Prompts
    check: list[Batch]
    average: Average
    source: Iterator[Batch] | None = None
    short: bool = False

    def step(self, number: int, spent: float) -> dict[str, float]:
        """See `TrainingRun.step`; examples are short for the first part of the budget."""
        recipe = self.recipe
        if self.source is None or (self.short and spent >= recipe.short_share):
            self.short = spent < recipe.short_share
            self.source = batches(
                self.training,
                self.prompts,
                self.model.config,
                recipe.batch_size,
                process_seed(self.accelerator, recipe),
                number,
                recipe.short_frames if self.short else None,
            )
        return self._learn(next(self.source), number, spent < recipe.guide_share)

    def told(self, number: int, spent: float) -> dict[str, Any]:
        """Losses on held-out utterances, now and then."""
        return self._held() if number % 500 == 0 else {}

    def _learn(self, batch: Batch, step: int, guided: bool) -> dict[str, float]:
        used = draw_codebooks(self.recipe, self.model.config.n_vq, step)
        batch = Batch(*(t.to(self.accelerator.device) for t in batch))
        with self.accelerator.autocast():
            loss, values, guide = self.trainee(batch, used, guided)
        norm = self.descend(loss, self.model, self.model.parameters())
        self.average.update()
        figures = {"text": float(values[0].detach()), "norm": norm}
        if guided:
            figures["guide"] = float(guide.detach())
        for c in (1, 2, 4, 5, 6, 8, 12, 16):
            if c < len(values):
                figures[f"code{c}"] = float(values[c].detach())
        return figures

    @torch.no_grad()
    def _held(self) -> dict[str, float]:
        """Losses on held-out utterances, all codebooks."""
        if not self.check:
            return {}
        total = None
        for batch in self.check:
            batch = Batch(*(t.to(self.accelerator.device) for t in batch))
            with self.accelerator.autocast():
                values = torch.stack(losses(self.model, batch, self.model.config.n_vq)[0])
            total = values if total is None else total + values
        assert total is not None
        mean = total / len(self.check)
        return {
            "held_text": round(float(mean[0]), 4),
            "held_audio": round(float(mean[1:].mean()), 4),
        }

    def write(self) -> None:
        save_model(self.average.model, self.out)
