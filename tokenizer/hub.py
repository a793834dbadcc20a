"""Models by name from the Hugging Face hub: safetensors and JSON only, no code, no pickle."""

from __future__ import annotations

import os
import re
from pathlib import Path

EMBEDDED = Path(__file__).parent / "pretrained"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")
# What a model folder needs; never *.py, *.bin or *.pt.
PATTERNS = ["*.json", "*.safetensors", "*.jinja", "merges.txt", "vocab.txt", "tokenizer.model"]
# About how much the published checkpoints take on disk, in GB.
# parameters x bytes: 1.77 B in float32, 2.73 B in bfloat16
SIZES_GB = {
    "OpenMOSS-Team/MOSS-Audio-Tokenizer": 7.1,
    "OpenMOSS-Team/MOSS-TTS-Local-Transformer": 5.5,
}


class CheckpointError(ValueError):
    """A model that cannot be loaded; the message says what is wrong and what to do."""


def model_folder(name: str | Path, embedded: Path) -> Path:
    """Folder of a model.

    Args:
        name: 'embedded', a path, or a hub id 'owner/model' or 'owner/model@revision', which is
            downloaded if it is not there yet.
        embedded: the folder of the shipped model.

    Raises:
        CheckpointError: there is no such model, or it cannot be downloaded.
    """
    folder = embedded if str(name) == "embedded" else Path(name)
    if (folder / "config.json").is_file():
        return folder
    if not folder.exists() and is_hub_id(str(name)):
        return fetch(str(name))
    raise CheckpointError(
        f"no model at {folder}: config.json is missing; give 'embedded' or a folder with "
        "config.json and model.safetensors"
    )


def is_hub_id(name: str) -> bool:
    """Whether a name reads as 'owner/model', perhaps with '@revision'."""
    return _HUB_ID.fullmatch(name) is not None


def fetch(name: str) -> Path:
    """The folder of a hub model; from the cache if it is there, else downloaded.

    A branch is looked up once and then stays at the commit that was found, until the cache is
    cleared; 'owner/model@COMMIT' names one for good.

    Raises:
        CheckpointError: it is not in the cache and cannot be downloaded.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    repository, _, revision = name.partition("@")
    wanted = {"repo_id": repository, "revision": revision or None, "allow_patterns": PATTERNS}
    try:
        folder = Path(snapshot_download(**wanted, local_files_only=True))
        if (folder / "config.json").is_file() and any(folder.glob("*.safetensors")):
            return folder
    except (LocalEntryNotFoundError, HFValidationError, OSError, ValueError):
        pass
    try:
        return Path(snapshot_download(**wanted))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise CheckpointError(_remedy(repository, revision, error)) from error


def _remedy(repository: str, revision: str, error: Exception) -> str:
    size = SIZES_GB.get(repository)
    space = f", about {size:g} GB" if size else ""
    at = f" --revision {revision}" if revision else ""
    folder = repository.rpartition("/")[2]
    why = "HF_HUB_OFFLINE is set" if os.environ.get("HF_HUB_OFFLINE") else type(error).__name__
    return (
        f"{repository} is not on this computer and cannot be downloaded ({why}); where there is "
        f"a connection run `hf download {repository}{at} --local-dir {folder}` (config.json, "
        f"*.safetensors and the text tokenizer's files{space}), copy the folder here and give "
        "its path instead of the name"
    )
