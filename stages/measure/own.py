"""Measures that a recipe brings: a list of phrases, or a model, by path. `[[measure]]` in the recipe.

The contract of each kind, so that a value means the same wherever it was trained:

- `list`: characters that stand in a phrase of the file, among Japanese letters (`filters.listed`).
- `classifier`: the calibrated probability of a model that `seimai train-classifier` made.
- `fasttext`: any fastText classifier. The text is given as one line (every run of white space is one space); with
  `tokens = "characters"` a space between all characters, with "words" between the morphemes of the IPA dictionary, as the
  model was trained. The value is the probability of `label`, or, without one, the expected value of labels that are numbers
  (`__label__0` to `__label__3`), which is how the education classifiers of Swallow score.
- `kenlm`: perplexity a token, of the lines together, </s> of each line counted; needs the extra `kenlm`.

`form` says what is done to a text before a `fasttext` or `kenlm` model sees it: nothing ("as is"), "nfkc", "nfkc lower".
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, get_args

import fasttext
import pyarrow as pa

from filters import listed
from filters.chars import JAPANESE
from filters.classifier import Classifier
from filters.text import Text
from filters.words import Words
from stages.base import PATH, Sidecar, Sink
from stages.borne import of_the_text
from stages.digest import sha256_of
from stages.edits.edits import edited
from stages.errors import InputError
from stages.language import fasttext_file

Kind = Literal["list", "classifier", "fasttext", "kenlm"]
Tokens = Literal["text", "characters", "words"]
KINDS: Final[tuple[str, ...]] = get_args(Kind)
Form = Literal["as is", "nfkc", "nfkc lower"]
TOKENS: Final[tuple[str, ...]] = get_args(Tokens)
FORMS: Final[tuple[str, ...]] = get_args(Form)

PREFIX: Final = "own."  # of the codes of such measures: own.NAME
_LABEL: Final = "__label__"

Value = Callable[[str], float]


@dataclass(frozen=True)
class Own(Sidecar):
    """One float64 column, called by its code. Raises InputError for a file that is not what the kind asks for."""

    code: str
    kind: Kind
    path: str = field(metadata=PATH)
    label: str = ""
    tokens: Tokens = "text"
    form: Form = "as is"

    name: ClassVar[str] = "measure-own"
    version: ClassVar[int] = 1
    reads: ClassVar[Mapping[str, Sequence[str]]] = {"extract": ("id", "url", "text"), "edits": ("edits",)}

    @property
    def key(self) -> str:
        return f"measure-{self.code}"

    def resources(self) -> dict[str, str]:
        self.value()  # what is no such file is told here, before anything is submitted
        return {"file": sha256_of(Path(self.path))}

    def layout(self) -> pa.Schema:
        return pa.schema([pa.field(self.code, pa.float64())])

    def value(self) -> Value:
        """Text -> value. Any `str`."""
        path = Path(self.path)
        if not path.is_file():
            raise InputError(f"{self.code}: {path}: no such file")
        try:
            stamp = path.stat()
            value = _loaded(self.kind, path, self.label, self.tokens, (stamp.st_size, stamp.st_mtime_ns))
            return value if self.form == "as is" else lambda text: value(_formed(text, self.form))
        except (ValueError, InputError) as error:
            raise InputError(f"{self.code}: {error}") from None

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        value, extract = self.value(), batch["extract"]
        values: list[float | None] = []
        for row, text in enumerate(edited(extract["text"], batch["edits"]["edits"])):
            try:
                values.append(value(text))
            except Exception as error:  # recorded: `judge` sees null and says so
                if not of_the_text(error):
                    raise
                values.append(None)
                id, url = extract["id"][row].as_py().hex(), extract["url"][row].as_py()
                sink.quarantine(id=id, url=url, where=self.key, error=f"{type(error).__name__}: {error}")
        return pa.table([pa.array(values, pa.float64())], schema=self.layout())

    def unmeasured(self, document: Mapping[str, pa.Table]) -> dict[str, Any]:
        return {self.code: None}


def _formed(text: str, form: Form) -> str:
    folded = unicodedata.normalize("NFKC", text)
    return folded.lower() if form == "nfkc lower" else folded


def _list(path: Path, _label: str, _tokens: str) -> Value:
    phrases = listed.read([path])

    def density(written: str) -> float:
        text = Text(written)
        japanese = text.count(*JAPANESE)
        return min(1.0, phrases.find(text).count(path.stem).characters / japanese) if japanese else 0.0

    return density


def _classifier(path: Path, _label: str, _tokens: str) -> Value:
    model = Classifier.load(path)
    return lambda text: model.probability(Text(text))


def _fasttext(path: Path, label: str, tokens: str) -> Value:
    labels = fasttext_file.labels(path)
    wanted = _LABEL + label.removeprefix(_LABEL)
    if label and wanted not in labels:
        raise ValueError(f"{path}: no label {wanted}; it has {', '.join(sorted(labels)[:5])}")
    numbers = {name: _number(name.removeprefix(_LABEL)) for name in labels}
    if not label and None in numbers.values():
        raise ValueError(
            f"{path}: its labels are no numbers ({', '.join(sorted(labels)[:5])}); say whose probability is asked: label"
        )
    model, parts = fasttext.load_model(str(path)), _parts(tokens)

    def probability(text: str) -> float:
        line = " ".join(parts(text)).encode("utf-8", "replace").decode()
        answers = model.f.predict(line + "\n", len(labels), 0.0, "strict")
        if label:
            return min(1.0, max((float(p) for p, name in answers if name == wanted), default=0.0))
        whole = sum(float(p) for p, _ in answers)
        return sum(float(p) * float(numbers[name] or 0) for p, name in answers) / whole if whole else 0.0

    return probability


def _number(label: str) -> float | None:
    try:
        return float(label)
    except ValueError:
        return None


def _kenlm(path: Path, _label: str, tokens: str) -> Value:
    try:
        import kenlm
    except ImportError:
        raise ValueError("kind = 'kenlm' needs the package kenlm: pip install 'seimai[kenlm]'") from None
    try:
        model = kenlm.Model(str(path))
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path}: not a KenLM model: {error}") from None
    parts = _parts(tokens)

    def perplexity(text: str) -> float:
        lines = [parts(line.encode("utf-8", "replace").decode()) for line in text.split("\n") if line.strip()]
        count = sum(len(line) + 1 for line in lines)
        bits = sum(model.score(" ".join(line), bos=True, eos=True) for line in lines)
        return float(10 ** min(300.0, -bits / count)) if count else 0.0

    return perplexity


def _parts(tokens: str) -> Callable[[str], list[str]]:
    if tokens == "characters":
        return lambda text: [character for character in text if not character.isspace()]
    if tokens == "words":
        return lambda text: [morpheme.surface for morpheme in Words(text).morphemes if morpheme.surface.strip()]
    return str.split


_VALUES: Final[Mapping[str, Callable[[Path, str, str], Value]]] = {
    "list": _list,
    "classifier": _classifier,
    "fasttext": _fasttext,
    "kenlm": _kenlm,
}


@lru_cache(maxsize=8)
def _loaded(kind: Kind, path: Path, label: str, tokens: str, _stamp: tuple[int, int]) -> Value:
    """Once a process, and again where the file has changed."""
    return _VALUES[kind](path, label, tokens)
