"""Nano, v1.5 and the delay pattern against the reference's numbers, and what is refused of them."""

from __future__ import annotations

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import LocalEntryNotFoundError
from safetensors.torch import load_file, save_file

from goldens import golden
from tiny import tiny_published_config
from tokenizer.hub import PICKLED, CheckpointError, fetch
from tokenizer.strict import ConfigError
from tts.__main__ import main
from tts.cli.doctor import published_lines
from tts.folders import codec_name
from tts.inference import nano_text
from tts.inference.piecewise import PiecewisePromptBuilder
from tts.inference.reference import pad_left
from tts.model.delay import (
    DelayConfig,
    DelayState,
    Undelayed,
    delayed,
    spoken_codebooks,
    state_after,
    state_after_prompt,
    text_rule,
)
from tts.model.registry import TYPES, model_type_of, read_config, type_of


def copy_of(name: str, folder: Path) -> Path:
    shutil.copytree(golden(name), folder, copy_function=shutil.copyfile)
    io = folder / "io.safetensors"
    if not io.is_file():  # the pickled weights are those of another folder
        shutil.copyfile(golden("tts_nano") / "io.safetensors", io)
    return folder


@pytest.mark.parametrize("name", ["tts_nano", "tts_nano_bin", "tts_local_v15", "tts_delay"])
def test_golden_folders_pass(name, tmp_path, capsys):
    assert main(["verify", str(copy_of(name, tmp_path / "m"))]) == 0
    out = capsys.readouterr().out
    assert "DIFFERS" not in out
    kinds = {"tts_delay": ("greedy_k6", "continuation")}.get(name, ("rep1.2", "stop"))
    for kind in kinds:
        for how in ("alone", "batch", "batch, uncached reference"):
            assert f"{kind}_row0, {how} " in out


def test_published_names_and_shapes(capsys):
    for name in ("moss_tts_nano", "moss_tts_local_v15"):
        shapes = golden("published") / f"{name}.shapes.json"
        config = str(shapes).replace(".shapes", ".config")
        assert main(["verify", config, "--shapes", str(shapes)]) == 0
    assert "all 438 names" in capsys.readouterr().out


class Pieces:
    """The reference's pieces and their ids; any other string is an error."""

    def __init__(self, known: dict[str, list[int]]) -> None:
        self.known, self.asked = known, set()

    def ids(self, text: str) -> list[int]:
        self.asked.add(text)
        return self.known[text]

    spoken = ids


@pytest.mark.parametrize(("name", "model"), [("nano", "tts_nano_bin"), ("v15", "tts_local_v15")])
def test_prompts_are_the_references_row_by_row(name, model):
    stored = json.loads((golden("tts_prompts") / f"{name}.json").read_text())
    config = read_config(golden(model) / "config.json")
    pieces = Pieces(stored["pieces"])
    row = type_of(config)
    side = PiecewisePromptBuilder(config, 12.5, pieces, row.sampling, name == "nano", 375)
    made = {}
    for case in stored["cases"]:
        message = case.get("message", case)
        said = (case.get("prompt_text") or "") + message["text"]
        cloned, continued = message.get("reference", []), case.get("assistant_codes")
        if name == "nano":
            codes = case["prompt_codes"] and [case["prompt_codes"]]
            cloned = codes or [] if case["mode"] == "voice_clone" else []
            continued = codes[0] if codes and case["mode"] == "continuation" else None
        names = ("Tokens", "Language", "Instruction", "Quality")
        fields = {field: message.get(field.lower()) for field in names}
        rows = side.rows(
            said,
            [frames(c) for c in cloned],
            None if continued is None else frames(continued),
            fields if name == "v15" else {},
        )
        assert rows.tolist() == case["rows"], case["name"]
        made[case["name"]] = rows
    assert pieces.asked == set(stored["pieces"])
    padded, valid = pad_left([made[n] for n in stored["batch"]["of"]], config)
    assert padded.tolist() == stored["batch"]["rows"]
    assert valid.int().tolist() == stored["batch"]["mask"]


def frames(rows: list[list[int]]) -> torch.Tensor:
    """Frames of the reference, (T, k), as codes (k, T)."""
    return torch.tensor(rows).t()


def test_as_many_frames_as_codebooks_are_not_turned_over():
    config = read_config(golden("tts_nano_bin") / "config.json")
    side = PiecewisePromptBuilder(config, 12.5, Pieces({}), type_of(config).sampling, True, 375)
    side.text.ids = side.text.spoken = lambda text: [20]  # type: ignore[method-assign]
    codes = torch.arange(config.n_vq**2).view(config.n_vq, -1) % 64
    for rows in (side.rows("a", [codes], None, {}), side.rows("a", [], codes, {})):
        slots = rows[(rows[:, 1:] != config.audio_pad_code).all(1)]
        assert torch.equal(slots[:, 1:], codes.t())


