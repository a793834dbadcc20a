"""Voices: made from recordings, saved, found, removed."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tiny import NUM_CODEBOOKS, SAMPLE_RATE, cut_notes, speech_like, tiny_codec, tiny_voice
from tokenizer.audio import normalize_loudness
from tokenizer.codes import codec_fingerprint
from tts.batch.plan import with_voices
from tts.batch.rows import Row
from tts.batch.sources import SourceError, voice_digest
from tts.folders import HOME_VARIABLE, RETIRED_VOICES, voices_folder
from tts.inference.prompt_audio import (
    CUT_FROM_S,
    CUT_TO_S,
    WHOLE_PROMPT_S,
    PromptEncoder,
)
from tts.model.registry import EMBEDDED_PROMPT
from tts.voices import (
    UnknownVoiceError,
    VoiceError,
    check_voice,
    list_voices,
    load_voice,
    remove_voice,
    save_voice,
    voice_names,
)


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home and an empty folder of shipped voices."""
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr("tts.folders.SHIPPED_VOICES", tmp_path / "shipped")
    return tmp_path / "shipped"


@pytest.fixture(scope="module")
def codec():
    return tiny_codec()


def test_round_trip_keeps_every_field():
    voice = replace(
        tiny_voice("anna_2-b"),
        lang="zh",
        transcript="你好 “quotes”\nand a line",
        description="bright",
        gender="female",
        source="a.wav",
        codec="abc",
    )
    path = save_voice(voice)
    assert path == voices_folder() / "anna_2-b.safetensors"
    assert load_file(path)["codes"].dtype == torch.int16
    back = load_voice("anna_2-b")
    assert back.codes.dtype == torch.int64
    assert torch.equal(back.codes, voice.codes)
    for field in fields(voice):
        if field.name != "codes":
            assert getattr(back, field.name) == getattr(voice, field.name)


def test_home_is_chosen_by_the_environment(monkeypatch, tmp_path):
    assert voices_folder() == tmp_path / "home" / "voices"
    monkeypatch.delenv(HOME_VARIABLE)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert voices_folder() == tmp_path / "data" / "cat-tts" / "voices"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert voices_folder() == tmp_path / ".local" / "share" / "cat-tts" / "voices"


def test_default_goes_by_the_language_of_the_text(shipped):
    with pytest.raises(UnknownVoiceError, match="no voice is installed"):
        load_voice()
    save_voice(tiny_voice("aaa"))
    assert load_voice().name == "aaa"
    save_voice(tiny_voice("emma"), shipped)
    assert load_voice().name == "emma"
    save_voice(tiny_voice("heart"), shipped)
    assert load_voice().name == load_voice(None, "你好。").name == "heart"
    save_voice(tiny_voice("xiaoxiao"), shipped)
    texts = {"Good day.": "heart", "你好。": "xiaoxiao", "Say 你好 to them.": "heart"}
    assert {text: load_voice(None, text).name for text in texts} == texts
    rows = with_voices([*(Row(1, "a", t) for t in texts), Row(1, "b", "你好。", voice="emma")])
    assert [row.voice for row in rows] == [*texts.values(), "emma"]
    assert voice_names() == ["emma", "heart", "xiaoxiao", "aaa"]
    assert [v.shipped for v in list_voices()] == [True, True, True, False]


def test_unknown_voice_lists_what_exists(shipped):
    save_voice(tiny_voice("heart"), shipped)
    save_voice(tiny_voice("me"))
    for name in ("you", "", "../me", "me.safetensors"):
        with pytest.raises(UnknownVoiceError, match="heart, me"):
            load_voice(name)


@pytest.mark.parametrize("name", RETIRED_VOICES)
def test_a_retired_name_says_what_to_use_in_its_place(shipped, name):
    new = RETIRED_VOICES[name]
    assert new not in RETIRED_VOICES
    save_voice(tiny_voice(new), shipped)
    told = f"voice '{name}' was retired; use '{new}' in its place; voices: {new}"
    for load in (load_voice, voice_digest):
        with pytest.raises((UnknownVoiceError, SourceError), match=f"^{told}$"):
            load(name)
    # A voice that the user has saved under such a name is the user's.
    save_voice(tiny_voice(name))
    assert (load_voice(name).name, load_voice(name).shipped) == (name, False)
    assert voice_digest(name)


def test_names_are_restricted_and_never_replaced(shipped):
    save_voice(tiny_voice("heart"), shipped)
    save_voice(tiny_voice("me"))
    for name in ("", "Me", "a b", "a/b", "..", "é", "x" * 41, "me\n"):
        with pytest.raises(VoiceError, match="not allowed"):
            save_voice(tiny_voice(name))
    with pytest.raises(VoiceError, match="choose another name"):
        save_voice(tiny_voice("heart"))
    with pytest.raises(VoiceError, match="voice remove me"):
        save_voice(tiny_voice("me"))
    save_voice(tiny_voice("x" * 40))


