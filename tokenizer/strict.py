"""Configs from JSON: what is not known is an error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class ConfigError(ValueError):
    """A configuration that this code cannot honour."""


def strict(cls: type[T], data: Mapping[str, Any], where: str, ignore_unknown: bool = False) -> T:
    """Build a dataclass from an object of the same keys.

    Args:
        cls: the dataclass.
        data: its fields by name.
        where: named in errors.
        ignore_unknown: leave out keys that are not fields, for formats of which no complete file
            was ever seen.

    Raises:
        ConfigError: a key is missing, or unknown.
    """
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    if ignore_unknown:
        data = {k: v for k, v in data.items() if k in known}
    unknown = sorted(set(data) - known)
    if unknown:
        raise ConfigError(f"{where}: unknown key {', '.join(unknown)}; known: {sorted(known)}")
    try:
        return cls(**data)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error


def read_object(path: str | Path) -> dict[str, Any]:
    """The JSON object in a file; ConfigError if it cannot be read or holds something else."""
    try:
        raw = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{path} holds no JSON object")
    return raw