EXAMPLES = "moss_tts_nano.text_examples.json"


def test_text_examples():
    examples = json.loads((golden("published") / EXAMPLES).read_text())
    for text, cleaned in examples["cleaner"].items():
        assert nano_text.clean(text) == cleaned
    for case in examples["silence"]:
        assert nano_text.gap_after(case["chunk"]) == case["seconds"]
    vocabulary = golden("published_tokenizer") / "tokenizer.model"
    from tts.inference.piecewise import SentencePieceIds

    side = SentencePieceIds(vocabulary)
    for text, ids in examples["tokens"].items():
        assert side.ids(text) == ids
        assert not set(side.spoken(text)) & set(range(15))
    for case in examples["chunks"]:
        cut = nano_text.chunks(case["text"], lambda t: len(side.ids(t)), case["max_tokens"])
        assert cut == case["chunks"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It costs $5.", "It costs five dollars."),
        ("共3个。", "共三个。"),
        ("Ça coûte 5 €.", "Ça coûte 5 €."),
        ("5つのりんご", "5つのりんご。"),
    ],
)
def test_numbers_are_written_out_where_our_front_end_reads_the_language(text, said):
    assert nano_text.prepared(text) == said


# The ids of `DELAY`: pad 0, start 2, end 3, user 4, slot 5, delay 6, im_end 7; three codebooks.
DELAY = DelayConfig.from_dict(
    {
        **{k: v for k, v in tiny_published_config().to_dict().items() if "local" not in k},
        **{"n_vq": 3, "pad_token_id": 0, "im_start_token_id": 1, "audio_start_token_id": 2},
        **{"audio_end_token_id": 3, "audio_user_slot_token_id": 4, "im_end_token_id": 7},
        **{"audio_assistant_gen_slot_token_id": 5, "audio_assistant_delay_slot_token_id": 6},
    }
)


def test_the_delay_patterns_states():
    """Two frames and the third, whose first codebook stands beside the first delay slot."""
    table = [  # text, what was allowed, codebooks
        (2, ((), (0, 5, 6, 3, 7)), []),
        (5, ((5, 6), ()), [0]),
        (5, ((5, 6), ()), [0, 1]),
        (6, ((5, 6), ()), [0, 1, 2]),
        (6, ((6,), ()), [1, 2]),
        (6, ((6,), ()), [2]),
        (3, ((3,), ()), []),
        (7, ((), (0, 5, 6, 3)), []),
    ]
    state, maker, made = DelayState(), Undelayed(), []
    for step, (text, allowed, books) in enumerate(table):
        assert state.step == step
        assert text_rule(state, DELAY) == allowed
        assert list(spoken_codebooks(state, 3)) == books
        state = state_after(state, text, DELAY)
        codes = torch.tensor([10 * k + step if k in books else 32 for k in range(3)])
        if (frame := maker.push(codes, state)) is not None:
            made.append(frame.tolist())
    assert made == [[1, 12, 23], [2, 13, 24], [3, 14, 25]]
    assert state == DelayState(step=8)


def test_a_delayed_prompt_goes_on_inside():
    codes = torch.arange(12).view(3, 4)
    rows = delayed(codes, 32)
    assert rows.tolist()[:3] == [[0, 32, 32], [1, 4, 32], [2, 5, 8]]
    assert rows.shape == (6, 3)
    state = state_after_prompt([1, 4, 2, 5, 5, 5, 5], DELAY)
    assert state == DelayState(inside=True, span=5)
    assert text_rule(state, DELAY).only == (5,)  # no delay slot at first
    assert state_after_prompt([2, 4, 4, 3, 1], DELAY) == DelayState()
    maker = Undelayed(list(rows[:4]), 4)
    made = [maker.push(torch.tensor([20, 21, 22]) + i, DelayState(True, 6 + i)) for i in range(4)]
    assert [m is None for m in made] == [True, True, False, False]
    assert made[2] is not None
    assert made[2].tolist() == [20, 22, 24]


def rewrite(folder: Path, how: Callable[[dict], object]) -> None:
    tensors = load_file(folder / "model.safetensors")
    how(tensors)
    save_file(tensors, folder / "model.safetensors")


def cut_short(name: str) -> Callable[[Path], object]:
    return lambda f: (f / name).write_bytes((f / name).read_bytes()[:-1000])


