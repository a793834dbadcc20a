"""Recipes of the tokenizer: read from files, wrong ones refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokenizer.train.recipe import STAGES, Recipe

RECIPES = Path(__file__).parent.parent / "recipes"


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_sets_what_differs_from_the_defaults(tmp_path):
    path = written(
        tmp_path,
        "stage = 'wave'\nbatch_size = 7\nnoise_db = [-60.0, -50.0]\n"
        "mel_specs = [[256, 20], [512, 30]]\n[shares]\npeople = 0.25\n",
    )
    recipe = Recipe.from_file(path)
    expected = Recipe(
        stage="wave",
        batch_size=7,
        noise_db=(-60.0, -50.0),
        mel_specs=((256, 20), (512, 30)),
        shares={"people": 0.25},
    )
    assert recipe == expected
    assert Recipe.from_file(written(tmp_path, "")) == Recipe()


def test_a_file_may_stand_on_another(tmp_path):
    (tmp_path / "small.toml").write_text("stage = 'gan'\nbatch_size = 3\n", encoding="utf-8")
    large = Recipe.from_file(written(tmp_path, "base = 'small.toml'\nbatch_size = 64\n"))
    assert large == Recipe(stage="gan", batch_size=64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("batchsize = 3", "recipe.toml: unknown key batchsize; known: .*batch_size"),
        ("stage = mel", "recipe.toml is not valid TOML"),
        ("stage = 'muon'", "stage 'muon' is unknown; use one of .*mel"),
        ("decay_share = 0.0", "decay_share is 0.0"),
        ("decay_share = 1.5", "decay_share is 1.5"),
        ("shares = {a = 0.7, b = 0.4}", "shares .*sum at most 1"),
        ("shares = {a = -0.1}", "shares .*may be negative"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        Recipe.from_file(written(tmp_path, text))


def test_shares_may_fill_the_whole_of_it(tmp_path):
    text = "shares = {a = 0.15, b = 0.55, c = 0.2, d = 0.1}"  # 1.0000000000000002 in floats
    assert sum(Recipe.from_file(written(tmp_path, text)).shares.values()) == pytest.approx(1)


def test_every_recipe_of_the_project_can_be_read():
    found = [Recipe.from_file(path).stage for path in sorted(RECIPES.glob("tokenizer-*.toml"))]
    assert found
    assert set(found) <= set(STAGES)
