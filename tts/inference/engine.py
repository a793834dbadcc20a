"""The autoregressive loop: prompt rows in, frames of codes out.

It knows tensors, not text: the same loop serves phonemes and the published text tokenizer. A
`Session` is the loop itself: items enter at any time, speak one frame a step, and leave when
they have ended.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tts.inference.cached import CachedRunner
from tts.inference.prompt import Monologue, hidden_text_id, without_text
from tts.inference.runner import Runner
from tts.inference.sampling import draw, guide, sample_each
from tts.model.config import RowConfig, SamplingConfig, check_codebooks, check_guidance
from tts.model.delay import (
    DelayConfig,
    TextRule,
    Undelayed,
    spoken_codebooks,
    state_after,
    state_after_prompt,
    text_rule,
)
from tts.model.lm import FrameModel
from tts.model.weights import PreparedModel, prepare


@dataclass(frozen=True)
class Request:
    """One item of a batch.

    Attributes:
        rows: int64 (T, 1 + K), the prompt.
        seed: of its own random numbers.
        max_frames: budget, after which it is stopped.
        monologue: rules its text channel where the model has an inner monologue; None leaves
            the text channel free.
        forced: int64 (k, F), codes that it must speak first (continuation), or None.
        sampling: of this item; None means that of the session.
        context: int64 (k, P), codes that end the prompt and that the codec must hear before
            the first frame (continuation); the engine does not read it.
    """

    rows: Tensor
    seed: int
    max_frames: int
    monologue: Monologue | None = None
    forced: Tensor | None = None
    sampling: SamplingConfig | None = None
    context: Tensor | None = None


class ItemStep(NamedTuple):
    """What one step made of one item.

    ticket: from `Session.admit`. text: the text channel. codes: int64 (k,), the frame, or None
    where the item ended instead of speaking one, or where codebooks are delayed and no frame is
    complete. finished_by: 'eos' or 'budget' in the last step of an item, else None. row: int64
    (1 + k,), what the model wrote. place: index of the symbol being spoken; -1 without a
    monologue.
    """

    ticket: int
    text: int
    codes: Tensor | None
    finished_by: str | None
    row: Tensor
    place: int = -1


class _Item:
    """What the loop remembers of an item besides the runner's caches.

    uncond: ticket of the same item without its text, for guidance; None where there is none.
    """

    def __init__(
        self, ticket: int, request: Request, sampling: SamplingConfig, config: RowConfig
    ) -> None:
        self.ticket, self.request, self.sampling = ticket, request, sampling
        self.uncond: int | None = None
        self.generator = torch.Generator().manual_seed(request.seed)
        self.monologue = request.monologue
        self.frames = 0
        self.delay = None
        if isinstance(config, DelayConfig):
            self.delay = state_after_prompt(request.rows[:, 0].tolist(), config)
            known = max(0, self.delay.span - 1)
            written = list(request.rows[len(request.rows) - known :, 1:])
            self.undelayed = Undelayed(written, known)

    @property
    def forced_frames(self) -> int:
        return 0 if self.request.forced is None else self.request.forced.shape[1]

    @property
    def is_plain(self) -> bool:
        """Whether all its tokens are sampled freely, from its own logits."""
        free = self.monologue is None and self.uncond is None and self.delay is None
        return free and self.frames >= self.forced_frames


class Session:
    """A running batch.

    An item's frames depend on its own request alone: neither on who else is in the batch, nor
    on when it entered.
    """

    def __init__(
        self,
        model: FrameModel | PreparedModel,
        sampling: SamplingConfig,
        num_codebooks: int,
        runner: Runner | None = None,
    ) -> None:
        """Start empty.

        Args:
            model: best one that is prepared; else that is done here.
            sampling: temperatures and the like, of requests that bring none.
            num_codebooks: k, codebooks to generate, 1..K.
            runner: how to drive the model; None means with caches.

        Raises:
            ValueError: k is out of range.
        """
        check_codebooks(num_codebooks, model.config)
        self.config, self.device = model.config, model.device
        self.sampling, self.num_codebooks = sampling, num_codebooks
        with torch.inference_mode():
            self.runner = runner or CachedRunner(prepare(model), num_codebooks)
        self._hidden = torch.tensor([hidden_text_id(self.config)], device=self.device)
        self._tickets = count()
        self._items: list[_Item] = []
        # (B + S, hidden), those of the items, then those of their unconditional branches.
        self._latents: Tensor | None = None
        # bool (B, k, V): codes that each item has spoken; None while no one is penalised for it.
        self._seen: Tensor | None = None
        self._row: Tensor | None = None

    def __len__(self) -> int:
        """Items that are speaking."""
        return len(self._items)

    @torch.inference_mode()
    def admit(self, request: Request) -> int:
        """Let an item in; its first frame comes with the next step.

        Returns:
            Its ticket, which `step` names it by.

        Raises:
            ValueError: its budget is empty, or it asks for guidance, which its model cannot give.
        """
        if request.max_frames < 1:
            raise ValueError("max_frames must be at least 1")
        sampling = _effective(request.sampling or self.sampling, self.config)
        check_guidance(sampling, self.config)
        self._advance()
        ticket = next(self._tickets)
        capacity = len(request.rows) + request.max_frames + _more_rows(self.config)
        latents = [self.runner.admit(ticket, request.rows, capacity)]
        item = _Item(ticket, request, sampling, self.config)
        if sampling.audio.guidance != 1:
            item.uncond = next(self._tickets)
            latents.append(
                self.runner.admit(item.uncond, without_text(request.rows, self.config), capacity)
            )
        if self._latents is not None:
            own = self._latents.split([len(self._items), len(self._latents) - len(self._items)])
            latents = [own[0], latents[0], own[1], *latents[1:]]
        self._latents = torch.cat(latents)
        self._items.append(item)
        if self._seen is not None or item.sampling.audio.repetition_penalty != 1:
            size = (self.num_codebooks, self.config.audio_vocab_size)
            empty = torch.zeros((1, *size), dtype=torch.bool, device=self.device)
            others = self._seen
            if others is None:
                others = empty.expand(len(self._items) - 1, *size)
            self._seen = torch.cat([others, empty])
        return ticket

    @torch.inference_mode()
    def step(self) -> list[ItemStep]:
        """One frame of every item, in the order in which they came; [] when there are none."""
        if not self._items:
            return []
        self._advance()
        assert self._latents is not None
        # 1. The depth transformer chooses text, then codes, coarse to fine.
        generators = [item.generator for item in self._items]
        rows = self._frame(draw(generators, 1 + self.num_codebooks).to(self.device))
        tokens = rows[: len(self._items)]
        # 2. Items take note of it; those that have ended leave.
        spoken = [
            self._note(item, row) for item, row in zip(self._items, tokens.cpu(), strict=True)
        ]
        if self._seen is not None:
            self._seen.scatter_(2, tokens[:, 1:, None], True)
        self._row = rows
        self._keep([s.finished_by is None for s in spoken])
        return spoken

    def drop(self, ticket: int) -> None:
        """Take an item out before it has ended."""
        self._keep([item.ticket != ticket for item in self._items])

    def _advance(self) -> None:
        """The frames of the last step become the next rows of the temporal transformer.

        Put off until the next step, because then it is known who has left.
        """
        if self._row is None:
            return
        tickets = [item.ticket for item in self._items]
        tickets += [item.uncond for item in self._items if item.uncond is not None]
        self._latents = self.runner.step(tickets, self._row) if tickets else None
        self._row = None

    def _keep(self, kept: list[bool]) -> None:
        if all(kept):
            return
        unconditional = [
            k for item, k in zip(self._items, kept, strict=True) if item.uncond is not None
        ]
        for item, keep in zip(self._items, kept, strict=True):
            if not keep:
                self.runner.release(item.ticket)
                if item.uncond is not None:
                    self.runner.release(item.uncond)
        self._items = [item for item, keep in zip(self._items, kept, strict=True) if keep]
        items, rows = (torch.tensor(k, device=self.device) for k in (kept, kept + unconditional))
        if self._latents is not None:
            self._latents = self._latents[rows] if self._items else None
        if self._seen is not None:
            self._seen = self._seen[items] if self._items else None
        if self._row is not None:
            self._row = self._row[rows] if self._items else None

    def _frame(self, uniform: Tensor) -> Tensor:
        """All channels of a frame of every item: float (B, 1 + k) -> int64 (B + S, 1 + k).

        Behind the items stand their unconditional branches: the same codes, the text hidden.
        """
        assert self._latents is not None
        graphs, sampling = self.runner.graphs, self._items[0].sampling
        if graphs is not None and all(i.is_plain and i.sampling == sampling for i in self._items):
            return graphs.run(self._latents, sampling, uniform, self._seen)
        numbers = uniform.unbind(1)
        guided = self._guided()

        def choose(channel: int, logits: Tensor) -> Tensor:
            if guided is None:
                return self._choose(channel, logits, numbers[channel])
            own = guide(logits, *guided) if channel else logits[: len(self._items)]
            chosen = self._choose(channel, own, numbers[channel])
            said = chosen[guided[0]] if channel else self._hidden.expand(len(guided[0]))
            return torch.cat([chosen, said])

        return self.runner.frame(self._latents, choose)

    def _guided(self) -> tuple[Tensor, Tensor] | None:
        """Items with an unconditional branch, int64 (S,), and its scale, float32 (S, 1)."""
        pairs = [
            (i, item.sampling.audio.guidance)
            for i, item in enumerate(self._items)
            if item.uncond is not None
        ]
        if not pairs:
            return None
        index, scale = (torch.tensor(x, device=self.device) for x in zip(*pairs, strict=True))
        return index, scale[:, None]

    def _choose(self, channel: int, logits: Tensor, uniform: Tensor) -> Tensor:
        items = self._items
        if channel == 0:
            return self._choose_text(logits, uniform)
        seen = None if self._seen is None else self._seen[:, channel - 1]
        chosen = sample_each([i.sampling.audio for i in items], logits, uniform, seen)
        for i, item in enumerate(items):
            if item.frames < item.forced_frames:
                assert item.request.forced is not None
                chosen[i] = item.request.forced[channel - 1, item.frames]
            elif item.delay is not None and channel - 1 not in spoken_codebooks(
                item.delay, self.config.n_vq
            ):
                chosen[i] = self.config.audio_pad_code
        return chosen

    def _choose_text(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """Among all ids, or where there is a monologue, among those that it allows."""
        settings = [item.sampling.text for item in self._items]
        if isinstance(self.config, DelayConfig):
            states = [item.delay for item in self._items if item.delay is not None]
            allowed = _allowed(logits, [text_rule(state, self.config) for state in states])
            return sample_each(settings, allowed, uniform, None)
        ruled = [item.monologue for item in self._items]
        if not any(ruled):
            return sample_each(settings, logits, uniform, None)
        everything = torch.arange(logits.shape[1])
        choices = [everything if m is None else m.allowed() for m in ruled]
        ids = pad_sequence(choices, batch_first=True, padding_value=-1).to(self.device)
        offered = logits.gather(1, ids.clamp_min(0)).masked_fill_(ids < 0, -torch.inf)
        entry = sample_each(settings, offered, uniform, None)
        chosen = ids.gather(1, entry[:, None])[:, 0]
        for i, item in enumerate(self._items):
            if item.monologue is not None and item.monologue.speed != 1.0:
                chosen[i], item.monologue = item.monologue.paced(int(chosen[i]))
        return chosen

    def _note(self, item: _Item, row: Tensor) -> ItemStep:
        text, codes, place = int(row[0]), row[1:], -1
        if item.delay is not None:
            return self._note_delayed(item, text, row)
        if item.monologue is not None:
            monologue = item.monologue.after(text)
            done = item.frames + 1 >= item.forced_frames
            item.monologue = monologue.released() if done else monologue
            place = monologue.position
        if text == self.config.audio_end_token_id:
            return ItemStep(item.ticket, text, None, "eos", row)
        item.frames += 1
        spent = item.frames >= item.request.max_frames
        return ItemStep(item.ticket, text, codes, "budget" if spent else None, row, place)

    def _note_delayed(self, item: _Item, text: int, row: Tensor) -> ItemStep:
        assert item.delay is not None
        assert isinstance(self.config, DelayConfig)
        item.delay = state_after(item.delay, text, self.config)
        codes = item.undelayed.push(row[1:], item.delay)
        item.frames += codes is not None
        by = None
        if text == self.config.im_end_token_id:
            by = "eos"
        elif (
            item.frames >= item.request.max_frames
            or item.delay.step >= item.request.max_frames + _more_rows(self.config)
        ):
            by = "budget"
        return ItemStep(item.ticket, text, codes, by, row)


def _effective(sampling: SamplingConfig, config: RowConfig) -> SamplingConfig:
    """Without what a model does not do; ValueError where it is told to do what it cannot."""
    audio = sampling.audio
    if isinstance(config, DelayConfig) and audio.repetition_penalty != 1:
        raise ValueError(
            f"repetition_penalty is {audio.repetition_penalty}; this model's codebooks are delayed "
            "against each other, and it takes none; use 1"
        )
    if audio.temperature == 0 and not config.penalizes_greedy:
        return replace(sampling, audio=replace(audio, repetition_penalty=1.0))
    return sampling


def _more_rows(config: RowConfig) -> int:
    """Rows that an item may need besides its frames: text, and codebooks running out."""
    return 2 * config.n_vq + 16 if isinstance(config, DelayConfig) else 0


def _allowed(logits: Tensor, rules: list[TextRule]) -> Tensor:
    """Logits (B, V) in which what a rule does not allow is -inf."""
    allowed = logits.clone()
    for row, rule in zip(allowed, rules, strict=True):
        if rule.only:
            kept = row[list(rule.only)]
            row.fill_(-torch.inf)
            row[list(rule.only)] = kept
        else:
            row[list(rule.never)] = -torch.inf
    return allowed
