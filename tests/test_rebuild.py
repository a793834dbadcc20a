"""`scripts/train.py` with the recipes of the project, for seconds instead of hours."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import soundfile

from tiny import SAMPLE_RATE, speech_like
from tokenizer.audio import read_audio
from tokenizer.config import CatConfig
from tokenizer.train.recipe import Recipe as TokenizerRecipe
from tts.model.config import TtsConfig
from tts.train.corpus import HEADER
from tts.train.listen_loop import Recipe as ListenerRecipe
from tts.train.loop import Recipe as LanguageModelRecipe

REPOSITORY = Path(__file__).parent.parent
RECIPES = REPOSITORY / "recipes"
TEACHERS = os.environ.get("CAT_TTS_TEACHERS", "")
TEXTS = {
    "en": [f"{a} {b} {c}." for a in ("The cat", "My uncle", "Nobody", "A good teacher")
           for b in ("likes", "finds", "knows") for c in ("the garden", "old books", "tea")],
    "zh": [f"{a}{b}{c}。" for a in ("今天", "昨天", "明天")
           for b in ("我们", "老师", "朋友") for c in ("去公园", "买水果", "看电影")],
}  # fmt: skip


def voice(name: str = "voice.toml") -> dict[str, Any]:
    return tomllib.loads((RECIPES / name).read_text("utf-8"))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(REPOSITORY / "scripts"))
    return importlib.import_module("train")


STAGES = {
    "voice.toml": {"mel", "gan"},
    "gpu/voice.toml": {"mel", "wave", "gan"},
    "gpu/more.toml": {"gan"},
}


@pytest.mark.parametrize("file", STAGES)
def test_every_stage_names_files_that_are_there_and_stages_that_came_before(file: str) -> None:
    recipe, seen = voice(file), set()
    base = recipe.get("base", {}).get("folders", [])
    for name, stage in recipe["stages"].items():
        path = RECIPES / stage["recipe"]
        corpora = stage.get("corpora") or [c for g in stage["recordings"] for c in g["corpora"]]
        folders = {f for c in corpora for f in (recipe["people"]["folders"]
                   if c == "people" else [c])}  # fmt: skip
        assert set(corpora) <= {*recipe["corpora"], "people"}
        if stage["kind"] == "tokenizer":
            shares = TokenizerRecipe.from_file(path).shares
            assert set(shares) <= folders, name
            if "config" in stage:
                CatConfig.from_file(RECIPES / stage["config"])
        elif stage["kind"] == "listener":
            ListenerRecipe.from_file(path)
            assert stage["codec"] == stage["spoken"]["model"] == "embedded"
            assert {*stage["lexicon"], *stage["spoken"]["texts"]} <= set(recipe["texts"])
        else:
            LanguageModelRecipe.from_file(path)
            assert stage["codec"] in seen
            if "config" in stage:
                TtsConfig.from_file(RECIPES / stage["config"])
        assert "config" in stage or "init" in stage
        assert stage.get("init") in {None, "embedded", *seen, *base}
        assert stage.get("decoder") in {None, *seen}
        seen.add(name)
    kinds = {
        TokenizerRecipe.from_file(RECIPES / s["recipe"]).stage
        for s in recipe["stages"].values()
        if s["kind"] == "tokenizer"
    }
    assert kinds == STAGES[file]


@pytest.mark.parametrize("name", ["voice.toml", "gpu/voice.toml"])
def test_both_models_of_the_recipes_fit_each_other(name: str) -> None:
    stages = voice(name)["stages"].values()
    configs = {"tokenizer": RECIPES / "tokenizer.json"}
    configs |= {s["kind"]: RECIPES / s["config"] for s in stages if "config" in s}
    codec = CatConfig.from_file(configs["tokenizer"])
    model = TtsConfig.from_file(configs["language model"])
    assert model.n_vq <= codec.quantizer_kwargs.num_quantizers
    assert model.audio_vocab_size == codec.quantizer_kwargs.codebook_size
    assert model.sampling_rate == codec.sampling_rate
    for stage in stages:
        if stage["kind"] == "tokenizer":
            used = TokenizerRecipe.from_file(RECIPES / stage["recipe"]).usual_codebooks
            assert used == 0 or used >= model.n_vq
    moved = {s["sample_rate"] for s in stages if "sample_rate" in s}
    assert len(moved) <= 1
    for kind in ("tokenizer", "language model") if moved else ():
        assert "sample_rate" in [s for s in stages if s["kind"] == kind][-1]


def test_its_commands_have_options_that_the_programs_know(script: ModuleType, tmp_path) -> None:
    """Every command is read by the program it is for, up to what the files hold."""
    import tokenizer.train.__main__ as tokenizer_program
    import tts.train.__main__ as model_program
    from tts.train import corpus, listen

    plan = script.Plan(voice(), tmp_path / "data", tmp_path / "out", tmp_path / "teachers")
    names = []
    for step in plan.steps():
        if step.name == "base":
            assert step.program == ("git",)
            continue
        program, *arguments = step.command
        names.append(program)
        if program == "tts.train.corpus":
            parsed = corpus.parser().parse_args(arguments)
            assert str(tmp_path) in str(parsed.out)
        elif program == "tokenizer.train":
            assert tokenizer_program.parser().parse_args(arguments).recipe.is_file()
        elif program == "tts.train.listen":
            assert listen.parser().parse_args(arguments).out
        else:
            assert program == "tts.train"
            assert model_program.parser().parse_args(arguments).out
    assert names.count("tokenizer.train") == 4


def test_resized_speakers_are_prepared_and_learned_from(script: ModuleType, tmp_path) -> None:
    import tts.train.__main__ as program

    recipe = voice()
    recipe["stages"]["lm"]["resized"] = [
        {"corpora": ["kokoro"], "sizes": [0.93, 1.07]},
        {"corpora": ["people"], "sizes": [0.92, 1.09]},
    ]
    plan = script.Plan(recipe, tmp_path / "data", tmp_path / "out", tmp_path / "teachers")
    steps = [step for step in plan.steps() if step.command[0] == "tts.train"]
    *prepared, learned = (program.parser().parse_args(s.command[1:]) for s in steps[:4])
    assert [p.sizes for p in prepared] == [[1.0], [0.93, 1.07], [0.92, 1.09]]
    assert {folder.name for folder in prepared[1].corpus} < {f.name for f in prepared[0].corpus}
    assert learned.examples == [p.out for p in prepared]
    assert learned.init == str(tmp_path / "out/tts/pretrained")
    assert learned.keep_codebooks == 4


def synthetic_corpus(folder: Path, speakers: int) -> None:
    """Buzzes of 2.4 s that claim to say sentences."""
    (folder / "audio").mkdir(parents=True)
    rows = [HEADER]
    for number in range(12):
        language = ("en", "zh")[number % 2]
        speaker, name = f"{folder.name}{number % speakers}", f"{folder.name}-{number}"
        wav = speech_like(2.4, seed=number)
        soundfile.write(folder / "audio" / f"{name}.flac", wav, SAMPLE_RATE)
        rows.append(f"{name}|{speaker}|f|{language}|2.40|{TEXTS[language][number]}")
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def write_data(folder: Path, recipe: dict[str, Any]) -> None:
    for kind in ("everyday", "prose"):
        for language, lines in TEXTS.items():
            path = folder / recipe["texts"][f"{kind}_{language}"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines), encoding="utf-8")
    table = folder / recipe["texts"]["more_en"]
    table.write_text("\n".join(["sentence", *TEXTS["en"]]), encoding="utf-8")
    for name in recipe["texts"]["left_out"]:
        if not (REPOSITORY / name).is_file():
            (folder / name).write_text("This is never said.\n", encoding="utf-8")
    for name in recipe["people"]["folders"]:
        synthetic_corpus(folder / name, 12)


@pytest.mark.parametrize("file", ["gpu/voice.toml", "gpu/more.toml"])
def test_the_stages_for_a_gpu_fit_into_fourteen_minutes_and_save_every_two(file: str) -> None:
    recipe = voice(file)
    assert recipe["device"] == "cuda"
    assert sum(stage["minutes"] for stage in recipe["stages"].values()) <= 13
    for stage in recipe["stages"].values():
        kind = TokenizerRecipe if stage["kind"] == "tokenizer" else LanguageModelRecipe
        assert kind.from_file(RECIPES / stage["recipe"]).save_every_s <= 120


@pytest.mark.slow
@pytest.mark.parametrize(
    "teachers",
    [
        "synthetic",
        pytest.param(
            TEACHERS,
            marks=pytest.mark.skipif(
                not TEACHERS, reason="CAT_TTS_TEACHERS names no folder of teachers"
            ),
            id="real",
        ),
    ],
)
def test_the_recipes_run(tmp_path: Path, teachers: str) -> None:
    recipe, data, out = voice(), tmp_path / "data", tmp_path / "out"
    write_data(data, recipe)
    if teachers == "synthetic":
        for name in recipe["corpora"]:
            synthetic_corpus(out / "corpora" / name, 2)
            (out / f"{name}.done").touch()
    command = [sys.executable, "scripts/train.py", str(data), str(out)]
    command += ["--teachers", teachers, "--scale", "1e-9"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(REPOSITORY)}

    def run(*arguments: str) -> str:
        done = subprocess.run(
            arguments, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    assert "== corpus" in run(*command) or teachers == "synthetic"
    for name in recipe["stages"]:
        assert (out / name / "model.safetensors").is_file(), name
    assert "==" not in run(*command)  # all is done
    for name in ("voice", "more"):
        twin, packed = tmp_path / f"{name}.toml", tmp_path / f"packed-{name}"
        gpu = (RECIPES / "gpu" / f"{name}.toml").read_text("utf-8")
        twin.write_text(gpu.replace('device = "cuda"', 'device = "cpu"'), "utf-8")
        run(sys.executable, "scripts/pack.py", str(out), str(packed), "--recipe", str(twin))
        assert list(packed.rglob("*.opus"))
        again = [*command[:3], str(packed), "--recipe", str(twin), *command[4:]]
        assert "== corpus" not in run(*again)
        assert (packed / "lm" / "model.safetensors").is_file()
    codec = next(s["codec"] for s in recipe["stages"].values() if "codec" in s)
    audio = next((out / "corpora").rglob("*.flac"))
    codes, wav = tmp_path / "codes.safetensors", tmp_path / "again.wav"
    for verb, given, made in (("encode", audio, codes), ("decode", codes, wav)):
        folder = str(out / codec)
        run(sys.executable, "-m", "tokenizer", verb, "--model", folder, str(given), str(made))
    assert read_audio(wav, 16000).shape[-1] > 0
