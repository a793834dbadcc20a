"""Codes on disk: one safetensors file with a tensor `codes` and string metadata."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from tokenizer.files import check_folder, replacing
from tokenizer.linear import prepared
from tokenizer.model import CatTokenizer

SUFFIX = ".safetensors"


class CodesError(ValueError):
    """A file of codes that cannot be used; the message says why and what to do."""


@dataclass(frozen=True, eq=False)
class CodesFile:
    """codes: int64 (K, T), coarsest codebook first; metadata: what stands beside them."""

    codes: Tensor
    metadata: Mapping[str, str]


def codec_fingerprint(codec: CatTokenizer) -> str:
    """16 hex digits that name the quantizer, and with it the meaning of the codes.

    Encoder and decoder do not count: a better decoder reads the same codes. Values are rounded
    to float16 first, so that a tokenizer keeps its name when it is stored in half precision.
    """
    return prepared(codec.quantizer, _fingerprint, kind="fingerprint")


def _fingerprint(quantizer: nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(quantizer.state_dict().items()):
        digest.update(f"{name} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_codes(path: str | Path, codes: Tensor, metadata: Mapping[str, str]) -> None:
    """Write int64 (K, T) as int16 (int32 where the values need it), whole or not at all.

    Raises:
        CodesError: codes is not a non-empty (K, T), or the name does not end in .safetensors.
        OutputError: the place cannot be written.
    """
    check_codes_path(path)
    if codes.ndim != 2 or codes.numel() == 0:
        raise CodesError(f"codes must be a non-empty (K, T), got shape {tuple(codes.shape)}")
    small = int(codes.max()) < 2**15
    stored = codes.detach().cpu().to(torch.int16 if small else torch.int32).contiguous()
    with replacing(path) as temporary:
        save_file({"codes": stored}, temporary, metadata=dict(metadata))


def check_codes_path(path: str | Path) -> None:
    """Raise unless codes can be written to `path`: CodesError (ending), OutputError (place)."""
    if Path(path).suffix.lower() != SUFFIX:
        raise CodesError(f"{path}: codes are stored as {SUFFIX}; give a name with that ending")
    check_folder(path)


def load_codes(path: str | Path) -> CodesFile:
    """Read a file that `save_codes` wrote.

    Raises:
        CodesError: the file is missing, damaged, or holds no codes (K, T).
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise CodesError(f"{path}: {what}; give a {SUFFIX} file that `encode` wrote")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
            codes = file.get_tensor("codes") if "codes" in file.keys() else None  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CodesError(f"{path} is damaged or cut short ({error}); make it again") from error
    if codes is None or codes.ndim != 2 or codes.numel() == 0 or codes.is_floating_point():
        raise CodesError(f"{path} holds no codes of shape (K, T); give a file that `encode` wrote")
    return CodesFile(codes.to(torch.int64), metadata)
