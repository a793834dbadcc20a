"""`cat-tts voice list | add | remove`."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

from tokenizer.checkpoint import load_codec
from tokenizer.cli import check_device
from tokenizer.files import check_folder
from tts.cli.say import warn
from tts.folders import codec_folder_of, model_folder_of, voices_folder
from tts.inference.prompt_audio import PromptEncoder
from tts.model.registry import type_in
from tts.voices import (
    Voice,
    check_name,
    damaged_voices,
    list_voices,
    remove_voice,
    save_voice,
)

GENDERS = {"f": "woman", "m": "man"}


def run_voice(args: argparse.Namespace) -> int:
    """Run one of the actions; ValueError for bad input."""
    actions = {"list": run_list, "add": run_add, "remove": run_remove}
    return actions[args.action](args)


def run_list(args: argparse.Namespace) -> int:
    """One line a voice."""
    voices = list_voices()
    for voice in voices:
        if args.json:
            print(json.dumps(facts(voice), ensure_ascii=False))
        else:
            gender = GENDERS.get(voice.gender, voice.gender)
            told = ", ".join(filter(None, (gender, voice.accent, voice.description)))
            print(f"{voice.name:<16} {voice.lang:<4} {told}".rstrip())
    if not voices and not args.json:
        print("no voices; add one with: cat-tts voice add NAME WAV")
    warn(damaged_voices())
    return 0


def facts(voice: Voice) -> dict[str, str | int | bool]:
    """What `voice list --json` says of a voice."""
    return {
        **voice.facts,
        "num_codebooks": voice.codes.shape[0],
        "frames": voice.codes.shape[1],
        "shipped": voice.shipped,
    }


def run_add(args: argparse.Namespace) -> int:
    """Encode a recording and save it as a voice."""
    check_name(args.name)
    folder = voices_folder()
    folder.mkdir(parents=True, exist_ok=True)
    check_folder(folder / f"{args.name}.safetensors")
    rule = type_in(model_folder_of(args.model)).prompt
    codec = load_codec(codec_folder_of(args.model, args.codec), check_device(args.device))
    encoder = PromptEncoder(codec, rule)
    voice, notes = encoder.voice_of(args.wav, args.name, args.text, args.lang)
    told = {name: getattr(args, name) for name in ("gender", "accent", "description")}
    path = save_voice(replace(voice, **told))
    seconds = voice.codes.shape[1] / codec.frame_rate
    print(f"{path}: voice {voice.name!r}, {seconds:.1f} s of speech")
    warn(notes)
    return 0


def run_remove(args: argparse.Namespace) -> int:
    """Delete one of the user's voices."""
    remove_voice(args.name)
    print(f"voice {args.name!r} is removed")
    return 0
