"""`python -m tokenizer verify`: are this code's numbers those of the reference?

A folder holds a model and `io.safetensors`: inputs, and what the reference made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from tokenizer.checkpoint import empty_codec, load_codec
from tokenizer.hub import CheckpointError
from tokenizer.model import CatTokenizer
from tokenizer.streaming import decode_chunk, decode_start, encode_chunk, encode_flush, encode_start
from tokenizer.strict import read_object
from tokenizer.weights import Names, check_names, shapes_of

FLOATS, EXACT = 1e-4, 0.0
CHUNK_FRAMES = (1, 3, 7)


class Check(NamedTuple):
    """One quantity.

    difference: the largest one, relative to the largest value; for integers the share that
    differs. limit: what is allowed.
    """

    quantity: str
    difference: float
    limit: float

    @property
    def passed(self) -> bool:
        return self.difference <= self.limit

    def line(self) -> str:
        """For people to read."""
        verdict = "ok" if self.passed else f"DIFFERS, allowed {self.limit:g}"
        return f"  {self.quantity:<34} {self.difference:.2e}  {verdict}"


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        recognises: whether a config.json is of this kind.
        empty: the model that a config.json asks for, without numbers, given the names of the
            tensors that are to fill it; and how they are called in its files.
    """

    recognises: Callable[[Mapping[str, Any]], bool]
    empty: Callable[[Path, Collection[str]], tuple[nn.Module, Names]]


CheckFolder = Callable[[Path, dict[str, Tensor]], Iterator[Check]]


def same_integers(quantity: str, actual: Tensor, expected: Tensor) -> Check:
    """Every value must be equal; another shape counts as all different."""
    if actual.shape != expected.shape:
        return Check(quantity, 1.0, EXACT)
    return Check(quantity, (actual != expected).double().mean().item(), EXACT)


def close_floats(quantity: str, actual: Tensor, expected: Tensor, limit: float = FLOATS) -> Check:
    """Equal to `limit` relative to the largest expected value; infinities must agree."""
    if actual.shape != expected.shape or not torch.isfinite(actual).all():
        return Check(quantity, float("inf"), limit)
    scale = expected.abs().max().clamp_min(1e-12)
    return Check(quantity, float((actual - expected).abs().max() / scale), limit)


def verify_folder(folder: Path, checks: Mapping[Kind, CheckFolder]) -> int:
    """Check a folder, or all folders below it that hold a model of these kinds.

    Args:
        folder: with config.json and io.safetensors, or with such folders in it.
        checks: by kind of model; folder, its io.safetensors -> checks.

    Returns:
        0 where all is as the reference has it, else 1.

    Raises:
        CheckpointError: there is nothing to check, or a file is missing or damaged.
    """
    places = [folder] if (folder / "config.json").is_file() else sorted(folder.glob("*/"))
    found = [(p, kind) for p in places if (kind := _kind_of(p / "config.json", checks))]
    listed = [] if places == [folder] else sorted(folder.glob("**/*.shapes.json"))
    known = [(file, config) for file in listed if (config := config_beside(file))]
    shapes = [(file, config, kind) for file, config in known if (kind := _kind_of(config, checks))]
    if not found and not shapes:
        raise CheckpointError(
            f"{folder} holds nothing to verify; give a folder with config.json, model.safetensors "
            "and io.safetensors of the reference"
        )
    failed = 0
    for place, kind in found:
        print(place)
        for result in checks[kind](place, read_io(place)):
            print(result.line())
            failed += not result.passed
    for file, config, kind in shapes:
        print(verify_shapes(config, file, kind))
    print(f"{failed} quantities differ" if failed else "all as the reference has it")
    return 1 if failed else 0


def _kind_of(config: Path, kinds: Iterable[Kind]) -> Kind | None:
    if not config.is_file():
        return None
    raw = read_object(config)
    return next((kind for kind in kinds if kind.recognises(raw)), None)


def config_beside(shapes: Path) -> Path | None:
    """NAME.config.json beside NAME.shapes.json, if it is there."""
    config = shapes.with_name(shapes.name.replace(".shapes.json", ".config.json"))
    return config if config.is_file() else None


