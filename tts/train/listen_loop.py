"""Training of a listener: one resumable run with a time budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.strict import strict
from tokenizer.train.held_out import held_out
from tokenizer.train.recipe import read_recipe
from tokenizer.train.run import TrainingRun, begin, process_seed
from tts.listen.folder import save_listener
from tts.listen.model import Hearing, Listener, hearing_mask
from tts.train.guide import IGNORED
from tts.train.listen_batches import Diet, Speech, speech_batches
from tts.train.listen_data import Heard
from tts.train.listen_score import sound_errors
from tts.train.loop import draw_codebooks

# Utterances of a language that a check takes.
CHECKED = 40


@dataclass(frozen=True)
class Recipe:
    """Numbers of a run; a file of `recipes/` sets what differs from these defaults.

    Attributes:
        prefix_dropout: Progressive Sequence Dropout: chance that a batch is heard through a random
            number of codebooks.
        chunks: frames that a batch's frames may look ahead within, drawn for each; 0: everything.
        label_weight, late_label_weight: of the loss of the aligned sounds, for the first
            `label_share` of the budget and after it. They say where a sound is, which CTC alone
            takes long to find out.
        data: what is heard; see `Diet`.
        decay_share: the learning rate falls to nothing over this last part of the budget.
        check_every: steps between checks on held-out utterances.
        save_every_s: seconds between checkpoints.
    """

    learning_rate: float = 1.5e-3
    warmup_steps: int = 200
    weight_decay: float = 0.02
    clip: float = 1.0
    seed: int = 0
    prefix_dropout: float = 0.3
    chunks: tuple[int, ...] = (0, 0, 16, 32)
    label_weight: float = 1.0
    late_label_weight: float = 0.3
    label_share: float = 0.2
    data: Diet = field(default_factory=Diet)
    decay_share: float = 0.4
    max_steps: int = 10**9
    check_every: int = 250
    save_every_s: float = 300.0

    @classmethod
    def from_file(cls, path: Path) -> Recipe:
        """Read a TOML file with this class's fields; ValueError names what is wrong in it."""
        values = read_recipe(path)
        values["data"] = strict(Diet, values.get("data", {}), f"{path}: data")  # type: ignore[arg-type]
        return strict(cls, values, str(path))


class Trainee(nn.Module):
    """Listener plus losses, so that data-parallel wrappers see one forward."""

    def __init__(self, model: Listener) -> None:
        super().__init__()
        self.model = model

    def forward(self, speech: Speech, used: int, chunk: int) -> dict[str, Tensor]:
        """Losses by name: ctc a sound, labels a frame."""
        model = self.model
        mask = hearing_mask(speech.codes.shape[2], speech.lengths, chunk).to(speech.codes.device)
        x = model.embed_codes(speech.codes[:, :used]) * speech.kept[..., None]
        return hearing_losses(model.heads(model.hearing(x, mask)), speech)


def hearing_losses(heard: Hearing, speech: Speech) -> dict[str, Tensor]:
    """CTC's loss a sound and the cross-entropy of labels a frame."""
    chances = heard.sounds.float().log_softmax(-1).transpose(0, 1)
    ctc = F.ctc_loss(
        chances,
        speech.sounds,
        speech.lengths.to(speech.sounds.device),
        speech.counts,
        reduction="none",
        zero_infinity=True,
    )
    labels = F.cross_entropy(
        heard.labels.float().flatten(0, 1), speech.labels.flatten(), ignore_index=IGNORED
    )
    return {"ctc": ctc.sum() / max(1, len(speech.sounds)), "labels": labels}


def train(
    model: Listener, examples: list[Heard], recipe: Recipe, out: Path, budget_s: float
) -> Listener:
    """Train until `budget_s` seconds of computing are spent; go on from `out` if it holds a run.

    Writes to `out`: log.jsonl, state/ (for resuming) and the listener's files.
    """
    accelerator, trainee, optimizer, progress = begin(Trainee(model), recipe, out)
    training = [e for e in examples if not held_out(original(e))]
    held = [e for e in examples if held_out(original(e)) and "#" not in e.id and e.words]
    seed = process_seed(accelerator, recipe)
    run = _Run(
        accelerator,
        optimizer,
        recipe,
        out,
        trainee=trainee,
        model=model,
        held=held,
        speech=speech_batches(training, recipe.data, seed, progress.step),
    )
    run.loop(progress, budget_s)
    return model


@dataclass
class _Run(TrainingRun[Recipe]):
    log_decay = 0.98

    trainee: nn.Module
    model: Listener
    held: list[Heard]
    speech: Iterator[Speech]

    def told(self, number: int, spent: float) -> dict[str, Any]:
        """Error rates on held-out utterances, now and then."""
        return self._check() if number % self.recipe.check_every == 0 else {}

    def step(self, number: int, spent: float) -> dict[str, float]:
        """See `TrainingRun.step`."""
        recipe, device = self.recipe, self.accelerator.device
        speech = next(self.speech)
        used = draw_codebooks(recipe, self.model.config.num_codebooks, number)
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_033 + number)
        drawn = torch.randint(len(recipe.chunks), (), generator=generator)
        tensors = speech._asdict().items()
        moved = {name: t.to(device) for name, t in tensors if isinstance(t, Tensor)}
        with self.accelerator.autocast():
            values = self.trainee(speech._replace(**moved), used, recipe.chunks[int(drawn)])
        early = spent < recipe.label_share
        weight = recipe.label_weight if early else recipe.late_label_weight
        loss = values["ctc"] + weight * values["labels"]
        norm = self.descend(loss, self.model, self.model.parameters())
        return {name: float(v.detach()) for name, v in values.items()} | {"norm": norm}

    def _check(self) -> dict[str, float]:
        """Shares of wrong sounds in some held-out utterances, by language."""
        self.model.eval()
        figures: dict[str, float] = {}
        for language in ("en", "zh"):
            own = [e for e in self.held if e.language == language]
            if own:
                some = own[:: -(-len(own) // CHECKED)]
                figures[f"{language}_sounds"] = round(sound_errors(self.model, some), 4)
        self.model.train()
        return figures

    def write(self) -> None:
        save_listener(self.model, self.out)


def original(example: Heard) -> str:
    """The id of the utterance that an example is a variant of."""
    return example.id.partition("#")[0]