def test_only_own_voices_can_be_removed(shipped):
    save_voice(tiny_voice("heart"), shipped)
    save_voice(tiny_voice("me"))
    with pytest.raises(VoiceError, match="came with the package"):
        remove_voice("heart")
    with pytest.raises(UnknownVoiceError, match="heart, me"):
        remove_voice("you")
    remove_voice("me")
    assert voice_names() == ["heart"]


def test_damaged_file_is_a_voice_error():
    save_voice(tiny_voice("good"))
    (voices_folder() / "bad.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(VoiceError, match=r"bad\.safetensors is damaged"):
        load_voice("bad")
    assert [v.name for v in list_voices()] == ["good"]


def voice_from_audio(codec, wav, *told, **more):
    return PromptEncoder(codec, EMBEDDED_PROMPT).voice(wav, *told, **more)


def test_codes_of_another_tokenizer_are_refused(codec):
    check_voice(tiny_voice(codec=codec), codec)
    check_voice(tiny_voice(), codec)
    with pytest.raises(VoiceError, match="another tokenizer"):
        check_voice(tiny_voice(codec=codec), tiny_codec(seed=1))
    high = replace(tiny_voice(), codes=tiny_voice().codes + 20)
    with pytest.raises(VoiceError, match="another tokenizer"):
        check_voice(high, codec)


def test_voice_is_the_trimmed_and_levelled_recording(codec):
    speech = speech_like(2.5)
    voice, notes = voice_from_audio(codec, speech, "me", " Hello. ", source="me.wav")
    levelled = torch.from_numpy(normalize_loudness(speech))[None, None]
    assert torch.equal(voice.codes, codec.encode(levelled)[0])
    assert not cut_notes(notes)
    assert (voice.lang, voice.transcript, voice.source) == ("en", "Hello.", "me.wav")
    assert voice.codec == codec_fingerprint(codec)
    quiet, _ = voice_from_audio(codec, np.pad(0.1 * speech, SAMPLE_RATE))
    # A margin of silence is left, at most a frame or two.
    assert 0 <= quiet.codes.shape[1] - voice.codes.shape[1] <= 2


def test_language_goes_by_the_script(codec):
    speech = speech_like(1.5)
    langs = [
        voice_from_audio(codec, speech, transcript=text, lang=lang)[0].lang
        for text, lang in (("你好", None), ("hello", None), ("", None), ("hello", "zh"))
    ]
    assert langs == ["zh", "en", "und", "zh"]


@pytest.mark.parametrize("seconds", [1.0, WHOLE_PROMPT_S - 0.1])
def test_short_prompts_are_used_whole(codec, seconds):
    voice, notes = voice_from_audio(codec, speech_like(seconds), transcript="hi")
    assert voice.codes.shape == (NUM_CODEBOOKS, math.ceil(seconds * 12.5))
    assert not cut_notes(notes)
    assert voice.transcript == "hi"


def test_longer_prompts_are_cut_and_lose_their_transcript(codec):
    voice, notes = voice_from_audio(codec, speech_like(20.0), transcript="hi")
    assert CUT_FROM_S * 12.5 <= voice.codes.shape[1] <= CUT_TO_S * 12.5 + 1
    assert len(cut_notes(notes)) == 2
    assert "of 20.0 s of speech" in notes[0]
    assert voice.transcript == ""


@pytest.mark.parametrize(
    ("wav", "words"),
    [
        (speech_like(0.1), "too short: 0.10 s; give 1 to 30 s"),
        (speech_like(0.99), "too short"),
        (np.pad(speech_like(0.5), SAMPLE_RATE), "only 0.6. s that are not silence"),
        (np.zeros(3 * SAMPLE_RATE, np.float32), "silent"),
        (speech_like(30.1), "too long: 30.1 s; give 1 to 30 s"),
    ],
    ids=["0.1s", "0.99s", "mostly-silent", "silent", "long"],
)
def test_useless_recordings_are_refused(codec, wav, words):
    with pytest.raises(VoiceError, match=words):
        voice_from_audio(codec, wav)


def test_half_precision_codec_encodes_in_full(codec):
    half = tiny_codec()
    half.encoder.to(torch.bfloat16)
    speech = speech_like(2.0)
    full, _ = voice_from_audio(codec, speech)
    other, _ = voice_from_audio(half, speech)
    assert next(half.encoder.parameters()).dtype == torch.bfloat16
    assert (full.codes == other.codes).float().mean() > 0.5
