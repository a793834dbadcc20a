"""From a recording to a voice: checked, trimmed, levelled and encoded as its model wants it.

This is the only place that encodes prompts. What a model wants is its `PromptRule`, so that a
recording becomes the same prompt wherever it comes from: command line, page, API, batch, benchmark.
"""

from __future__ import annotations

import copy
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from frontend.clean import HAN_CHARACTER
from tokenizer.audio import normalize_loudness, quietest_cut, read_audio, trim_silence
from tokenizer.layout import to_channels, wav_of
from tts.folders import VoiceError
from tts.inference.prompt_findings import (
    CUT_FROM_S,
    CUT_TO_S,
    MAX_PROMPT_S,
    MIN_PROMPT_S,
    WHOLE_PROMPT_S,
    check_reference,
    no_speech,
    notes_of,
)
from tts.model.registry import EMBEDDED_PROMPT, PromptRule

if TYPE_CHECKING:
    from tokenizer.model import CatTokenizer
    from tts.voices import Voice

TARGET_DBFS = -23.0
WHOLE_DBFS, WHOLE_STEP_DB = -20.0, 3.0
# Prompts whose codes are remembered.
KEPT_PROMPTS = 32
_LIMITS = f"give {MIN_PROMPT_S:g} to {MAX_PROMPT_S:g} s of clear speech"
_UNUSABLE = {
    "silent": "is silent",
    "no_speech": "holds no speech, only noise or one steady sound",
}


def check_recording(wav: np.ndarray, sample_rate: int, rule: PromptRule = EMBEDDED_PROMPT) -> None:
    """Raise unless a recording has a length that a prompt may have, and speech in it.

    Args:
        wav: float32 (N,), or (N, channels), in [-1, 1].
        sample_rate: in Hz.
        rule: of the model that is to use it.

    Raises:
        VoiceError: it is silent, constant, noise alone, too short or too long.
    """
    seconds = len(wav) / sample_rate
    if seconds < MIN_PROMPT_S:
        raise VoiceError(f"the prompt recording is too short: {seconds:.2f} s; {_LIMITS}")
    if seconds > MAX_PROMPT_S:
        raise VoiceError(f"the prompt recording is too long: {seconds:.1f} s; {_LIMITS}")
    if (case := no_speech(to_channels(wav, 1), sample_rate)) is not None:
        raise VoiceError(f"the prompt recording {_UNUSABLE[case]}; {_LIMITS}")
    spoken = len(trim_silence(wav, sample_rate)) / sample_rate if rule.cut else seconds
    if spoken < MIN_PROMPT_S:
        raise VoiceError(
            f"the prompt recording holds only {spoken:.2f} s that are not silence; {_LIMITS}"
        )


def prepare_recording(
    wav: np.ndarray, sample_rate: int, rule: PromptRule, keep_whole: bool = False
) -> tuple[np.ndarray, str]:
    """What is encoded of a recording: float32 (N,) -> float32 (n,), and a remark if it was cut.

    Args:
        wav, sample_rate, rule: see `check_recording`, which is called.
        keep_whole: cut nothing off but silence, whatever the rule.
    """
    check_recording(wav, sample_rate, rule)
    if not rule.cut and not rule.level:
        return wav, ""
    if not rule.cut:
        level = 10 * np.log10(np.mean(np.square(wav, dtype=np.float64)) + 1e-9)
        gain = np.clip(WHOLE_DBFS - level, -WHOLE_STEP_DB, WHOLE_STEP_DB)
        return (wav * 10 ** (gain / 20)).astype(np.float32), ""
    speech, remark = trim_silence(wav, sample_rate), ""
    spoken = len(speech) / sample_rate
    if spoken > WHOLE_PROMPT_S and not keep_whole:
        cut = quietest_cut(speech, sample_rate, CUT_FROM_S, CUT_TO_S)
        remark = (
            f"of {spoken:.1f} s of speech in the prompt only the first {cut / sample_rate:.1f} s "
            "are used, because the model was trained with prompts of 1 to 10 s"
        )
        speech = speech[:cut]
    return normalize_loudness(speech, TARGET_DBFS), remark