def verify_shapes(config: Path, shapes: Path, kind: Kind) -> str:
    """Compare names and shapes of a config's model, built without numbers, to a list.

    Args:
        config: a config.json, or a folder that holds one.
        shapes: JSON object, parameter name -> list of sizes.
        kind: of model.

    Returns:
        One line that says how many were equal.

    Raises:
        CheckpointError: a name or a shape differs, or is missing, or is left over.
    """
    expected = {k: tuple(v) for k, v in read_object(shapes).items()}
    file = config / "config.json" if config.is_dir() else config
    model, names = kind.empty(file, expected)
    check_names(shapes_of(model), names.resolve(expected, shapes), shapes)
    return f"{shapes}: all {len(expected)} names and shapes accounted for"


def read_io(folder: Path) -> dict[str, Tensor]:
    """The reference's inputs and outputs; CheckpointError where they are missing or damaged."""
    file = folder / "io.safetensors"
    if not file.is_file():
        raise CheckpointError(f"{file} is missing; it holds what the reference computed")
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file} is damaged or cut short ({error}); copy it again") from error


def take(io: dict[str, Tensor], name: str, folder: Path) -> Tensor:
    """One tensor of io.safetensors; CheckpointError where it is missing."""
    if name not in io:
        raise CheckpointError(f"{folder / 'io.safetensors'} holds no {name!r}; copy it again")
    return io[name]


@torch.inference_mode()
def check_codec(folder: Path, io: dict[str, Tensor]) -> Iterator[Check]:
    """All quantities of a tokenizer."""
    codec = load_codec(folder)
    wav, lengths = take(io, "waveform", folder), take(io, "waveform_lengths", folder)
    frames = take(io, "codes_lengths", folder)
    expected = take(io, "codes", folder).transpose(0, 1)
    encoded = codec.encode_batch(wav, lengths)
    yield same_integers("codes_lengths", encoded.lengths, frames)
    hidden = codec.encode_latents(wav)[0].transpose(1, 2)
    names = {"decoded": codec.num_codebooks, "decoded_first_k": int(take(io, "first_k", folder))}
    for item, count in enumerate(frames.tolist()):
        codes = expected[item : item + 1, :, :count]
        yield same_integers(f"codes[{item}]", encoded.codes[item : item + 1, :, :count], codes)
        reference = take(io, "encoder_hidden_states", folder)[item, :, :count]
        yield close_floats(f"encoder_hidden_states[{item}]", hidden[item, :, :count], reference)
        for name, used in names.items():
            reference = take(io, name, folder)[item : item + 1, :, : count * codec.frame_size]
            yield close_floats(f"{name}[{item}]", codec.decode(codes[:, :used]), reference)
    yield from check_streams(codec, wav, expected[:, :, : int(frames.min())])


def check_streams(codec: CatTokenizer, wav: Tensor, codes: Tensor) -> Iterator[Check]:
    """Streamed in small chunks, every item alone and all together: equal to the whole."""
    for items in (wav[:1], wav):
        whole = codec.encode(items)
        for frames in CHUNK_FRAMES:
            state, parts = encode_start(codec, len(items)), []
            for piece in items.split(frames * codec.frame_size - 1, dim=2):
                new, state = encode_chunk(codec, piece, state)
                parts.append(new)
            streamed = torch.cat([*parts, encode_flush(codec, state)], dim=2)
            name = f"encode, chunks of {frames}, batch {len(items)}"
            yield same_integers(name, streamed, whole)
    for items in (codes[:1], codes):
        whole = codec.decode(items)
        for frames in CHUNK_FRAMES:
            state, parts = decode_start(len(items)), []
            for piece in items.split(frames, dim=2):
                new, state = decode_chunk(codec, piece, state)
                parts.append(new)
            name = f"decode, chunks of {frames}, batch {len(items)}"
            yield close_floats(name, torch.cat(parts, dim=2), whole)


def run_verify(folder: str, shapes: str | None) -> int:
    """The command; see `verify_folder` and `verify_shapes`."""
    path = existing(folder)
    if shapes is not None:
        print(verify_shapes(path, Path(shapes), KIND))
        return 0
    return verify_folder(path, {KIND: check_codec})


def existing(name: str) -> Path:
    """CheckpointError unless the path exists."""
    if not Path(name).exists():
        raise CheckpointError(f"{name} does not exist; give a folder with a model in it")
    return Path(name)


def _empty(config: Path, tensors: Collection[str]) -> tuple[CatTokenizer, Names]:
    codec = empty_codec(config, tensors)
    return codec, codec.names


KIND = Kind(lambda config: "encoder_kwargs" in config, _empty)
