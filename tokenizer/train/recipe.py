"""What a training run is: the stages of the recipe and their numbers, read from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizer.strict import strict

STAGES = ("mel", "wave", "gan")


@dataclass(frozen=True)
class Recipe:
    """One stage of training; a file of `recipes/` sets what differs from these defaults.

    Attributes:
        stage: 'mel' trains encoder, quantizer and decoder against log-mels and the phase of low
            frequencies through throw-away heads, which is about four times faster than through the
            waveform; 'wave' trains the waveform with spectral losses; 'gan' adds discriminators.
        freeze_encoder: keep encoder and quantizer as they are, so that codes stay valid.
        fresh_output: begin with a new last projection, as after 'mel'.
        inserted_codebooks, inserted_after: begin with so many new codebooks behind the first ones
            ('mel' only), see `insert.insert_codebooks`; they alone learn, so all codes before
            them stay valid, and the decoder reads them as it is.
        shares: how much of what it hears comes from the folder of this name; folders that are not
            named share the rest by their hours.
        noise_share, noise_db: this share of the items has noise of such levels (dBFS) added.
        segment_s: length of a training segment; at least the attention window.
        unquantized_steps: steps before the codebooks are seeded and used ('mel' only).
        usual_codebooks: how many the language model speaks (0: not known); `usual_share` of the
            items use so many, and `dropout` is about the others.
        dropout: chance that an item uses a random number of codebooks, not all.
        weight_labels: of the cross-entropy of the labels, read off the quantized latents: it
            makes the codes, the coarse ones above all, say what is spoken.
        windows_per_step: STFT windows drawn for each step out of `wave_windows`; all of them at
            once would take longer than the network.
        weight_phase: of `losses.phase_distance` ('mel': `losses.low_band_distance`), for items of
            more than `phase_above` codebooks: the first ones stay easy to predict.
        weight_listening: of `listener.listening_distance`, in the stages that make waveforms. It
            needs labels; the listener learns for `listener_steps` before the run begins.
        discriminator_s: seconds of every item that the discriminators see.
        discriminator_width: channels of their first layers; the others grow with it.
        discriminators_per_step: how many of them, drawn for each step, learn and judge in it: all
            of them take twice as long as the network itself.
        discriminator_warmup: steps in which they learn alone.
        average: of the running mean of the weights that is written, see `run.Average`; with
            freeze_encoder only, since codebook entries move at once.
        decay_share: the learning rate falls to nothing over this last part of the budget.
        save_every_s: seconds between checkpoints.
    """

    stage: str = "mel"
    freeze_encoder: bool = False
    fresh_output: bool = False
    inserted_codebooks: int = 0
    inserted_after: int = 0
    shares: dict[str, float] = field(default_factory=dict)
    noise_share: float = 0.0
    noise_db: tuple[float, float] = (-70.0, -40.0)
    batch_size: int = 4
    segment_s: float = 2.56
    learning_rate: float = 1e-3
    warmup_steps: int = 200
    max_steps: int = 10**9
    average: float = 0.0
    decay_share: float = 0.4
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    unquantized_steps: int = 400
    dropout: float = 0.5
    usual_codebooks: int = 0
    usual_share: float = 0.6
    revive_every: int = 20
    mel_specs: tuple[tuple[int, int], ...] = ((768, 64), (1536, 100))
    wave_windows: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048)
    windows_per_step: int = 3
    weight_mel: float = 15.0
    weight_convergence: float = 3.0
    weight_phase: float = 0.0
    phase_above: int = 0
    weight_listening: float = 0.0
    listener_steps: int = 1000
    weight_labels: float = 0.3
    weight_commitment: float = 0.25
    weight_codebook: float = 1.0
    weight_adversarial: float = 1.0
    weight_features: float = 3.0
    discriminator_lr: float = 1.5e-3
    discriminator_s: float = 0.5
    discriminator_width: int = 16
    discriminators_per_step: int = 8
    discriminator_warmup: int = 200
    save_every_s: float = 300.0

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise ValueError(f"stage {self.stage!r} is unknown; use one of {STAGES}")
        if self.inserted_codebooks and (self.stage != "mel" or self.freeze_encoder):
            raise ValueError("inserted_codebooks learn in stage 'mel' without freeze_encoder")
        if self.discriminators_per_step < 1:
            raise ValueError(
                f"discriminators_per_step is {self.discriminators_per_step}; use at least 1"
            )
        check_average(self.average)
        if self.average and not self.freeze_encoder:
            raise ValueError("average needs freeze_encoder: codebook entries move at once")
        if not 0 < self.decay_share <= 1:
            raise ValueError(f"decay_share is {self.decay_share}; use more than 0, at most 1")
        if any(share < 0 for share in self.shares.values()) or sum(self.shares.values()) > 1 + 1e-9:
            raise ValueError(f"shares {self.shares}: none may be negative, their sum at most 1")

    @property
    def learning_codebooks(self) -> slice:
        """Those that learn where the quantizer does: the inserted ones, or all."""
        first, count = self.inserted_after, self.inserted_codebooks
        return slice(first, first + count) if count else slice(None)

    @classmethod
    def from_file(cls, path: Path) -> Recipe:
        """Read a TOML file with this class's fields; ValueError names what is wrong in it."""
        return strict(cls, read_recipe(path), str(path))


def check_average(decay: float) -> None:
    """ValueError where a running mean cannot keep so much of itself at a step."""
    if not 0 <= decay < 1:
        raise ValueError(f"average is {decay}; use 0 for none, or less than 1, such as 0.998")


def read_recipe(path: Path) -> dict[str, Any]:
    """The values of a recipe's file, arrays as tuples; ValueError if it is not valid TOML.

    `base = "FILE"` takes what the file does not name itself from another one, by the path from it.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not valid TOML: {error}") from error
    base = data.pop("base", None)
    values = {k: _tuples(v) for k, v in data.items()}
    return values if base is None else read_recipe(path.parent / base) | values


def _tuples(value: object) -> object:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
