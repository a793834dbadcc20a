"""Training of a listener: one resumable run with a time budget."""

from __future__ import annotations

import math
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
from tts.listen.spelling import spell
from tts.listen.vocabulary import LISTEN, Vocabulary
from tts.train.guide import IGNORED
from tts.train.listen_batches import (
    Diet,
    Rows,
    Speech,
    collate_rows,
    heard_ends,
    speech_batches,
    text_batches,
)
from tts.train.listen_data import Heard
from tts.train.listen_score import Score, score, spelling
from tts.train.loop import draw_codebooks

# Utterances and texts of a language that a check takes.
CHECKED = 40
# See `_listening_loss`.
OTHERS = 12


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
        write_from: share of the budget after which what was heard is written too; before, what is
            heard is no use to learn writing from, and texts alone are written.
        data: what is heard and written; see `Diet`.
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
    write_from: float = 0.25
    write_weight: float = 1.0
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

    def __init__(self, model: Listener, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.model, self.vocabulary = model, vocabulary

    def forward(
        self, speech: Speech | None, texts: Rows | None, used: int, chunk: int, writes: bool
    ) -> dict[str, Tensor]:
        """Losses by name: ctc a sound, labels a frame, heard and texts a row."""
        values = self._of_speech(speech, used, chunk, writes) if speech is not None else {}
        if texts is not None:
            values["texts"] = writing_loss(self.model, texts)
        return values

    def _of_speech(self, speech: Speech, used: int, chunk: int, writes: bool) -> dict[str, Tensor]:
        model = self.model
        mask = hearing_mask(speech.codes.shape[2], speech.lengths, chunk).to(speech.codes.device)
        x = model.embed_codes(speech.codes[:, :used]) * speech.kept[..., None]
        heard = model.heads(model.hearing(x, mask))
        values = hearing_losses(heard, speech)
        if writes:
            rows = self._what_was_heard(heard.sounds.detach(), speech)
            if rows is not None:
                values["heard"] = writing_loss(model, rows)
        return values

    def _what_was_heard(self, logits: Tensor, speech: Speech) -> Rows | None:
        items = []
        for example, own, length in zip(speech.examples, logits, speech.lengths, strict=True):
            sounds = spell(own[:length])
            ends = heard_ends(example, sounds.numbers.cpu().numpy())
            items.append((example, ends, sounds.weights))
        return collate_rows(items, self.model.config.delay, self.vocabulary)


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


def writing_loss(model: Listener, rows: Rows) -> Tensor:
    """Cross-entropy of what follows each row."""
    device = model.text.weight.device
    pieces = rows.pieces.to(device)
    text = F.embedding(pieces.clamp_min(0), model.text.weight) * (pieces >= 0)[..., None]
    heard = model.embed_sounds(rows.weights.to(device))
    heard = heard[torch.arange(len(heard), device=device)[:, None], rows.sounds.to(device)]
    hidden = model.writing(heard + text)
    targets = rows.targets.to(device)
    hidden, targets = hidden[targets != IGNORED], targets[targets != IGNORED]
    listens = targets == LISTEN
    writes = F.cross_entropy(
        model.piece_logits(hidden[~listens]).float(), targets[~listens], reduction="sum"
    )
    first = int(targets.sum()) % OTHERS
    return (writes + _listening_loss(model, hidden[listens], first)) / len(targets)


def _listening_loss(model: Listener, hidden: Tensor, first: int) -> Tensor:
    """Cross-entropies of rows after which nothing is written, three of four; summed.

    All pieces of text for each of them would be half of a step's work, so one in `OTHERS` stands
    for them.
    """
    table = model.text.weight
    some = torch.arange(first, len(table), OTHERS, device=table.device)
    some = some[some != LISTEN]
    others = (hidden @ table[some].t()).float() + math.log((len(table) - 1) / len(some))
    own = (hidden @ table[LISTEN]).float()
    return (torch.cat([own[:, None], others], dim=1).logsumexp(1) - own).sum()


def train(
    model: Listener,
    vocabulary: Vocabulary,
    examples: list[Heard],
    recipe: Recipe,
    out: Path,
    budget_s: float,
) -> Listener:
    """Train until `budget_s` seconds of computing are spent; go on from `out` if it holds a run.

    Writes to `out`: log.jsonl, state/ (for resuming) and the listener's files.
    """
    accelerator, trainee, optimizer, progress = begin(Trainee(model, vocabulary), recipe, out)
    spoken = [e for e in examples if len(e.labels)]
    training = [e for e in spoken if not held_out(original(e))]
    held = [e for e in spoken if held_out(original(e)) and "#" not in e.id and e.words]
    texts = [e for e in examples if not len(e.labels)]
    unseen = [e for e in texts if held_out(e.id)]
    texts = [e for e in texts if not held_out(e.id)]
    seed = process_seed(accelerator, recipe)
    own = (model.config.delay, vocabulary, seed, progress.step)
    run = _Run(
        accelerator,
        optimizer,
        recipe,
        out,
        trainee=trainee,
        model=model,
        vocabulary=vocabulary,
        held=held,
        unseen=unseen,
        speech=speech_batches(training, recipe.data, seed, progress.step) if training else None,
        texts=text_batches(texts, recipe.data, *own) if texts else None,
    )
    run.loop(progress, budget_s)
    return model


@dataclass
class _Run(TrainingRun[Recipe]):
    log_decay = 0.98

    trainee: nn.Module
    model: Listener
    vocabulary: Vocabulary
    held: list[Heard]
    unseen: list[Heard]
    speech: Iterator[Speech] | None
    texts: Iterator[Rows] | None

    def told(self, number: int, spent: float) -> dict[str, Any]:
        """Error rates on held-out utterances, now and then."""
        due = number % self.recipe.check_every == 0
        return self._check(spent >= self.recipe.write_from) if due else {}

    def step(self, number: int, spent: float) -> dict[str, float]:
        """See `TrainingRun.step`."""
        recipe, device = self.recipe, self.accelerator.device
        texts = next(self.texts) if self.texts is not None else None
        speech = next(self.speech) if self.speech is not None else None
        used = draw_codebooks(recipe, self.model.config.num_codebooks, number)
        generator = torch.Generator().manual_seed(recipe.seed * 1_000_033 + number)
        drawn = torch.randint(len(recipe.chunks), (), generator=generator)
        chunk = recipe.chunks[int(drawn)]
        if speech is not None:
            tensors = speech._asdict().items()
            moved = {name: t.to(device) for name, t in tensors if isinstance(t, Tensor)}
            speech = speech._replace(**moved)
        with self.accelerator.autocast():
            values = self.trainee(speech, texts, used, chunk, spent >= recipe.write_from)
        early = spent < recipe.label_share
        weights = {"ctc": 1.0, "heard": recipe.write_weight, "texts": recipe.write_weight}
        weights["labels"] = recipe.label_weight if early else recipe.late_label_weight
        loss = torch.stack([weights[name] * value for name, value in values.items()]).sum()
        norm = self.descend(loss, self.model, self.model.parameters())
        return {name: float(v.detach()) for name, v in values.items()} | {"norm": norm}

    def _check(self, writes: bool) -> dict[str, float]:
        """Error rates on some held-out utterances and texts, by language."""
        self.model.eval()
        figures: dict[str, float] = {}
        for language in ("en", "zh"):
            own = [e for e in self.held if e.language == language]
            if own:
                some = own[:: -(-len(own) // CHECKED)]
                found: Score = score(self.model, self.vocabulary, some, writes)
                figures |= {f"{language}_{name}": value for name, value in found.rates().items()}
            alone = [e for e in self.unseen if e.language == language][:CHECKED]
            if alone:
                figures[f"{language}_spelling"] = spelling(self.model, self.vocabulary, alone)
        self.model.train()
        return figures

    def write(self) -> None:
        save_listener(self.model, self.vocabulary, self.out)


def original(example: Heard) -> str:
    """The id of the utterance that an example is a variant of."""
    return example.id.partition("#")[0]
