"""Models by name from the Hugging Face hub: weights and JSON, no code.

Pickled weights are fetched only where a repository has no others; see `tokenizer.weights`.
"""

from __future__ import annotations

import os
import re
from functools import partial
from pathlib import Path

from tokenizer.published import BY_REPOSITORY

EMBEDDED = Path(__file__).parent / "pretrained"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")
# What a model folder needs; never *.py, and pickled weights only where there are no others.
PATTERNS = ["*.json", "*.safetensors", "*.jinja", "merges.txt", "vocab.txt", "tokenizer.model"]
PICKLED = "pytorch_model.bin"


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
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    repository, _, revision = name.partition("@")
    folder = cached(name)
    if folder is not None:
        return folder
    wanted = partial(snapshot_download, repo_id=repository, revision=revision or None)
    try:
        folder = Path(wanted(allow_patterns=PATTERNS))
        if not weights_in(folder):
            folder = Path(wanted(allow_patterns=[*PATTERNS, PICKLED]))
        return folder
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise CheckpointError(_remedy(repository, revision, error)) from error


def cached(name: str) -> Path | None:
    """The folder of a hub model that was downloaded with its weights, or None; asks no network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    repository, _, revision = name.partition("@")
    wanted = partial(snapshot_download, repo_id=repository, revision=revision or None)
    try:
        folder = Path(wanted(allow_patterns=PATTERNS, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, OSError, ValueError):
        return None
    return folder if (folder / "config.json").is_file() and weights_in(folder) else None


def weights_in(folder: Path) -> list[Path]:
    """Files of weights in a model's folder: safetensors, or else the pickled ones."""
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob(PICKLED))


def _remedy(repository: str, revision: str, error: Exception) -> str:
    known = BY_REPOSITORY.get(repository)
    space = f", about {known.size_gb:g} GB" if known else ""
    at = f" --revision {revision}" if revision else ""
    folder = repository.rpartition("/")[2]
    why = "HF_HUB_OFFLINE is set" if os.environ.get("HF_HUB_OFFLINE") else type(error).__name__
    return (
        f"{repository} is not on this computer and cannot be downloaded ({why}); where there is "
        f"a connection run `hf download {repository}{at} --local-dir {folder}` (config.json, "
        f"weights and the text tokenizer's files{space}), copy the folder here and give "
        f"its path instead of the name{_remedy_codec(repository)}"
    )


def _remedy_codec(repository: str) -> str:
    """What goes with a language model."""
    known = BY_REPOSITORY.get(repository)
    if known is None or not known.codec:
        return ""
    size = BY_REPOSITORY[known.codec].size_gb
    return (
        f"; do the same with its tokenizer {known.codec} (about {size:g} GB), and put that folder "
        "into the model's as `codec`, or give it with --codec"
    )
