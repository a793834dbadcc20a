"""Batches for the language model: prompt of the same speaker, text, frames to predict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from frontend.symbols import LANGUAGE_TAGS, SYMBOL_TO_ID
from tts.inference.prompt import MAX_ADVANCE, audio_rows, prompt_rows, text_rows, without_text
from tts.model.config import TtsConfig
from tts.train.guide import IGNORED
from tts.train.prepare import Example

POOL_BATCHES = 32
# Round lengths, so that matrix products meet few different shapes.
ROUND_ROWS = 32
CLOSED = -1
TAGS = [SYMBOL_TO_ID[tag] for tag in LANGUAGE_TAGS.values()]


class Batch(NamedTuple):
    """rows: int64 (B, T, 1 + K), padded on the right. inputs: the same with wrong codes here and
    there, for the model to read. source: bool (B, T), rows whose latent predicts a frame: the
    last row of the prompt and every frame; the label of a source row is the row after it. real:
    bool, over the sources in order, False where the label is the end. looks: int64 (3, B, T),
    where each row should look, for `tts.train.guide`. choices: int64 (N, C), ids that the
    monologue allows for each label, CLOSED where there are fewer; chosen: int64 (N,), which of
    them is right, IGNORED where the text is hidden."""

    rows: Tensor
    inputs: Tensor
    source: Tensor
    real: Tensor
    looks: Tensor
    choices: Tensor
    chosen: Tensor

    def labels(self) -> Tensor:
        """int64 (N, 1 + K), one row per source."""
        following = torch.roll(self.rows, -1, dims=1)
        return following[self.source]


class Row(NamedTuple):
    """One example: rows (T, 1 + K), the end row last; how many of them are prompt; looks (3, T);
    choices (frames + 1, C) and chosen (frames + 1,)."""

    rows: Tensor
    prompt: int
    looks: Tensor
    choices: Tensor
    chosen: Tensor


def example_rows(
    example: Example, reference: np.ndarray, config: TtsConfig, textless: bool = False
) -> Row:
    """Lay an example out as the engine would, with the answer appended.

    Args:
        textless: hide the text, as guidance does (`tts.inference.prompt.without_text`).
    """
    phonemes = config.phonemes
    assert phonemes is not None
    phase = np.arange(len(example.symbols)) % phonemes.phases
    ids = torch.from_numpy(phonemes.first_id + example.symbols * phonemes.phases + phase)
    # the model may use fewer codebooks than the tokenizer has
    voice, codes = (
        torch.from_numpy(c[: config.n_vq].astype(np.int64)) for c in (reference, example.codes)
    )
    prompt = prompt_rows(ids, voice, config)
    frames = audio_rows(ids[torch.from_numpy(example.places)], codes, config)
    end = text_rows(torch.tensor([config.audio_end_token_id]), config)
    rows = torch.cat([prompt, frames, end])
    places = torch.from_numpy(example.places)
    choices, chosen = monologue_choices(ids, places, config)
    if textless:
        rows = without_text(rows, config)
        looks = torch.full((3, len(rows)), IGNORED)
        return Row(rows, len(prompt), looks, choices, torch.full_like(chosen, IGNORED))
    looks = where_to_look(len(rows), len(prompt), len(ids), places)
    return Row(rows, len(prompt), looks, choices, chosen)


def monologue_choices(ids: Tensor, places: Tensor, config: TtsConfig) -> tuple[Tensor, Tensor]:
    """What `Monologue.allowed` offers at every frame and at the end, and what is right.

    Args:
        ids: int64 (L,), the text. places: int64 (T,), of the frames.

    Returns:
        int64 (T + 1, MAX_ADVANCE + 2), the place itself, the next ones, and last the end;
        int64 (T + 1,), column of the right one.
    """
    before = F.pad(places, (1, 0), value=-1)
    first = before.clamp_min(0)
    reach = first[:, None] + torch.arange(MAX_ADVANCE + 1)
    open_ = (reach < len(ids)) & (reach <= before[:, None] + MAX_ADVANCE)
    near = torch.where(open_, ids[reach.clamp_max(len(ids) - 1)], CLOSED)
    end = torch.where(before == len(ids) - 1, config.audio_end_token_id, CLOSED)
    chosen = F.pad(places - first[:-1], (0, 1), value=MAX_ADVANCE + 1)
    return torch.cat([near, end[:, None]], dim=1), chosen


def where_to_look(total: int, prompt: int, text: int, places: Tensor) -> Tensor:
    """Targets of the attention guide: int64 (3, total), IGNORED where there is none.

    Args:
        total, prompt, text: numbers of rows, of prompt rows, of text rows.
        places: int64 (T,), of the frames.
    """
    looks = torch.full((3, total), IGNORED)
    first = prompt - 2 - text  # im_end and audio_start stand behind the text
    looks[0, first + 1 : first + text] = torch.arange(first, first + text - 1)
    looks[1, prompt : prompt + len(places)] = first + places
    looks[2, prompt - 1 : prompt - 1 + len(places)] = first + places
    return looks


def collate(examples: list[Row], config: TtsConfig) -> Batch:
    """Stack examples of unequal length."""
    steps = -(-max(len(e.rows) for e in examples) // ROUND_ROWS) * ROUND_ROWS
    stacked = torch.full((len(examples), steps, 1 + config.n_vq), config.audio_pad_code)
    stacked[:, :, 0] = config.pad_token_id
    source = torch.zeros(len(examples), steps, dtype=torch.bool)
    looks = torch.full((3, len(examples), steps), IGNORED)
    real = []
    for i, (rows, prompt, look, _, _) in enumerate(examples):
        stacked[i, : len(rows)] = rows
        source[i, prompt - 1 : len(rows) - 1] = True
        looks[:, i, : len(rows)] = look
        real.append(torch.arange(len(rows) - prompt) < len(rows) - prompt - 1)
    choices = torch.cat([e.choices for e in examples])
    chosen = torch.cat([e.chosen for e in examples])
    return Batch(stacked, stacked, source, torch.cat(real), looks, choices, chosen)


def corrupt_codes(batch: Batch, config: TtsConfig, share: float, rng: np.random.Generator) -> Batch:
    """Put wrong codes into what the model reads.

    At inference it reads what it has said itself, mistakes included; one that has only ever read
    true frames does not find back. A frame that is hit keeps its first few codes, where mistakes
    are rarer, and has the others from some other frame of the batch.

    Args:
        share: of the frames that are hit.
    """
    if not share:
        return batch
    frames = batch.source & (batch.rows[:, :, -1] != config.audio_pad_code)
    true = batch.rows[frames]
    number, channels = len(true), true.shape[1]
    other = true[torch.from_numpy(rng.permutation(number))]
    kept = torch.from_numpy(rng.integers(1, channels, (number, 1)))
    hit = torch.from_numpy(rng.random((number, 1)) < share)
    wrong = hit & (torch.arange(channels) >= kept)
    inputs = batch.rows.clone()
    inputs[frames] = torch.where(wrong, other, true)
    return batch._replace(inputs=inputs)


@dataclass(frozen=True)
class Mixture:
    """What examples a run sees.

    Attributes:
        shares: share of the examples in a language ("zh") or of its speakers whose name fits a
            pattern ("en:am_*"). An example counts with the first that it fits; those that fit none
            share the rest.
        balance: how often a speaker of `n` utterances is drawn, in proportion to n to this power:
            1 draws all utterances alike, 0 all speakers.
        min_prompt_frames, max_prompt_frames: length of a prompt, which may run over several
            utterances of its speaker; see `prompt_frames`.
        join: chance that an example goes on with another utterance of its speaker, and again.
        max_frames: longest example.
        textless: chance that an example hides its text; what guidance at inference needs.
        noise: share of frames that are read with wrong codes, see `corrupt_codes`.
    """

    shares: dict[str, float] = field(default_factory=dict)
    balance: float = 1.0
    min_prompt_frames: int = 19
    max_prompt_frames: int = 31
    join: float = 0.0
    max_frames: int = 375
    textless: float = 0.0
    noise: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.min_prompt_frames <= self.max_prompt_frames:
            raise ValueError(
                f"prompts of {self.min_prompt_frames} to {self.max_prompt_frames} frames: "
                "use 1 or more, the smaller first"
            )

    def prompt_frames(self, rng: np.random.Generator) -> int:
        """Draw the length of a prompt: most are short, because what a step costs grows with them
        and what they teach hardly does."""
        share = rng.uniform() ** 3
        ratio = self.max_prompt_frames / self.min_prompt_frames
        return round(self.min_prompt_frames * ratio**share)

    def chances(self, examples: list[Example]) -> np.ndarray:
        """How likely each example is to be drawn: float64, their sum is 1."""
        speakers = Counter(e.speaker for e in examples)
        chance = np.array([speakers[e.speaker] ** (self.balance - 1) for e in examples])
        free = np.ones(len(examples), dtype=bool)
        for wanted, share in self.shares.items():
            own = free & np.array([_fits(e, wanted) for e in examples])
            free &= ~own
            if own.any():
                chance[own] *= share / chance[own].sum()
        if free.any():
            chance[free] *= max(0.0, 1 - sum(self.shares.values())) / chance[free].sum()
        return chance / chance.sum()


def _fits(example: Example, wanted: str) -> bool:
    """Whether an example is of a language, or language and speaker, see `Mixture.shares`."""
    language, _, speaker = wanted.partition(":")
    return example.language == language and fnmatchcase(example.speaker, speaker or "*")


class Prompts:
    """Other speech of an example's speaker, drawn at random."""

    def __init__(self, examples: list[Example], mixture: Mixture) -> None:
        self.mixture = mixture
        self.by_speaker: dict[str, list[Example]] = {}
        for example in examples:
            self.by_speaker.setdefault(example.speaker, []).append(example)

    def draw(self, example: Example, length: int, rng: np.random.Generator) -> np.ndarray:
        """Codes of a prompt of `length` frames, or less where the speaker has said so little:
        uint16 (K, P)."""
        parts: list[np.ndarray] = []
        while (missing := length - sum(p.shape[1] for p in parts)) > 0 and len(parts) < 8:
            codes = self.other(example, rng).codes
            first = int(rng.integers(0, max(1, codes.shape[1] - missing + 1)))
            parts.append(codes[:, first : first + missing])
        return np.concatenate(parts, axis=1)

    def other(self, example: Example, rng: np.random.Generator) -> Example:
        """Another utterance of the speaker, or the same where there is no other."""
        own = self.by_speaker.get(example.speaker, [example])
        found = own[rng.integers(len(own))]
        for _ in range(8):
            if found.id not in example.id.split("+"):
                break
            found = own[rng.integers(len(own))]
        return found

    def join(self, example: Example, rng: np.random.Generator) -> Example:
        """The example and, by chance, others of its speaker after it, as one text."""
        while rng.random() < self.mixture.join:
            other = self.other(example, rng)
            if len(example.places) + len(other.places) > self.mixture.max_frames:
                break
            example = joined(example, other)
        return example


