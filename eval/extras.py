"""Optional packages: imported on use, with an error that names the way to get them."""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any


class MissingExtraError(ImportError):
    """A package of an optional extra is not installed or does not load."""


def require(module: str, package: str | None = None, extra: str = "eval") -> Any:
    """Import `module`, or say which pip extra brings it.

    Args:
        module: dotted name to import.
        package: the name on the package index, where it differs from the module's.
        extra: the extra of this project that lists the package.

    Returns:
        The module.

    Raises:
        MissingExtraError: the import failed; the message holds cause and remedy.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtraError(
            f"{package or module} does not load ({error}); install it with: "
            f"pip install -e '.[{extra}]'"
        ) from error


def installed_version(package: str) -> str:
    """Version of an installed package, for the report; "not installed" otherwise."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