def guess_lang(transcript: str) -> str:
    """'zh' if there is a Chinese character, 'en' for other text, 'und' for none."""
    if not transcript.strip():
        return "und"
    return "zh" if HAN_CHARACTER.search(transcript) else "en"


@dataclass
class PromptEncoder:
    """Makes voices of recordings for one model; the last few are remembered by their content.

    Attributes:
        codec: encodes, in float32.
        rule: of the model.
        continues: whether the model goes on where a recording ends; one that does not takes no
            more of it than it wants.
    """

    codec: CatTokenizer
    rule: PromptRule
    continues: bool = True
    _known: OrderedDict[str, tuple[Voice, tuple[str, ...]]] = field(
        default_factory=OrderedDict, repr=False
    )

    def voice(
        self,
        wav: np.ndarray,
        name: str = "prompt",
        transcript: str = "",
        lang: str | None = None,
        source: str = "",
        keep_whole: bool = False,
    ) -> tuple[Voice, tuple[str, ...]]:
        """Make a voice from a recording.

        Args:
            wav: float32 (N,) in [-1, 1] at the codec's sample rate, 1 to 30 s of speech.
            name: of the voice.
            transcript: what is said; empty if not known.
            lang: 'en', 'zh' or None, which goes by the transcript's script.
            source: where the recording comes from.
            keep_whole: where the model continues, cut nothing off but silence, so that the
                transcript still holds.

        Returns:
            The voice, and remarks for the user to read: what was cut, what is not well.

        Raises:
            VoiceError: the recording is silent, too short or too long.
        """
        keep_whole = keep_whole and self.continues
        digest = hashlib.sha256(np.ascontiguousarray(wav).tobytes())
        digest.update(repr((wav.shape, name, transcript, lang, source, keep_whole)).encode())
        key = digest.hexdigest()
        if key not in self._known:
            self._known[key] = self._encode(wav, name, transcript, lang, source, keep_whole)
            while len(self._known) > KEPT_PROMPTS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def voice_of(
        self,
        path: str | Path,
        name: str = "prompt",
        transcript: str = "",
        lang: str | None = None,
        keep_whole: bool = False,
    ) -> tuple[Voice, tuple[str, ...]]:
        """Make a voice from a sound file, whose name is its source; see `voice`.

        Raises:
            AudioError: it cannot be read.
            VoiceError: it cannot be used; names the file.
        """
        wav = read_audio(path, self.codec.sample_rate, self.codec.channels)
        try:
            return self.voice(wav, name, transcript, lang, Path(path).name, keep_whole)
        except VoiceError as error:
            raise VoiceError(f"{path}: {error}") from error

    def _encode(
        self,
        wav: np.ndarray,
        name: str,
        transcript: str,
        lang: str | None,
        source: str,
        keep_whole: bool,
    ) -> tuple[Voice, tuple[str, ...]]:
        import torch

        from tokenizer.codes import codec_fingerprint
        from tts.voices import Voice

        codec = self.codec
        speech, remark = prepare_recording(wav, codec.sample_rate, self.rule, keep_whole)
        mono = to_channels(wav, 1)
        found = check_reference(mono, codec.sample_rate, transcript, self.rule.cut)
        # That it was cut is said by the remark, with the length.
        notes = notes_of(f for f in found if f.case != "long")
        if remark:
            notes = (remark, *notes)
        if remark and transcript:
            notes += (
                "the transcript is left aside, because it says more than the part that is used; "
                f"give a recording of at most {WHOLE_PROMPT_S:g} s to use it",
            )
            transcript = ""
        precise = codec
        if next(codec.encoder.parameters()).dtype != torch.float32:
            # In half precision several percent of the codes would come out different.
            codec.fill()
            precise = copy.deepcopy(codec).float().prepare()
        codes = precise.encode(wav_of(speech, codec.channels))[0].cpu()
        voice = Voice(
            name=name,
            codes=codes.clone(),
            lang=lang or guess_lang(transcript),
            transcript=transcript.strip(),
            source=source,
            codec=codec_fingerprint(codec),
        )
        return voice, notes