def joined(first: Example, second: Example) -> Example:
    """One utterance after another, as one text: its language is named again where it changes."""
    tags = first.symbols[np.isin(first.symbols, TAGS)]
    cut = int(len(tags) > 0 and second.symbols[0] == tags[-1])
    return replace(
        first,
        id=f"{first.id}+{second.id}",
        symbols=np.concatenate([first.symbols, second.symbols[cut:]]),
        codes=np.concatenate([first.codes, second.codes], axis=1),
        # a frame that was at the tag is still at the last symbol before it
        places=np.concatenate([first.places, second.places + len(first.symbols) - cut]),
    )


def batches(
    examples: list[Example],
    prompts: Prompts,
    config: TtsConfig,
    batch_size: int,
    seed: int,
    first_step: int = 0,
    max_frames: int | None = None,
) -> Iterator[Batch]:
    """Endless batches of similar lengths; what a step sees depends on seed and step alone.

    Args:
        prompts: its mixture says what is drawn how often.
        max_frames: longer examples are left out for now (short ones first).
    """
    mixture = prompts.mixture
    limit = min(max_frames or mixture.max_frames, mixture.max_frames)
    chosen = [e for e in examples if len(e.places) <= limit]
    chances = mixture.chances(chosen)
    pool = min(POOL_BATCHES * batch_size, int((chances > 0).sum()))
    step = first_step
    kept: tuple[int, list[Example]] = (-1, [])
    while True:
        number, inside = divmod(step, POOL_BATCHES)
        rng = np.random.default_rng((seed, number))
        if kept[0] != number:
            drawn = [chosen[i] for i in rng.choice(len(chosen), pool, replace=False, p=chances)]
            if max_frames is None:
                drawn = [prompts.join(e, rng) for e in drawn]
            kept = (number, sorted(drawn, key=lambda e: len(e.places) + len(e.symbols)))
        picked = kept[1]
        order = np.random.default_rng((seed, number, -1 % 2**32)).permutation(
            max(1, len(picked) // batch_size)
        )
        slot = int(order[inside % len(order)]) * batch_size
        rng = np.random.default_rng((seed, number, inside))
        length = mixture.prompt_frames(rng)  # one for all: less padding
        rows = [
            example_rows(e, prompts.draw(e, length, rng), config, rng.random() < mixture.textless)
            for e in picked[slot : slot + batch_size]
        ]
        yield corrupt_codes(collate(rows, config), config, mixture.noise, rng)
        step += 1
