"""The uncached reference: what the caches must agree with, for tests, `verify` and `bench`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from tts.inference.sampling import Choose
from tts.model.config import RowConfig
from tts.model.lm import FrameModel


class UncachedRunner:
    """Nothing is remembered but the rows, and all is computed anew each time."""

    def __init__(self, model: FrameModel, num_codebooks: int) -> None:
        self.model, self.num_codebooks = model, num_codebooks
        self.rows: dict[int, Tensor] = {}
        self.graphs = None

    def admit(self, ticket: int, rows: Tensor, capacity: int) -> Tensor:
        self.rows[ticket] = rows
        return self._latents([ticket])

    def step(self, tickets: Sequence[int], rows: Tensor) -> Tensor:
        unused = self.model.config.n_vq - self.num_codebooks
        for ticket, row in zip(
            tickets,
            F.pad(rows.cpu(), (0, unused), value=self.model.config.unused_code),
            strict=True,
        ):
            self.rows[ticket] = torch.cat([self.rows[ticket], row[None]])
        return self._latents(tickets)

    def _latents(self, tickets: Sequence[int]) -> Tensor:
        padded, valid = pad_left([self.rows[t] for t in tickets], self.model.config)
        device = self.model.device
        used = self.model.config.embedded_codebooks(self.num_codebooks)
        embedded = self.model.embed(padded.to(device), used)
        return self.model.temporal(embedded, prompt_mask(valid.to(device)))[:, -1]

    def frame(self, latents: Tensor, choose: Choose) -> Tensor:
        tokens = torch.zeros((len(latents), 0), dtype=torch.int64, device=latents.device)
        for channel in range(self.num_codebooks + 1):
            token = choose(channel, self.model.next_logits(latents, tokens))
            if channel == 0 and self.model.text_ids is not None:
                token = torch.tensor(self.model.text_ids, device=token.device)[token]
            tokens = torch.cat([tokens, token[:, None]], dim=1)
        return tokens

    def release(self, ticket: int) -> None:
        del self.rows[ticket]


def prompt_mask(valid: Tensor) -> Tensor:
    """Causal mask that also hides padding: bool (B, T) -> bool (B, 1, T, T).

    A padded query sees itself, so that no row of the softmax is empty.
    """
    steps = valid.shape[1]
    causal = torch.ones(steps, steps, dtype=torch.bool, device=valid.device).tril()
    itself = torch.eye(steps, dtype=torch.bool, device=valid.device)
    return ((causal & valid[:, None, :]) | itself)[:, None]


def pad_left(rows: list[Tensor], config: RowConfig) -> tuple[Tensor, Tensor]:
    """Stack prompts of unequal length: -> rows (B, T, 1 + K), valid bool (B, T)."""
    steps = max(len(r) for r in rows)
    padded = torch.full((len(rows), steps, 1 + config.n_vq), config.audio_pad_code)
    padded[:, :, 0] = config.pad_token_id
    valid = torch.zeros(len(rows), steps, dtype=torch.bool)
    for i, r in enumerate(rows):
        padded[i, steps - len(r) :] = r
        valid[i, steps - len(r) :] = True
    return padded, valid
