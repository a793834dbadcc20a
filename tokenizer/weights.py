"""Model folders: `config.json` beside one `model.safetensors`, or shards and their index.

Where there is only a `pytorch_model.bin`, its tensors are read by torch's restricted unpickler.
Nothing here runs code that a checkpoint brings.
"""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tokenizer.files import replacing
from tokenizer.hub import CheckpointError

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
PICKLED = "pytorch_model.bin"

Shape = tuple[int, ...]
# Name of a parameter -> where it goes and what it becomes; None leaves it as the file has it.
Place = Callable[[str], tuple[torch.device, torch.dtype | None]]
# What a file calls a tensor -> what the module calls it.
Rename = Callable[[str], str]


def weight_files(folder: Path) -> list[Path]:
    """The files that hold a model's tensors: one, or the shards that its index names.

    `pytorch_model.bin` counts only where there are no safetensors.

    Raises:
        CheckpointError: the index cannot be read, or a file is missing.
    """
    index = folder / INDEX
    names = [SINGLE]
    if index.is_file():
        try:
            names = sorted(
                set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(
                f"{index} is damaged ({error}); fetch or copy it again"
            ) from error
        if any(Path(str(name)).name != name for name in names):
            raise CheckpointError(f"{index} names files outside its folder; fetch it again")
    elif not (folder / SINGLE).is_file() and (folder / PICKLED).is_file():
        names = [PICKLED]
    files = [folder / name for name in names]
    for file in files:
        if not file.is_file():
            raise CheckpointError(f"{file} is missing; a model folder needs it beside config.json")
    return files


@contextmanager
def opened(file: Path) -> Generator[Any, None, None]:
    """A file of tensors, mapped into memory; CheckpointError where it is damaged."""
    try:
        if file.suffix == ".bin":
            yield _Pickled(file)
            return
        with safe_open(file, framework="pt") as stored:
            yield stored
    except (SafetensorError, OSError) as error:
        raise CheckpointError(
            f"{file} is damaged or cut short ({error}); fetch or copy it again"
        ) from error


class _Pickled:
    """A `pytorch_model.bin` read as a safetensors file is; nothing but tensors is unpickled."""

    def __init__(self, file: Path) -> None:
        try:
            mapped = zipfile.is_zipfile(file)  # files of very old versions are none
            self._tensors = torch.load(file, map_location="cpu", weights_only=True, mmap=mapped)
        except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
            why = str(error).splitlines()[0]
            raise CheckpointError(
                f"{file} is damaged, cut short, or holds more than tensors, which is not read "
                f"({why}); fetch it again from its makers"
            ) from error
        if not (
            isinstance(self._tensors, dict)
            and all(isinstance(tensor, Tensor) for tensor in self._tensors.values())
        ):
            raise CheckpointError(f"{file} holds no dictionary of tensors; fetch it again")

    def keys(self) -> list[str]:
        return list(self._tensors)

    def get_tensor(self, name: str) -> Tensor:
        return self._tensors[name]

    def get_slice(self, name: str) -> _Size:
        return _Size(self._tensors[name])

    def metadata(self) -> None:
        return None


@dataclass(frozen=True)
class _Size:
    tensor: Tensor

    def get_shape(self) -> list[int]:
        return list(self.tensor.shape)


@dataclass(frozen=True)
class Names:
    """How a module's tensors are called in its files.

    Attributes:
        unused: may be in the files and are left out.
        tied: of copies that may be in the files -> of what they are copies.
        rename: from another spelling to the module's.
    """

    unused: frozenset[str] = frozenset()
    tied: Mapping[str, str] = field(default_factory=dict)
    rename: Rename = lambda name: name

    def resolve(self, found: Mapping[str, Shape], where: object) -> dict[str, Shape]:
        """What the module calls the tensors of its files, with their shapes.

        Raises:
            CheckpointError: a tensor is there twice, or a copy has another shape than the original.
        """
        own: dict[str, Shape] = {}
        for name, shape in found.items():
            renamed = self.rename(name)
            if renamed in own:
                raise CheckpointError(
                    f"{where}: {renamed} is there in two spellings; fetch it again"
                )
            if renamed not in self.unused:
                own[renamed] = shape
        for copy, original in self.tied.items():
            shape = own.pop(copy, None)
            if shape is not None and original in own and shape != own[original]:
                raise CheckpointError(
                    f"{where}: {copy} has shape {shape}, and {original}, of which it is a copy, "
                    f"{own[original]}; fetch it again"
                )
        return own


def shapes_in(files: Sequence[Path]) -> dict[str, Shape]:
    """Names and shapes of all tensors of some files, from their headers alone."""
    shapes: dict[str, Shape] = {}
    for file in files:
        with opened(file) as stored:
            for name in stored.keys():  # noqa: SIM118
                shapes[name] = tuple(stored.get_slice(name).get_shape())
    return shapes


def check_names(expected: Mapping[str, Shape], found: Mapping[str, Shape], where: object) -> None:
    """CheckpointError unless every name and shape is accounted for and none is left over."""
    missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    if missing or extra:
        raise CheckpointError(
            f"{where}: {len(missing)} tensors missing {missing[:3]}, "
            f"{len(extra)} unknown {extra[:3]}; config.json and weights do not belong together"
        )
    for name, shape in expected.items():
        if tuple(shape) != tuple(found[name]):
            raise CheckpointError(
                f"{where}: {name} has shape {tuple(found[name])}, "
                f"the config asks for {tuple(shape)}"
            )


def shapes_of(module: nn.Module) -> dict[str, Shape]:
    """Names and shapes of a module's parameters."""
    # Not by the module's own `state_dict`, which would make it load what it has put off.
    state = nn.Module.state_dict(module)
    return {name: tuple(tensor.shape) for name, tensor in state.items()}


class _Unfilled(TorchFunctionMode):
    """What would fill or measure new parameters does nothing.

    On the meta device torch answers such calls by its compiler's reference functions, whose import
    takes longer than loading a small model.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        if func is torch.norm_except_dim:
            weight, _, dim = args
            return weight.new_empty([n if i == dim else 1 for i, n in enumerate(weight.shape)])
        return func(*args, **(kwargs or {}))


@contextmanager
def without_numbers() -> Generator[None, None, None]:
    """Modules that are built in this block have names and shapes, and no numbers."""
    with torch.device("meta"), _Unfilled():
        yield


def load_weights(
    module: nn.Module,
    folder: Path,
    place: Place,
    names: Names | None = None,
    wanted: Callable[[str], bool] = lambda _: True,
) -> None:
    """Fill a module that was built on the meta device; strict.

    Tensors are mapped from the files and converted one by one, so that little more memory is
    taken than the module needs; those that need no conversion are read when they are used.

    Args:
        module: on the meta device.
        folder: with its weights.
        place: of a parameter.
        names: how they are called in the files; None means as in the module.
        wanted: which parameters to fill; the others stay as they are.

    Raises:
        CheckpointError: a file is missing or damaged, or names or shapes differ.
    """
    files, names = weight_files(folder), names or Names()
    found = names.resolve(shapes_in(files), folder)
    check_names(shapes_of(module), found, folder)
    originals = set(names.tied.values())
    tensors, stored_as = {}, {}
    for file in files:
        with opened(file) as stored:
            for key in stored.keys():  # noqa: SIM118
                name = names.rename(key)
                if name in names.tied or name in originals:
                    stored_as[name] = stored.get_tensor(key)
                if name in found and wanted(name):
                    device, dtype = place(name)
                    tensors[name] = stored.get_tensor(key).to(device=device, dtype=dtype)
    for copy, original in names.tied.items():
        if copy in stored_as and not torch.equal(stored_as[copy], stored_as[original]):
            raise CheckpointError(
                f"{folder}: {copy} differs from {original}, and must be a copy of it; "
                "fetch it again"
            )
    nn.Module.load_state_dict(module, tensors, strict=False, assign=True)


def save_folder(
    module: nn.Module, config: Mapping[str, Any], folder: str | Path, dtype: torch.dtype
) -> None:
    """Write `config.json` and `model.safetensors` to `folder` (made if need be).

    Each file appears whole or not at all.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {k: v.detach().to(dtype).cpu().contiguous() for k, v in module.state_dict().items()}
    with replacing(folder / SINGLE) as temporary:
        save_file(tensors, temporary)
    with replacing(folder / "config.json") as temporary:
        temporary.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def spread(
    module: nn.Module,
    units: tuple[str, ...],
    device_map: str | Mapping[str, Any],
    dtype: torch.dtype,
) -> Callable[[str], torch.device]:
    """Where a module's parameters go when one device does not hold them.

    Args:
        module: on the meta device.
        units: class names of modules that must stay in one piece.
        device_map: 'auto', which fills the devices in order (GPUs first, then the CPU) by
            `accelerate`, or module name -> device.
        dtype: that the parameters will have.

    Returns:
        A function from a parameter's name to its device.

    Raises:
        CheckpointError: the devices together do not hold it.
    """
    from accelerate import infer_auto_device_map

    if device_map == "auto":
        device_map = infer_auto_device_map(module, no_split_module_classes=list(units), dtype=dtype)
    if isinstance(device_map, str):
        raise CheckpointError(f"device_map is {device_map!r}; use 'auto' or names and devices")
    if "disk" in device_map.values():
        size = sum(p.numel() for p in module.parameters()) * dtype.itemsize / 1e9
        raise CheckpointError(
            f"the model takes {size:.1f} GB as {dtype}, more than all devices have free; use a "
            "smaller dtype or a machine with more memory"
        )
    places = {name: _device(device) for name, device in device_map.items()}

    def find(name: str) -> torch.device:
        while name not in places:
            if not name:
                raise CheckpointError("device_map leaves parameters without a device; add ''")
            name = name.rpartition(".")[0]
        return places[name]

    return find


def _device(device: Any) -> torch.device:
    return torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
