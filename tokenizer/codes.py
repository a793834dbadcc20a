"""Codes on disk: one safetensors file with a tensor `codes` and string metadata.

Where size matters there is a tensor `packed` instead; see `tokenizer.packing`. Then the metadata
tell the shape ("K T") and the bits of a code.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from tokenizer.files import check_folder, replacing
from tokenizer.model import CatTokenizer
from tokenizer.packing import pack_codes, unpack_codes

SUFFIX = ".safetensors"
CHECKSUM = "checksum"


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
    digest = hashlib.sha256()
    for name, tensor in sorted(codec.quantizer.state_dict().items()):
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
    data = codes_bytes(codes, metadata)
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def codes_bytes(codes: Tensor, metadata: Mapping[str, str], bits: int | None = None) -> bytes:
    """The file that `load_codes` reads; the same codes and metadata always give the same bytes.

    Written out here, because the library puts metadata in an order that differs from process to
    process.

    Args:
        codes: int64 (K, T), not empty.
        metadata: what stands beside them.
        bits: pack them, this many bits a code; None stores int16 (int32 where values need it).

    Raises:
        ValueError: a code does not fit into `bits`.
    """
    values = codes.detach().cpu().numpy()
    if bits is None:
        small = int(values.max()) < 2**15
        name, kind, stored = (
            "codes",
            "I16" if small else "I32",
            values.astype("<i2" if small else "<i4"),
        )
    else:
        name, kind, stored = "packed", "U8", pack_codes(values, bits)
        metadata = {**metadata, "bits": str(bits), "shape": f"{len(values)} {values.shape[1]}"}
    metadata = {**metadata, CHECKSUM: _checksum(stored)}
    tensor = {"dtype": kind, "shape": list(stored.shape), "data_offsets": [0, stored.nbytes]}
    header = {"__metadata__": dict(sorted(metadata.items())), name: tensor}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + stored.tobytes()


def check_codes_path(path: str | Path) -> None:
    """Raise unless codes can be written to `path`: CodesError (ending), OutputError (place)."""
    if Path(path).suffix.lower() != SUFFIX:
        raise CodesError(f"{path}: codes are stored as {SUFFIX}; give a name with that ending")
    check_folder(path)


def load_codes(path: str | Path) -> CodesFile:
    """Read a file that `save_codes` or `codes_bytes` wrote, packed or not.

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
            names = file.keys()
            codes = file.get_tensor("codes") if "codes" in names else None
            packed = file.get_tensor("packed") if "packed" in names else None
    except (SafetensorError, OSError) as error:
        if _is_sound(path):
            raise CodesError(
                f"{path} is a sound file, not codes; `encode` makes codes of it"
            ) from error
        raise CodesError(f"{path} is damaged or cut short ({error}); make it again") from error
    stored, checksum = codes if packed is None else packed, metadata.pop(CHECKSUM, None)
    if stored is not None and checksum not in (None, _checksum(stored.numpy())):
        raise CodesError(
            f"{path} is damaged (its codes do not match their checksum); make it again"
        )
    if codes is None and packed is not None:
        codes = _unpacked(path, packed.numpy(), metadata)
    if codes is None or codes.ndim != 2 or codes.numel() == 0 or codes.is_floating_point():
        raise CodesError(f"{path} holds no codes of shape (K, T); give a file that `encode` wrote")
    return CodesFile(codes.to(torch.int64), metadata)


def read_codes(path: str | Path) -> Tensor:
    """Codes int64 (K, T) of a file, packed or not; for those who train on them.

    Raises:
        CodesError: see `load_codes`.
    """
    return load_codes(path).codes


def _checksum(stored: np.ndarray) -> str:
    """CRC-32 of the bytes of a tensor, 8 hex digits."""
    return f"{zlib.crc32(stored.tobytes()):08x}"


def _is_sound(path: Path) -> bool:
    try:
        soundfile.info(path)
    except soundfile.SoundFileError:
        return False
    return True


def _unpacked(path: Path, packed: np.ndarray, metadata: dict[str, str]) -> Tensor:
    """Codes int64 (K, T); takes from the metadata what only says how they were packed."""
    try:
        books, frames = (int(part) for part in metadata.pop("shape").split())
        values = unpack_codes(packed, (books, frames), int(metadata.pop("bits")))
    except (KeyError, ValueError) as error:
        raise CodesError(f"{path} is damaged (packed codes: {error}); make it again") from error
    return torch.from_numpy(values)
