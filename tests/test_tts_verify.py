"""`verify` passes where numbers are the reference's, and names what is wrong where not."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from goldens import golden
from tokenizer.__main__ import main as tokenizer_main
from tokenizer.verify import close_floats, same_integers
from tts.__main__ import main as tts_main

MAINS = {"tokenizer_rlfq": tokenizer_main, "tokenizer_rvq": tokenizer_main, "tts_local": tts_main}
NAMES = {
    "tokenizer_rlfq": "encoder.1.input_proj.weight",
    "tokenizer_rvq": "decoder.0.input_proj.weight",
    "tts_local": "lm_heads.2.weight",
}


@pytest.fixture(params=["tokenizer_rlfq", "tts_local"])
def copy(request, tmp_path: Path) -> tuple[Path, Callable[..., int], str]:
    """A copy that may be changed, the command that checks it, and a tensor in it."""
    folder = tmp_path / request.param
    folder.mkdir()
    for file in golden(request.param).iterdir():
        shutil.copyfile(file, folder / file.name)
    return folder, MAINS[request.param], NAMES[request.param]


def change(folder: Path, name: str, how: Callable[[dict], None]) -> None:
    tensors = load_file(folder / name)
    how(tensors)
    save_file(tensors, folder / name)


def refused(capsys, code: int, *words: str) -> None:
    err = capsys.readouterr().err
    assert code == 2, err
    assert err.count("\n") == 1, err
    for word in words:
        assert word in err


@pytest.mark.parametrize("name", MAINS)
def test_golden_folders_pass(name, capsys):
    main = MAINS[name]
    assert main(["verify", str(golden(name))]) == 0
    out = capsys.readouterr().out
    assert "all as the reference has it" in out
    assert "DIFFERS" not in out
    if main is tokenizer_main:
        assert out.count("decode, chunks of") == 6


def test_renamed_truncated_and_reshaped_tensors_are_named(copy, capsys):
    folder, main, name = copy
    whole = (folder / "model.safetensors").read_bytes()

    def rename(tensors):
        tensors["wrong.name"] = tensors.pop(name)

    def reshape(tensors):
        tensors[name] = tensors[name][:, :-1].contiguous()

    change(folder, "model.safetensors", rename)
    refused(capsys, main(["verify", str(folder)]), name, "wrong.name")
    (folder / "model.safetensors").write_bytes(whole)
    change(folder, "model.safetensors", reshape)
    refused(capsys, main(["verify", str(folder)]), name, "has shape")
    (folder / "model.safetensors").write_bytes(whole[:-64])
    refused(capsys, main(["verify", str(folder)]), "model.safetensors", "damaged or cut short")


def test_another_number_is_noticed(copy, capsys):
    folder, main, name = copy

    def nudge(tensors):
        tensors[name] *= 1.01

    change(folder, "model.safetensors", nudge)
    assert main(["verify", str(folder)]) == 1
    assert "DIFFERS" in capsys.readouterr().out


def test_missing_reference_is_named(copy, tmp_path, capsys):
    folder, main, _ = copy
    (folder / "io.safetensors").unlink()
    refused(capsys, main(["verify", str(folder)]), "io.safetensors is missing")
    refused(capsys, main(["verify", str(tmp_path / "absent")]), "absent", "does not exist")
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(capsys, main(["verify", str(empty)]), "nothing to verify")


def test_shapes_of_a_config(copy, tmp_path, capsys):
    folder, main, name = copy
    shapes = {k: list(v.shape) for k, v in load_file(folder / "model.safetensors").items()}
    file = tmp_path / "shapes.json"
    file.write_text(json.dumps(shapes))
    assert main(["verify", str(folder), "--shapes", str(file)]) == 0
    assert f"all {len(shapes)} names" in capsys.readouterr().out
    shapes[name] = [1, 2]
    file.write_text(json.dumps(shapes))
    refused(capsys, main(["verify", str(folder / "config.json"), "--shapes", str(file)]), name)
    del shapes[name]
    file.write_text(json.dumps(shapes))
    refused(capsys, main(["verify", str(folder), "--shapes", str(file)]), name)


def test_comparisons_are_strict():
    one = torch.tensor([1.0, 2.0])
    assert close_floats("x", one, one).passed
    assert not close_floats("x", one + 0.001, one).passed
    assert not close_floats("x", one[:1], one).passed
    assert not close_floats("x", one * float("nan"), one).passed
    assert not same_integers("x", torch.tensor([1, 2]), torch.tensor([1, 3])).passed
    assert not same_integers("x", torch.tensor([1]), torch.tensor([1, 3])).passed
