"""What a training run is: the stages of the recipe and their numbers."""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("mel", "wave", "gan")
OPTIMIZERS = ("adamw", "muon")


@dataclass(frozen=True)
class Recipe:
    """One stage of training.

    Attributes:
        stage: 'mel' trains encoder, quantizer and decoder against log-mels through a throw-away
            head (about four times faster than through the waveform, because phase is out of
            the way); 'wave' trains the waveform with spectral losses; 'gan' adds discriminators.
        freeze_encoder: keep encoder and quantizer as they are, so that codes stay valid.
        codebooks: add some to the tokenizer until it has so many (0: as it is).
        keep_codebooks: the first ones that stay as they are while encoder and the other ones learn,
            with latents that look the same to them (`keep.drift`, times `weight_drift`).
            With a frozen encoder all of them stay, and this only says which know no phase.
        segment_s: length of a training segment; at least the attention window.
        unquantized_steps: steps before the codebooks are seeded and used ('mel' only).
        dropout: chance that an item uses a random number of codebooks, not all.
        usual_codebooks: how many the language model speaks (0: not known); `usual_share` of the
            items use so many, and `dropout` is about the others.
        optimizer: 'adamw', or 'muon' for the matrices inside the layers and AdamW for the rest.
        num_labels: kinds of labels (`data.label`); 0 where there are none.
        weight_labels: of the cross-entropy of the labels, read off the quantized latents: it
            makes the codes, the coarse ones above all, say what is spoken.
        windows_per_step: STFT windows drawn for each step out of `wave_windows`; all of them at
            once would take longer than the network.
        weight_repetition: of `losses.repetition_distance`, in the stages that make waveforms.
        weight_modulation: of `losses.modulation_distance`, likewise.
        weight_phase: of `losses.phase_distance`, for items of more than `keep_codebooks`. It needs
            an encoder that learns, or has learned with it: codes from mels know no phase.
        weight_envelope: of `losses.envelope_distance`, in the stages that make waveforms.
        weight_listening: of `listener.listening_distance`, in the stages that make waveforms. It
            needs labels; the listener learns for `listener_steps` before the run begins.
        discriminator_s: seconds of every item that the discriminators see.
        discriminator_warmup: steps in which they learn alone.
    """

    stage: str = "mel"
    freeze_encoder: bool = False
    codebooks: int = 0
    keep_codebooks: int = 0
    batch_size: int = 4
    segment_s: float = 2.56
    learning_rate: float = 1e-3
    optimizer: str = "adamw"
    warmup_steps: int = 200
    max_steps: int = 10**9
    weight_decay: float = 0.01
    clip: float = 1.0
    seed: int = 0
    unquantized_steps: int = 400
    dropout: float = 0.5
    usual_codebooks: int = 0
    usual_share: float = 0.6
    revive_every: int = 20
    mel_specs: tuple[tuple[int, int], ...] = ((512, 64), (1024, 100))
    wave_windows: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048)
    windows_per_step: int = 3
    weight_mel: float = 15.0
    weight_convergence: float = 3.0
    weight_repetition: float = 0.0
    weight_modulation: float = 0.0
    weight_phase: float = 0.0
    weight_envelope: float = 0.0
    weight_listening: float = 0.0
    listener_steps: int = 1000
    weight_drift: float = 5.0
    num_labels: int = 0
    weight_labels: float = 0.3
    weight_commitment: float = 0.25
    weight_codebook: float = 1.0
    weight_adversarial: float = 1.0
    weight_features: float = 3.0
    discriminator_lr: float = 1.5e-3
    discriminator_s: float = 0.5
    discriminator_warmup: int = 200

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise ValueError(f"stage {self.stage!r} is unknown; use one of {STAGES}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer {self.optimizer!r} is unknown; use one of {OPTIMIZERS}")
        if self.freeze_encoder and self.codebooks:
            raise ValueError(
                f"codebooks is {self.codebooks}: new ones need an encoder that learns; leave out "
                "either --codebooks or --freeze-encoder"
            )
        if self.weight_listening and not self.num_labels:
            raise ValueError(
                f"weight_listening is {self.weight_listening}, and a listener learns from labels: "
                "give a table of them (--labels), or 0"
            )
