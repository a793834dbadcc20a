"""Pieces of text: subwords of English, characters of Chinese (SentencePiece)."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizer.hub import CheckpointError

FILE = "vocabulary.model"
#: "Go on listening": what is written where there is nothing to write yet.
LISTEN = 1


class Vocabulary:
    """Words in, numbers out, and back."""

    def __init__(self, model: bytes) -> None:
        from sentencepiece import SentencePieceProcessor

        self.model = model
        try:
            self._pieces = SentencePieceProcessor(model_proto=model)
        except RuntimeError as error:
            raise CheckpointError(f"{FILE} is damaged ({error}); fetch or copy it again") from error

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """CheckpointError where the folder has none, or a damaged one."""
        path = folder / FILE
        if not path.is_file():
            raise CheckpointError(f"{path} is missing; a listener's folder needs it")
        return cls(path.read_bytes())

    @classmethod
    def learn(cls, texts: Iterable[str], characters: Sequence[str], size: int) -> Vocabulary:
        """Make one.

        Args:
            texts: in English; Chinese characters in them are each a piece of its own.
            characters: Chinese ones.
            size: number of the other pieces, about.
        """
        from sentencepiece import SentencePieceTrainer

        out = io.BytesIO()
        SentencePieceTrainer.train(
            sentence_iterator=(f" {text}" for text in texts),
            model_writer=out,
            vocab_size=size + len(characters),
            model_type="bpe",
            character_coverage=1.0,
            user_defined_symbols=list(characters),
            unk_id=0,
            bos_id=LISTEN,
            eos_id=-1,
            pad_id=-1,
            hard_vocab_limit=False,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            num_threads=1,
            minloglevel=2,
        )
        return cls(out.getvalue())

    def __len__(self) -> int:
        return self._pieces.vocab_size()

    def encode(self, word: str) -> list[int]:
        """Pieces of a word; a space before it says that it stands apart from what is before."""
        return self._pieces.encode(word)

    def decode(self, pieces: Sequence[int]) -> str:
        """The text of pieces, with the spaces in it and before it."""
        named = (self._pieces.id_to_piece(p) for p in pieces if p > LISTEN)
        return "".join(named).replace("▁", " ")