def configured(**values) -> Callable[[Path], object]:
    def change(folder: Path) -> None:
        raw = json.loads((folder / "config.json").read_text())
        for key, value in values.items():
            place, _, key = key.rpartition("__")
            (raw[place] if place else raw)[key] = value
        (folder / "config.json").write_text(json.dumps(raw))

    return change


def evil(folder: Path) -> None:
    """A pickle that would run a program."""

    class Evil:
        def __reduce__(self):
            return print, ("run",)

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Evil()))


def reshaped(name: str) -> Callable[[Path], object]:
    return lambda f: rewrite(f, lambda t: t.update({name: t[name][:, :-1].contiguous()}))


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("tts_nano", lambda f: rewrite(f, lambda t: t.pop("transformer.ln_f.bias")), "ln_f.bias"),
        ("tts_nano", reshaped("transformer.h.0.mlp.fc_in.weight"), "has shape"),
        ("tts_nano", reshaped("audio_lm_heads.0.weight"), "it is a copy"),
        (
            "tts_nano",
            lambda f: rewrite(f, lambda t: t.update({"text_lm_head.weight": torch.zeros(320, 64)})),
            "must be a copy",
        ),
        ("tts_nano", cut_short("model.safetensors"), "cut short"),
        ("tts_nano", configured(gpt2_config__position_embedding_type="absolute"), "absolute"),
        ("tts_nano", configured(audio_codebook_sizes=[64] * 7 + [32]), "audio_codebook_sizes"),
        ("tts_nano_bin", cut_short("pytorch_model.bin"), "cut short"),
        ("tts_nano_bin", evil, "more than tensors"),
        ("tts_nano_bin", configured(model_type="gpt5"), "supported are"),
        ("tts_local_v15", configured(local_text_head_mode="ternary"), "ternary"),
        ("tts_local_v15", configured(gpt2_config__n_embd=32), "n_embd=32"),
        ("tts_delay", configured(n_vq=7), "missing"),
    ],
)
def test_damaged_copies_are_refused(name, damage, words, tmp_path, capsys):
    folder = copy_of(name, tmp_path / "m")
    damage(folder)
    assert main(["verify", str(folder)]) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert words in err
    assert "run\n" not in out


def test_types_go_by_keys():
    assert [row.name for row in TYPES][:2] == ["embedded", "MOSS-TTS-Nano"]
    for raw, name in (
        ({"model_type": "moss_tts_delay", "local_num_layers": 4}, "MOSS-TTS-Local-Transformer"),
        ({"model_type": "moss_tts_delay"}, "MOSS-TTS (8 B, delay pattern)"),
        ({"model_type": "moss_tts_delay", "local_num_layers": 1, "phonemes": {}}, TYPES[3].name),
        ({"model_type": "moss_tts_local"}, "MOSS-TTS-Local-Transformer-v1.5"),
    ):
        assert model_type_of(raw, "x").name == name
    with pytest.raises(ConfigError, match="audio tokenizer, which goes with --codec"):
        model_type_of({"encoder_kwargs": []}, "x")


def test_tokenizers_go_by_what_a_config_names(tmp_path):
    folder = copy_of("tts_nano_bin", tmp_path / "m")
    nano = "OpenMOSS-Team/MOSS-Audio-Tokenizer-Nano"
    assert codec_name(folder, None) == nano
    configured(audio_tokenizer_pretrained_name_or_path="/home/me/tokenizer")(folder)
    assert codec_name(folder, None) == nano  # by its type, for a place of its makers is none here
    configured(audio_tokenizer_pretrained_name_or_path="some/other")(folder)
    assert codec_name(folder, None) == "some/other"
    (folder / "codec").mkdir()
    assert codec_name(folder, None) == folder / "codec"


def test_pickled_weights_are_fetched_where_there_are_no_others(monkeypatch, tmp_path):
    asked = []

    def download(allow_patterns, local_files_only=False, **_):
        if local_files_only:
            raise LocalEntryNotFoundError("not here")
        asked.append(allow_patterns)
        if PICKLED in allow_patterns:
            (tmp_path / PICKLED).touch()
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert fetch("some/nano") == tmp_path
    assert [PICKLED in patterns for patterns in asked] == [False, True]
    assert all("tokenizer.model" in patterns for patterns in asked)


def test_without_a_connection_both_downloads_are_named(monkeypatch):
    def refuse(**_):
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", refuse)
    with pytest.raises(CheckpointError, match=r"MOSS-TTS-Nano .*GB.*Tokenizer-Nano .*`codec`"):
        fetch("OpenMOSS-Team/MOSS-TTS-Nano")
    lines = "\n".join(published_lines())
    assert "MOSS-TTS-Nano: 0.12 B, 48 kHz stereo; not here; about 0.24 GB" in lines
    assert "None of them was ever run" in lines
