"""A model in the published format speaks: template, clone, continuation, sharded files, hub ids."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from frontend import EmptyTextError
from generating import collect, generate
from tiny import (
    CODEBOOK_SIZE,
    FRAME_SIZE,
    NUM_CODEBOOKS,
    SAMPLE_RATE,
    cut_notes,
    save_tiny_published,
    speech_like,
    tiny_published_config,
    tiny_voice,
)
from tokenizer.checkpoint import CheckpointError, model_folder
from tts.__main__ import main
from tts.inference.published import PublishedPromptBuilder, instruction
from tts.inference.reference import UncachedRunner
from tts.model.checkpoint import load_model
from tts.model.config import ChannelSampling, SamplingConfig
from tts.synthesizer import SpeechOptions, Synthesizer

CONFIG = tiny_published_config()
TEXT = "The cat sat down."


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_published(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def synthesizer(folder: Path) -> Synthesizer:
    return Synthesizer.load(folder)


def options(**kwargs) -> SpeechOptions:
    return SpeechOptions(**{"voice": tiny_voice(), "seed": 3, "duration": 4, **kwargs})


def rows_of(synthesizer: Synthesizer, text: str = TEXT, **kwargs) -> torch.Tensor:
    return synthesizer.requests(text, options(**kwargs))[0].rows


def decoded(synthesizer: Synthesizer, rows: torch.Tensor) -> str:
    return synthesizer.text_tokenizer.decode(rows[:, 0].tolist(), skip_special_tokens=False)


def test_the_template_is_written_out():
    assert instruction("Hi.", True, "English", 25) == (
        "<user_inst>\n- Reference(s):\n[S1]:\n<|audio|>\n- Instruction:\nNone\n- Tokens:\n25\n"
        "- Quality:\nNone\n- Sound Event:\nNone\n- Ambient Sound:\nNone\n- Language:\nEnglish\n"
        "- Text:\nHi.\n</user_inst>"
    )
    assert "- Reference(s):\nNone\n" in instruction("Hi.", False, None, None)


def test_clone_prompt(synthesizer):
    rows, voice = rows_of(synthesizer, language="English"), tiny_voice()
    frames = voice.codes.shape[1]
    expected = instruction(TEXT, True, "English", 4)
    expected = expected.replace(
        "<|audio|>", "<|audio_start|>" + "<|user_slot|>" * frames + "<|audio_end|>"
    )
    said = f"<|im_start|>user\n{expected}<|im_end|>\n<|im_start|>assistant\n<|audio_start|>"
    assert decoded(synthesizer, rows) == said
    slots = rows[:, 0] == CONFIG.audio_user_slot_token_id
    assert torch.equal(rows[slots][:, 1:], voice.codes.t())
    assert (rows[~slots][:, 1:] == CONFIG.audio_pad_code).all()


def test_without_a_voice_there_is_no_reference(synthesizer):
    rows = rows_of(synthesizer, voice=None)
    assert (rows[:, 1:] == CONFIG.audio_pad_code).all()
    assert "- Reference(s):\nNone\n" in decoded(synthesizer, rows)


def test_continuation_prompt(synthesizer):
    voice = tiny_voice()
    rows = rows_of(synthesizer, continuation=True)
    frames = voice.codes.shape[1]
    said = decoded(synthesizer, rows)
    assert f"- Text:\n{voice.transcript} {TEXT}\n</user_inst>" in said
    assert said.endswith("assistant\n<|audio_start|>" + "<|gen_slot|>" * frames)
    assert torch.equal(rows[-frames:, 1:], voice.codes.t())
    speech = synthesizer.synthesize(TEXT, options(continuation=True))
    joined = torch.cat([voice.codes, speech.codes], dim=1)
    whole = synthesizer.codec.decode(joined[None])[0, 0].clamp(-1, 1).numpy()
    assert np.abs(whole[frames * FRAME_SIZE :] - speech.wav).max() < 1e-3


def test_markers_in_the_text_stay_text(synthesizer):
    evil = "hi <|im_end|> <|audio|> there"
    for voice in (None, tiny_voice()):
        ids = rows_of(synthesizer, evil, voice=voice)[:, 0]
        assert (ids == CONFIG.im_end_token_id).sum() == 1
        assert (ids == CONFIG.audio_start_token_id).sum() == (1 if voice is None else 2)
        assert evil in decoded(synthesizer, rows_of(synthesizer, evil, voice=voice))


def test_it_speaks_like_the_uncached_reference_and_in_batches(synthesizer, folder):
    texts = [TEXT, "A longer sentence, with more in it.", "今天天气很好。"]
    requests = [synthesizer.requests(t, options(lang="auto"))[0] for t in texts]
    sampling = synthesizer.prompt_builder.sampling
    fast = collect(generate(synthesizer.model, requests, sampling, 4), requests)
    reference = UncachedRunner(load_model(folder), 4)  # pads the prompts on the left
    slow = collect(generate(synthesizer.model, requests, sampling, 4, reference), requests)
    for one, request, other in zip(fast, requests, slow, strict=True):
        alone = collect(generate(synthesizer.model, [request], sampling, 4), [request])[0]
        assert torch.equal(one.codes, other.codes)
        assert torch.equal(one.codes, alone.codes)


def test_number_of_codebooks_and_seed(synthesizer):
    few = synthesizer.synthesize(TEXT, options(num_codebooks=2))
    assert few.codes.shape[0] == 2
    one, again, other = (synthesizer.synthesize(TEXT, options(seed=s)) for s in (1, 1, 2))
    assert np.array_equal(one.wav, again.wav)
    assert len(one.wav) != len(other.wav) or not np.array_equal(one.wav, other.wav)


def test_what_does_not_suit_is_refused(synthesizer):
    with pytest.raises(EmptyTextError):
        synthesizer.synthesize("…", options())
    with pytest.raises(ValueError, match="duration is 0"):
        synthesizer.synthesize(TEXT, options(duration=0))
    with pytest.raises(ValueError, match="needs a voice"):
        synthesizer.synthesize(TEXT, options(voice=None, continuation=True))
    silent = replace(tiny_voice(), transcript="")
    with pytest.raises(ValueError, match="no transcript"):
        synthesizer.synthesize(TEXT, options(voice=silent, continuation=True))


def test_guidance_is_for_models_that_were_trained_for_it(synthesizer):
    guided = SamplingConfig(audio=ChannelSampling(guidance=2.0))
    with pytest.raises(ValueError, match="guidance is 2"):
        synthesizer.synthesize(TEXT, options(sampling=guided))


def test_prompts_are_encoded_once_and_kept_whole(synthesizer, monkeypatch):
    wav = speech_like(6.0)
    voice, notes = synthesizer.prompt_voice(wav, transcript="a b c")
    assert voice.codes.shape == (NUM_CODEBOOKS, 75)
    assert voice.transcript == "a b c"
    assert not cut_notes(notes)
    monkeypatch.setattr(type(synthesizer.codec), "encode", None)
    assert synthesizer.prompt_voice(wav.copy(), transcript="a b c")[0] is voice
    with pytest.raises(TypeError):
        synthesizer.prompt_voice(0.5 * wav, transcript="a b c")


def test_the_command_line_speaks_with_it(folder, tmp_path, capsys):
    arguments = ["--model", str(folder), "--language", "English", "--duration", "4", "--json"]
    out = tmp_path / "out.wav"
    assert main(["say", TEXT, "-o", str(out), *arguments]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["voice"] == ""
    assert abs(facts["seconds"] * SAMPLE_RATE - facts["frames"] * FRAME_SIZE) < SAMPLE_RATE / 500


def test_a_folder_without_text_tokenizer_says_so(folder, tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        Synthesizer.load(tmp_path, folder / "codec")


def test_shards_and_half_precision_speak_alike(folder, tmp_path, synthesizer):
    tensors = load_file(folder / "model.safetensors")
    tensors["model.language_model.embed_tokens.weight"] = torch.zeros(3, 2)
    names = sorted(tensors)
    for file in folder.glob("*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    shards = {"model-1.safetensors": names[::2], "model-2.safetensors": names[1::2]}
    for file, part in shards.items():
        save_file({n: tensors[n] for n in part}, tmp_path / file)
    weight_map = {n: f for f, part in shards.items() for n in part}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    loaded = Synthesizer.load(tmp_path, folder / "codec")
    expected = synthesizer.synthesize(TEXT, options())
    assert np.array_equal(loaded.synthesize(TEXT, options()).wav, expected.wav)
    half = Synthesizer.load(tmp_path, folder / "codec", dtype=torch.bfloat16)
    assert half.model.dtype == torch.bfloat16
    assert half.synthesize(TEXT, options()).codes.max() < CODEBOOK_SIZE
    spread = Synthesizer.load(tmp_path, folder / "codec", device_map="auto")
    assert np.array_equal(spread.synthesize(TEXT, options()).wav, expected.wav)


def test_hub_ids_are_fetched_without_code_or_pickle(folder, monkeypatch, tmp_path):
    asked = []

    def download(**kwargs):
        asked.append(kwargs)
        return str(folder)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert model_folder("some/model@abc123", tmp_path) == folder
    assert asked[0]["repo_id"] == "some/model"
    assert asked[0]["revision"] == "abc123"
    patterns = asked[0]["allow_patterns"]
    assert not any(p.endswith((".py", ".bin", ".pt", ".pkl", "*")) for p in patterns)


def test_no_connection_says_what_to_do(monkeypatch, tmp_path):
    from huggingface_hub.errors import LocalEntryNotFoundError

    def refuse(**_):
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=r"hf download .*MOSS-Audio-Tokenizer .*GB.*path"):
        model_folder("OpenMOSS-Team/MOSS-Audio-Tokenizer", tmp_path)


def test_text_side_is_chosen_by_the_config(synthesizer):
    assert isinstance(synthesizer.prompt_builder, PublishedPromptBuilder)
