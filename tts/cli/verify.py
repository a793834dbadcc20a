"""`python -m tts verify`: are this code's numbers those of the reference?"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tokenizer.strict import read_object
from tokenizer.verify import KIND as CODEC_KIND
from tokenizer.verify import (
    Check,
    Kind,
    check_codec,
    close_floats,
    existing,
    same_integers,
    take,
    verify_folder,
    verify_shapes,
)
from tokenizer.weights import Names
from tts.inference.engine import Request, Session
from tts.inference.reference import UncachedRunner
from tts.model.checkpoint import empty_model, load_model
from tts.model.config import GREEDY, SamplingConfig
from tts.model.delay import DelayConfig
from tts.model.lm import FrameModel
from tts.model.registry import TYPES, model_type_of, read_config

_GREEDY_NAME = re.compile(r"greedy_k(\d+)(?:_rep([\d.]+))?_row(\d+)")
_STOP_NAME, _CONTINUED = re.compile(r"stop_row(\d+)"), "continuation"


def run_verify(folder: str, shapes: str | None) -> int:
    """The command; see `tokenizer.verify`. A folder may hold models and tokenizers of any type."""
    path = existing(folder)
    config = path / "config.json" if path.is_dir() else path
    kind = KIND
    if config.is_file():
        raw = read_object(config)
        if CODEC_KIND.recognises(raw):
            kind = CODEC_KIND
        else:
            model_type_of(raw, path)
    if shapes is not None:
        print(verify_shapes(path, Path(shapes), kind))
        return 0
    return verify_folder(path, {KIND: check_model, CODEC_KIND: check_codec})


def _empty(config: Path, tensors: Collection[str]) -> tuple[nn.Module, Names]:
    model = empty_model(read_config(config))
    return model, model.names


@torch.inference_mode()
def check_model(folder: Path, io: dict[str, Tensor]) -> Iterator[Check]:
    """All quantities of a language model."""
    model = load_model(folder)
    yield from _teacher_forced(model, io, folder)
    yield from _generated(model, io, folder)


def _teacher_forced(model: FrameModel, io: dict[str, Tensor], folder: Path) -> Iterator[Check]:
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
        # Where there is a pad code it is closed here, and may be open there.
        width = model.config.audio_vocab_size if channel else logits.shape[1]
        yield close_floats(f"tf_logits_{channel}", logits[known, :width], reference[known, :width])
        # The reference's loss may count the pad code as a possibility.
        logits = logits.masked_scatter(logits == -torch.inf, reference[logits == -torch.inf])
        wanted = labels[known, channel]
        if not channel and model.text_ids is not None and logits.shape[1] == len(model.text_ids):
            wanted = torch.tensor([model.text_ids.index(i) for i in wanted.tolist()])
        losses.append(F.cross_entropy(logits[known], wanted))
    per_channel = torch.stack(losses)
    yield close_floats("tf_loss_per_channel", per_channel, take(io, "tf_loss_per_channel", folder))
    yield close_floats("tf_loss", per_channel.mean()[None], take(io, "tf_loss", folder))


def _generated(model: FrameModel, io: dict[str, Tensor], folder: Path) -> Iterator[Check]:
    """Greedy rows, alone and in the batch, with caches and without."""
    prompts = _prompts(io, "", folder)
    expected: dict[tuple[int, float], dict[int, Tensor]] = {}
    for name, tensor in io.items():
        if match := _GREEDY_NAME.fullmatch(name):
            found = expected.setdefault((int(match[1]), float(match[2] or 1)), {})
            # Where the prompt does not end with audio_start, the model writes it.
            found[int(match[3])] = tensor[_given(tensor, model) :]
    for (used, penalty), rows in sorted(expected.items()):
        name = f"greedy_k{used}" + (f"_rep{penalty:g}" if penalty != 1 else "")
        yield from _spoken(model, name, prompts, rows, (used, penalty), False)
    stops = {int(m[1]): t for n, t in io.items() if (m := _STOP_NAME.fullmatch(n))}
    if stops:
        stops = {i: t[_given(t, model) :] for i, t in stops.items()}
        ends = _prompts(io, "stop_", folder)
        yield from _spoken(model, "stop", ends, stops, (model.config.n_vq, 1.0), True)
    if f"{_CONTINUED}_input_ids" in io:
        continued = take(io, f"{_CONTINUED}_row0", folder)
        begun = [take(io, f"{_CONTINUED}_input_ids", folder)[0]]
        yield from _spoken(model, _CONTINUED, begun, {0: continued}, (model.config.n_vq, 1.0), True)


def _given(rows: Tensor, model: FrameModel) -> int:
    """Rows that stand in the prompt already."""
    written = isinstance(model.config, DelayConfig)
    return 0 if written else int(rows[0, 0] == model.config.audio_start_token_id)


def _prompts(io: dict[str, Tensor], prefix: str, folder: Path) -> list[Tensor]:
    masks = take(io, f"{prefix}attention_mask", folder).bool()
    ids = take(io, f"{prefix}input_ids", folder)
    return [rows[mask] for rows, mask in zip(ids, masks, strict=True)]


def _spoken(
    model: FrameModel,
    name: str,
    prompts: list[Tensor],
    expected: dict[int, Tensor],
    how: tuple[int, float],
    ends: bool,
) -> Iterator[Check]:
    """Generate each item alone and all together; `ends`: they stop by themselves."""
    used, penalty = how
    cold = SamplingConfig(GREEDY, replace(GREEDY, repetition_penalty=penalty))
    for group, items in [("alone", [i]) for i in sorted(expected)] + [("batch", sorted(expected))]:
        for kind in ("", ", uncached reference"):
            runner = UncachedRunner(model, used) if kind else None
            said = _rows_of(model, prompts, expected, items, Session(model, cold, used, runner))
            for item, rows in zip(items, said, strict=True):
                want = expected[item][:, : used + 1]
                got = rows if ends else rows[: len(want)]
                yield same_integers(f"{name}_row{item}, {group}{kind}", got, want)


def _rows_of(
    model: FrameModel,
    prompts: list[Tensor],
    expected: dict[int, Tensor],
    items: list[int],
    session: Session,
) -> list[Tensor]:
    """What items write, one row past what is expected of them at most."""
    place, said = {}, {item: [] for item in items}
    for item in items:
        budget = len(expected[item]) + 1
        place[session.admit(Request(prompts[item], 0, budget))] = item
    while session:
        for step in session.step():
            end = step.finished_by == "eos" and not isinstance(model.config, DelayConfig)
            if not end:  # the row that stops an item is part of what a delay model writes
                said[place[step.ticket]].append(step.row)
    empty = torch.zeros((0, 1 + session.num_codebooks), dtype=torch.int64)
    return [torch.stack(said[item]) if said[item] else empty for item in items]


KIND = Kind(lambda raw: any(row.recognises(raw) for row in TYPES), _empty)
