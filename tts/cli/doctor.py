"""`cat-tts doctor`: what is installed, does it speak, what is missing and how to get it."""

from __future__ import annotations

import argparse
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path

from tokenizer.cli import one_line

DISTRIBUTION = "cat-tts"
SENTENCE = "Hello, this is a short test."
# Asked for where the package itself is not installed and cannot say what it needs.
NEEDED = ("torch", "numpy", "safetensors", "soundfile", "soxr", "pypinyin", "g2p-en")

_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]+)['"]""")


@dataclass(frozen=True)
class Tool:
    """A program that something optional needs."""

    name: str
    purpose: str
    remedy: str


TOOLS = (Tool("ffmpeg", "sound while it is being made, in the web page", "apt-get install ffmpeg"),)


def run_doctor(args: argparse.Namespace) -> int:
    """Print the report; 0 if the self-test passed, else 1."""
    print(f"python      {platform.python_version()} ({sys.executable})")
    print(f"platform    {platform.platform()}")
    _section("packages", package_lines())
    _section("devices", device_lines())
    _section("weights", weight_lines(args.model, args.codec))
    _section("published models", published_lines())
    _section("voices", voice_lines())
    passed, lines = self_test(args.model, args.codec, args.device)
    _section("self-test", lines)
    _section("optional", optional_lines())
    return 0 if passed else 1


def _section(title: str, lines: list[str]) -> None:
    print(f"\n{title}")
    for line in lines:
        print(f"  {line}")


def requirements() -> dict[str, list[str]]:
    """Distribution names by extra; '' holds those that are always needed."""
    try:
        lines = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return {"": list(NEEDED)}
    found: dict[str, list[str]] = {"": []}
    for line in lines:
        name, extra = _REQUIREMENT.match(line), _EXTRA.search(line)
        if name:
            found.setdefault(extra[1] if extra else "", []).append(name[1])
    return found


def version(name: str) -> str | None:
    """Installed version of a distribution, or None."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def package_lines() -> list[str]:
    """One line for each package that is needed."""
    own = version(DISTRIBUTION)
    lines = [f"{DISTRIBUTION:<16} {own or 'not installed; run: pip install -e .'}"]
    for name in requirements()[""]:
        found = version(name)
        lines.append(f"{name:<16} {found or f'MISSING; run: pip install {name}'}")
    return lines


def device_lines() -> list[str]:
    """Where torch can compute."""
    import torch

    lines = [f"cpu, {torch.get_num_threads()} threads"]
    if torch.cuda.is_available():
        count = torch.cuda.device_count()
        lines += [f"cuda:{i}, {torch.cuda.get_device_name(i)}" for i in range(count)]
    else:
        lines.append("no cuda device (not needed)")
    return lines


def weight_lines(model: str, codec: str | None) -> list[str]:
    """One line each for the model's and the tokenizer's weights."""
    from tts.folders import EMBEDDED as MODEL_FOLDER
    from tts.folders import EMBEDDED_CODEC as CODEC_FOLDER
    from tts.folders import EMBEDDED_LISTENER, codec_name

    lines = [_weights("model", model, MODEL_FOLDER)]
    try:
        lines.append(_weights("tokenizer", codec_name(model, codec), CODEC_FOLDER))
    except ValueError as error:
        lines.append(f"tokenizer  {one_line(error)}")
    if (EMBEDDED_LISTENER / "config.json").is_file():
        lines.append(_weights("listener", EMBEDDED_LISTENER, EMBEDDED_LISTENER))
    else:
        lines.append("listener   none; `listen` and --check need one, see docs/listening.md")
    return lines


def published_lines() -> list[str]:
    """What can be downloaded: whether it was, how large it is and where it lies."""
    from tokenizer.hub import cached, weights_in
    from tokenizer.published import PUBLISHED

    lines = []
    for entry in PUBLISHED:
        folder = cached(entry.repository)
        if folder is None:
            state = f"not here; about {entry.size_gb:g} GB to download"
        else:
            size = sum(file.stat().st_size for file in weights_in(folder))
            state = f"{size / 1e9:.2f} GB, {folder}"
        lines.append(f"{entry.repository}: {entry.parameters}, {entry.sound}; {state}")
    lines.append("None of them was ever run by those who wrote this program; see docs/models.md.")
    return lines


def _weights(what: str, name: str | Path, embedded: Path) -> str:
    from tokenizer.hub import cached, is_hub_id, weights_in

    folder = embedded if str(name) == "embedded" else Path(name)
    if not folder.exists() and is_hub_id(str(name)):
        known = cached(str(name))
        if known is None:
            return f"{what:<10} {name}: not downloaded yet"
        folder = known
    files = weights_in(folder)
    if not files:
        return f"{what:<10} MISSING in {folder}; get the repository with its weights again"
    size = sum(file.stat().st_size for file in files)
    date = datetime.fromtimestamp(max(file.stat().st_mtime for file in files))
    return f"{what:<10} {size / 1e6:.1f} MB, {date:%Y-%m-%d %H:%M}, {folder}"


def voice_lines() -> list[str]:
    """How many voices there are, and which cannot be read."""
    from tts.folders import voices_folder
    from tts.voices import damaged_voices, list_voices

    voices = list_voices()
    shipped = [voice.name for voice in voices if voice.shipped]
    own = [voice.name for voice in voices if not voice.shipped]
    return [
        f"shipped: {', '.join(shipped) or 'none'}",
        f"yours:   {', '.join(own) or 'none'} ({voices_folder()})",
        *(f"DAMAGED: {message}" for message in damaged_voices()),
    ]


def self_test(model: str, codec: str | None, device: str) -> tuple[bool, list[str]]:
    """Speak a short sentence; whether it came out as sound, and lines that say so."""
    try:
        from tokenizer.audio import is_silent
        from tokenizer.cli import check_device
        from tts.synthesizer import SpeechOptions, Synthesizer
        from tts.voices import check_voice, load_voice

        synthesizer = Synthesizer.load(model, codec, check_device(device))
        voice = load_voice() if synthesizer.prompt_builder.needs_voice else None
        if voice is not None:
            check_voice(voice, synthesizer.codec)
        result = synthesizer.synthesize(SENTENCE, SpeechOptions(voice=voice))
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        return False, [f"FAILED: {one_line(error)}"]
    who = f"voice {voice.name!r}" if voice else "no voice"
    figures = (
        f"{who}: {result.seconds:.2f} s, RTF {result.rtf:.3f}, first sound after "
        f"{result.ttfa_ms:.0f} ms, finished by {result.finished_by}"
    )
    if is_silent(result.wav):
        return False, [figures, f"FAILED: {SENTENCE!r} came out silent"]
    return True, [figures, "passed"]


def optional_lines() -> list[str]:
    """Programs and extras: there, or missing and how to get them."""
    lines = []
    for tool in TOOLS:
        state = shutil.which(tool.name) or f"missing ({tool.purpose}); run: {tool.remedy}"
        lines.append(f"{tool.name:<16} {state}")
    for extra, names in sorted(requirements().items()):
        if not extra:
            continue
        missing = [name for name in names if version(name) is None]
        state = f"missing {', '.join(missing)}; run: pip install -e '.[{extra}]'"
        lines.append(f"{f'extra {extra}':<16} {state if missing else 'complete'}")
    return lines
