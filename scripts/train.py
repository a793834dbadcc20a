"""Train a voice: `python scripts/train.py DATA OUT --teachers DIR`.

Reads `recipes/voice.toml`, and runs one command after another: corpora, labels where a stage asks
for them, the stages of the tokenizer, the language model. Each leaves its result in OUT; what is
there already is not made again, and a stage that was interrupted goes on. `--scale .001` does all
of it in minutes, to see that it works.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parent.parent
RECIPES = REPOSITORY / "recipes"
LEAST_HOURS, LEAST_MINUTES = 0.01, 0.02


@dataclass(frozen=True)
class Step:
    """A command and the file that says it is done.

    Attributes:
        command: arguments of `program`.
        remedy: what to do if it fails and its own message does not say.
    """

    name: str
    command: list[str]
    done: Path
    program: tuple[str, ...] = ("python", "-m")
    remedy: str = ""


@dataclass(frozen=True)
class Plan:
    """Where everything is.

    Attributes:
        scale: of all hours and minutes.
    """

    recipe: dict[str, Any]
    data: Path
    out: Path
    teachers: Path
    scale: float = 1.0

    def steps(self) -> Iterator[Step]:
        """Everything in order."""
        if "base" in self.recipe:
            yield self._base(**self.recipe["base"])
        for name in self.recipe["corpora"]:
            if not self._done(name).exists():  # scripts/pack.py leaves nothing to build
                yield self._corpus(name)
        for folder in self.recipe["people"]["folders"]:
            if not self._done(folder).exists():
                yield self._people(folder)
        for name, stage in self.recipe["stages"].items():
            if stage.get("labels"):
                yield self._labels(stage["labels"])
            if stage["kind"] == "tokenizer":
                yield self._tokenizer(name, stage)
            elif stage["kind"] == "listener":
                yield from self._listener(name, stage)
            else:
                yield from self._language_model(name, stage)

    def _base(self, commit: str, folders: list[str]) -> Step:
        """Folders of earlier weights, out of the history."""
        command = [f"--work-tree={self.out}", "restore", f"--source={commit}", "--worktree"]
        command += folders
        remedy = "it needs the whole history; run git fetch --unshallow"
        return Step("base", command, self._done("base"), ("git",), remedy)

    def _corpus(self, name: str) -> Step:
        corpus, texts = self.recipe["corpora"][name], self.recipe["texts"]
        hours = max(LEAST_HOURS, corpus["hours"] * self.scale)
        command = ["tts.train.corpus", "build", "--out", str(self._folder(name))]
        command += ["--teachers", str(self.teachers), "--hours", f"{hours:g}"]
        command += ["--seed", str(corpus["seed"])]
        for voice in corpus["voices"]:
            command += ["--voice", voice]
        for kind in ("everyday", "prose"):
            for language in ("en", "zh"):
                command += [f"--{kind}-{language}", str(self.data / texts[f"{kind}_{language}"])]
        return Step(
            f"corpus {name}", [*command, "--leave-out", *self._left_out()], self._done(name)
        )

    def _texts(self, kinds: list[str]) -> list[str]:
        return [str(self.data / self.recipe["texts"][kind]) for kind in kinds]

    def _left_out(self) -> list[str]:
        places = [(self.data / n, REPOSITORY / n) for n in self.recipe["texts"]["left_out"]]
        return [str(first if first.is_file() else second) for first, second in places]

    def _people(self, folder: str) -> Step:
        command = ["tts.train.corpus", "recordings", str(self.data / folder)]
        command += ["--out", str(self._folder(folder)), "--without-held-out"]
        return Step(f"people {folder}", command, self._folder(folder) / "metadata.csv")

    def _labels(self, corpora: list[str]) -> Step:
        out = self._label_file(corpora)
        folders = [str(self._folder(name)) for name in corpora]
        return Step("labels", ["tts.train", "labels", *folders, "--out", str(out)], out)

    def _label_file(self, corpora: list[str]) -> Path:
        return self.out / f"labels-{'-'.join(corpora)}.npz"

    def _tokenizer(self, name: str, stage: dict[str, Any]) -> Step:
        command = ["tokenizer.train", *self.folders(stage["corpora"]), *self._run(name, stage)]
        command += ["--cache", str(self.out / f"audio-{'-'.join(stage['corpora'])}")]
        if "labels" in stage:
            command += ["--labels", str(self._label_file(stage["labels"]))]
        return Step(f"tokenizer {name}", command, self._done(name))

    def _prepare(self, name: str, stage: dict[str, Any]) -> Iterator[Step]:
        """Examples of a language model's stage, and of speakers made larger and smaller."""
        wanted = [("examples", stage["corpora"], [])]
        for number, more in enumerate(stage.get("resized", ()), 1):
            sizes = ["--sizes", *(f"{size:g}" for size in more["sizes"])]
            wanted.append((f"resized{number}", more["corpora"], sizes))
        for kind, corpora, options in wanted:
            out = self.out / f"{name}-{kind}.npz"
            command = ["tts.train", "prepare", *self.folders(corpora), "--out", str(out)]
            command += ["--codec", str(self.out / stage["codec"]), *options]
            command += ["--device", self.recipe.get("device", "cpu")]
            yield Step(kind, command, out)

    def _language_model(self, name: str, stage: dict[str, Any]) -> Iterator[Step]:
        prepared = list(self._prepare(name, stage))
        files = [str(step.done) for step in prepared]
        command = ["tts.train", "run", *files, *self._run(name, stage)]
        yield from (*prepared, Step(name, command, self._done(name)))

    def _listener(self, name: str, stage: dict[str, Any]) -> Iterator[Step]:
        """To hear from recordings, then from what the language model says too: in its own voices,
        and in those of the people in the first group of recordings.

        The worst of that is left out by the word of the listener itself, as far as it is by then.
        """
        lexicon = self.out / f"{name}-lexicon.npz"
        left_out = ["--leave-out", *self._left_out()]
        codec = ["--codec", self._model(stage["codec"])]
        recordings = list(self._recordings(name, stage, codec))
        yield from recordings
        heard = [str(step.done) for step in recordings if step.command[0] == "tts.train.listen"]
        counted = [*self._texts(stage["lexicon"]), "--examples", *heard]
        command = ["tts.train.listen", "lexicon", *counted, *left_out, "--out", str(lexicon)]
        yield Step("listener's lexicon", command, lexicon)
        learn, own = [*codec, *self._run(name, stage)], stage["spoken"]
        steps = max(1, round(own["after_steps"] * self.scale))
        command = ["tts.train.listen", "run", *heard, *learn, "--max-steps", str(steps)]
        yield Step(f"{name} of recordings", command, self._done(f"{name}-recordings"))
        codes = next(step.done for step in recordings)
        for kind, options in (("model_voices", []), ("people", ["--prompts", str(codes)])):
            spoken = self.out / f"{name}-{kind}.npz"
            said = [*self._texts(own["texts"]), *left_out]
            command = ["tts.train.listen", "speak", *said, *codec, *options]
            command += ["--model", self._model(own["model"]), "--seed", str(own[kind]["seed"])]
            hours = max(LEAST_HOURS, own[kind]["hours"] * self.scale)
            command += ["--hours", f"{hours:g}", "--mandarin", str(own[kind]["mandarin"])]
            command += ["--listener", str(self.out / name), "--out", str(spoken)]
            yield Step(f"listener's examples spoken by {kind}", command, spoken)
            heard.append(str(spoken))
        command = ["tts.train.listen", "run", *heard, *learn]
        yield Step(name, command, self._done(name))

    def _recordings(self, name: str, stage: dict[str, Any], codec: list[str]) -> Iterator[Step]:
        """Examples of each group of corpora, and as many disturbed copies as it says."""
        device = ["--device", self.recipe.get("device", "cpu")]
        for number, group in enumerate(stage["recordings"], 1):
            folders = self.folders(group["corpora"])
            codes, heard = (self.out / f"{name}-{kind}{number}.npz" for kind in ("codes", "heard"))
            command = ["tts.train", "prepare", *folders, *codec, *device, "--out", str(codes)]
            yield Step(f"listener's codes {number}", command, codes)
            command = ["tts.train.listen", "prepare", *folders, "--examples", str(codes)]
            command += [*codec, *device, "--variants", str(group["copies"]), "--out", str(heard)]
            yield Step(f"listener's recordings {number}", command, heard)

    def _run(self, name: str, stage: dict[str, Any]) -> list[str]:
        minutes = max(LEAST_MINUTES, stage["minutes"] * self.scale)
        arguments = ["--recipe", str(RECIPES / stage["recipe"]), "--out", str(self.out / name)]
        arguments += ["--budget-minutes", f"{minutes:g}"]
        if "config" in stage:
            arguments += ["--config", str(RECIPES / stage["config"])]
        if "init" in stage:
            arguments += ["--init", self._model(stage["init"])]
        if "decoder" in stage:
            arguments += ["--decoder", self._model(stage["decoder"])]
        if "keep_codebooks" in stage:
            arguments += ["--keep-codebooks", str(stage["keep_codebooks"])]
            arguments += ["--codec", str(self.out / stage["codec"])]
        if "sample_rate" in stage:
            arguments += ["--sample-rate", str(stage["sample_rate"])]
        return arguments

    def _model(self, name: str) -> str:
        """Where an earlier stage, or the base, left a model; 'embedded' is the shipped one."""
        return name if name == "embedded" else str(self.out / name)

    def _folder(self, corpus: str) -> Path:
        return self.out / "corpora" / corpus

    def folders(self, corpora: list[str]) -> list[str]:
        """The folders of named corpora; 'people' stands for all of theirs."""
        people = self.recipe["people"]["folders"]
        names = [n for c in corpora for n in (people if c == "people" else [c])]
        return [str(self._folder(name)) for name in names]

    def _done(self, name: str) -> Path:
        return self.out / f"{name}.done"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with texts and recordings of people")
    parser.add_argument("out", type=Path, help="folder for everything that is made")
    parser.add_argument(
        "--teachers", type=Path, default=Path("teachers"), help="of fetch_teachers.py"
    )
    parser.add_argument("--recipe", type=Path, default=RECIPES / "voice.toml")
    parser.add_argument("--scale", type=float, default=1.0, help="of all hours and minutes")
    parser.add_argument("--list", action="store_true", help="print the commands and stop")
    args = parser.parse_args(argv)
    recipe = tomllib.loads(args.recipe.read_text("utf-8"))
    # whole paths, because commands run in the repository
    data, out, teachers = (p.resolve() for p in (args.data, args.out, args.teachers))
    plan = Plan(recipe, data, out, teachers, args.scale)
    for step in plan.steps():
        line = " ".join([*step.program, *step.command])
        if args.list:
            print(line)
            continue
        if step.done.exists():
            continue
        out.mkdir(parents=True, exist_ok=True)
        print(f"== {step.name}\n{line}", flush=True)
        start = [sys.executable if part == "python" else part for part in step.program]
        done = subprocess.run([*start, *step.command], cwd=REPOSITORY, check=False)
        if done.returncode:
            told = f"{step.name} failed with exit code {done.returncode}"
            print(f"error: {told}{step.remedy and ': '}{step.remedy}", file=sys.stderr)
            return 1
        step.done.touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
