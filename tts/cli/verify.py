"""`python -m tts verify`: are this code's numbers those of the reference?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from tokenizer.verify import (
    Check,
    Kind,
    close_floats,
    existing,
    same_integers,
    take,
    verify_folder,
    verify_shapes,
)
from tokenizer.weights import shapes_of
from tts.inference.engine import Request, generate
from tts.inference.reference import UncachedRunner
from tts.model.checkpoint import UNUSED, empty_model, load_model
from tts.model.config import GREEDY, SamplingConfig, TtsConfig
from tts.model.lm import TtsModel

_GREEDY_NAME = re.compile(r"greedy_k(\d+)_row(\d+)")


def run_verify(folder: str, shapes: str | None) -> int:
    """The command; see `tokenizer.verify`."""
    path = existing(folder)
    if shapes is not None:
        print(verify_shapes(path, Path(shapes), KIND))
        return 0
    return verify_folder(path, KIND, check_model)


def _shapes(config: Path) -> dict[str, tuple[int, ...]]:
    return shapes_of(empty_model(TtsConfig.from_file(config)))


@torch.inference_mode()
def check_model(folder: Path, io: dict[str, Tensor]) -> Iterator[Check]:
    """All quantities of a language model."""
    model = load_model(folder)
    yield from _teacher_forced(model, io, folder)
    yield from _greedy(model, io, folder)


def _teacher_forced(model: TtsModel, io: dict[str, Tensor], folder: Path) -> Iterator[Check]:
    rows, labels = take(io, "tf_input_ids", folder), take(io, "tf_labels", folder)[0]
    used = model.config.n_vq
    hidden = model.temporal(model.embed(rows, used))
    yield close_floats("tf_hidden", hidden, take(io, "tf_hidden", folder))
    # A row predicts the one after it; what is ignored still is the next frame's input.
    tokens = torch.roll(rows[0], -1, dims=0)
    losses = []
    for channel, logits in enumerate(model.frame_logits(hidden[0], tokens, used)):
        known = labels[:, channel] >= 0
        reference = take(io, f"tf_logits_{channel}", folder)[0]
        width = -1 if channel else None  # the pad code is closed here and open there
        yield close_floats(f"tf_logits_{channel}", logits[known, :width], reference[known, :width])
        # The reference's loss counts the pad code as a possibility.
        logits = logits.masked_scatter(logits == -torch.inf, reference[logits == -torch.inf])
        losses.append(F.cross_entropy(logits[known], labels[known, channel]))
    per_channel = torch.stack(losses)
    yield close_floats("tf_loss_per_channel", per_channel, take(io, "tf_loss_per_channel", folder))
    yield close_floats("tf_loss", per_channel.mean()[None], take(io, "tf_loss", folder))


def _greedy(model: TtsModel, io: dict[str, Tensor], folder: Path) -> Iterator[Check]:
    masks = take(io, "attention_mask", folder).bool()
    prompts = [ids[m] for ids, m in zip(take(io, "input_ids", folder), masks, strict=True)]
    expected: dict[int, dict[int, Tensor]] = {}
    for name, tensor in io.items():
        if match := _GREEDY_NAME.fullmatch(name):
            expected.setdefault(int(match[1]), {})[int(match[2])] = tensor[1:]
    for used, rows in sorted(expected.items()):
        for how, items in [("alone", [i]) for i in sorted(rows)] + [("batch", sorted(rows))]:
            steps = max(len(rows[i]) for i in items)
            requests = [Request(prompts[i], 0, steps) for i in items]
            for kind in ("", ", uncached reference"):
                runner = UncachedRunner(model, used) if kind else None
                cold = SamplingConfig(GREEDY, GREEDY)
                frames = list(generate(model, requests, cold, used, runner))
                for place, item in enumerate(items):
                    said = [torch.cat([f.text[place, None], f.codes[place]]) for f in frames]
                    want = rows[item][:, : used + 1]
                    got = torch.stack(said)[: len(want)]
                    yield same_integers(f"greedy_k{used}_row{item}, {how}{kind}", got, want)


KIND = Kind("language_config", _shapes, UNUSED)
