"""Is this a Japanese document? What a language model says, held against the grammar that each paragraph shows.

The question is one of kind, not of amount: a Japanese manual half in English stays, a Chinese page with の or with readings
in brackets goes. How much of a page must be Japanese is for the script filters (JA1xx) to say.

The score is a share of letters with a small prior, as in a beta distribution:

    japanese = (J + PRIOR * p) / (J + A + PRIOR)

J: Japanese letters in Japanese paragraphs (`stages.language.paragraphs`)
A: letters against: ideographs of Chinese paragraphs, Hangul, other scripts, and Latin at a discount, because code,
   names and quotations fill Japanese pages and a page in English is told by JA103
p: the model's probability of Japanese, for what is too short or too even for the paragraphs to decide; 0 without kana
   and without ideographs that only Japanese has: the model alone takes 230 of 1,173 short Chinese texts for Japanese

A page's word about itself (`<html lang>`, its title) is heard, but only on Latin: where it claims Japanese, Latin letters
do not count, and p is at least an even chance if there is a kana in text or title. A letter or two of Chinese or Korean
outweigh that. So a listing, or a help page that is not translated yet, reaches the script filters, which drop it by what
it is (JA103). A claim of another language ends the discount.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stages.base import Sidecar, Sink
from stages.digest import sha256_of
from stages.edits.edits import edited
from stages.language.lid import BUILT_IN, identify, model_path
from stages.language.paragraphs import Evidence, evidence

# How many letters of evidence the model's word is worth: a word or two.
PRIOR = 5.0
# p of a page that says it is Japanese and shows a kana, and of letters that are mostly kana: a little better than even.
CLAIMED = 0.6
# What a Latin letter outside Japanese paragraphs counts, by what the page claims. A word in Latin letters is three times as
# long as in Japanese; 1/50 keeps what the plain rule "a hundredth of the text is kana" keeps, as half of Japanese is kana
# (P .997, R .987 on 3,332 extracted pages).
_LATIN_OF_CLAIM = {True: 0.0, None: 1 / 50, False: 1 / 3}
_JAPANESE_CODES = ("ja", "jpn", "jp")  # the last one is no language code, but is what many pages write


class Score(NamedTuple):
    japanese: float  # how surely this is a Japanese document, 0 to 1; 0.5 is an even chance
    paragraphs: float  # share of its letters in Japanese paragraphs, 0 to 1


def score(text: str, model_says: float, title: str = "", declared: str = "") -> Score:
    """How Japanese a document is, given the model's probability of Japanese. O(len(text)) for any `str`."""
    body, head = evidence(text), evidence(title)
    claim = claims_japanese(head, declared)
    foreign = body.chinese + body.foreign
    prior = model_says if body.kana or (body.native and not foreign) else 0.0
    if 2 * body.kana > body.letters or (claim and (body.kana or head.kana)):
        prior = max(prior, CLAIMED)
    against = foreign + body.latin * _LATIN_OF_CLAIM[claim]
    return Score(
        japanese=(body.japanese + PRIOR * prior) / (body.japanese + against + PRIOR),
        paragraphs=body.in_japanese / body.letters if body.letters else 0.0,
    )


def claims_japanese(title: Evidence, declared: str) -> bool | None:
    """What a page says of itself: Japanese, another language (False), or nothing. `declared` as in <html lang>."""
    language = re.split("[-_]", declared.strip().lower())[0]
    if language:
        return language in _JAPANESE_CODES
    return True if title.japanese and not title.chinese else None


@dataclass(frozen=True)
class Language(Sidecar):
    """Scores every document; `model` is 'lid.176.ftz' (in a package) or a path to any fastText language model."""

    model: str = BUILT_IN

    name: ClassVar[str] = "language"
    version: ClassVar[int] = 3
    libraries: ClassVar[tuple[str, ...]] = ("fasttext-numpy2",)
    reads: ClassVar[Mapping[str, Sequence[str]]] = {
        "extract": ("text", "title", "declared_language"),
        "edits": ("edits",),
    }
    schema: ClassVar[pa.Schema] = pa.schema(
        [
            pa.field("language", pa.string(), nullable=False),  # the model's first choice, '' for an empty text
            pa.field("probability", pa.float64(), nullable=False),
            pa.field("japanese", pa.float64()),  # null: the text could not be edited or scored, and `judge` rejects it
            pa.field("japanese_paragraphs", pa.float64(), nullable=False),
        ]
    )

    def params(self) -> dict[str, Any]:
        return {}  # the model is told by its sha256, not by where it lies

    def resources(self) -> dict[str, str]:
        return {"model": sha256_of(model_path(self.model))}

    def rows(self, batch: Mapping[str, pa.Table], sink: Sink) -> pa.Table:
        path = model_path(self.model)
        extract = batch["extract"]
        texts = edited(extract["text"], batch["edits"]["edits"])
        # First the model on all, then the scores: taking turns, the two push each other's tables out of the cache and
        # need twice the time.
        answers = [identify(text, path) for text in texts]
        told = zip(extract["title"].to_pylist(), extract["declared_language"].to_pylist(), strict=True)
        scores = [
            score(text, answer.japanese, title, declared)
            for text, answer, (title, declared) in zip(texts, answers, told, strict=True)
        ]
        return pa.table(
            {
                "language": [answer.language for answer in answers],
                "probability": [answer.probability for answer in answers],
                "japanese": pc.if_else(batch["edits"]["edits"].is_valid(), [found.japanese for found in scores], None),
                "japanese_paragraphs": [found.paragraphs for found in scores],
            },
            schema=self.schema,
        )

    def unmeasured(self, document: Mapping[str, pa.Table]) -> dict[str, Any]:
        return {"language": "", "probability": 0.0, "japanese": None, "japanese_paragraphs": 0.0}
