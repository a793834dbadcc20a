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

    names: tuple[str, ...]
    purpose: str
    remedy: str


TOOLS = (
    Tool(("ffmpeg",), "sound while it is being made, in the web page", "apt-get install ffmpeg"),
    Tool(("pico2wave",), "a teacher, to rebuild the corpus", "apt-get install libttspico-utils"),
    Tool(("flite",), "a teacher, to rebuild the corpus", "apt-get install flite"),
    Tool(("espeak-ng", "espeak"), "a teacher, to rebuild the corpus", "apt-get install espeak-ng"),
)


def run_doctor(args: argparse.Namespace) -> int:
    """Print the report; 0 if the self-test passed, else 1."""
    print(f"python      {platform.python_version()} ({sys.executable})")
    print(f"platform    {platform.platform()}")
    _section("packages", package_lines())
    _section("devices", device_lines())
    _section("weights", weight_lines(args.model, args.codec))
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
    from tts.folders import codec_name

    lines = [_weights("model", MODEL_FOLDER if model == "embedded" else Path(model))]
    try:
        name = codec_name(model, codec)
        lines.append(_weights("tokenizer", CODEC_FOLDER if name == "embedded" else Path(name)))
    except ValueError as error:
        lines.append(f"tokenizer  {one_line(error)}")
    return lines


def _weights(what: str, folder: Path) -> str:
    files = sorted(folder.glob("*.safetensors"))
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
        voice = load_voice()
        check_voice(voice, synthesizer.codec)
        result = synthesizer.synthesize(SENTENCE, SpeechOptions(voice=voice))
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        return False, [f"FAILED: {one_line(error)}"]
    figures = (
        f"voice {voice.name!r}: {result.seconds:.2f} s, RTF {result.rtf:.3f}, first sound after "
        f"{result.ttfa_ms:.0f} ms, finished by {result.finished_by}"
    )
    if is_silent(result.wav):
        return False, [figures, f"FAILED: {SENTENCE!r} came out silent"]
    return True, [figures, "passed"]


def optional_lines() -> list[str]:
    """Programs and extras: there, or missing and how to get them."""
    lines = []
    for tool in TOOLS:
        path = next(filter(None, map(shutil.which, tool.names)), None)
        state = path or f"missing ({tool.purpose}); run: {tool.remedy}"
        lines.append(f"{tool.names[0]:<16} {state}")
    for extra, names in sorted(requirements().items()):
        if not extra:
            continue
        missing = [name for name in names if version(name) is None]
        state = f"missing {', '.join(missing)}; run: pip install -e '.[{extra}]'"
        lines.append(f"{f'extra {extra}':<16} {state if missing else 'complete'}")
    return lines
